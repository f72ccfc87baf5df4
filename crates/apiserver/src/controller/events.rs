//! Events are forgotten an hour after they were last seen.

use crate::{
    clock,
    cluster::Cluster,
    object::{self, Meta},
};
use serde_json::Value;
use std::time::Duration;
use tidegate_store::{Expected, Write, WriteError};

/// How long an event is kept: kube-apiserver's `--event-ttl`.
const KEPT_SECONDS: i64 = 3600;
/// How often it is looked whether any is older.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Deletes the events that are old.
pub(super) async fn forget(cluster: &Cluster) {
    let now = cluster.clock.seconds();
    let old: Vec<(String, u64, Vec<u8>)> = {
        let snapshot = cluster.store.snapshot();
        let events = snapshot.range("events/", None);
        events
            .filter(|(_, entry)| {
                object::from_bytes(&entry.value)
                    .is_ok_and(|event| last_seen(&event) + KEPT_SECONDS < now)
            })
            .map(|(key, entry)| (key.to_owned(), entry.revision, entry.value.to_vec()))
            .collect()
    };
    for (key, revision, bytes) in old {
        let Ok(event) = object::from_bytes(&bytes) else {
            continue;
        };
        let write = Write::Delete {
            key: &key,
            expected: Expected::Revision(revision),
            body: object::to_body(&event),
        };
        match cluster.commit(write).await {
            Ok(_) | Err(WriteError::Conflict { .. }) => {}
            Err(error) => {
                tracing::warn!(%error, "old events can't be deleted");
                return;
            }
        }
    }
}

/// The last time that an event tells of.
fn last_seen(event: &Value) -> i64 {
    let places = ["/lastTimestamp", "/eventTime", "/series/lastObservedTime"];
    let times = places
        .iter()
        .filter_map(|place| event.pointer(place).and_then(Value::as_str));
    let times = times.chain([event.meta_text("creationTimestamp")]);
    times
        .filter_map(clock::parse)
        .max()
        .unwrap_or(i64::MAX - KEPT_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::last_seen;
    use serde_json::json;

    #[test]
    fn the_latest_time_counts() {
        let event = json!({
            "metadata": { "creationTimestamp": "1970-01-01T00:00:10Z" },
            "lastTimestamp": "1970-01-01T00:00:20Z",
            "eventTime": null,
            "series": { "lastObservedTime": "1970-01-01T00:00:30.000001Z" },
        });
        assert_eq!(last_seen(&event), 30);
        assert!(last_seen(&json!({})) > 1 << 60);
    }
}
