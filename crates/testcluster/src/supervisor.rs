//! The supervisor's process: built, started, and ended with this value.
//!
//! All of it blocks. It ends when its standard input does, so it also ends when this process is
//! killed. It lives outside any async runtime, because a shared cluster outlives each test's.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;

use crate::Error;

/// What the supervisor says when the cluster is up, and when it is asked for its status.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Status {
    pub(crate) dir: PathBuf,
    pub(crate) server: String,
    pub(crate) kubeconfigs: BTreeMap<String, PathBuf>,
    pub(crate) ca: PathBuf,
    pub(crate) tokens: BTreeMap<String, String>,
    pub(crate) control: PathBuf,
    pub(crate) audit_log: Option<PathBuf>,
    pub(crate) pids: BTreeMap<String, u32>,
}

/// A running supervisor. Dropping it stops the cluster and waits until all processes are gone.
#[derive(Debug)]
pub(crate) struct Supervisor {
    pub(crate) binary: PathBuf,
    pub(crate) status: Status,
    _process: Process,
}

#[derive(Debug)]
struct Process {
    child: Child,
    stdin: Option<ChildStdin>, // its end is the order to stop
}

/// How long a supervisor may take to stop before it is killed; it needs 0.1 s.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

impl Supervisor {
    /// Builds the binary if needed (minutes, the first time) and starts a cluster (seconds).
    pub(crate) fn start(arguments: &[String]) -> Result<Self, Error> {
        let binary = build()?;
        let mut child = Command::new(&binary)
            .args(["up", "--stop-on-stdin-eof"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| Error::Spawn {
                program: binary.clone(),
                source,
            })?;
        let complaints = Complaints::follow(child.stderr.take(), Echo::Silent);
        let stdout = child.stdout.take();
        let stdin = child.stdin.take();
        let process = Process { child, stdin };
        let status = first_line(stdout, complaints)?;
        Ok(Self {
            binary,
            status,
            _process: process,
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let deadline = Instant::now() + STOP_PATIENCE;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(5)),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        // Its children die with it, by the parent-death signal. An error means that it just ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The binary of the test cluster, which is kubectl too. Runs `build.sh`, which answers at once if it is cached.
pub fn build() -> Result<PathBuf, Error> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testcluster/build.sh");
    let mut child = Command::new(&script)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| Error::Spawn {
            program: script.clone(),
            source,
        })?;
    let complaints = Complaints::follow(child.stderr.take(), Echo::Loud);
    let mut path = String::new();
    let read = child
        .stdout
        .take()
        .map(|mut stdout| stdout.read_to_string(&mut path));
    let ended = child.wait();
    match (read, ended) {
        (Some(Ok(_)), Ok(status)) if status.success() => Ok(PathBuf::from(path.trim_end())),
        _ => Err(Error::Build {
            reason: complaints.text(),
        }),
    }
}

fn first_line(stdout: Option<impl Read>, complaints: Complaints) -> Result<Status, Error> {
    let mut line = String::new();
    if let Some(stdout) = stdout {
        // An error is treated like the end of output: the complaints say more than it does.
        drop(BufReader::new(stdout).read_line(&mut line));
    }
    if line.is_empty() {
        return Err(Error::Start {
            reason: complaints.text(),
        });
    }
    serde_json::from_str(&line).map_err(|source| Error::Protocol {
        answer: line,
        source,
    })
}

/// Whether a child's lines are also shown, past the test harness's capture.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Echo {
    Loud,
    Silent,
}

/// What a child writes to standard error. A thread reads it to its end, so the child never blocks.
struct Complaints(Option<thread::JoinHandle<VecDeque<String>>>);

impl Complaints {
    const LINES_MAX: usize = 40;

    fn follow(output: Option<impl Read + Send + 'static>, echo: Echo) -> Self {
        Self(output.map(|output| thread::spawn(move || Self::read(output, echo))))
    }

    fn read(output: impl Read, echo: Echo) -> VecDeque<String> {
        let mut kept = VecDeque::new();
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if echo == Echo::Loud {
                // It does not matter whether progress could be shown.
                drop(writeln!(io::stderr(), "{line}"));
            }
            if kept.len() == Self::LINES_MAX {
                kept.pop_front();
            }
            kept.push_back(line);
        }
        kept
    }

    /// The last lines, once the child has closed its output.
    fn text(self) -> String {
        let lines = self
            .0
            .and_then(|reader| reader.join().ok())
            .unwrap_or_default();
        Vec::from(lines).join("\n")
    }
}
