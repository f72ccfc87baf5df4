//! Recorded answers: each line of `data/*.jsonl` is `{"name", "ask", "answer"}`.

use crate::{answer, oracle::Oracle, schemas};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(schemas::data())
        .expect("the folder of data")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "jsonl"))
        .collect();
    files.sort();
    files
}

fn lines(path: &PathBuf) -> Vec<Value> {
    fs::read_to_string(path)
        .expect("a file")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

#[test]
fn recorded_questions_have_the_same_answers() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in files() {
        for line in lines(&file) {
            count += 1;
            let ask = &line["ask"];
            let theirs = answer::normal(ask, &line["answer"]);
            let ours = answer::normal(ask, &answer::answer(ask));
            if ours != theirs {
                let name = &line["name"];
                wrong.push(format!(
                    "{name}\n  ask    {ask}\n  theirs {theirs}\n  ours   {ours}"
                ));
            }
        }
    }
    assert!(count > 100, "there are recorded questions");
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Whether the oracle still says what was recorded. With `MERGE_RECORD` set, writes what it says.
#[test]
#[ignore = "needs Go and its modules"]
fn recorded_answers_are_the_oracles() {
    let mut oracle = Oracle::start();
    let record = std::env::var_os("MERGE_RECORD").is_some();
    for file in files() {
        let mut text = String::new();
        for line in lines(&file) {
            let ask = &line["ask"];
            let theirs = oracle.answer(ask);
            assert!(theirs["code"] != -1, "{line}: the oracle failed: {theirs}");
            if !record {
                let recorded = answer::normal(ask, &line["answer"]);
                assert_eq!(recorded, answer::normal(ask, &theirs), "{line}");
            }
            let line = json!({"name": line["name"], "ask": ask, "answer": theirs});
            text.push_str(&line.to_string());
            text.push('\n');
        }
        if record {
            fs::write(&file, text).expect("the file can be written");
        }
    }
}
