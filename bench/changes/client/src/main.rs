//! Changes a gateway's configuration and prints what was seen, as one line of JSON.
//!
//! Exits with a failure when a request failed that should not have.

#![expect(clippy::print_stdout, reason = "the program's result")]

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use gateway_changes::{
    api::{Api, holds},
    churn::{self, Place},
    load::{Load, Rate, Seen, Target},
    objects,
    origin::Origin,
    propagation::{self, Times},
};
use serde_json::json;

/// How long a Gateway may take until it is programmed.
const PATIENCE: Duration = Duration::from_secs(60);

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
    /// The Gateway's port
    #[arg(long, default_value_t = 8080)]
    port: u16,
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
    },
    /// Change everything under load, and count failed requests
    Churn {
        /// Edits of one route
        #[arg(long, default_value_t = 1000)]
        edits: usize,
        /// Routes that come and go
        #[arg(long, default_value_t = 3000)]
        routes: usize,
        /// Times that a backend's endpoints are replaced
        #[arg(long, default_value_t = 100)]
        rolls: usize,
    },
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
    let api = Api::connect(&cli.setting.kubeconfig).await?;
    let stage = Stage::set(&api, &cli.setting).await?;
    match cli.command {
        Command::Propagation { present, added } => stage.propagation(&api, present, added).await,
        Command::Churn {
            edits,
            routes,
            rolls,
        } => stage.churn(&api, edits, routes, rolls).await,
    }
}

/// A Gateway that is programmed, with two backends.
struct Stage {
    place: Place,
    address: SocketAddr,
    origins: [Origin; 2],
}

const BACKENDS: [&str; 2] = ["blue", "green"];

impl Stage {
    async fn set(api: &Api, setting: &Setting) -> anyhow::Result<Self> {
        let place = Place {
            namespace: setting.namespace.clone(),
            gateway: "changes".to_owned(),
        };
        let origins = [
            Origin::start(BACKENDS[0]).await?,
            Origin::start(BACKENDS[1]).await?,
        ];
        for (name, origin) in BACKENDS.iter().zip(&origins) {
            api.apply(&objects::backend(&place.namespace, name, &[origin.address]))
                .await?;
        }
        let gateway = objects::gateway(
            &place.namespace,
            &place.gateway,
            &setting.class,
            setting.port,
        );
        api.apply(&gateway).await?;
        let ready = api
            .wait(&gateway, PATIENCE, |found| holds(found, "Programmed"))
            .await?;
        let ip = ready["status"]["addresses"][0]["value"]
            .as_str()
            .context("a Gateway without an address")?;
        Ok(Self {
            place,
            address: SocketAddr::new(ip.parse()?, setting.port),
            origins,
        })
    }

    async fn propagation(&self, api: &Api, present: usize, added: usize) -> anyhow::Result<()> {
        let options = propagation::Options {
            namespace: self.place.namespace.clone(),
            gateway: self.place.gateway.clone(),
            address: self.address,
            backend: BACKENDS[0].to_owned(),
            present,
            added,
        };
        propagation::prepare(api, &options).await?;
        let times = propagation::measure(api, &options).await?;
        let shares = |sorted: &[u64]| json!({"p50": Times::at(sorted, 0.5), "p90": Times::at(sorted, 0.9), "p99": Times::at(sorted, 0.99), "max": Times::at(sorted, 1.0)});
        println!(
            "{}",
            json!({"present": present, "added": added, "errors": times.errors,
                "served_us": shares(&times.served_us), "written_us": shares(&times.written_us)})
        );
        if times.errors > 0 {
            bail!("{} answers were neither 404 nor 200", times.errors);
        }
        Ok(())
    }

    async fn churn(
        &self,
        api: &Api,
        edits: usize,
        routes: usize,
        rolls: usize,
    ) -> anyhow::Result<()> {
        let place = &self.place;
        let route = |name: &str, backend: &str| {
            objects::route(
                &place.namespace,
                name,
                &place.gateway,
                &format!("{name}.example.com"),
                backend,
            )
        };
        let names = ["edited", "still", "rolled"];
        churn::roll(api, place, "rolling", "rolling", 0).await?;
        for (name, backend) in names.iter().zip([BACKENDS[0], BACKENDS[1], "rolling"]) {
            api.apply(&route(name, backend)).await?;
        }
        let targets: Vec<Target> = names.iter().map(|name| self.target(name)).collect();
        for target in &targets {
            self.until_served(target).await?;
        }
        let rate = Rate {
            connections: 4,
            every: Duration::from_millis(4),
            requests_each: 500,
        };
        let load = Load::start(&targets, rate);
        let mut report = serde_json::Map::new();
        let mut before = load.seen();
        let mut note = |what: &str, seen: Seen| {
            report.insert(
                what.to_owned(),
                json!({"answered": seen.answered - before.answered, "failed": seen.failed - before.failed,
                    "seconds": (seen.took - before.took).as_secs_f64()}),
            );
            before = seen;
        };
        let (kept, refused) = churn::add_damaged(api, place).await?;
        note("damaged objects", load.seen());
        churn::edit_route(api, place, "edited", BACKENDS, edits).await?;
        note("edits of a route", load.seen());
        churn::add_routes(api, place, BACKENDS[0], routes).await?;
        note("routes that come and go", load.seen());
        churn::roll(api, place, "rolling", "rolling", rolls).await?;
        note("endpoints that roll", load.seen());
        let seen = load.stop().await;
        let by_origin: Vec<u64> = self.origins.iter().map(Origin::answered).collect();
        println!(
            "{}",
            json!({"answered": seen.answered, "failed": seen.failed, "told": seen.told, "phases": report,
                "damaged": {"kept": kept, "refused": refused}, "by_origin": by_origin})
        );
        if seen.failed > 0 || seen.answered == 0 {
            bail!(
                "{} of {} requests failed",
                seen.failed,
                seen.failed + seen.answered
            );
        }
        Ok(())
    }

    fn target(&self, name: &str) -> Target {
        Target {
            address: self.address,
            host: format!("{name}.example.com"),
            path: "/".to_owned(),
            bodies: BACKENDS
                .iter()
                .copied()
                .chain(["rolling"])
                .map(str::to_owned)
                .collect(),
        }
    }

    async fn until_served(&self, target: &Target) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let mut exchange = gateway_changes::exchange::Exchange::connect(target.address).await?;
            if exchange
                .get(&target.host, &target.path)
                .await
                .is_ok_and(|answer| answer.status == 200)
            {
                return Ok(());
            }
            if tokio::time::Instant::now() > deadline {
                bail!("{} is not served", target.host);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
