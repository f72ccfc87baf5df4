//! Real kubectl against `tidegate up`: what it prints must be what it prints with a real cluster.
//!
//! A script is a file in `scripts/`: lines that begin with `$ ` are run by a shell, below each is what it printed with
//! the real kube-apiserver, and `? 1` is its exit code. `TIDEGATE_RECORD=1` runs all scripts on the real one again and
//! writes what it prints. What is known to differ, and why, is in `known.txt`. Each script has a namespace of its own, `$NS`, and the folder `files/` at hand.

mod normal;
mod script;
mod shell;

use self::{script::Script, shell::Shell};
use std::{fs, path::PathBuf};
use tidegate_testcluster::{Cluster, Options};

fn scripts() -> Vec<PathBuf> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kubectl/scripts");
    let entries = fs::read_dir(dir).expect("the scripts");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a script").path())
        .collect();
    paths.sort();
    paths
}

fn chosen(path: &std::path::Path) -> bool {
    let wanted = std::env::var("TIDEGATE_SCRIPT").unwrap_or_default();
    path.file_stem()
        .is_some_and(|stem| stem.to_string_lossy().contains(&wanted))
}

#[test]
fn kubectl_prints_what_it_prints_with_a_real_cluster() {
    if std::env::var_os("TIDEGATE_RECORD").is_some() {
        return record();
    }
    let shell = Shell::on_tidegate();
    let mut known = Known::read();
    let mut wrong = Vec::new();
    for path in scripts().iter().filter(|path| chosen(path)) {
        let script = Script::read(path);
        for step in script.run(&shell).compare(&script) {
            match (step.difference, known.take(&step.name)) {
                (Some(difference), false) => wrong.push(difference),
                (None, true) => {
                    wrong.push(format!("{} is known to differ, but doesn't", step.name))
                }
                (Some(_), true) | (None, false) => {}
            }
        }
    }
    let wrong = wrong.join("\n");
    assert!(
        wrong.is_empty(),
        "some commands print something else:\n{wrong}"
    );
    if std::env::var_os("TIDEGATE_SCRIPT").is_none() {
        assert!(
            known.is_empty(),
            "known differences of no command: {known:?}"
        );
    }
}

/// The commands that are known to differ.
#[derive(Debug)]
struct Known(Vec<String>);

impl Known {
    fn read() -> Self {
        let text = include_str!("known.txt");
        let lines = text
            .lines()
            .filter(|line| !line.starts_with(['#', ' ']) && !line.is_empty());
        Self(lines.map(str::to_owned).collect())
    }

    /// Whether a command is one of them.
    fn take(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|known| known != name);
        self.0.len() < before
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn record() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let cluster = runtime
        .block_on(Cluster::start_with(Options::default()))
        .expect("a real cluster");
    let shell = Shell::on(cluster.kubeconfig());
    for path in scripts().iter().filter(|path| chosen(path)) {
        let script = Script::read(path);
        fs::write(path, script.run(&shell).to_text()).expect("a script");
    }
}
