//! Dynamic Kubernetes informers: caches of any resources, chosen at run time, that follow the server and tell you of
//! every change.
//!
//! Start at [`InformerFactory`]; [`contract`] says what may be relied on and what may not.
//!
//! ```no_run
//! use tidegate_informer::{Client, ClientOptions, Event, Gvr, InformerFactory, Source};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect(Source::Infer, ClientOptions::default()).await?;
//! let factory = InformerFactory::new(client);
//! let pods = factory.for_resource(Gvr::new("", "v1", "pods")).start();
//! let mut events = pods.stream();
//! while let Some(event) = events.next().await {
//!     if let Event::Added { object, .. } = event {
//!         let node: Option<String> = object.pointer("/spec/nodeName")?;
//!         println!("{} runs on {}", object.key(), node.as_deref().unwrap_or("nothing yet"));
//!     }
//! }
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod cache;
pub mod contract;
mod driver;
mod event;
mod factory;
mod handlers;
mod informer;
mod intern;
mod key;
mod labels;
mod metrics;
mod object;
mod reflector;
mod resources;
mod rng;
mod selector;
mod shared;
#[cfg(test)]
mod simulation;
mod status;
mod target;
#[cfg(test)]
mod testing;
mod uid;

pub use self::{
    cache::{Snapshot, Transform},
    event::Event,
    factory::{FactoryOptions, InformerBuilder, InformerFactory},
    handlers::{EventStream, Handler, HandlerOptions, Registration, from_fn},
    informer::{Informer, Stopped},
    key::ObjectKey,
    labels::Labels,
    metrics::{HandlerMetrics, InformerMetrics, Metrics},
    object::{Object, ObjectError, Owner},
    resources::ResourceWatcher,
    selector::{Selector, SelectorError},
    status::{Failure, FailureKind, Phase, Status},
    uid::Uid,
};
pub use tidegate_client::{Client, ClientOptions, Discovery, Gvr, Resource, Source};
pub use tidegate_wire::ResourceVersion;
