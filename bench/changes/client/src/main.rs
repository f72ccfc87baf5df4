//! Changes a gateway's configuration and prints what was seen, as one line of JSON.
//!
//! Exits with a failure when a request failed that should not have. Lines that begin with `do ` ask whoever started this
//! for a deed; it answers with `done`.

#![expect(clippy::print_stdout, reason = "the program's result")]

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use gateway_changes::{api::Api, churn, propagation, stage};
use serde_json::Value;

/// Changes a gateway's configuration, and looks at what clients see of it
#[derive(Debug, Parser)]
#[command(name = "gateway-changes")]
struct Cli {
    #[command(flatten)]
    setting: Setting,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Setting {
    /// Of a user who may do everything
    #[arg(long)]
    kubeconfig: PathBuf,
    /// An existing namespace
    #[arg(long, default_value = "default")]
    namespace: String,
    /// The class of the Gateway that is created
    #[arg(long, default_value = "tidegate")]
    class: String,
    /// The Gateway's port for HTTP; the next one is for HTTPS
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Seconds that a process of the gateway gives connections when another one takes over
    #[arg(long, default_value_t = 30)]
    grace: u64,
    /// Seconds after which it has failed
    #[arg(long, default_value_t = 1800)]
    within: u64,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Time new routes until they are served
    Propagation {
        /// Routes that are there before
        #[arg(long, default_value_t = 5000)]
        present: usize,
        /// Routes that are added one by one
        #[arg(long, default_value_t = 3000)]
        added: usize,
        /// Milliseconds within which half of them must be served
        #[arg(long)]
        p50_ms: Option<f64>,
        /// Milliseconds within which 99 of 100 must be served
        #[arg(long)]
        p99_ms: Option<f64>,
    },
    /// Change everything under load, and count failed requests
    Churn(Churn),
}

#[derive(Debug, Clone, Copy, Args)]
struct Churn {
    /// Edits of one route
    #[arg(long, default_value_t = 1000)]
    edits: usize,
    /// Routes that come and go
    #[arg(long, default_value_t = 3000)]
    routes: usize,
    /// Times that a backend's endpoints are replaced
    #[arg(long, default_value_t = 100)]
    rolls: usize,
    /// New certificates of one listener
    #[arg(long, default_value_t = 50)]
    rotations: usize,
    /// Times that the API server is killed, and started again
    #[arg(long, default_value_t = 3)]
    outages: usize,
    /// Times that another process of the gateway takes over
    #[arg(long, default_value_t = 5)]
    upgrades: usize,
    /// Times that both happen at once, while all else changes, too
    #[arg(long, default_value_t = 3)]
    storms: usize,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    let within = Duration::from_secs(cli.setting.within);
    let ended = runtime.block_on(async { tokio::time::timeout(within, run(&cli)).await });
    let (seen, right) = ended.with_context(|| format!("not done within {within:?}"))??;
    println!("{seen}");
    if !right {
        bail!("something failed, was too slow, or was not seen at all");
    }
    Ok(())
}

/// What was seen, and whether all is well.
async fn run(cli: &Cli) -> anyhow::Result<(Value, bool)> {
    let api = Api::connect(&cli.setting.kubeconfig).await?;
    let setting = stage::Setting {
        namespace: cli.setting.namespace.clone(),
        class: cli.setting.class.clone(),
        port: cli.setting.port,
        grace: Duration::from_secs(cli.setting.grace),
    };
    let stage = stage::Stage::set(&api, &setting).await?;
    match cli.command {
        Command::Propagation {
            present,
            added,
            p50_ms,
            p99_ms,
        } => {
            let plan = propagation::Plan {
                present,
                added,
                p50_ms,
                p99_ms,
            };
            propagation::run(&stage, &api, plan).await
        }
        Command::Churn(churn) => {
            let plan = churn::Plan {
                edits: churn.edits,
                routes: churn.routes,
                rolls: churn.rolls,
                rotations: churn.rotations,
                outages: churn.outages,
                upgrades: churn.upgrades,
                storms: churn.storms,
            };
            churn::run(&stage, &api, plan).await
        }
    }
}
