//! Runs the built command: to its end, or alive with its lines read one by one.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a finished command left.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The command with a clean environment; nothing of the developer's own cluster gets in.
pub(crate) fn tidegate(kubeconfig: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .env_remove("TIDEGATE_WEBHOOK_SECRET")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null());
    command
}

/// Runs to the end; killed, and thereby without an exit code, if that takes too long.
pub(crate) fn finish(command: &mut Command) -> Finished {
    let mut running = Running::start(command);
    let status = running.wait();
    let stdout: Vec<String> = running.out.iter().collect();
    let stderr: Vec<String> = running.err.iter().collect();
    let text = |lines: Vec<String>| lines.iter().map(|line| format!("{line}\n")).collect();
    Finished {
        code: status.code(),
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

/// A command that runs. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let out = lines(child.stdout.take().expect("piped"));
        let err = lines(child.stderr.take().expect("piped"));
        Self { child, out, err }
    }

    /// The next line of output.
    pub(crate) fn line(&self) -> String {
        next(&self.out).expect("another line of output")
    }

    /// Lines of output up to the first that the test accepts, which is returned.
    pub(crate) fn line_with(&self, words: &str) -> String {
        self.find(|line| line.contains(words).then(|| line.to_owned()), words)
    }

    /// Events up to the first that the test accepts.
    pub(crate) fn event(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let parse =
            |line: &str| -> Value { serde_json::from_str(line).expect("one JSON object a line") };
        self.find(|line| Some(parse(line)).filter(&wanted), what)
    }

    fn find<T>(&self, take: impl Fn(&str) -> Option<T>, what: &str) -> T {
        let mut seen = Vec::new();
        loop {
            match next(&self.out) {
                Some(line) => match take(&line) {
                    Some(found) => return found,
                    None => seen.push(line),
                },
                None => panic!(
                    "no {what} after\n{}\nstderr: {:?}",
                    seen.join("\n"),
                    self.err.try_iter().collect::<Vec<_>>()
                ),
            }
        }
    }

    /// Lines of standard error up to the first with these words.
    pub(crate) fn complaint(&self, words: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match next(&self.err) {
                Some(line) if line.contains(words) => return line,
                Some(line) => seen.push(line),
                None => panic!("no {words:?} on standard error, but {seen:?}"),
            }
        }
    }

    /// All output lines that are there by now.
    pub(crate) fn drain(&self) -> Vec<String> {
        self.out.try_iter().collect()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    /// Stops reading its output, as `head` does.
    pub(crate) fn close_output(&mut self) {
        self.out = channel().1;
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.child.try_wait().expect("waited for") {
                Some(status) => return status,
                None if Instant::now() > deadline => {
                    let _ = self.child.kill();
                    return self.child.wait().expect("waited for");
                }
                None => thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `None` at the end, or when nothing comes.
fn next(lines: &Receiver<String>) -> Option<String> {
    lines.recv_timeout(PATIENCE).ok()
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return; // closes the pipe
            }
        }
    });
    receiver
}
