//! Helm, and a server for it.

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};
use tidegate_client::{Client, ClientOptions, Purpose, Source};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/helm");
/// The longest object that is read.
const LARGEST: usize = 16 << 20;

/// Helm's binary, and a running `tidegate up`.
pub(crate) struct Helm {
    binary: PathBuf,
    folder: PathBuf,
    server: Child,
}

impl Helm {
    /// Builds Helm unless it is there, and starts a server.
    pub(crate) fn start() -> Self {
        let built = Command::new(format!("{HERE}/build.sh"))
            .stderr(Stdio::inherit())
            .output();
        let built = built.expect("the script runs");
        assert!(built.status.success(), "Helm can't be built");
        let binary = String::from_utf8_lossy(&built.stdout).trim().into();
        let folder = std::env::temp_dir().join(format!("tidegate-helm-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let mut server = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["up", "--no-gateway", "--in-memory", "--kubeconfig"])
            .arg(folder.join("kubeconfig"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("tidegate starts");
        let mut line = String::new();
        let out = server.stdout.as_mut().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        assert!(line.contains("is up"), "{line}");
        Self {
            binary,
            folder,
            server,
        }
    }

    fn call(&self, arguments: &[&str]) -> Output {
        let chart = format!("{HERE}/chart");
        let arguments = arguments.iter().map(|&word| {
            if word == "CHART" {
                chart.as_str()
            } else {
                word
            }
        });
        Command::new(&self.binary)
            .args(arguments)
            .args(["--namespace", "harbor"])
            .env("KUBECONFIG", self.folder.join("kubeconfig"))
            .env("HOME", &self.folder)
            .env("XDG_CACHE_HOME", self.folder.join("cache"))
            .output()
            .expect("Helm runs")
    }

    /// What a command prints that works.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.call(arguments);
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "helm {arguments:?}: {complaints}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What a command complains about that doesn't.
    pub(crate) fn fail(&self, arguments: &[&str]) -> String {
        let output = self.call(arguments);
        assert!(!output.status.success(), "helm {arguments:?} works");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// An object on the server.
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let source = Source::Kubeconfig {
            path: Some(self.folder.join("kubeconfig")),
            context: None,
            cluster: None,
            user: None,
        };
        runtime.expect("a runtime").block_on(async {
            let client = Client::connect(source, ClientOptions::default())
                .await
                .expect("a client");
            let answer = client
                .get(path, "application/json", Purpose::Call)
                .await
                .expect("an answer");
            let status = answer.status.as_u16();
            assert!(status == 200 || status == 404, "{path}: {status}");
            let bytes = answer.bytes(LARGEST).await.expect("a body");
            (status == 200).then(|| serde_json::from_slice(&bytes).expect("JSON"))
        })
    }
}

impl Drop for Helm {
    fn drop(&mut self) {
        // Whatever is left of either is in the system's folder for such things.
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
