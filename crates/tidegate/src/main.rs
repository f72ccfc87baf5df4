//! The `tidegate` command: parses the command line, runs one command, and turns its end into an exit code.
//!
//! Knows no command's inside. Exit codes: 0 done, 1 any error (usage included, as with kubectl),
//! 130 after SIGINT, 143 after SIGTERM.

mod admin_client;
mod cli;
mod explain;
mod expose;
mod failure;
mod files;
mod gateway;
mod remote;
mod routes;
mod side_http;
mod signals;
mod up;
mod url;
mod watch;

use clap::{CommandFactory, Parser, error::ErrorKind};
use cli::{Cli, Command};
use failure::Failure;
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// Gives memory back: glibc keeps what a first list or a storm of statuses took, half of all that is resident after it.
/// One arena for all threads, which keep small pieces at hand for themselves (`.cargo/config.toml` has its settings).
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let asked = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            // Where it cannot be printed, nobody is reading.
            let _ = error.print();
            return if asked {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            };
        }
    };
    let ended = match cli.command {
        Command::Up(arguments) => up::run(&arguments),
        Command::Expose(arguments) => expose::run(&arguments),
        Command::Routes(arguments) => routes::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Gateway(arguments) => gateway::run(&arguments),
        Command::Watch(arguments) => watch::run(*arguments),
        Command::Backup(arguments) => up::backup(&arguments),
        Command::Restore(arguments) => up::restore(&arguments),
        Command::Completion { shell } => completion(shell),
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if !failure.message().is_empty() {
                let _ = writeln!(io::stderr().lock(), "{}", failure.message());
            }
            ExitCode::from(failure.code())
        }
    }
}

fn completion(shell: clap_complete::Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tidegate", &mut script);
    match io::stdout().lock().write_all(&script) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(format!(
            "error: cannot write to standard output: {error}"
        ))),
        _ => Ok(0),
    }
}
