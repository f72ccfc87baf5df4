//! The ways of the core group's kinds.

use super::{Counts, USUAL, Ways, keep, service};
use crate::{
    check,
    defaults::namespace_label,
    meta::{name_is_label, name_is_path_segment},
    view::{int, list, map, remove, text},
};
use serde_json::{Value, json};

pub(super) const ALL: &[Ways] = &[
    Ways {
        of: "core.v1.Binding",
        review: true,
        ..USUAL
    },
    Ways {
        of: "core.v1.ConfigMap",
        check: check::config::config_map,
        check_update: check::config::config_map_update,
        ..USUAL
    },
    Ways {
        of: "core.v1.Secret",
        update: |new, old, _| {
            if text(new, "type").is_empty() {
                keep(new, old, "type");
            }
        },
        check: check::config::secret,
        check_update: check::config::secret_update,
        warn: check::certificate::warn,
        ..USUAL
    },
    Ways {
        of: "core.v1.Namespace",
        name: name_is_label,
        status: true,
        check: check::namespace::namespace,
        check_update: check::namespace::update,
        create: namespace_create,
        update: namespace_update,
        check_part: check::namespace::part,
        ..USUAL
    },
    Ways {
        of: "core.v1.ServiceAccount",
        create: bare_secret_names,
        update: |new, _, _| bare_secret_names(new),
        ..USUAL
    },
    Ways {
        of: "core.v1.Service",
        name: name_is_label,
        status: true,
        put_creates: true,
        create: service::create,
        update: service::update,
        check: check::service::service,
        check_update: check::service::update,
        check_part: check::service::part,
        warn: check::service::warn,
        ..USUAL
    },
    Ways {
        of: "core.v1.Endpoints",
        put_creates: true,
        check: check::endpoints::endpoints,
        check_update: check::endpoints::endpoints_update,
        warn: |_, _, warnings| warnings.push(ENDPOINTS.to_owned()),
        ..USUAL
    },
    Ways {
        of: "core.v1.Event",
        name: name_is_path_segment,
        meta_last: true,
        put_creates: true,
        check: check::event::core,
        check_update: check::event::core_update,
        ..USUAL
    },
    Ways {
        of: "core.v1.LimitRange",
        put_creates: true,
        check: check::amounts::limits,
        check_update: |new, old, errors| check::updated(new, old, check::amounts::limits, errors),
        ..USUAL
    },
    Ways {
        of: "core.v1.Node",
        status: true,
        born_with_status: true,
        check: check::node::node,
        check_update: check::node::update,
        check_part: check::node::part,
        ..USUAL
    },
    Ways {
        of: "core.v1.PersistentVolumeClaim",
        status: true,
        create: claim_create,
        check: check::amounts::claim,
        check_update: check::amounts::claim_update,
        warn: check::warnings::claim,
        ..USUAL
    },
    Ways {
        of: "core.v1.PersistentVolume",
        status: true,
        create: |volume| {
            let now = volume["metadata"]["creationTimestamp"].clone();
            volume["status"] = json!({ "phase": "Pending", "lastPhaseTransitionTime": now });
        },
        check: check::persistent_volume::volume,
        check_update: check::persistent_volume::update,
        warn: check::warnings::volume,
        ..USUAL
    },
    Ways {
        of: "core.v1.Pod",
        status: true,
        counts: Counts::Spec,
        create: pod_create,
        update: pod_update,
        check: check::pod::pod,
        check_update: check::pod_update::update,
        check_part: check::pod_update::part,
        warn: check::warnings::pod,
        ..USUAL
    },
    Ways {
        of: "core.v1.ReplicationController",
        declared_name: true,
        status: true,
        counts: Counts::Spec,
        check: check::replication::controller,
        check_update: check::replication::update,
        check_part: check::replication::part,
        warn: check::warnings::replication,
        ..USUAL
    },
    Ways {
        of: "core.v1.ResourceQuota",
        status: true,
        check: check::quota::quota,
        check_update: check::quota::update,
        check_part: check::quota::part,
        ..USUAL
    },
];

