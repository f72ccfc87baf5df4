//! What a few kinds ask of the server beyond their own fields: namespaces end in two steps, definitions take their
//! objects with them, services get addresses, volumes note when they came into their phase.

use crate::{
    clock,
    object::Meta,
    resource::Resource,
    serve::handler::attributes,
    services,
    status::{ApiError, GroupResource},
    write::Write,
};
use serde_json::{Value, json};
use tidegate_access::BindingRefusal;

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
        return services::allocate(write, object, old);
    }
    if is(resource, "", "persistentvolumes") && write.subresource() == "status" {
        if let Some(old) = old {
            time_phase(object, old, &write.cluster.clock.time());
        }
        return Ok(());
    }
    if resource.group == "rbac.authorization.k8s.io" {
        return no_escalation(write, object, old);
    }
    Ok(())
}

/// Notes when a volume came into its phase, unless the client says when.
fn time_phase(volume: &mut Value, old: &Value, now: &str) {
    let field = "lastPhaseTransitionTime";
    let (is, was) = (&volume["status"], &old["status"]);
    let time = match (is["phase"] == was["phase"], &is[field]) {
        (true, Value::Null) => was[field].clone(),
        (false, time) if time.is_null() || *time == was[field] => now.into(),
        _ => return,
    };
    if !time.is_null() {
        volume["status"][field] = time;
    }
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
