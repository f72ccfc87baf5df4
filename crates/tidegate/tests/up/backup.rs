//! `tidegate backup` and `tidegate restore`.

use crate::{
    folder::{Folder, mode},
    process::{Up, finish},
};
use std::fs;

/// Runs `backup` or `restore` on a directory and a file of the folder: its exit code and what it says.
fn run(folder: &Folder, command: &str, data: &str, file: &str) -> (Option<i32>, String) {
    let finished = finish(&[
        command,
        "--data-dir",
        &folder.text(data),
        &folder.text(file),
    ]);
    assert_eq!(finished.stdout, "");
    (finished.code, finished.stderr)
}

fn fine() -> (Option<i32>, String) {
    (Some(0), String::new())
}

#[test]
fn while_it_runs_and_at_rest() {
    let folder = Folder::new();
    let up = Up::on(&folder, &[]);
    let object = up.api().create("a");
    assert_eq!(run(&folder, "backup", "data", "running"), fine());
    up.api().create("b");
    up.end();
    assert_eq!(run(&folder, "backup", "data", "rest"), fine());
    assert_eq!(mode(&folder.path("running")), 0o600);
    for (file, has_b) in [("running", false), ("rest", true)] {
        let data = format!("from-{file}");
        assert_eq!(run(&folder, "restore", &data, file), fine());
        let up = Up::start(&["--data-dir", &folder.text(&data)]);
        assert_eq!(up.api().config_map("a").as_ref(), Some(&object), "{file}");
        assert_eq!(up.api().config_map("b").is_some(), has_b, "{file}");
        up.end();
    }
}

#[test]
fn what_is_there_is_never_overwritten() {
    let folder = Folder::new();
    let up = Up::on(&folder, &[]);
    up.api().create("a");
    folder.write("file", "mine");
    let (code, words) = run(&folder, "backup", "data", "file");
    assert!(
        code == Some(1) && words.starts_with("error: cannot write "),
        "{words}"
    );
    assert_eq!(fs::read(folder.path("file")).expect("a file"), b"mine");
    assert_eq!(run(&folder, "backup", "data", "backup"), fine());
    let (code, words) = run(&folder, "restore", "data", "backup");
    assert!(code == Some(1) && words.contains("is in use"), "{words}");
    assert!(up.api().config_map("a").is_some());
}

#[test]
fn what_is_no_backup_is_refused() {
    let folder = Folder::new();
    let up = Up::on(&folder, &[]);
    up.api().create("a");
    assert_eq!(run(&folder, "backup", "data", "backup"), fine());
    up.end();
    let good = fs::read(folder.path("backup")).expect("a backup");
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    for (name, bytes) in [
        ("half", &good[..good.len() / 2]),
        ("flipped", &flipped),
        ("text", b"hello"),
        ("empty", b""),
    ] {
        fs::write(folder.path(name), bytes).expect("a file");
        let (code, words) = run(&folder, "restore", "new", name);
        assert!(
            code == Some(1) && words.starts_with("error: "),
            "{name}: {words}"
        );
    }
    // Nothing that is left of it is in the way.
    assert_eq!(run(&folder, "restore", "new", "backup"), fine());
    let (code, words) = run(&folder, "restore", "new", "backup");
    assert!(code == Some(1) && words.contains("is not empty"), "{words}");
}

#[test]
fn of_nothing_there_is_none() {
    let folder = Folder::new();
    let (code, words) = run(&folder, "backup", "nothing", "backup");
    assert!(code == Some(1) && words.contains("nothing"), "{words}");
    assert!(!folder.path("backup").exists() && !folder.path("nothing").exists());
}
