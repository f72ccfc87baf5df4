//! What a few kinds ask of the server beyond their own fields: namespaces end in two steps, definitions take their
//! objects with them, services get addresses.

use crate::{
    clock,
    object::Meta,
    resource::Resource,
    serve::handler::attributes,
    services::Addresses,
    status::{ApiError, GroupResource},
    write::Write,
};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use tidegate_access::BindingRefusal;
use tidegate_schema::{FieldError, Path};

/// The finalizer with which a definition waits for its objects.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

fn is(resource: &Resource, group: &str, plural: &str) -> bool {
    resource.group == group && resource.plural == plural
}

/// Whether the first delete of an object of this kind only marks it, whatever finalizers it has.
pub(crate) fn marks_itself(resource: &Resource) -> bool {
    is(resource, "", "namespaces")
        || is(
            resource,
            "apiextensions.k8s.io",
            "customresourcedefinitions",
        )
}

/// Marks such an object.
pub(crate) fn mark(resource: &Resource, object: &mut Value, now: i64) {
    object.set_meta("deletionTimestamp", clock::text(now));
    if is(resource, "", "namespaces") {
        object["status"]["phase"] = "Terminating".into();
        return;
    }
    let mut finalizers = object.finalizers();
    if !finalizers.iter().any(|name| name == CLEANUP) {
        finalizers.push(CLEANUP.to_owned());
    }
    object.set_finalizers(finalizers);
    set_condition(
        object,
        json!({
            "type": "Terminating",
            "status": "True",
            "reason": "InstanceDeletionPending",
            "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
            "lastTransitionTime": clock::text(now),
        }),
    );
}

/// Sets a condition; its time moves only where its status does.
pub(crate) fn set_condition(object: &mut Value, mut condition: Value) {
    if !object["status"]["conditions"].is_array() {
        object["status"]["conditions"] = json!([]);
    }
    let Some(conditions) = object["status"]["conditions"].as_array_mut() else {
        return;
    };
    match conditions
        .iter_mut()
        .find(|found| found["type"] == condition["type"])
    {
        Some(found) => {
            if found["status"] == condition["status"] {
                condition["lastTransitionTime"] = found["lastTransitionTime"].clone();
            }
            *found = condition;
        }
        None => conditions.push(condition),
    }
}

/// Whether nothing but metadata finalizers keeps an object: a namespace also waits for its content.
pub(crate) fn may_end(resource: &Resource, object: &Value) -> bool {
    !is(resource, "", "namespaces")
        || object["spec"]["finalizers"]
            .as_array()
            .is_none_or(Vec::is_empty)
}

/// Sets what only the server can: the addresses of a service.
pub(crate) fn complete(
    write: &Write<'_>,
    object: &mut Value,
    old: Option<&Value>,
) -> Result<(), ApiError> {
    let resource = write.resource();
    if is(resource, "", "services") && write.subresource().is_empty() {
        return service(write, object, old);
    }
    if resource.group == "rbac.authorization.k8s.io" {
        return no_escalation(write, object, old);
    }
    Ok(())
}

/// Nobody grants what they don't have themselves, unless they may.
fn no_escalation(write: &Write<'_>, object: &Value, old: Option<&Value>) -> Result<(), ApiError> {
    let resource = write.resource();
    let user = &write.call.user;
    let rbac = write.cluster.rbac();
    let name = if object.name().is_empty() {
        &write.call.info.name
    } else {
        object.name()
    };
    let forbidden = |why: &str| ApiError::forbidden(resource.group_resource(), name, why);
    if matches!(resource.plural.as_str(), "roles" | "clusterroles") {
        let attributes = attributes(&write.call.info, write.call.info.verb);
        return rbac
            .check_role(user, &attributes, object, old)
            .map_err(|refusal| forbidden(&refusal.to_string()));
    }
    let checked = rbac.check_binding(user, object.namespace(), object, old);
    checked.map_err(|refusal| match &refusal {
        BindingRefusal::NoRole { resource, name } => ApiError::not_found(
            GroupResource {
                group: "rbac.authorization.k8s.io",
                resource,
            },
            name,
        ),
        BindingRefusal::NoRoleKind(_) => ApiError::internal(&refusal),
        BindingRefusal::Escalation(why) => forbidden(&why.to_string()),
    })
}

