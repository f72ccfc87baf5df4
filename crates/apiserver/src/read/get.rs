//! One object.

use super::{present, version};
use crate::{
    call::{Answer, Call},
    cluster::Cluster,
    status::ApiError,
};

/// Answers a get. A version that is asked for is one that the state must have reached.
pub(crate) async fn get(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    let wanted = call.query.get("resourceVersion").unwrap_or_default();
    let wanted =
        version::parse(wanted).map_err(|error| ApiError::other(500, "", error.to_string()))?;
    let snapshot = match wanted {
        Some(wanted) => version::not_older_than(&cluster.store, wanted).await?,
        None => cluster.store.snapshot(),
    };
    let entry = snapshot
        .get(&call.key())
        .ok_or_else(|| ApiError::not_found(call.resource.group_resource(), &call.info.name))?;
    present::stored(cluster, call, 200, entry)
}
