//! What a new pod gets: a service account with its token, tolerations, a priority.

use crate::{
    call::Call,
    cluster::Cluster,
    ids, object,
    status::{ApiError, GroupResource},
};
use serde_json::{Value, json};

/// Where a container finds the token of its service account.
const TOKEN_MOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// How the volume with the token is called, with letters behind it.
const TOKEN_VOLUME: &str = "kube-api-access-";
/// How long a pod stays on a node that is not ready.
const TOLERATION_SECONDS: i64 = 300;

fn is_pod(call: &Call, object: &Value) -> bool {
    let resource = &call.resource;
    resource.group.is_empty()
        && resource.plural == "pods"
        && call.info.subresource.is_empty()
        && object["spec"].is_object()
}

/// Completes a new pod. Other objects stay as they are.
pub(super) fn complete(cluster: &Cluster, call: &Call, object: &mut Value) -> Result<(), ApiError> {
    if !is_pod(call, object) {
        return Ok(());
    }
    copy_topology(cluster, object);
    service_account(cluster, call, object)?;
    priority(cluster, call, object)?;
    tolerate_absence(&mut object["spec"]);
    Ok(())
}

/// An update that leaves out what a new pod got has it still.
pub(super) fn keep(call: &Call, object: &mut Value, old: &Value) {
    if !is_pod(call, object) {
        return;
    }
    for name in ["priority", "preemptionPolicy"] {
        if object["spec"][name].is_null() && !old["spec"][name].is_null() {
            object["spec"][name] = old["spec"][name].clone();
        }
    }
    tolerate_absence(&mut object["spec"]);
}

/// A pod stays for a while on a node that is not to be reached.
fn tolerate_absence(spec: &mut Value) {
    for key in [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ] {
        tolerate(spec, key);
    }
}

/// Copies where a node is to a pod that gets it, or to its binding.
pub(crate) fn copy_topology(cluster: &Cluster, object: &mut Value) {
    const COPIED: [&str; 2] = [
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
    ];
    let node = match (&object["target"], &object["spec"]["nodeName"]) {
        (Value::Null, node) => node,
        (target, _) if target["kind"] == "Node" => &target["name"],
        _ => return,
    };
    let node = node.as_str().filter(|node| !node.is_empty());
    let node = node.and_then(|node| cluster.store.head(&format!("nodes/{node}")));
    let Some(node) = node.and_then(|node| object::from_bytes(&node.value).ok()) else {
        return;
    };
    for label in COPIED {
        if let Some(value) = node["metadata"]["labels"].get(label) {
            object["metadata"]["labels"][label] = value.clone();
        }
    }
}

/// A pod's priority is that of its class.
fn priority(cluster: &Cluster, call: &Call, pod: &mut Value) -> Result<(), ApiError> {
    const LOWER: &str = "PreemptLowerPriority";
    let class = pod["spec"]["priorityClassName"]
        .as_str()
        .unwrap_or_default();
    let entry = cluster
        .store
        .head(&format!("priorityclasses.scheduling.k8s.io/{class}"));
    let found = entry.and_then(|entry| object::from_bytes(&entry.value).ok());
    let name = object::Meta::name(&*pod).to_owned();
    let forbidden = |why: String| {
        Err(ApiError::forbidden(
            call.resource.group_resource(),
            &name,
            &why,
        ))
    };
    let (value, policy) = match (class, &found) {
        ("", _) => (0, LOWER.to_owned()),
        (_, Some(found)) => (
            found["value"].as_i64().unwrap_or_default(),
            found["preemptionPolicy"]
                .as_str()
                .unwrap_or(LOWER)
                .to_owned(),
        ),
        ("system-cluster-critical", None) => (2_000_000_000, LOWER.to_owned()),
        ("system-node-critical", None) => (2_000_001_000, LOWER.to_owned()),
        (class, None) => {
            return forbidden(format!("no PriorityClass with name {class} was found"));
        }
    };
    let spec = &pod["spec"];
    if let Some(given) = spec["priority"].as_i64().filter(|given| *given != value) {
        return forbidden(format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller \
             computed {value} from the given PriorityClass name"
        ));
    }
    if let Some(given) = spec["preemptionPolicy"]
        .as_str()
        .filter(|given| *given != policy)
    {
        return forbidden(format!(
            "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission \
             controller computed {policy} from the given PriorityClass name"
        ));
    }
    pod["spec"]["priority"] = value.into();
    pod["spec"]["preemptionPolicy"] = policy.into();
    Ok(())
}

