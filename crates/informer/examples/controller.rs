//! A controller in 50 lines: keeps the annotation `example.com/keys` of every ConfigMap equal to the number of its keys.
//!
//! The handler only puts keys on a queue; the loop reads the newest state from the cache, so that a thousand changes of
//! one object are one piece of work. Run it against any cluster: `cargo run --example controller`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example talks to a terminal"
)]

use std::{collections::BTreeMap, error::Error};
use tidegate_informer::{
    Client, ClientOptions, Event, Gvr, InformerFactory, Object, ObjectKey, Source, from_fn,
};
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::connect(Source::Infer, ClientOptions::default()).await?;
    let factory = InformerFactory::new(client.clone());
    let config_maps = factory
        .for_resource(Gvr::new("", "v1", "configmaps"))
        .start();

    let (queue, mut keys) = mpsc::unbounded_channel::<ObjectKey>();
    let _registration = config_maps.add_handler(from_fn(move |event: Event| {
        if let (Event::Added { .. } | Event::Updated { .. }, Some(key)) = (&event, event.key()) {
            let _closed = queue.send(key.clone());
        }
    }));

    while let Some(key) = keys.recv().await {
        if let Some(object) = config_maps.snapshot().get_key(&key)
            && let Err(error) = reconcile(&client, object).await
        {
            eprintln!("{key}: {error}");
        }
    }
    Ok(())
}

async fn reconcile(client: &Client, object: &Object) -> Result<(), Box<dyn Error>> {
    let data: Option<BTreeMap<String, String>> = object.pointer("/data")?;
    let wanted = data.unwrap_or_default().len().to_string();
    if object.annotation("example.com/keys")?.as_deref() == Some(&wanted) {
        return Ok(());
    }
    let patch = serde_json::json!({"metadata": {"annotations": {"example.com/keys": wanted}}});
    let request = http::Request::patch(format!(
        "{}/{}",
        Gvr::new("", "v1", "configmaps").path(object.namespace()),
        object.name()
    ))
    .header("content-type", "application/merge-patch+json")
    .body(patch.to_string().into())?;
    let response = client.send(request).await?;
    println!("{}: {}", object.key(), response.status);
    Ok(())
}