fn service(write: &Write<'_>, object: &mut Value, old: Option<&Value>) -> Result<(), ApiError> {
    if !object["spec"].is_object() {
        return Ok(());
    }
    let key = write.resource().key(object.namespace(), object.name());
    let addresses = &write.cluster.addresses;
    if object["spec"]["type"] == "ExternalName" {
        return Ok(());
    }
    cluster_ip(write, object, old, &key)?;
    let node_ports = matches!(
        object["spec"]["type"].as_str(),
        Some("NodePort" | "LoadBalancer")
    );
    let wanted = object["spec"]["allocateLoadBalancerNodePorts"] != false
        || object["spec"]["type"] == "NodePort";
    if !node_ports || !wanted {
        return Ok(());
    }
    let mut taken = Vec::new();
    for at in 0..object["spec"]["ports"].as_array().map_or(0, Vec::len) {
        let port = &mut object["spec"]["ports"][at];
        match port["nodePort"]
            .as_u64()
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or_default()
        {
            0 => {
                let free = addresses
                    .free_port(&taken)
                    .ok_or_else(|| ApiError::internal("no node port is free"))?;
                port["nodePort"] = free.into();
                taken.push(free);
            }
            number if addresses.port_taken(number, &key) => {
                let root = Path::ROOT;
                let spec = root.child("spec");
                let ports = spec.child("ports");
                let item = ports.index(at);
                let at = item.child("nodePort");
                let error =
                    FieldError::invalid(&at, &number.into(), "provided port is already allocated");
                return Err(write.invalid(object.name(), &[error]));
            }
            number => taken.push(number),
        }
    }
    Ok(())
}

fn cluster_ip(
    write: &Write<'_>,
    object: &mut Value,
    old: Option<&Value>,
    key: &str,
) -> Result<(), ApiError> {
    let addresses = &write.cluster.addresses;
    let wanted = object["spec"]["clusterIP"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let old = old.map(|old| old["spec"]["clusterIP"].as_str().unwrap_or_default());
    let address = match wanted.as_str() {
        "None" => "None".to_owned(),
        // An update without an address keeps the one there is.
        "" if old.is_some_and(|old| !old.is_empty()) => return Ok(()),
        "" => {
            let free = addresses.free_address();
            free.ok_or_else(|| ApiError::internal("no address is free"))?
                .to_string()
        }
        // The kind's checks refuse another one.
        text if old.is_some_and(|old| !old.is_empty()) => text.to_owned(),
        text => {
            checked_address(write, object, text, key)?;
            text.to_owned()
        }
    };
    let spec = &mut object["spec"];
    spec["clusterIP"] = address.as_str().into();
    if spec["clusterIPs"].as_array().is_none_or(Vec::is_empty) {
        spec["clusterIPs"] = json!([address]);
    }
    if spec["ipFamilies"].as_array().is_none_or(Vec::is_empty) {
        spec["ipFamilies"] = json!(["IPv4"]);
    }
    if spec["ipFamilyPolicy"].is_null() {
        spec["ipFamilyPolicy"] = "SingleStack".into();
    }
    Ok(())
}

fn checked_address(
    write: &Write<'_>,
    object: &Value,
    text: &str,
    key: &str,
) -> Result<(), ApiError> {
    let Ok(address) = text.parse::<Ipv4Addr>() else {
        // The kind's validation has the words.
        return Ok(());
    };
    let why = if !Addresses::in_range(address) {
        format!(
            "failed to allocate IP {text}: the provided IP ({text}) is not in the valid range. The range of valid IPs is \
             10.96.0.0/12"
        )
    } else if write.cluster.addresses.holder(address, key) {
        format!("failed to allocate IP {text}: provided IP is already allocated")
    } else {
        return Ok(());
    };
    let root = Path::ROOT;
    let spec = root.child("spec");
    let all = spec.child("clusterIPs");
    let error = FieldError::invalid(&all, &json!([text]), why);
    Err(write.invalid(object.name(), &[error]))
}
