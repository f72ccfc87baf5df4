//! Bindings: a pod gets its node. What a scheduler sends to `pods/NAME/binding`, and older ones to `bindings`.
//!
//! A binding is no update: it goes past what the kind checks, and nobody owns what it writes.
//!
//! Invariant: a pod that has a node keeps it.

use crate::{
    admission::{self, Operation},
    call::{Answer, Call},
    clock,
    cluster::Cluster,
    object::Meta,
    request::options::{WriteKind, WriteOptions},
    serve::route::check_segment,
    special,
    status::{self, ApiError, GroupResource},
    write::Write,
};
use serde_json::{Value, json};
use tidegate_schema::{FieldError, Path, dns1123_subdomain_errors};
use tidegate_store::Expected;

/// How often a binding that other writes overtake is tried again.
const TRIES: usize = 1000;

/// Annotations of old that pods no longer have.
const DROPPED: [&str; 4] = [
    "pod.beta.kubernetes.io/init-containers",
    "pod.alpha.kubernetes.io/init-containers",
    "pod.beta.kubernetes.io/init-container-statuses",
    "pod.alpha.kubernetes.io/init-container-statuses",
];

/// Answers a binding.
pub(crate) async fn create(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    if !crate::negotiate::is_protobuf(&call.headers) {
        crate::negotiate::input_format(&call.headers)?;
    }
    let options = WriteOptions::parse(&call.query, WriteKind::Create)?;
    let (of_bindings, mut of_pod) = calls(cluster, call)?;
    let write = |call| Write {
        cluster,
        call,
        options: &options,
    };
    let mut binding = write(&of_bindings).body()?;
    let sent = write(call);
    sent.settle_namespace(&mut binding)?;
    cluster.mutate_admission(&sent, Operation::Create, &mut binding, None)?;
    if call.info.subresource.is_empty() {
        of_pod.info.name = binding.name().to_owned();
    } else {
        admission::copy_topology(cluster, &mut binding);
    }
    let name = of_pod.info.name.as_str();
    if binding.name() != name {
        return Err(ApiError::bad_request(
            "name in URL does not match name in Binding object",
        ));
    }
    check(&binding)?;
    let request = sent.admission(Operation::Create, name, Some(&binding), None);
    cluster.validate_admission(&request)?;
    if name.is_empty() {
        return Err(ApiError::bad_request("Name parameter required."));
    }
    check_segment(name)?;
    write(&of_pod).bind(&binding).await?;
    let status = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "code": 201,
    });
    Answer::document(201, &status, call.output)
}

/// The same call as one about bindings, whose kind the body has, and as one about pods, where the pod is.
fn calls(cluster: &Cluster, call: &Call) -> Result<(Call, Call), ApiError> {
    let resources = cluster.registry.now();
    let of = |plural: &str| {
        let resource = resources.get("", "v1", plural).cloned();
        let mut call = call.clone();
        call.resource = resource.ok_or_else(ApiError::unknown_resource)?;
        Ok::<_, ApiError>(call)
    };
    Ok((of("bindings")?, of("pods")?))
}