const ENDPOINTS: &str =
    "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";

fn namespace_create(namespace: &mut Value) {
    namespace["status"]["phase"] = "Active".into();
    if !list(&namespace["spec"]["finalizers"]).contains(&"kubernetes".into()) {
        let mut finalizers = list(&namespace["spec"]["finalizers"]).to_vec();
        finalizers.push("kubernetes".into());
        namespace["spec"]["finalizers"] = finalizers.into();
    }
    namespace_label(namespace);
}

fn namespace_update(new: &mut Value, old: &Value, subresource: &str) {
    if subresource.is_empty() {
        super::copy(new, old, "spec", "finalizers");
    }
    namespace_label(new);
}

/// Of a reference to a secret only the name is kept.
fn bare_secret_names(account: &mut Value) {
    let secrets = account.get_mut("secrets").and_then(Value::as_array_mut);
    for secret in secrets.into_iter().flatten() {
        *secret = match text(secret, "name") {
            "" => json!({}),
            name => json!({ "name": name }),
        };
    }
}

fn pod_create(pod: &mut Value) {
    pod["status"]["phase"] = "Pending".into();
    if !list(&pod["spec"]["schedulingGates"]).is_empty() {
        pod["status"]["conditions"] = json!([{
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": null,
            "lastTransitionTime": pod["metadata"]["creationTimestamp"],
            "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
        }]);
    }
    pod["status"]["qosClass"] = quality(&pod["spec"]).into();
}

fn pod_update(new: &mut Value, old: &Value, subresource: &str) {
    if subresource != "status" {
        return;
    }
    crate::view::remove(&mut new["metadata"], "deletionTimestamp");
    super::copy(new, old, "metadata", "ownerReferences");
    if text(&new["status"], "qosClass").is_empty() {
        super::copy(new, old, "status", "qosClass");
    }
    if int(&new["status"], "observedGeneration") == 0 {
        super::copy(new, old, "status", "observedGeneration");
    }
}

/// The pod's class of service, which what its containers ask for decides.
fn quality(spec: &Value) -> &'static str {
    let pod_level = &spec["resources"];
    if !map(&pod_level["requests"]).is_empty() || !map(&pod_level["limits"]).is_empty() {
        return quality_of(pod_level);
    }
    let containers = list(&spec["initContainers"])
        .iter()
        .chain(list(&spec["containers"]));
    same(containers.map(|container| quality_of(&container["resources"])))
}

fn quality_of(resources: &Value) -> &'static str {
    same(["cpu", "memory"].into_iter().map(|name| {
        let amount = |part: &str| resources[part][name].as_str().unwrap_or("0").to_owned();
        match (amount("requests"), amount("limits")) {
            (request, limit) if request != limit => "Burstable",
            (request, _) if request == "0" => "BestEffort",
            _ => "Guaranteed",
        }
    }))
}

/// What all are, or else `Burstable`.
fn same(mut all: impl Iterator<Item = &'static str>) -> &'static str {
    let first = all.next().unwrap_or("BestEffort");
    if all.all(|one| one == first) {
        first
    } else {
        "Burstable"
    }
}

/// A new claim is filled from another claim or a snapshot, if at all.
fn claim_create(claim: &mut Value) {
    claim["status"]["phase"] = "Pending".into();
    let spec = &mut claim["spec"];
    let source = &spec["dataSource"];
    let fits = matches!(
        (text(source, "apiGroup"), text(source, "kind")),
        ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")
    );
    if !source.is_null() && !fits {
        remove(spec, "dataSource");
    }
    let namespaced = !text(&spec["dataSourceRef"], "namespace").is_empty();
    match (spec["dataSource"].clone(), spec["dataSourceRef"].clone()) {
        (Value::Null, Value::Null) => {}
        (Value::Null, reference) if !namespaced => spec["dataSource"] = reference,
        (source, Value::Null) => spec["dataSourceRef"] = source,
        _ => {}
    }
}
