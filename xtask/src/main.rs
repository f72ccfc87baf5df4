//! Developer tasks: `cargo xtask tidy` and `cargo xtask ratchet-instructions`.
//!
//! Knows the work tree, `cargo metadata` and `valgrind`; knows nothing of what the crates do.
#![expect(
    clippy::print_stdout,
    reason = "a command line tool answers on standard output"
)]
#![expect(
    clippy::print_stderr,
    reason = "a command line tool complains on standard error"
)]

mod instructions;
mod tidy;

use std::{env, process::ExitCode};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  tidy                             check the house rules of the work tree, print its numbers
  ratchet-instructions             compare the hot paths' instruction counts with the ratchet
  ratchet-instructions --update    write down the counts as they are now";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["tidy"] => tidy::run(),
        ["ratchet-instructions"] => instructions::run(false),
        ["ratchet-instructions", "--update"] => instructions::run(true),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(complaint) => {
            eprintln!("{complaint}");
            ExitCode::FAILURE
        }
    }
}
