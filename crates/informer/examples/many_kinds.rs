//! Many kinds, chosen at run time: everything that the arguments name, by any name that kubectl takes.
//!
//! `cargo run --example many_kinds -- deploy services ingresses.networking.k8s.io`
#![expect(clippy::print_stdout, reason = "an example talks to a terminal")]

use std::error::Error;
use tidegate_informer::{
    Client, ClientOptions, Discovery, Event, InformerFactory, Source, from_fn,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::connect(Source::Infer, ClientOptions::default()).await?;
    let discovery = Discovery::fetch(&client).await?;
    let factory = InformerFactory::new(client);

    let mut registrations = Vec::new();
    for name in std::env::args().skip(1) {
        for resource in discovery.resolve(&name)? {
            let kind = resource.kind.clone();
            let print = from_fn(move |event: Event| match event {
                Event::Added {
                    object,
                    initial: false,
                } => println!("+ {kind} {}", object.key()),
                Event::Updated { new, .. } => println!("~ {kind} {}", new.key()),
                Event::Deleted { object, .. } => println!("- {kind} {}", object.key()),
                Event::Added { .. } | Event::Synced => {}
            });
            registrations.push(
                factory
                    .for_resource(resource.gvr())
                    .start()
                    .add_handler(print),
            );
        }
    }
    for registration in &registrations {
        registration.synced().await;
    }
    println!("{} kinds in sync; ctrl-C ends", registrations.len());
    tokio::signal::ctrl_c().await?;
    Ok(())
}
