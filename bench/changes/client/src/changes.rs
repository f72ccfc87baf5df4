//! Changes things, many times, while a load runs elsewhere.

use anyhow::bail;
use serde_json::json;
use tokio::time::{Duration, Instant, sleep};

use crate::{
    api::Api,
    load::Target,
    objects,
    origin::Origin,
    tls::{Authority, Identity},
};

/// A certificate that no client has seen by then is a failure.
const CERTIFICATE_PATIENCE: Duration = Duration::from_secs(30);

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
    times: usize,
) -> anyhow::Result<()> {
    let object = objects::route(
        &place.namespace,
        route,
        &place.gateway,
        "unused",
        backends[0],
    );
    for turn in 0..times {
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

/// Rolls a backend's endpoints: a new one comes, then the old one leaves the list, then it ends once it is unused, as pods do.
pub(crate) async fn roll(
    api: &Api,
    place: &Place,
    backend: &str,
    name: &str,
    times: usize,
) -> anyhow::Result<()> {
    let mut current = Origin::start(name).await?;
    api.apply(&objects::backend(
        &place.namespace,
        backend,
        &[current.address],
    ))
    .await?;
    for _ in 0..times {
        let next = Origin::start(name).await?;
        api.apply(&objects::backend(
            &place.namespace,
            backend,
            &[current.address, next.address],
        ))
        .await?;
        api.apply(&objects::backend(
            &place.namespace,
            backend,
            &[next.address],
        ))
        .await?;
        let old = std::mem::replace(&mut current, next);
        retire(old).await;
    }
    // The last one stays for the load.
    std::mem::forget(current);
    Ok(())
}

/// Ends an origin when nothing has asked it for a while: kubelets give pods such a grace period.
async fn retire(origin: Origin) {
    const QUIET: Duration = Duration::from_millis(200);
    loop {
        let before = origin.answered();
        sleep(QUIET).await;
        if origin.answered() == before {
            return;
        }
    }
}

/// Replaces the certificate of a listener again and again, by turns from two authorities. Each must be shown to a new
/// connection before the next one comes.
pub(crate) async fn rotate(
    api: &Api,
    place: &Place,
    secret: &str,
    authorities: &[Authority],
    target: &Target,
    times: usize,
) -> anyhow::Result<()> {
    for authority in authorities.iter().cycle().take(times) {
        let identity = authority.issue(&target.ask.host)?;
        api.apply(&objects::secret(&place.namespace, secret, &identity))
            .await?;
        until_shown(target, &identity).await?;
    }
    Ok(())
}

async fn until_shown(target: &Target, identity: &Identity) -> anyhow::Result<()> {
    let deadline = Instant::now() + CERTIFICATE_PATIENCE;
    while target.connect().await?.certificate.as_ref() != Some(&identity.certificate) {
        if Instant::now() > deadline {
            bail!("a new certificate is not shown after {CERTIFICATE_PATIENCE:?}");
        }
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
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
