//! The built command: run to its end, or as a server that is ready.

use super::{api::Api, folder::Folder};
use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often a test looks again at what it waits for.
const PAUSE: Duration = Duration::from_millis(10);

/// What a finished command left.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command
        .args(arguments)
        .env_remove("KUBECONFIG")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command that ends by itself.
pub(crate) fn finish(arguments: &[&str]) -> Finished {
    let child = command(arguments).spawn().expect("it starts");
    let mut running = Running::of(child);
    let code = running.wait();
    let text = |lines: Receiver<String>| lines.iter().map(|line| line + "\n").collect();
    let nothing = || channel().1;
    Finished {
        code,
        stdout: text(std::mem::replace(&mut running.out, nothing())),
        stderr: text(std::mem::replace(&mut running.err, nothing())),
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
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::of(command(arguments).spawn().expect("it starts"))
    }

    /// What a shell makes of a line.
    pub(crate) fn shell(line: &str) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).env_remove("KUBECONFIG");
        shell.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::of(shell.spawn().expect("it starts"))
    }

    fn of(mut child: Child) -> Self {
        let out = lines(child.stdout.take().expect("piped"));
        let err = lines(child.stderr.take().expect("piped"));
        Self { child, out, err }
    }

    /// The first line of output with these words.
    pub(crate) fn says(&self, words: &str) -> String {
        first(&self.out, words)
    }

    /// The first line of standard error with these words, among those that no one has asked for.
    pub(crate) fn complains(&self, words: &str) -> String {
        first(&self.err, words)
    }

    /// All that it has complained about since the last question.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.err.try_iter().collect()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Its exit code; nothing if it was killed, by a test or for its slowness.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return status.code();
            }
            if Instant::now() > deadline {
                self.child.kill().expect("it is killed");
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A `tidegate up` that is ready.
#[derive(Debug)]
pub(crate) struct Up {
    pub(crate) running: Running,
    pub(crate) url: String,
    pub(crate) kubeconfig: PathBuf,
    /// Where its gateway answers questions.
    pub(crate) admin: Option<SocketAddr>,
}

impl Up {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::of(Running::start(
            &[&["up", "--no-gateway"], arguments].concat(),
        ))
    }

    /// The gateway is ready too.
    pub(crate) fn with_gateway(arguments: &[&str]) -> Self {
        let mut up = Self::of(Running::start(&[&["up"], arguments].concat()));
        let line = up.running.says("The gateway answers questions at http://");
        let address = line.rsplit('/').next().expect("an address");
        up.admin = Some(address.parse().expect("an address"));
        up
    }

    /// Of a command that was started already.
    pub(crate) fn of(running: Running) -> Self {
        let line = running.says("Tidegate is up: ");
        let url = line.rsplit(' ').next().expect("a URL").to_owned();
        let line = running.says("export KUBECONFIG=");
        let kubeconfig = line.split_once('=').expect("a path").1.into();
        Self {
            running,
            url,
            kubeconfig,
            admin: None,
        }
    }

    /// With a data directory in the folder, and more arguments.
    pub(crate) fn on(folder: &Folder, arguments: &[&str]) -> Self {
        let data = folder.text("data");
        Self::start(&[&["--data-dir", &data], arguments].concat())
    }

    /// As its administrator.
    pub(crate) fn api(&self) -> Api {
        Api::of(&self.kubeconfig)
    }

    /// Ends it in peace.
    pub(crate) fn end(mut self) {
        self.running.signal("TERM");
        assert_eq!(self.running.wait(), Some(0));
    }
}

/// Waits until something is there.
#[track_caller]
pub(crate) fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "no {what} in time");
        thread::sleep(PAUSE);
    }
}

#[track_caller]
fn first(lines: &Receiver<String>, words: &str) -> String {
    let mut seen = Vec::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) if line.contains(words) => return line,
            Ok(line) => seen.push(line),
            Err(_) => panic!("no {words:?} but {seen:#?}"),
        }
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
