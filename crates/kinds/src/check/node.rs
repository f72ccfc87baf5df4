//! Checks of Node.

use super::{
    Errors, meta_create, meta_update, net,
    words::{form, missing_or_one_of, repeated},
};
use crate::{
    decode,
    meta::{label_value_errors, name_is_subdomain, qualified_name_errors},
    view::{list, map, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, FieldErrorType, Path};

const EFFECTS: &[&str] = &["NoSchedule", "PreferNoSchedule", "NoExecute"];

pub(crate) fn node(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    taints(object, errors);
    resources(object, errors);
    let spec = root.child("spec");
    let path = spec.child("podCIDRs");
    let ranges = list(&object["spec"]["podCIDRs"]);
    for (index, range) in ranges.iter().enumerate() {
        net::cidr(
            range.as_str().unwrap_or_default(),
            &path.index(index),
            errors,
        );
    }
    if ranges.len() > 1 {
        let older = ranges
            .iter()
            .filter(|range| !range.as_str().unwrap_or_default().contains(':'))
            .count();
        if let Some((index, bad)) = ranges
            .iter()
            .enumerate()
            .find(|(_, range)| !net::is_cidr(range))
        {
            let bad = bad.as_str().unwrap_or_default();
            let why = format!(
                "invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[{index}]: <nil> (invalid CIDR address: {bad})"
            );
            errors.push(FieldError::new(FieldErrorType::Internal, &path, why));
        }
        if ranges.len() > 2 || older != 1 {
            let why = "may specify no more than one CIDR for each IP family";
            errors.push(FieldError::invalid(&path, &object["spec"]["podCIDRs"], why));
        }
    }
}

fn taints(object: &Value, errors: &mut Errors) {
    let taints = list(&object["spec"]["taints"]);
    let meta = Path::ROOT.child("metadata");
    let path = meta.child("taints");
    let pairs = taints
        .iter()
        .map(|one| (text(one, "key"), text(one, "effect")));
    let again = repeated(pairs);
    for (index, taint) in taints.iter().enumerate() {
        let at = path.index(index);
        form(
            text(taint, "key"),
            qualified_name_errors,
            &at.child("key"),
            errors,
        );
        let found = label_value_errors(text(taint, "value"));
        if !found.is_empty() {
            errors.push(FieldError::invalid(
                &at.child("value"),
                &taint["value"],
                found.join(";"),
            ));
        }
        missing_or_one_of(taint, "effect", EFFECTS, &at, errors);
        if again[index] {
            let mut error = FieldError::duplicate(&at, &Value::Null);
            error.bad_value = internal_taint(taint);
            error.detail = "taints must be unique by key and effect pair".to_owned();
            errors.push(error);
        }
    }
}

/// As the server's own type writes it.
fn internal_taint(taint: &Value) -> String {
    let (key, value) = (text(taint, "key"), text(taint, "value"));
    let (effect, added) = (text(taint, "effect"), &taint["timeAdded"]);
    format!("{{\"Key\":{key:?},\"Value\":{value:?},\"Effect\":{effect:?},\"TimeAdded\":{added}}}")
}

fn resources(object: &Value, errors: &mut Errors) {
    let status = Path::ROOT.child("status");
    for part in ["capacity", "allocatable"] {
        let path = status.child(part);
        for (name, amount) in map(&object["status"][part]) {
            quantity(name, amount, &path.child(name), errors);
        }
    }
}

/// An amount isn't negative; some resources are counted in whole numbers.
pub(crate) fn quantity(name: &str, value: &Value, path: &Path<'_>, errors: &mut Errors) {
    let Some(amount) = value.as_str().and_then(|text| decode::quantity(text).ok()) else {
        return;
    };
    if amount.sign() < 0 {
        errors.push(FieldError::invalid(
            path,
            value,
            "must be greater than or equal to 0",
        ));
    }
    let counted = name == "pods"
        || name.starts_with("hugepages-")
        || (name.contains('/') && !is_native(name));
    if counted && !amount.has_at_most_places(0) {
        errors.push(FieldError::invalid(path, value, "must be an integer"));
    }
}

/// A resource of Kubernetes' own.
pub(crate) fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

pub(crate) fn part(new: &Value, old: &Value, _: &str, errors: &mut Errors) {
    changes(new, old, errors);
}

pub(crate) fn update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_create(new, false, name_is_subdomain, errors);
    node(new, errors);
    changes(new, old, errors);
}

fn changes(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    resources(new, errors);
    let root = Path::ROOT;
    let (spec, status) = (root.child("spec"), root.child("status"));
    let addresses = list(&new["status"]["addresses"]);
    let path = status.child("addresses");
    for (index, address) in addresses
        .iter()
        .enumerate()
        .filter(|(index, one)| addresses[..*index].contains(one))
    {
        let mut error = FieldError::duplicate(&path.index(index), &Value::Null);
        let (kind, text) = (text(address, "type"), text(address, "address"));
        error.bad_value = format!("{{\"Type\":{kind:?},\"Address\":{text:?}}}");
        errors.push(error);
    }
    let (before, after) = (
        list(&old["spec"]["podCIDRs"]),
        list(&new["spec"]["podCIDRs"]),
    );
    let changes = if before.len() == after.len() {
        before
            .iter()
            .zip(after)
            .filter(|(before, after)| before != after)
            .count()
    } else {
        usize::from(!before.is_empty())
    };
    for _ in 0..changes {
        let why = "node updates may not change podCIDR except from \"\" to valid";
        errors.push(FieldError::forbidden(&spec.child("podCIDRs"), why));
    }
    let (was, is) = (
        text(&old["spec"], "providerID"),
        text(&new["spec"], "providerID"),
    );
    if !was.is_empty() && was != is {
        let word = if is.is_empty() { "cleared" } else { "modified" };
        let why = format!("field cannot be {word} once set");
        errors.push(FieldError::invalid(
            &spec.child("providerID"),
            &Value::Null,
            why,
        ));
    }
    taints(new, errors);
}
