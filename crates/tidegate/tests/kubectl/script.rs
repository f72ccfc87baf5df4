//! A script and what its commands print.

use super::{normal, shell::Shell};
use std::{fmt::Write, fs, path::Path};

/// Commands, each with what it printed.
pub(super) struct Script {
    name: String,
    steps: Vec<Step>,
}

struct Step {
    /// Comments and blank lines before it.
    before: String,
    command: String,
    printed: String,
    code: i32,
}

impl Script {
    pub(super) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a script");
        let mut steps: Vec<Step> = Vec::new();
        let mut before = String::new();
        for line in text.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                steps.push(Step {
                    before: std::mem::take(&mut before),
                    command: command.to_owned(),
                    printed: String::new(),
                    code: 0,
                });
            } else if line.starts_with("# ") || (line.is_empty() && steps.is_empty()) {
                before.push_str(line);
                before.push('\n');
            } else if let Some(step) = steps.last_mut() {
                match line.strip_prefix("? ") {
                    Some(code) => step.code = code.parse().expect("an exit code"),
                    None => {
                        step.printed.push_str(line);
                        step.printed.push('\n');
                    }
                }
            }
        }
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        Self { name, steps }
    }

    /// The same script with what its commands print now.
    pub(super) fn run(&self, shell: &Shell) -> Self {
        let namespace = format!("t-{}", self.name);
        shell.run(&namespace, "kubectl create namespace $NS; kubectl wait --for=create sa/default --timeout=30s -n $NS");
        let steps = self.steps.iter().map(|step| {
            let (printed, code) = shell.run(&namespace, &step.command);
            Step {
                before: step.before.clone(),
                command: step.command.clone(),
                printed: normal::text(&printed),
                code,
            }
        });
        let steps = steps.collect();
        shell.run(&namespace, "kubectl delete namespace $NS --wait=false");
        Self {
            name: self.name.clone(),
            steps,
        }
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for step in &self.steps {
            let _ = write!(text, "{}$ {}\n{}", step.before, step.command, step.printed);
            if step.code != 0 {
                let _ = writeln!(text, "? {}", step.code);
            }
        }
        text
    }

    /// Each command, and how what it printed differs from another time.
    pub(super) fn compare(&self, expected: &Self) -> Vec<Compared> {
        let both = self.steps.iter().zip(&expected.steps);
        both.map(|(found, expected)| {
            let name = format!("{}: {}", self.name, found.command);
            let differs = found.printed != expected.printed || found.code != expected.code;
            let difference = differs.then(|| {
                format!(
                    "{name}\n--- expected (exit {})\n{}--- found (exit {})\n{}",
                    expected.code, expected.printed, found.code, found.printed
                )
            });
            Compared { name, difference }
        })
        .collect()
    }
}

/// A command that ran twice.
pub(super) struct Compared {
    /// Its script and itself.
    pub(super) name: String,
    pub(super) difference: Option<String>,
}
