//! A process that writes is killed at random moments, again and again, and the store is looked at after each.
//!
//! The program is its own child: `write DIR SEED` is what gets killed. `TIDEGATE_STORE_CRASH_ROUNDS` says how often
//! (30), `TIDEGATE_STORE_CRASH_SEED` what the random moments begin with; a failure prints the seed and keeps the
//! directory.

mod child;
mod common;
mod model;
mod parent;

use std::{env, path::Path};

const NAME: &str = "acknowledged_writes_survive_kills";

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [word, dir, seed] = &arguments[..]
        && word == "write"
    {
        return child::run(Path::new(dir), seed.parse().expect("a number"));
    }
    // As other test programs do: a name, or a part of it, chooses tests.
    let names: Vec<&String> = arguments
        .iter()
        .filter(|word| !word.starts_with('-'))
        .collect();
    if names.is_empty() || names.iter().any(|name| NAME.contains(name.as_str())) {
        let number = |name: &str| {
            env::var(name)
                .ok()
                .map(|text| text.parse().expect("a number"))
        };
        let rounds = number("TIDEGATE_STORE_CRASH_ROUNDS").unwrap_or(30);
        let seed =
            number("TIDEGATE_STORE_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
        parent::run(rounds, seed);
    }
}
