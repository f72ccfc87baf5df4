//! Fetches a custom resource's CRD, for the columns that it names. Without it, a table shows AGE.

use super::{event::ResourceId, output::CrdColumns};
use http::StatusCode;
use std::time::Duration;
use tidegate_client::{Client, Gvr, Purpose};

/// A CRD's schemas can be large.
const CRD_MAX_BYTES: usize = 16 << 20;
/// Columns are not worth a longer wait.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn learn(client: &Client, resource: &ResourceId, columns: &CrdColumns) {
    // Groups without a dot are Kubernetes' own.
    if !resource.group.contains('.') || columns.knows_builtin(resource) {
        return;
    }
    let crds = Gvr::new("apiextensions.k8s.io", "v1", "customresourcedefinitions").path(None);
    let path = format!("{crds}/{}", resource.qualified_plural());
    let fetch = async {
        let response = client
            .get(&path, "application/json", Purpose::Call)
            .await
            .ok()?;
        if response.status != StatusCode::OK {
            return None;
        }
        let body = response.bytes(CRD_MAX_BYTES).await.ok()?;
        serde_json::from_slice(&body).ok()
    };
    if let Ok(Some(crd)) = tokio::time::timeout(PATIENCE, fetch).await {
        columns.learn(resource, &crd);
    }
}
