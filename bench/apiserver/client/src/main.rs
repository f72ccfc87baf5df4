//! One load on one API server, told on stdout: `FILLED`, `WRITTEN`, or `WATCHING` and then `CHANGED`.
//!
//! Knows nothing of the server but its kubeconfig, so that every server gets the same requests.

mod configmap;
mod fanout;
mod load;
mod server;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use server::Server;
use std::{path::PathBuf, time::Duration};

/// Puts one load on one API server
#[derive(Debug, Parser)]
#[command(name = "apiserver-bench")]
struct Cli {
    /// Of a user who may do everything
    #[arg(long)]
    kubeconfig: PathBuf,
    /// Where the ConfigMaps go
    #[arg(long, default_value = "default")]
    namespace: String,
    /// Length of the one value in each ConfigMap
    #[arg(long, default_value_t = 1024)]
    value_bytes: usize,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create ConfigMaps, and say how long it took
    Fill(Fill),
    /// Create a ConfigMap and replace it, again and again, and say how long each write took
    Write(Writes),
    /// Watch from many connections, and after SIGUSR1 say how long each change took to the last one
    Fanout(Fanout),
}

#[derive(Debug, Args)]
struct Fill {
    #[arg(long, default_value_t = 10_000)]
    count: usize,
}

#[derive(Debug, Args)]
struct Writes {
    /// Each has a connection of its own and waits for the answer before it goes on
    #[arg(long, default_value_t = 1)]
    writers: usize,
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

#[derive(Debug, Args)]
struct Fanout {
    /// Each has a connection of its own
    #[arg(long, default_value_t = 100)]
    watchers: usize,
    #[arg(long, default_value_t = 200)]
    changes: usize,
    /// Between one change and the next
    #[arg(long, default_value_t = 10)]
    pause_ms: u64,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    runtime.block_on(run(&cli))
}

async fn run(cli: &Cli) -> anyhow::Result<()> {
    let server = Server::new(&cli.kubeconfig, &cli.namespace, cli.value_bytes);
    match &cli.command {
        Command::Fill(fill) => load::fill(&server, fill.count).await,
        Command::Write(writes) => {
            load::write(
                &server,
                writes.writers,
                Duration::from_secs_f64(writes.seconds),
            )
            .await
        }
        Command::Fanout(fanout) => {
            let pause = Duration::from_millis(fanout.pause_ms);
            fanout::run(&server, fanout.watchers, fanout.changes, pause).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cli, Command};
    use clap::Parser as _;

    #[test]
    fn the_command_lines_of_the_runner() {
        let parse = |words: &[&str]| {
            let all = [
                "apiserver-bench",
                "--kubeconfig",
                "k",
                "--value-bytes",
                "1024",
            ];
            Cli::try_parse_from(all.iter().chain(words)).map(|cli| cli.command)
        };
        assert!(
            matches!(parse(&["fill", "--count", "7"]), Ok(Command::Fill(fill)) if fill.count == 7)
        );
        let write = parse(&["write", "--writers", "32", "--seconds", "1.5"]);
        assert!(matches!(write, Ok(Command::Write(writes)) if writes.writers == 32));
        let fanout = parse(&["fanout", "--watchers", "100", "--changes", "20"]);
        assert!(matches!(fanout, Ok(Command::Fanout(fanout)) if fanout.watchers == 100));
        assert!(parse(&["read"]).is_err(), "there is no such load");
    }
}
