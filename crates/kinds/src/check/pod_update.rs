//! Checks of updates of pods: little of a pod may change.

use super::{
    Errors, meta_create, meta_update,
    pod::{pod, tolerations},
    words::form,
};
use crate::{
    internal,
    meta::{dns1123_subdomain_errors, name_is_subdomain},
    view::{int, list, remove, text},
    ways::keep,
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

const UPDATABLE: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

pub(crate) fn update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    meta_create(new, true, name_is_subdomain, errors);
    pod(new, errors);
    let root = Path::ROOT;
    let path = root.child("spec");
    let (new, old) = (&new["spec"], &old["spec"]);
    for group in ["containers", "initContainers"] {
        if list(&new[group]).len() != list(&old[group]).len() {
            let why = "pod updates may not add or remove containers";
            errors.push(FieldError::forbidden(&path.child(group), why));
            return;
        }
    }
    if !deadline(new, old, &path, errors) {
        return;
    }
    kept_tolerations(new, old, &path.child("tolerations"), errors);
    let gates = path.child("schedulingGates");
    for (index, gate) in list(&new["schedulingGates"]).iter().enumerate() {
        if !list(&old["schedulingGates"]).contains(gate) {
            let why = format!(
                "only deletion is allowed, but found new scheduling gate '{}'",
                text(gate, "name")
            );
            errors.push(FieldError::forbidden(
                &gates.index(index).child("name"),
                why,
            ));
        }
    }
    let wanted = munged(new, old);
    if wanted != *old {
        let difference = internal::difference("@core.PodSpec", old, &wanted);
        let why = format!("pod updates may not change fields other than {UPDATABLE}\n{difference}");
        errors.push(FieldError::forbidden(&path, why));
    }
}

/// False where nothing else is worth a look.
fn deadline(new: &Value, old: &Value, path: &Path<'_>, errors: &mut Errors) -> bool {
    let at = path.child("activeDeadlineSeconds");
    let (after, before) = (
        new["activeDeadlineSeconds"].as_i64(),
        old["activeDeadlineSeconds"].as_i64(),
    );
    match (after, before) {
        (Some(after), _) if !(0..=i64::from(i32::MAX)).contains(&after) => {
            let why = "must be between 0 and 2147483647, inclusive";
            errors.push(FieldError::invalid(&at, &after.into(), why));
            false
        }
        (Some(after), Some(before)) if before < after => {
            let why = "must be less than or equal to previous value";
            errors.push(FieldError::invalid(&at, &after.into(), why));
            false
        }
        (None, Some(_)) => {
            let why = "must not update from a positive integer to nil value";
            errors.push(FieldError::invalid(&at, &Value::Null, why));
            true
        }
        _ => true,
    }
}

fn kept_tolerations(new: &Value, old: &Value, path: &Path<'_>, errors: &mut Errors) {
    let bare = |toleration: &Value| {
        let mut toleration = toleration.clone();
        remove(&mut toleration, "tolerationSeconds");
        toleration
    };
    let after: Vec<Value> = list(&new["tolerations"]).iter().map(bare).collect();
    if list(&old["tolerations"])
        .iter()
        .any(|one| !after.contains(&bare(one)))
    {
        let why = "existing toleration can not be modified except its tolerationSeconds";
        errors.push(FieldError::forbidden(path, why));
        return;
    }
    tolerations(new, path, errors);
}

/// The new spec, with what may change as it was.
fn munged(new: &Value, old: &Value) -> Value {
    let mut spec = new.clone();
    for group in ["containers", "initContainers"] {
        let containers = spec.get_mut(group).and_then(Value::as_array_mut);
        for (container, before) in containers.into_iter().flatten().zip(list(&old[group])) {
            keep(container, before, "image");
        }
    }
    for name in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
        keep(&mut spec, old, name);
    }
    let grace = "terminationGracePeriodSeconds";
    if int(old, grace) < 0 && new[grace] == 1 {
        keep(&mut spec, old, grace);
    }
    spec
}

pub(crate) fn part(new: &Value, old: &Value, _: &str, errors: &mut Errors) {
    meta_update(new, old, errors);
    let root = Path::ROOT;
    let status = root.child("status");
    let (now, was) = (
        text(&new["status"], "nominatedNodeName"),
        text(&old["status"], "nominatedNodeName"),
    );
    if !now.is_empty() && now != was {
        form(
            now,
            dns1123_subdomain_errors,
            &status.child("nominatedNodeName"),
            errors,
        );
    }
    let (now, was) = (&new["spec"]["nodeName"], &old["spec"]["nodeName"]);
    if now != was && !now.is_null() {
        let why = "may not be changed directly";
        errors.push(FieldError::forbidden(&status.child("nodeName"), why));
    }
}