/// What is wrong with a binding: an error without a reason, as in Kubernetes.
fn check(binding: &Value) -> Result<(), ApiError> {
    let root = Path::ROOT;
    let target = root.child("target");
    let (kind, name) = (target.child("kind"), target.child("name"));
    let text = |key: &str| binding["target"][key].as_str().unwrap_or_default();
    let mut errors = Vec::new();
    let is_node = matches!(text("kind"), "" | "Node");
    if !is_node {
        let mut error = FieldError::not_supported(&kind, &text("kind").into(), &["Node"]);
        error.detail.push_str(", \"<empty>\"");
        errors.push(error);
    }
    if text("name").is_empty() {
        errors.push(FieldError::required(&name, ""));
    } else if is_node {
        for why in dns1123_subdomain_errors(text("name")) {
            errors.push(FieldError::invalid(&name, &text("name").into(), &why));
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(ApiError::other(500, "", status::aggregated(&errors)))
}

impl Write<'_> {
    /// Gives a pod its node.
    async fn bind(&self, binding: &Value) -> Result<(), ApiError> {
        let (resource, key) = (self.resource(), self.call.key());
        let name = &self.call.info.name;
        for _ in 0..TRIES {
            let entry = self.cluster.store.head(&key);
            let entry =
                entry.ok_or_else(|| ApiError::not_found(resource.group_resource(), name))?;
            let mut pod = resource.tree(&entry.value)?;
            self.check_uid(binding, &pod)?;
            self.check_exact_version(binding, &pod)?;
            bound(&mut pod, binding, self.cluster.clock.seconds())
                .map_err(|why| refused(name, &why))?;
            let expected = Expected::Revision(entry.revision);
            if self.store(&key, expected, pod).await?.is_some() {
                return Ok(());
            }
        }
        Err(refused(
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        ))
    }
}

fn refused(name: &str, why: &str) -> ApiError {
    let what = GroupResource {
        group: "",
        resource: "pods/binding",
    };
    ApiError::conflict(what, name, why)
}

/// Makes a pod one that has the binding's node, or says why it may not have it.
fn bound(pod: &mut Value, binding: &Value, now: i64) -> Result<(), String> {
    let name = pod.name();
    if pod.is_being_deleted() {
        return Err(format!(
            "pod {name} is being deleted, cannot be assigned to a host"
        ));
    }
    let spec = &pod["spec"];
    if let Some(node) = spec["nodeName"].as_str().filter(|node| !node.is_empty()) {
        return Err(format!("pod {name} is already assigned to node {node:?}"));
    }
    let gates = spec["schedulingGates"].as_array();
    if gates.is_some_and(|gates| !gates.is_empty()) {
        return Err(format!("pod {name} has non-empty .spec.schedulingGates"));
    }
    pod["spec"]["nodeName"] = binding["target"]["name"].clone();
    if let Some(status) = pod["status"].as_object_mut() {
        status.remove("nominatedNodeName");
    }
    merge(pod, binding, "annotations");
    let annotations = pod.metadata_mut().get_mut("annotations");
    if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
        annotations.retain(|key, _| !DROPPED.contains(&key.as_str()));
    }
    merge(pod, binding, "labels");
    let condition = json!({
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": null,
        "lastTransitionTime": clock::text(now),
    });
    special::set_condition(pod, condition);
    Ok(())
}

/// Copies a map of the metadata over the pod's.
fn merge(pod: &mut Value, binding: &Value, key: &str) {
    let added = binding.metadata().and_then(|metadata| metadata.get(key));
    let Some(added) = added.and_then(Value::as_object) else {
        return;
    };
    let metadata = pod.metadata_mut();
    match metadata.get_mut(key).and_then(Value::as_object_mut) {
        Some(own) => own.extend(added.clone()),
        None if added.is_empty() => {}
        None => {
            metadata.insert(key.to_owned(), added.clone().into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::bound;
    use serde_json::{Value, json};

    const NOW: i64 = 1_700_000_000;

    fn check(pod: Value, binding: Value, expect: Result<Value, &str>) {
        let mut pod = pod;
        let done = bound(&mut pod, &binding, NOW);
        assert_eq!(done.map(|()| pod), expect.map_err(str::to_owned));
    }

    #[test]
    fn a_pod_gets_a_node_once() {
        let to_n = || json!({ "metadata": {}, "target": { "name": "n" } });
        let scheduled = |time: &str| json!({ "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": time });
        check(
            json!({
                "metadata": { "name": "a", "annotations": { "x": "old", "pod.beta.kubernetes.io/init-containers": "[]" } },
                "spec": {},
                "status": { "nominatedNodeName": "m", "conditions": [
                    { "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": "2020-01-01T00:00:00Z" },
                ] },
            }),
            json!({
                "metadata": { "annotations": { "x": "new", "y": "z" }, "labels": { "zone": "b" } },
                "target": { "name": "n" },
            }),
            Ok(json!({
                "metadata": { "name": "a", "annotations": { "x": "new", "y": "z" }, "labels": { "zone": "b" } },
                "spec": { "nodeName": "n" },
                "status": { "conditions": [scheduled("2023-11-14T22:13:20Z")] },
            })),
        );
        let before = scheduled("2020-01-01T00:00:00Z");
        check(
            json!({ "metadata": { "name": "a" }, "spec": {}, "status": { "conditions": [before] } }),
            to_n(),
            Ok(json!({
                "metadata": { "name": "a" },
                "spec": { "nodeName": "n" },
                "status": { "conditions": [before] },
            })),
        );
        let refusals = [
            (
                json!({ "metadata": { "name": "a" }, "spec": { "nodeName": "n" } }),
                "pod a is already assigned to node \"n\"",
            ),
            (
                json!({ "metadata": { "name": "a", "deletionTimestamp": "2020-01-01T00:00:00Z" }, "spec": {} }),
                "pod a is being deleted, cannot be assigned to a host",
            ),
            (
                json!({ "metadata": { "name": "a" }, "spec": { "schedulingGates": [{ "name": "x/y" }] } }),
                "pod a has non-empty .spec.schedulingGates",
            ),
        ];
        for (pod, why) in refusals {
            check(pod, to_n(), Err(why));
        }
    }
}
