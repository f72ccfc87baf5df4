//! The ratchet of hot paths: instructions that valgrind counts, compared with what was written down.
//!
//! Counts repeat where times don't, so a slower path shows on a busy machine too. The ratchet file has
//! one line a path: `NAME = INSTRUCTIONS`. Growth fails; a gain must be written down.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

use crate::tidy::root;

const RATCHET: &str = "bench/instructions.ratchet";
/// The package whose program walks the paths.
const PROGRAM: &str = "tidegate-instructions";
/// Hash seeds and alignment move counts by less than 1 %.
const TOLERANCE_PERCENT: u64 = 3;
/// A count outside is taken anew: where a path hands work to a thread, records that the thread was in the way of are
/// dropped, which is cheaper.
const TRIES: usize = 4;

/// One hot path, by the name that the program in `bench/instructions` knows.
#[derive(Debug, PartialEq, Eq)]
struct Case {
    name: String,
    recorded: u64,
}

impl Case {
    /// `None` for comments and empty lines.
    fn parse(line: &str) -> Result<Option<Self>, String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let bad = || format!("{RATCHET}: expected `NAME = INSTRUCTIONS`: {line}");
        let (name, recorded) = line.split_once(" = ").ok_or_else(bad)?;
        let recorded = recorded.trim().parse().map_err(|_| bad())?;
        Ok(Some(Self {
            name: name.trim().to_owned(),
            recorded,
        }))
    }
}

/// Measures every path; with `update` writes the counts down, else compares.
pub(crate) fn run(update: bool) -> Result<String, String> {
    if cfg!(not(target_arch = "x86_64")) {
        return Ok("instructions: skipped; the counts are those of x86-64".to_owned());
    }
    let file = root().join(RATCHET);
    let text = fs::read_to_string(&file).map_err(|error| format!("{RATCHET}: {error}"))?;
    let program = build()?;
    let (mut report, mut kept, mut failed) = (String::new(), String::new(), 0_usize);
    for line in text.lines() {
        let Some(case) = Case::parse(line)? else {
            kept += &format!("{line}\n");
            continue;
        };
        let mut now = measure(&program, &case.name)?;
        let mut complaint = judge(case.recorded, now);
        for _ in 1..TRIES {
            if complaint.is_some() {
                now = measure(&program, &case.name)?;
                complaint = judge(case.recorded, now);
            }
        }
        kept += &format!("{} = {now}\n", case.name);
        failed += usize::from(complaint.is_some());
        let verdict = complaint.unwrap_or_else(|| "as recorded".to_owned());
        report += &format!(
            "{:<24}{:>14}{now:>14}  {verdict}\n",
            case.name, case.recorded
        );
    }
    if update {
        fs::write(&file, kept).map_err(|error| format!("{RATCHET}: {error}"))?;
        return Ok(format!("{report}instructions: written to {RATCHET}"));
    }
    match failed {
        0 => Ok(format!(
            "{report}instructions: all within {TOLERANCE_PERCENT} %"
        )),
        _ => Err(format!(
            "{report}instructions: {failed} outside {TOLERANCE_PERCENT} %"
        )),
    }
}

/// What is wrong with the count as it is now, if anything.
fn judge(recorded: u64, now: u64) -> Option<String> {
    let slack = recorded * TOLERANCE_PERCENT / 100;
    let percent = recorded.abs_diff(now) * 100 / recorded.max(1);
    if now > recorded + slack {
        Some(format!(
            "grew by {percent} %: mend it, or say in the commit why it must"
        ))
    } else if now + slack < recorded {
        Some(format!(
            "shrank by {percent} %: run `cargo xtask ratchet-instructions --update`"
        ))
    } else {
        None
    }
}

/// Counts what happens within the measured functions; making the objects costs nothing here.
fn measure(program: &Path, name: &str) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*::measured_*")
        .arg(program)
        .arg(name)
        .output()
        .map_err(|error| {
            format!("cannot run valgrind: {error}; `scripts/setup.sh test` installs it")
        })?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(format!("{name} failed under valgrind:\n{complaint}"));
    }
    collected(&complaint)
        .filter(|count| *count > 0)
        .ok_or_else(|| format!("{name}: no count from valgrind:\n{complaint}"))
}

/// The number in `==1== Collected : 12345`.
fn collected(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// Builds the program as the crates ship, and says where it is.
fn build() -> Result<PathBuf, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--message-format",
            "json-render-diagnostics",
            "-p",
            PROGRAM,
        ])
        .current_dir(root())
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    executable(&output).ok_or_else(|| {
        format!(
            "cannot build {PROGRAM}:\n{}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

/// The path in the last of cargo's messages that has one.
fn executable(output: &Output) -> Option<PathBuf> {
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text
        .lines()
        .rev()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut paths =
        messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    paths.next().filter(|_| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::{Case, collected, judge};

    #[test]
    fn reads_cases() {
        let case = Case {
            name: "wire-list".to_owned(),
            recorded: 20,
        };
        assert_eq!(Case::parse("wire-list = 20"), Ok(Some(case)));
        assert_eq!(Case::parse("# a"), Ok(None));
        assert!(Case::parse("a b").is_err());
        assert!(Case::parse("a b = many").is_err());
    }

    #[test]
    fn accepts_what_is_near() {
        assert_eq!(judge(1000, 1030), None);
        assert_eq!(judge(1000, 970), None);
    }

    #[test]
    fn rejects_growth_and_unrecorded_gains() {
        assert!(judge(1000, 1031).is_some_and(|complaint| complaint.contains("grew by 3 %")));
        assert!(judge(1000, 900).is_some_and(|complaint| complaint.contains("--update")));
    }

    #[test]
    fn finds_the_count() {
        assert_eq!(collected("==7== \n==7== Collected : 12345\n"), Some(12345));
        assert_eq!(collected("==7== nothing"), None);
    }
}
