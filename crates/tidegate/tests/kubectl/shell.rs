//! A shell in which `kubectl` is the real one and talks to one server.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// The shell, and the server if it is ours.
pub(super) struct Shell {
    folder: PathBuf,
    kubeconfig: PathBuf,
    server: Option<Child>,
}

impl Shell {
    /// Starts `tidegate up`.
    pub(super) fn on_tidegate() -> Self {
        let folder = folder();
        let kubeconfig = folder.join("kubeconfig");
        let mut server = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["up", "--no-gateway", "--in-memory", "--kubeconfig"])
            .arg(&kubeconfig)
            .stdout(Stdio::piped())
            .spawn()
            .expect("tidegate starts");
        let mut line = String::new();
        let out = server.stdout.as_mut().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        assert!(line.contains("is up"), "{line}");
        Self::new(folder, kubeconfig, Some(server))
    }

    /// Uses a server that runs.
    pub(super) fn on(kubeconfig: &Path) -> Self {
        Self::new(folder(), kubeconfig.to_owned(), None)
    }

    fn new(folder: PathBuf, kubeconfig: PathBuf, server: Option<Child>) -> Self {
        let binary = tidegate_testcluster::binary().expect("kubectl");
        let kubectl = folder.join("bin/kubectl");
        fs::create_dir_all(folder.join("bin")).expect("a folder");
        let script = format!(
            "#!/bin/sh\nexec '{}' kubectl --cache-dir '{}' \"$@\"\n",
            binary.display(),
            folder.join("cache").display()
        );
        fs::write(&kubectl, script).expect("a script");
        let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
        fs::set_permissions(&kubectl, mode).expect("a mode");
        Self {
            folder,
            kubeconfig,
            server,
        }
    }

    /// Runs a line; gives what it printed, both streams in one, and its exit code.
    pub(super) fn run(&self, namespace: &str, line: &str) -> (String, i32) {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("bash")
            .arg("-c")
            .arg(format!("exec 2>&1; {line}"))
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kubectl/files"))
            .env(
                "PATH",
                format!("{}:{path}", self.folder.join("bin").display()),
            )
            .env("KUBECONFIG", &self.kubeconfig)
            .env("NS", namespace)
            .env("HOME", &self.folder)
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (text, output.status.code().unwrap_or(-1))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // It may have ended by itself; then the test has failed already.
            let _ = server.kill();
            let _ = server.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tidegate-kubectl-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}
