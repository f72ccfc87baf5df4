//! The hot paths, each alone: `tidegate-instructions NAME` walks one of them over the same objects.
//!
//! valgrind counts only what happens inside functions called `measured_…`; the objects are made outside.
//! `cargo xtask ratchet-instructions` runs it. Prints how many objects went through, and no time.
#![expect(
    clippy::print_stdout,
    reason = "a command line tool answers on standard output"
)]

mod objects;
mod paths;

use std::process::ExitCode;

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    match paths::walk(&name) {
        Some(count) => {
            println!("{count}");
            ExitCode::SUCCESS
        }
        None => {
            println!("usage: tidegate-instructions {}", paths::NAMES.join("|"));
            ExitCode::FAILURE
        }
    }
}