fn service_account(cluster: &Cluster, call: &Call, pod: &mut Value) -> Result<(), ApiError> {
    let namespace = &call.info.namespace;
    let spec = &mut pod["spec"];
    if spec["serviceAccountName"]
        .as_str()
        .unwrap_or_default()
        .is_empty()
    {
        spec["serviceAccountName"] = "default".into();
        spec["serviceAccount"] = "default".into();
    }
    let account = spec["serviceAccountName"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let entry = cluster
        .store
        .head(&format!("serviceaccounts/{namespace}/{account}"));
    let found = entry.and_then(|entry| object::from_bytes(&entry.value).ok());
    let Some(found) = found else {
        let missing = ApiError::not_found(
            GroupResource {
                group: "",
                resource: "serviceaccount",
            },
            &account,
        );
        let why = format!(
            "error looking up service account {namespace}/{account}: {}",
            missing.message
        );
        let name = object::Meta::name(&*pod).to_owned();
        return Err(ApiError::forbidden(
            call.resource.group_resource(),
            &name,
            &why,
        ));
    };
    let spec = &mut pod["spec"];
    let wanted = spec["automountServiceAccountToken"].as_bool();
    let wanted = wanted.or_else(|| found["automountServiceAccountToken"].as_bool());
    if wanted.unwrap_or(true) {
        mount_token(spec);
    }
    let has_secrets = spec["imagePullSecrets"]
        .as_array()
        .is_some_and(|all| !all.is_empty());
    if !has_secrets && found["imagePullSecrets"].is_array() {
        spec["imagePullSecrets"] = found["imagePullSecrets"].clone();
    }
    Ok(())
}

fn mount_token(spec: &mut Value) {
    let volumes = spec["volumes"].as_array();
    let existing = volumes.into_iter().flatten().find_map(|volume| {
        let name = volume["name"].as_str()?;
        name.starts_with(TOKEN_VOLUME).then(|| name.to_owned())
    });
    let name = existing
        .clone()
        .unwrap_or_else(|| ids::generated_name(TOKEN_VOLUME));
    let mut needed = false;
    for list in ["initContainers", "containers"] {
        for container in spec
            .get_mut(list)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            needed |= mount(container, &name);
        }
    }
    if existing.is_none() && needed {
        push(
            spec,
            "volumes",
            json!({
                "name": name,
                "projected": {
                    "defaultMode": 420,
                    "sources": [
                        { "serviceAccountToken": { "path": "token", "expirationSeconds": 3607 } },
                        { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
                        { "downwardAPI": { "items": [{
                            "path": "namespace",
                            "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.namespace" },
                        }] } },
                    ],
                },
            }),
        );
    }
}

/// Mounts the token, unless something is mounted there. Whether it did.
fn mount(container: &mut Value, volume: &str) -> bool {
    let mounts = container["volumeMounts"].as_array();
    let taken = mounts
        .into_iter()
        .flatten()
        .any(|mount| mount["mountPath"] == TOKEN_MOUNT);
    if !taken && container.is_object() {
        push(
            container,
            "volumeMounts",
            json!({ "name": volume, "readOnly": true, "mountPath": TOKEN_MOUNT }),
        );
    }
    !taken
}

fn tolerate(spec: &mut Value, key: &str) {
    let tolerations = spec["tolerations"].as_array();
    let empty_or = |value: &Value, text: &str| matches!(value.as_str().unwrap_or_default(), found if found.is_empty() || found == text);
    let tolerated = tolerations.into_iter().flatten().any(|toleration| {
        empty_or(&toleration["key"], key) && empty_or(&toleration["effect"], "NoExecute")
    });
    if !tolerated {
        push(
            spec,
            "tolerations",
            json!({
                "key": key,
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": TOLERATION_SECONDS,
            }),
        );
    }
}

/// Appends to a list, which is made if there is none.
fn push(object: &mut Value, key: &str, item: Value) {
    match object.get_mut(key).and_then(Value::as_array_mut) {
        Some(list) => list.push(item),
        None => object[key] = Value::Array(vec![item]),
    }
}
