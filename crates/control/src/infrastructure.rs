//! What stands for a Gateway in the cluster: a ServiceAccount in its namespace with the labels and annotations that the
//! Gateway asks for. Applied by the leader; owned by the Gateway, so that it goes with it.

use crate::{
    api::{Api, ApiError},
    lease::Fence,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use tidegate_client::Gvr;
use tidegate_compile::{Infrastructure, InfrastructureChange, ObjectKey};
use tokio::sync::mpsc;

/// What has changed.
#[derive(Debug)]
pub(crate) struct Orders(pub(crate) Vec<InfrastructureChange>);

/// After a failure.
const AGAIN: Duration = Duration::from_secs(2);
const AGAIN_MAX: Duration = Duration::from_secs(60);
/// How long a call may take.
const CALL_TIME_MAX: Duration = Duration::from_secs(4);

/// Runs until the sender is dropped.
pub(crate) async fn run(api: Api, fence: Fence, mut orders: mpsc::UnboundedReceiver<Orders>) {
    let mut leading = fence.leading();
    let mut state = State::default();
    let mut pause = AGAIN;
    loop {
        if *leading.borrow_and_update() {
            let clean = state.work(&api, &fence).await;
            pause = if clean {
                AGAIN
            } else {
                (pause * 2).min(AGAIN_MAX)
            };
        }
        let again = *leading.borrow() && !state.due.is_empty();
        tokio::select! {
            received = orders.recv() => match received {
                Some(Orders(changes)) => changes.into_iter().for_each(|change| state.take(change)),
                None => return,
            },
            Ok(()) = leading.changed() => state.all_due(),
            () = tokio::time::sleep(pause), if again => {}
        }
    }
}

#[derive(Default)]
struct State {
    wanted: BTreeMap<ObjectKey, Infrastructure>,
    due: BTreeSet<ObjectKey>,
}

impl State {
    fn take(&mut self, change: InfrastructureChange) {
        let key = match change {
            InfrastructureChange::Set(wanted) => {
                let key = wanted.gateway.clone();
                self.wanted.insert(key.clone(), wanted);
                key
            }
            InfrastructureChange::Gone(key) => {
                self.wanted.remove(&key);
                key
            }
        };
        self.due.insert(key);
    }

    /// A new leader can't know what the old one has done.
    fn all_due(&mut self) {
        self.due.extend(self.wanted.keys().cloned());
    }

    /// Does what is due. Whether all of it went well.
    async fn work(&mut self, api: &Api, fence: &Fence) -> bool {
        let mut clean = true;
        for key in std::mem::take(&mut self.due) {
            if fence.time_left(Instant::now()).is_none() {
                self.due.insert(key);
                continue;
            }
            let call = settle(api, &key, self.wanted.get(&key));
            let failure = match tokio::time::timeout(CALL_TIME_MAX, call).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) if error.is_missing() => continue, // its namespace is gone
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer in time".to_owned(),
            };
            tracing::warn!(gateway = %key, failure, "infrastructure not written");
            clean = false;
            self.due.insert(key);
        }
        clean
    }
}

async fn settle(
    api: &Api,
    key: &ObjectKey,
    wanted: Option<&Infrastructure>,
) -> Result<(), ApiError> {
    let accounts = Gvr::new("", "v1", "serviceaccounts").path(Some(&key.namespace));
    let path = format!("{accounts}/{}", name(key));
    match wanted {
        Some(wanted) => api.apply(&path, &account(wanted)).await.map(|_| ()),
        None => {
            // One of the same name that is not ours stays.
            let found = api.get(&path).await?;
            let ours = found.as_ref().is_some_and(|object| {
                object["metadata"]["labels"]["gateway.networking.k8s.io/gateway-name"] == *key.name
            });
            if ours {
                api.delete(&path).await
            } else {
                Ok(())
            }
        }
    }
}

fn account(wanted: &Infrastructure) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": name(&wanted.gateway),
            "namespace": *wanted.gateway.namespace,
            "labels": wanted.labels,
            "annotations": wanted.annotations,
            "ownerReferences": [{
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "Gateway",
                "name": *wanted.gateway.name,
                "uid": *wanted.uid,
            }],
        },
        "automountServiceAccountToken": false,
    })
}

/// Names of accounts may be as long as those of Gateways.
fn name(gateway: &ObjectKey) -> String {
    const SUFFIX: &str = "-tidegate";
    const LONGEST: usize = 253;
    let name = &*gateway.name;
    if name.len() + SUFFIX.len() <= LONGEST {
        return format!("{name}{SUFFIX}");
    }
    // Names are ASCII; a checksum keeps shortened ones apart.
    let checksum = format!("-{:08x}", crc32fast::hash(name.as_bytes()));
    let kept: String = name
        .chars()
        .take(LONGEST - SUFFIX.len() - checksum.len())
        .collect();
    format!("{kept}{checksum}{SUFFIX}")
}

#[cfg(test)]
mod tests {
    use super::name;
    use tidegate_compile::ObjectKey;

    #[test]
    fn names_fit_and_differ() {
        assert_eq!(name(&ObjectKey::new("n", "web")), "web-tidegate");
        let long = |end: &str| name(&ObjectKey::new("n", &format!("{}{end}", "a".repeat(252))));
        assert_eq!(long("b").len(), 253);
        assert_ne!(long("b"), long("c"));
    }
}
