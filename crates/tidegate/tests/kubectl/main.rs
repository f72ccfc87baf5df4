//! Real kubectl against `tidegate up`: what it prints must be what it prints with a real cluster.
//!
//! A script is a file in `scripts/`: lines that begin with `$ ` are run by a shell, below each is what it printed with
//! the real kube-apiserver, and `? 1` is its exit code. `TIDEGATE_RECORD=1` runs all scripts on the real one again and
//! writes what it prints. Each script has a namespace of its own, `$NS`, and the folder `files/` at hand.

mod normal;
mod script;
mod shell;

use self::{script::Script, shell::Shell};
use std::{fs, path::PathBuf};
use tidegate_testcluster::{Cluster, Options};

fn scripts() -> Vec<PathBuf> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kubectl/scripts");
    let entries = fs::read_dir(dir).expect("the scripts");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a script").path()).collect();
    paths.sort();
    paths
}

fn chosen(path: &std::path::Path) -> bool {
    let wanted = std::env::var("TIDEGATE_SCRIPT").unwrap_or_default();
    path.file_stem().is_some_and(|stem| stem.to_string_lossy().contains(&wanted))
}

#[test]
fn kubectl_prints_what_it_prints_with_a_real_cluster() {
    if std::env::var_os("TIDEGATE_RECORD").is_some() {
        return record();
    }
    let shell = Shell::on_tidegate();
    let mut differences = Vec::new();
    for path in scripts().iter().filter(|path| chosen(path)) {
        let script = Script::read(path);
        differences.extend(script.run(&shell).differences(&script));
    }
    assert!(
        differences.is_empty(),
        "{} commands print something else:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

fn record() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let cluster = runtime.block_on(Cluster::start_with(Options::default())).expect("a real cluster");
    let shell = Shell::on(cluster.kubeconfig());
    for path in scripts().iter().filter(|path| chosen(path)) {
        let script = Script::read(path);
        fs::write(path, script.run(&shell).to_text()).expect("a script");
    }
}
