//! Checks of a service's addresses: they are in sync, sound, and don't change once they are given out.

use super::{Errors, net, words::one_of};
use crate::view::{list, text};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

const FAMILIES: &[&str] = &["IPv4", "IPv6"];
const FAMILY_POLICIES: &[&str] = &["PreferDualStack", "RequireDualStack", "SingleStack"];

pub(crate) fn is_headless(spec: &Value) -> bool {
    spec["clusterIPs"] == serde_json::json!(["None"])
}

pub(crate) fn addresses_stay(new: &Value, old: &Value, path: &Path<'_>, errors: &mut Errors) {
    if is_headless(new) && is_headless(old) {
        return;
    }
    let (after, before) = (list(&new["clusterIPs"]), list(&old["clusterIPs"]));
    let at = path.child("clusterIPs");
    let all = Value::from(after.to_vec());
    let mut changed =
        |index: usize, why: &str| errors.push(FieldError::invalid(&at.index(index), &all, why));
    if before.len() == after.len() {
        for index in (0..before.len()).filter(|index| before[*index] != after[*index]) {
            changed(index, "may not change once set");
        }
        return;
    }
    if before.len() > after.len() && after.is_empty() {
        changed(0, "primary clusterIP can not be unset");
    }
    if !before.is_empty() && !after.is_empty() && before[0] != after[0] {
        changed(0, "may not change once set");
    }
    if before.len() > after.len()
        && after.len() == 1
        && text(new, "ipFamilyPolicy") != "SingleStack"
    {
        let why = "must be set to 'SingleStack' when releasing the secondary clusterIP";
        errors.push(FieldError::invalid(
            &path.child("ipFamilyPolicy"),
            &new["ipFamilyPolicy"],
            why,
        ));
    }
}

pub(crate) fn families_stay(new: &Value, old: &Value, path: &Path<'_>, errors: &mut Errors) {
    if is_headless(new) || is_headless(old) {
        return;
    }
    let (after, before) = (list(&new["ipFamilies"]), list(&old["ipFamilies"]));
    let families = path.child("ipFamilies");
    let at = families.index(0);
    let (all, addresses) = (
        Value::from(after.to_vec()),
        Value::from(list(&new["clusterIPs"]).to_vec()),
    );
    if before.len() == after.len() {
        for _ in (0..before.len()).filter(|index| before[*index] != after[*index]) {
            errors.push(FieldError::invalid(&at, &all, "may not change once set"));
        }
        return;
    }
    if before.len() > after.len() && list(&new["clusterIPs"]).is_empty() {
        errors.push(FieldError::invalid(
            &at,
            &all,
            "primary ipFamily can not be unset",
        ));
    }
    if !before.is_empty() && !after.is_empty() && before[0] != after[0] {
        errors.push(FieldError::invalid(
            &at,
            &addresses,
            "may not change once set",
        ));
    }
    if before.len() > after.len()
        && after.len() == 1
        && text(new, "ipFamilyPolicy") != "SingleStack"
    {
        let why = "must be set to 'SingleStack' when releasing the secondary ipFamily";
        errors.push(FieldError::invalid(
            &path.child("ipFamilyPolicy"),
            &new["ipFamilyPolicy"],
            why,
        ));
    }
}

pub(crate) fn addresses(spec: &Value, old: Option<&Value>, path: &Path<'_>, errors: &mut Errors) {
    let (one, all) = (text(spec, "clusterIP"), list(&spec["clusterIPs"]));
    let at = path.child("clusterIPs");
    let shown = Value::from(all.to_vec());
    match (one, all) {
        ("", []) => {}
        ("", _) => errors.push(FieldError::invalid(
            &at,
            &shown,
            "must be empty when `clusterIP` is not specified",
        )),
        (_, []) => errors.push(FieldError::required(&at, "")),
        (one, all) if all[0] != one => {
            errors.push(FieldError::invalid(
                &at,
                &shown,
                "first value must match `clusterIP`",
            ));
        }
        _ => {}
    }
    families(spec, path, errors);
    if sound(spec, old, path, errors) {
        fitting(spec, path, errors);
    }
}

/// Each address for itself.
fn sound(spec: &Value, old: Option<&Value>, path: &Path<'_>, errors: &mut Errors) -> bool {
    let all = list(&spec["clusterIPs"]);
    let at = path.child("clusterIPs");
    let shown = Value::from(all.to_vec());
    let known = old.map_or(&[][..], |old| list(&old["clusterIPs"]));
    let mut good = true;
    for (index, address) in all.iter().enumerate() {
        let text = address.as_str().unwrap_or_default();
        if index == 0 && text == "None" {
            if all.len() > 1 {
                good = false;
                errors.push(FieldError::invalid(
                    &at,
                    &shown,
                    "'None' must be the first and only value",
                ));
            }
        } else if !known.contains(address) {
            good &= net::ip(text, &at.index(index), errors);
        }
    }
    if all.len() > 2 {
        errors.push(FieldError::invalid(
            &at,
            &shown,
            "may only hold up to 2 values",
        ));
    }
    good
}

/// The addresses beside each other, and beside the families that are asked for.
fn fitting(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let all = list(&spec["clusterIPs"]);
    let at = path.child("clusterIPs");
    let shown = Value::from(all.to_vec());
    let older: Vec<bool> = all
        .iter()
        .map(|address| net::is_v4(address.as_str().unwrap_or_default()))
        .collect();
    if all.len() > 1 && (older.iter().all(|older| *older) || older.iter().all(|older| !older)) {
        errors.push(FieldError::invalid(
            &at,
            &shown,
            "may specify no more than one IP for each IP family",
        ));
    }
    for (index, family) in list(&spec["ipFamilies"])
        .iter()
        .enumerate()
        .take(all.len())
        .filter(|_| !is_headless(spec))
    {
        let wanted = if older[index] { "IPv4" } else { "IPv6" };
        if FAMILIES.contains(&family.as_str().unwrap_or_default()) && family != wanted {
            let family = family.as_str().unwrap_or_default();
            let why = format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
            errors.push(FieldError::invalid(&at.index(index), &all[index], why));
        }
    }
}

fn families(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let all = list(&spec["ipFamilies"]);
    let at = path.child("ipFamilies");
    for (index, family) in all.iter().enumerate() {
        if !FAMILIES.contains(&family.as_str().unwrap_or_default()) {
            errors.push(super::words::unsupported(
                &at.index(index),
                family,
                FAMILIES,
            ));
        }
        if all[..index].contains(family) {
            errors.push(FieldError::duplicate(&at.index(index), family));
        }
    }
    if !spec["ipFamilyPolicy"].is_null() {
        one_of(spec, "ipFamilyPolicy", FAMILY_POLICIES, path, errors);
    }
}
