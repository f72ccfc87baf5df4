//! The GatewayClass: made when the server has none of that name, once for each start, by the leader.

use crate::{api::Api, lease::Fence};
use serde_json::json;
use std::time::Duration;
use tidegate_client::Gvr;
use tidegate_compile::Kind;
use tidegate_informer::InformerFactory;

/// After a failure that may pass.
const AGAIN: Duration = Duration::from_secs(5);

/// Waits until this process leads and the server serves GatewayClasses; then makes one if it is missing.
pub(crate) async fn ensure(
    api: Api,
    factory: InformerFactory,
    fence: Fence,
    name: String,
    controller: String,
) {
    let kind = Kind::GatewayClass;
    let gvr = Gvr::new(kind.group(), kind.version(), kind.plural());
    let classes = factory.for_resource(gvr.clone()).start();
    if classes.synced().await.is_err() {
        return;
    }
    let mut leading = fence.leading();
    if leading.wait_for(|leading| *leading).await.is_err() {
        return;
    }
    let object = json!({
        "apiVersion": gvr.api_version(),
        "kind": kind.name(),
        "metadata": { "name": name },
        "spec": { "controllerName": controller, "description": "Made by tidegate" },
    });
    while classes.get(None, &name).is_none() {
        match api.create(&gvr.path(None), &object).await {
            Ok(_) => {
                tracing::info!(name, "gateway class made");
                return;
            }
            Err(error) if error.is_conflict() => return,
            Err(error)
                if error
                    .status()
                    .is_some_and(|status| status.is_client_error()) =>
            {
                tracing::warn!(name, %error, "there is no such gateway class, and it may not be made");
                return;
            }
            Err(error) => tracing::debug!(%error, "gateway class not made yet"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}
