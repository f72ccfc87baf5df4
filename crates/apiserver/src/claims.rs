//! Which claims of volumes a pod uses. Reads no store.

use crate::object::Meta;
use serde_json::Value;

/// The keys of the claims that a pod names, or that are made for it.
pub(crate) fn claims_of(pod: &Value) -> Vec<String> {
    let key = |name| format!("persistentvolumeclaims/{}/{name}", pod.namespace());
    volumes(pod)
        .filter_map(|volume| claim_of(pod, volume))
        .map(key)
        .collect()
}

/// Whether a claim must stay for a pod. Only pods on nodes count: no node's agent starts one whose claim is being
/// deleted.
pub(crate) fn uses(pod: &Value, claim: &Value) -> bool {
    let is_on_node = pod["spec"]["nodeName"]
        .as_str()
        .is_some_and(|node| !node.is_empty());
    is_on_node
        && volumes(pod).any(|volume| {
            claim_of(pod, volume).as_deref() == Some(claim.name())
                && (!volume["ephemeral"].is_object()
                    || !is_shut_down(pod) && is_made_for(claim, pod))
        })
}

fn volumes(pod: &Value) -> impl Iterator<Item = &Value> {
    pod["spec"]["volumes"].as_array().into_iter().flatten()
}

fn claim_of(pod: &Value, volume: &Value) -> Option<String> {
    if let Some(name) = volume["persistentVolumeClaim"]["claimName"].as_str() {
        return Some(name.to_owned());
    }
    if !volume["ephemeral"].is_object() {
        return None;
    }
    let name = volume["name"].as_str()?;
    Some(format!("{}-{name}", pod.name()))
}

/// Its node is done with it. It may wait for the claim to go, and the claim must not wait for it.
fn is_shut_down(pod: &Value) -> bool {
    pod.is_being_deleted() && pod["metadata"]["deletionGracePeriodSeconds"] == 0
}

fn is_made_for(claim: &Value, pod: &Value) -> bool {
    let owners = claim["metadata"]["ownerReferences"].as_array();
    let mut owners = owners.into_iter().flatten();
    owners.any(|owner| owner["uid"] == pod.uid() && owner["controller"] == true)
}

#[cfg(test)]
mod tests {
    use super::{claims_of, uses};
    use serde_json::{Value, json};

    fn pod(node: &str, volumes: Value, deletion: Value) -> Value {
        let mut metadata = json!({ "name": "p", "namespace": "n", "uid": "1" });
        if let (Some(metadata), Value::Object(deletion)) = (metadata.as_object_mut(), deletion) {
            metadata.extend(deletion);
        }
        json!({ "metadata": metadata, "spec": { "nodeName": node, "volumes": volumes } })
    }

    #[test]
    fn a_claim_is_used_by_pods_on_nodes() {
        let named = json!([{ "name": "v", "persistentVolumeClaim": { "claimName": "c" } }]);
        let made = json!([{ "name": "v", "ephemeral": {} }, { "name": "w", "emptyDir": {} }]);
        let ends = json!({ "deletionTimestamp": "x", "deletionGracePeriodSeconds": 0 });
        let claim = |name: &str, uid: &str| {
            let owners = json!([{ "uid": uid, "controller": true }]);
            json!({ "metadata": { "name": name, "ownerReferences": owners } })
        };
        let none = || json!({});
        for (pod, claim, expect) in [
            (pod("node", named.clone(), none()), claim("c", ""), true),
            (pod("", named.clone(), none()), claim("c", ""), false),
            (pod("node", named.clone(), none()), claim("d", ""), false),
            (
                pod("node", named.clone(), ends.clone()),
                claim("c", ""),
                true,
            ),
            (pod("node", made.clone(), none()), claim("p-v", "1"), true),
            (pod("node", made.clone(), none()), claim("p-v", "2"), false),
            (pod("node", made.clone(), ends), claim("p-v", "1"), false),
            (pod("node", made.clone(), none()), claim("p-w", "1"), false),
        ] {
            assert_eq!(uses(&pod, &claim), expect, "{pod} {claim}");
        }
        assert_eq!(
            claims_of(&pod("", made, none())),
            ["persistentvolumeclaims/n/p-v"]
        );
    }
}
