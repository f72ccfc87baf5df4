//! A stream: typed objects, in an asynchronous loop.
#![expect(clippy::print_stdout, reason = "an example talks to a terminal")]

use k8s_openapi::api::apps::v1::Deployment;
use std::error::Error;
use tidegate_informer::{Client, ClientOptions, Event, Gvr, InformerFactory, Source};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::connect(Source::Infer, ClientOptions::default()).await?;
    let factory = InformerFactory::new(client);
    let mut events = factory
        .for_resource(Gvr::new("apps", "v1", "deployments"))
        .start()
        .stream();

    while let Some(event) = events.next().await {
        let Event::Updated { old, new } = event else {
            continue;
        };
        let ready = |deployment: Deployment| {
            deployment
                .status
                .and_then(|status| status.ready_replicas)
                .unwrap_or(0)
        };
        let (before, after) = (ready(old.get()?), ready(new.get()?));
        if before != after {
            println!("{}: {before} → {after} ready", new.key());
        }
    }
    Ok(())
}
