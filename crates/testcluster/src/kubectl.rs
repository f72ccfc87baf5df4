//! kubectl against the cluster: the same version as the API server, and its own discovery cache.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{io::AsyncWriteExt, process::Command};

use crate::Error;

/// What a successful kubectl wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error: warnings, since the call succeeded.
    pub stderr: String,
}

/// How to call kubectl.
#[derive(Debug)]
pub(crate) struct Kubectl<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) kubeconfig: &'a Path,
    pub(crate) cache: PathBuf,
}

impl Kubectl<'_> {
    pub(crate) async fn run(&self, arguments: &[&str], input: &str) -> Result<Output, Error> {
        let spawn_error = |source| Error::Spawn {
            program: self.binary.to_owned(),
            source,
        };
        let mut child = Command::new(self.binary)
            .arg("kubectl")
            .arg("--kubeconfig")
            .arg(self.kubeconfig)
            .arg("--cache-dir")
            .arg(&self.cache)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(spawn_error)?;
        let stdin = child.stdin.take();
        let write = async {
            if let Some(mut stdin) = stdin {
                // If kubectl ends before it has read all, its exit code and words say why.
                drop(stdin.write_all(input.as_bytes()).await);
            }
        };
        let ((), output) = tokio::join!(write, child.wait_with_output());
        let output = output.map_err(spawn_error)?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(Error::Kubectl {
                arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
                code: output.status.code().unwrap_or(-1),
                stderr,
            });
        }
        Ok(Output {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr,
        })
    }
}
