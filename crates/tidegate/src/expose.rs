//! `tidegate expose`: one line from nothing to a working route. Writes a Backend and an HTTPRoute, and a Gateway if
//! there is none.

mod plan;

use self::plan::Plan;
use crate::{
    failure::Failure,
    remote::{Remote, condition},
};
use clap::Args;
use serde_json::Value;
use std::{
    io::{self, Write},
    path::PathBuf,
    time::{Duration, Instant},
};
use tidegate_compile::Kind;

/// How long it may take until the route is served.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Put a service behind the gateway, in one line
#[derive(Debug, Args)]
#[command(
    long_about = "Put a service behind the gateway, in one line.\n\n\
    Writes a Backend that leads to the URL and an HTTPRoute to it, both of that name, and a Gateway if the namespace has \
    none. What is there of that name is changed. To take it back: kubectl delete httproute,backend NAME",
    after_long_help = "Examples:\n  \
    tidegate expose shop http://127.0.0.1:3000\n  \
    tidegate expose api https://api.example.com/v1 --host api.localhost --path /api"
)]
pub(crate) struct ExposeArgs {
    /// What the route and the backend are called
    #[arg(value_name = "NAME")]
    pub(super) name: String,
    /// Where the service is: http or https, a host, perhaps a port and a path
    #[arg(value_name = "URL")]
    pub(super) url: String,
    /// The host that clients ask for; any by default
    #[arg(long, value_name = "HOST")]
    pub(super) host: Option<String>,
    /// Paths that begin with this are served
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub(super) path: String,
    /// The namespace; the kubeconfig's by default
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// The kubeconfig; that of a `tidegate up` in this directory, or the one that kubectl would use, by default
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// Runs the whole command; yields the exit code.
pub(crate) fn run(arguments: &ExposeArgs) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::error(format!("cannot start: {error}")))?;
    runtime.block_on(expose(arguments))
}

async fn expose(arguments: &ExposeArgs) -> Result<u8, Failure> {
    let remote = Remote::connect(arguments.kubeconfig.clone()).await?;
    let namespace = arguments
        .namespace
        .clone()
        .unwrap_or_else(|| remote.namespace().to_owned());
    let gateways = remote.list(Kind::Gateway, Some(&namespace)).await?;
    let plan = Plan::new(arguments, &namespace, &gateways)?;
    // All or nothing, as far as the server can say before.
    for (kind, object) in &plan.objects {
        remote.check(*kind, object).await?;
    }
    for (kind, object) in &plan.objects {
        remote.apply(*kind, object).await?;
        say(&format!(
            "{}/{} applied",
            kind.name().to_lowercase(),
            object["metadata"]["name"].as_str().unwrap_or_default()
        ));
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let route = remote
            .get(Kind::HttpRoute, &namespace, &arguments.name)
            .await?;
        let gateway = remote.get(Kind::Gateway, &namespace, &plan.gateway).await?;
        let (route, gateway) = (route.unwrap_or_default(), gateway.unwrap_or_default());
        match verdict(&route, &gateway) {
            Verdict::Served { address, port } => {
                let host = arguments.host.as_deref();
                say(&served(&address, port, host, &plan.path, &arguments.url));
                return Ok(0);
            }
            Verdict::Refused(why) => return Err(Failure::error(why)),
            Verdict::Unknown if Instant::now() > deadline => {
                return Err(Failure::error(format!(
                    "applied, but nobody serves it: does a gateway of the class of gateway {} run?",
                    plan.gateway
                )));
            }
            Verdict::Unknown => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// What the gateway says of a route.
enum Verdict {
    Unknown,
    Served { address: String, port: u64 },
    Refused(String),
}

fn verdict(route: &Value, gateway: &Value) -> Verdict {
    let generation = &route["metadata"]["generation"];
    let parents = route.pointer("/status/parents").and_then(Value::as_array);
    for parent in parents.into_iter().flatten() {
        let conditions = &parent["conditions"];
        let current = conditions.as_array().is_some_and(|all| {
            all.iter()
                .all(|one| one["observedGeneration"] == *generation)
        });
        if !current {
            continue;
        }
        for name in ["Accepted", "ResolvedRefs"] {
            if let Some(("False", message)) = condition(conditions, name) {
                return Verdict::Refused(format!("the route is not served: {message}"));
            }
        }
        if let Some(("False", message)) = condition(&gateway["status"]["conditions"], "Programmed")
            && gateway["status"]["conditions"][0]["observedGeneration"]
                == gateway["metadata"]["generation"]
        {
            return Verdict::Refused(format!("the gateway is not served: {message}"));
        }
        let address = gateway.pointer("/status/addresses/0/value");
        let programmed = condition(&gateway["status"]["conditions"], "Programmed");
        if let (Some(address), Some(("True", _))) = (address.and_then(Value::as_str), programmed) {
            let listeners = gateway.pointer("/spec/listeners").and_then(Value::as_array);
            let http = listeners
                .into_iter()
                .flatten()
                .find(|one| one["protocol"] == "HTTP");
            return Verdict::Served {
                address: address.to_owned(),
                port: http.and_then(|one| one["port"].as_u64()).unwrap_or(80),
            };
        }
    }
    Verdict::Unknown
}

/// How to reach it.
fn served(address: &str, port: u64, host: Option<&str>, path: &str, url: &str) -> String {
    let at = if port == 80 {
        format!("http://{address}{path}")
    } else {
        format!("http://{address}:{port}{path}")
    };
    let header = host.map_or_else(String::new, |host| {
        format!(" -H 'Host: {}'", host.replacen('*', "any", 1))
    });
    format!("\n{at} leads to {url}\n\n  curl{header} {at}")
}

fn say(line: &str) {
    // Where nobody reads it, the work is done all the same.
    let _ = writeln!(io::stdout().lock(), "{line}");
}
