//! The differential test: the same requests to the real kube-apiserver and to the embedded server, the same answers.
//!
//! `corpus/` has the requests (its language: `script.rs`), `golden/` what the real server answered, `known.txt` the
//! differences that are meant to be there. A new sequence is a few lines of text, then `make differential-record`.
//! Every run writes what was expected and what came, one file for each sequence, below cargo's folder for tests'
//! temporary files, so that any tool can compare them. Experiments have a folder of their own, named in
//! `TIDEGATE_DIFFERENTIAL_FOLDER`: made-up sequences are recorded there and compared like those of the corpus.

mod compare;
mod corpus;
mod generate;
mod golden;
mod http;
mod normal;
mod run;
mod scan;
mod script;
mod target;
mod text;
mod value;

use std::{env, fs, path::Path};

use jiff::{Span, Timestamp, tz::TimeZone};
use serde_json::Value;

use crate::{
    compare::{Difference, Known},
    golden::Golden,
    http::Client,
    script::Sequence,
    target::Target,
};

/// What is asked of the real server: `all`, `record`, or else every tenth sequence.
const MODE: &str = "TIDEGATE_DIFFERENTIAL";
/// Only sequences with this in their id.
const ONLY: &str = "TIDEGATE_DIFFERENTIAL_ONLY";
/// The short form asks one in so many sequences.
const SHORT: usize = 10;

/// Yesterday, today and tomorrow, as times begin.
fn days() -> Vec<String> {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    let day = |days: i64| {
        now.checked_add(Span::new().days(days))
            .expect("invariant: near now")
    };
    [-1, 0, 1]
        .map(|days| day(days).strftime("%Y-%m-%d").to_string())
        .to_vec()
}

fn chosen() -> Vec<Sequence> {
    let only = env::var(ONLY).unwrap_or_default();
    let sequences = corpus::load();
    sequences
        .into_iter()
        .filter(|sequence| sequence.id().contains(&only))
        .collect()
}

/// Sends the sequences, and yields each one's normalised steps.
async fn answers(target: &Target, sequences: &[Sequence]) -> Vec<Vec<Value>> {
    let before = days();
    let transcripts = run::run_all(&Client::new(target), sequences).await;
    transcripts
        .iter()
        .map(|transcript| normal::steps(transcript, &before))
        .collect()
}

/// What came against what was recorded, in files and as a list.
fn differences(
    who: &str,
    sequences: &[Sequence],
    got: &[Vec<Value>],
    golden: &Golden,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut stale = Vec::new();
    for (sequence, got) in sequences.iter().zip(got) {
        write(who, sequence, got);
        match golden.steps(sequence) {
            Ok(expected) => {
                write("recorded", sequence, expected);
                found.extend(compare::differences(&sequence.id(), expected, got));
            }
            Err(reason) => stale.push(reason),
        }
    }
    assert!(
        stale.is_empty(),
        "run `make differential-record`:\n{}",
        stale.join("\n")
    );
    found
}

/// Keeps the steps where people can read them.
fn write(who: &str, sequence: &Sequence, steps: &[Value]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("differential")
        .join(who);
    let name = sequence.id().replace(['/', ':', ' '], "-");
    let text: String = steps.iter().map(|step| format!("{step:#}\n")).collect();
    fs::create_dir_all(&folder).expect("cargo's temporary folder can be written");
    fs::write(folder.join(format!("{name}.json")), text)
        .expect("cargo's temporary folder can be written");
}

fn known() -> Known {
    let text = fs::read_to_string(corpus::folder().join("known.txt"))
        .expect("the list of known differences");
    Known::parse(&text).unwrap_or_else(|reason| panic!("known.txt: {reason}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_server_answers_as_the_real_one_did() {
    let mut all = Vec::new();
    let (with, without): (Vec<Sequence>, Vec<Sequence>) = chosen()
        .into_iter()
        .partition(|sequence| sequence.has_tag("controllers"));
    for (sequences, controllers) in [(without, false), (with, true)] {
        let golden = Golden::load(&sequences);
        let server = target::Embedded::start(controllers).await;
        let got = answers(server.target(), &sequences).await;
        all.extend(differences("embedded", &sequences, &got, &golden));
    }
    let mut known = known();
    let found = known.unknown(all);
    assert!(
        found.is_empty(),
        "{} differences\n{}",
        found.len(),
        compare::report(&found)
    );
    // A part of the corpus can't use every line.
    if env::var_os(ONLY).is_none() {
        let unused = known.unused();
        assert!(
            unused.is_empty(),
            "known.txt: these lines explain nothing any more, delete them: {unused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts real clusters: `make differential`"]
async fn the_real_server_answers_as_it_did() {
    let mode = env::var(MODE).unwrap_or_default();
    let mut sequences = chosen();
    if !matches!(mode.as_str(), "all" | "record") {
        sequences = sequences.into_iter().step_by(SHORT).collect();
    }
    let golden = Golden::load(&sequences);
    let (with, without): (Vec<Sequence>, Vec<Sequence>) = sequences
        .into_iter()
        .partition(|sequence| sequence.has_tag("controllers"));
    let mut got = Vec::new();
    for (sequences, controllers) in [(&without, false), (&with, true)] {
        if !sequences.is_empty() {
            let cluster = target::Real::start(controllers).await;
            got.extend(answers(cluster.target(), sequences).await);
            cluster.stop().await;
        }
    }
    let sequences: Vec<Sequence> = without.into_iter().chain(with).collect();
    if mode == "record" {
        record(&sequences, got);
        return;
    }
    let found = differences("real", &sequences, &got, &golden);
    assert!(
        found.is_empty(),
        "the record is out of date\n{}",
        compare::report(&found)
    );
}

/// Takes the answers as what is right, where nothing failed.
fn record(sequences: &[Sequence], got: Vec<Vec<Value>>) {
    let all = corpus::load();
    let mut golden = Golden::load(&all);
    let mut failures = Vec::new();
    for (sequence, steps) in sequences.iter().zip(got) {
        write("recorded", sequence, &steps);
        for step in &steps {
            if let Some(reason) = step.get("failure") {
                failures.push(format!("{}: {}: {reason}", sequence.id(), step["step"]));
            }
        }
        golden.set(sequence, steps);
    }
    golden.save(&all);
    assert!(
        failures.is_empty(),
        "recorded, but these steps failed:\n{}",
        failures.join("\n")
    );
}
