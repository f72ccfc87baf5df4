//! An index: which Pods run on which node, answered from memory.
#![expect(clippy::print_stdout, reason = "an example talks to a terminal")]

use std::error::Error;
use tidegate_informer::{Client, ClientOptions, Gvr, InformerFactory, Object, Source};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::connect(Source::Infer, ClientOptions::default()).await?;
    let factory = InformerFactory::new(client);
    let pods = factory.for_resource(Gvr::new("", "v1", "pods")).start();
    pods.add_index("node", |pod: &Object| {
        let node: Option<String> = pod.pointer("/spec/nodeName").ok().flatten();
        node.into_iter().collect()
    });
    pods.synced().await?;

    let snapshot = pods.snapshot();
    for node in snapshot.index_values("node") {
        println!("{node}:");
        for pod in snapshot.by_index("node", node) {
            println!("  {}", pod.key());
        }
    }
    Ok(())
}
