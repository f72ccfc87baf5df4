//! Starts the child, kills it, and looks at what it has left: all that anybody was told is there, the rest is whole or
//! not there, and all of it is one history.

use crate::{
    common::{Random, compose, options},
    model::Model,
};
use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};
use tidegate_store::{Body, Expected, OpenError, Store, Write};

#[derive(Default)]
struct Totals {
    told: usize,
    /// Writes that happened and were never acknowledged.
    untold: u64,
    killed_while_opening: usize,
}

pub(crate) fn run(rounds: u64, seed: u64) {
    let dir = env::temp_dir().join(format!("tidegate-store-crash-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    let begin = Instant::now();
    let done = catch_unwind(AssertUnwindSafe(|| all_rounds(&dir, rounds, seed)));
    let totals = done.unwrap_or_else(|_| {
        say(&format!("failed with seed {seed}; see {}\n", dir.display()));
        std::process::exit(1);
    });
    let _ = fs::remove_dir_all(&dir);
    say(&format!(
        "killed {rounds} times ({} while opening) in {:.1} s: {} told and there, {} more there; seed {seed}\n",
        totals.killed_while_opening,
        begin.elapsed().as_secs_f64(),
        totals.told,
        totals.untold
    ));
    assert!(totals.told > 0, "nothing was written");
}

fn say(line: &str) {
    io::stdout()
        .lock()
        .write_all(line.as_bytes())
        .expect("an output");
}

fn all_rounds(dir: &Path, rounds: u64, seed: u64) -> Totals {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let mut random = Random::new(seed);
    let mut model = Model::default();
    let mut totals = Totals::default();
    for round in 0..rounds {
        let mut child = Writer::start(dir, seed.wrapping_add(round));
        let before = model.revision;
        if random.below(6) == 0 {
            thread::sleep(Duration::from_micros(random.below(8000)));
            totals.killed_while_opening += 1;
        } else {
            child.wait_until_open(before);
            if random.below(8) == 0 {
                let second = Store::open(dir, options());
                assert!(
                    matches!(second, Err(OpenError::Locked { .. })),
                    "{second:?}"
                );
            }
            thread::sleep(Duration::from_micros(random.below(150_000)));
        }
        let lines = child.kill();
        runtime.block_on(look(dir, &mut model, &lines, &mut random));
        totals.told += lines.len();
        let acknowledged = lines.iter().filter(|line| line.starts_with("ack ")).count() as u64;
        // One of them is the parent's own.
        totals.untold += model.revision - before - acknowledged - 1;
    }
    totals
}

/// Looks at what is left, and writes once more.
async fn look(dir: &Path, model: &mut Model, lines: &[String], random: &mut Random) {
    let store = Store::open(dir, options()).unwrap_or_else(|error| panic!("{error}"));
    model.follow(&store).await;
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        if let ["ack" | "see", revision, key, digest] = words[..] {
            let revision = revision.parse().expect("a revision");
            model.check_told(
                revision,
                key,
                u64::from_str_radix(digest, 16).expect("a digest"),
            );
        }
    }
    model.check_state(&store);
    model.check_feeds(&store, random).await;
    let (bytes, at) = compose(None, "parent");
    let body = Body {
        bytes: bytes.into_bytes(),
        revision_at: Some(at),
    };
    let write = Write::Put {
        key: "pods/parent",
        expected: Expected::Any,
        body,
    };
    store.write(write).await.expect("written");
    model.follow(&store).await;
    if random.below(2) == 0 {
        store.close().await.expect("closed");
    }
}

struct Writer {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Writer {
    fn start(dir: &Path, seed: u64) -> Self {
        let program: PathBuf = env::current_exe().expect("a program");
        let mut child = Command::new(program)
            .arg("write")
            .arg(dir)
            .arg(seed.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines() {
                let _ = sender.send(line.expect("a line"));
            }
        });
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    fn wait_until_open(&mut self, revision: u64) {
        let first = self.lines.recv_timeout(Duration::from_secs(60));
        let first = first.expect("the child opens");
        assert_eq!(first, format!("open {revision}"), "it finds what was left");
        self.seen.push(first);
    }

    /// Kills it, and returns all that it has said.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("killed");
        let status = self.child.wait().expect("ended");
        assert_eq!(status.code(), None, "it ended by itself: {status}");
        self.seen.extend(self.lines.iter());
        self.seen
    }
}
