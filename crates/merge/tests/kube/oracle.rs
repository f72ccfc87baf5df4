//! The oracle: a Go program with Kubernetes' libraries, asked over a pipe.

use crate::{answer, generate, schemas};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// The program, running.
pub(crate) struct Oracle {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    /// Builds and starts it. Needs Go and its modules.
    pub(crate) fn start() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle");
        let binary = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("merge-oracle");
        let built = Command::new("go")
            .args(["build", "-o"])
            .arg(&binary)
            .arg(".")
            .current_dir(folder)
            .status()
            .expect("Go is installed");
        assert!(built.success(), "the oracle does not build");
        let mut child = Command::new(binary)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the oracle starts");
        Self {
            ask: child.stdin.take().expect("a pipe"),
            answers: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
        }
    }

    /// Its answer to one question.
    pub(crate) fn answer(&mut self, question: &Value) -> Value {
        let mut question = question.clone();
        let name = question.pointer("/owners/schemas").and_then(Value::as_str);
        if let Some(name) = name.map(str::to_owned) {
            question["owners"]["schemas"] = schemas::path(&name).to_string_lossy().into();
        }
        writeln!(self.ask, "{question}").expect("the oracle listens");
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .expect("the oracle answers");
        serde_json::from_str(&line).expect("an answer")
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // It has nothing to lose.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Thousands of generated questions. `MERGE_SEED` and `MERGE_ROUNDS` say which.
#[test]
#[ignore = "needs Go and its modules"]
fn generated_questions_have_the_same_answers() {
    let number = |name: &str, default: u64| -> u64 {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let (seed, rounds) = (number("MERGE_SEED", 1), number("MERGE_ROUNDS", 3_000));
    let only = std::env::var("MERGE_ONLY").unwrap_or_default();
    let mut oracle = Oracle::start();
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for round in 0..rounds {
        for question in generate::questions(seed.wrapping_mul(1_000_003) + round, &only) {
            asked += 1;
            if let Some((theirs, ours)) = differ(&mut oracle, &question) {
                wrong.push((question.to_string(), differences(&theirs, &ours)));
            }
        }
    }
    wrong.sort_by_key(|(question, _)| question.len());
    let shown: Vec<String> = wrong
        .iter()
        .take(3)
        .map(|(question, differences)| format!("{question}\n{differences}"))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {asked} differ:\n{}",
        wrong.len(),
        shown.join("\n")
    );
}

/// Their answer and ours, where they differ.
fn differ(oracle: &mut Oracle, question: &Value) -> Option<(Value, Value)> {
    let ours = answer::normal(question, &answer::answer(question));
    let mut theirs = Value::Null;
    // Go walks maps in any order, so of several errors any may be first.
    let tries = if question["op"] == "strategic" {
        40
    } else {
        12
    };
    for _ in 0..tries {
        theirs = answer::normal(question, &oracle.answer(question));
        // A question at which Kubernetes panics has no answer.
        if ours == theirs || theirs["code"] == -1 {
            return None;
        }
    }
    Some((theirs, ours))
}

/// Where two answers differ.
pub(crate) fn differences(theirs: &Value, ours: &Value) -> String {
    fn walk(at: &str, theirs: &Value, ours: &Value, out: &mut String) {
        let none = Value::Null;
        match (theirs, ours) {
            (theirs, ours) if theirs == ours => {}
            (Value::Object(l), Value::Object(r)) => {
                let names: std::collections::BTreeSet<&String> = l.keys().chain(r.keys()).collect();
                for name in names {
                    let (l, r) = (l.get(name).unwrap_or(&none), r.get(name).unwrap_or(&none));
                    walk(&format!("{at}/{name}"), l, r, out);
                }
            }
            (Value::Array(l), Value::Array(r)) if l.len() == r.len() => {
                for (i, (l, r)) in l.iter().zip(r).enumerate() {
                    walk(&format!("{at}/{i}"), l, r, out);
                }
            }
            _ => out.push_str(&format!("  {at}\n    theirs {theirs}\n    ours   {ours}\n")),
        }
    }
    let mut out = String::new();
    walk("", theirs, ours, &mut out);
    out
}
