//! Changes objects, many times, while a load runs elsewhere.

use anyhow::bail;
use serde_json::json;
use tokio::time::{Duration, sleep};

use crate::{
    api::Api,
    objects,
    origin::{Origin, Speaks},
};

/// The backend whose endpoints roll, and the name that they all answer with.
pub(crate) const ROLLING: &str = "rolling";

/// Where the objects are.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) namespace: String,
    pub(crate) gateway: String,
}

/// Edits one route again and again, between two backends.
pub(crate) async fn edit_route(
    api: &Api,
    place: &Place,
    route: &str,
    backends: [&str; 2],
    turns: impl Iterator<Item = usize>,
) -> anyhow::Result<()> {
    let object = objects::route(
        &place.namespace,
        route,
        &place.gateway,
        "unused",
        backends[0],
    );
    for turn in turns {
        let rule = json!({
            "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
            "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier":
                {"set": [{"name": "x-turn", "value": turn.to_string()}]}}],
            "backendRefs": [{"group": "tidegate.dev", "kind": "Backend", "name": backends[turn % 2]}]
        });
        api.patch(&object, &json!({"spec": {"rules": [rule]}}))
            .await?;
    }
    Ok(())
}

/// Adds routes and removes them again.
pub(crate) async fn add_routes(
    api: &Api,
    place: &Place,
    backend: &str,
    times: usize,
) -> anyhow::Result<()> {
    let route = |index: usize| {
        let name = format!("churn-{index}");
        let host = format!("{name}.example.com");
        objects::route(&place.namespace, &name, &place.gateway, &host, backend)
    };
    for index in 0..times {
        api.create(&route(index)).await?;
    }
    for index in 0..times {
        api.delete(&route(index)).await?;
    }
    Ok(())
}

/// Rolls a backend's endpoints: a new one comes, then the old one leaves the list, then it ends once it is unused, as pods
/// do. Yields the one that is there at last.
pub(crate) async fn roll(
    api: &Api,
    place: &Place,
    mut current: Origin,
    turns: impl Iterator<Item = usize>,
) -> anyhow::Result<Origin> {
    let backend = |addresses: &[_]| objects::backend(&place.namespace, ROLLING, addresses);
    for _ in turns {
        let next = Origin::start(ROLLING, Speaks::Http1).await?;
        api.apply(&backend(&[current.address, next.address]))
            .await?;
        api.apply(&backend(&[next.address])).await?;
        let old = std::mem::replace(&mut current, next);
        retire(old).await;
    }
    Ok(current)
}

/// Ends an origin when nothing has asked it for a while: kubelets give pods such a grace period.
async fn retire(origin: Origin) {
    const QUIET: Duration = Duration::from_millis(200);
    loop {
        let before = origin.begun();
        sleep(QUIET).await;
        if origin.begun() == before && origin.is_idle() {
            return;
        }
    }
}

/// So many kinds of damage must be kept by the API server, or the load proves little.
const DAMAGED_MIN: usize = 50;

/// Objects that are wrong in some way each, beside the good ones: how many were kept, and how many the API server refused.
pub(crate) async fn add_damaged(api: &Api, place: &Place) -> anyhow::Result<(usize, usize)> {
    let mut kept = 0;
    let mut refused = 0;
    for damage in crate::damage::all(&place.namespace, &place.gateway) {
        match api.is_accepted(&damage).await? {
            true => kept += 1,
            false => refused += 1,
        }
    }
    if kept < DAMAGED_MIN {
        bail!("only {kept} damaged objects are there");
    }
    Ok((kept, refused))
}
