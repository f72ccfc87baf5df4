//! Which state a read is about: the rules of `resourceVersion` and `resourceVersionMatch`.

use crate::status::ApiError;
use std::time::Duration;
use tidegate_schema::{FieldError, Path};
use tidegate_store::{HistoryError, Snapshot, Store};

/// How long a read waits for a version that is not there yet, as kube-apiserver does.
const PATIENCE: Duration = Duration::from_secs(3);

/// A version that a client sends. Empty and "0" are none: any state will do.
pub(crate) fn parse(text: &str) -> Result<Option<u64>, FieldError> {
    if matches!(text, "" | "0") {
        return Ok(None);
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().map(Some).map_err(|_| {
        let why = if digits {
            "value out of range"
        } else {
            "invalid syntax"
        };
        let root = Path::ROOT;
        FieldError::invalid(
            &root.child("resourceVersion"),
            &text.into(),
            format!("strconv.ParseUint: parsing \"{text}\": {why}"),
        )
    })
}

/// The newest state, once it has reached `version`.
pub(crate) async fn not_older_than(store: &Store, version: u64) -> Result<Snapshot, ApiError> {
    if store.revision() < version
        && tokio::time::timeout(PATIENCE, store.wait_for(version))
            .await
            .is_err()
    {
        return Err(ApiError::too_large_resource_version(
            version,
            store.revision(),
        ));
    }
    Ok(store.snapshot())
}

/// The state at exactly `version`.
pub(crate) async fn exact(store: &Store, version: u64) -> Result<Snapshot, ApiError> {
    not_older_than(store, version).await?;
    store.snapshot_at(version).map_err(|error| match error {
        HistoryError::Compacted { .. } => {
            ApiError::expired("The resourceVersion for the provided list is too old.")
        }
        HistoryError::Future { current } => ApiError::too_large_resource_version(version, current),
    })
}
