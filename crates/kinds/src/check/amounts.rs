//! Checks of claims of volumes, limits and quotas, and of revisions.

use super::{
    Errors, meta_create, meta_update,
    node::quantity,
    words::{IMMUTABLE, form, immutable, not_negative, one_of, unsupported},
};
use crate::{
    decode,
    meta::{
        dns1123_subdomain_errors, name_is_subdomain, qualified_name_errors, validate_label_selector,
    },
    view::{list, map, remove, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

const MODES: &[&str] = &[
    "ReadOnlyMany",
    "ReadWriteMany",
    "ReadWriteOnce",
    "ReadWriteOncePod",
];

pub(crate) fn claim(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    claim_spec(&object["spec"], &root.child("spec"), errors);
}

/// The spec of a claim, as templates of stateful sets have it, too.
pub(crate) fn claim_spec(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let at = path.child("accessModes");
    let modes = list(&spec["accessModes"]);
    if modes.is_empty() {
        errors.push(FieldError::required(
            &at,
            "at least 1 access mode is required",
        ));
    }
    errors.extend(validate_label_selector(
        &spec["selector"],
        false,
        &path.child("selector"),
    ));
    access_modes(spec, &at, errors);
    let resources = path.child("resources");
    let at = resources.key("storage");
    let storage = &spec["resources"]["requests"]["storage"];
    match storage
        .as_str()
        .and_then(|text| decode::quantity(text).ok())
    {
        None => errors.push(FieldError::required(&at, "")),
        Some(amount) if amount.sign() <= 0 => {
            errors.push(FieldError::invalid(
                &at,
                storage,
                "must be greater than zero",
            ));
        }
        Some(_) => {}
    }
    let class = text(spec, "storageClassName");
    if !class.is_empty() {
        form(
            class,
            dns1123_subdomain_errors,
            &path.child("storageClassName"),
            errors,
        );
    }
    if !spec["volumeMode"].is_null() {
        one_of(spec, "volumeMode", &["Block", "Filesystem"], path, errors);
    }
}

/// Which modes there are, and which don't go together.
pub(crate) fn access_modes(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let modes = list(&spec["accessModes"]);
    let is_known = |mode: &Value| MODES.contains(&mode.as_str().unwrap_or_default());
    for mode in modes.iter().filter(|mode| !is_known(mode)) {
        errors.push(unsupported(path, mode, MODES));
    }
    let alone = |mode: &Value| mode == "ReadWriteOncePod";
    if modes.iter().any(alone) && modes.iter().any(|mode| is_known(mode) && !alone(mode)) {
        errors.push(FieldError::forbidden(
            path,
            "may not use ReadWriteOncePod with other access modes",
        ));
    }
}

pub(crate) fn claim_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    meta_create(new, true, name_is_subdomain, errors);
    claim(new, errors);
    let bound = text(&new["status"], "phase") == "Bound";
    let fixed = |object: &Value| {
        let mut spec = object["spec"].clone();
        if text(&old["spec"], "volumeName").is_empty() {
            remove(&mut spec, "volumeName");
        }
        if bound {
            remove(&mut spec, "volumeAttributesClassName");
            spec.pointer_mut("/resources/requests")
                .and_then(|requests| remove(requests, "storage"));
        }
        spec
    };
    if fixed(new) != fixed(old) {
        let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n";
        errors.push(FieldError::forbidden(&Path::ROOT.child("spec"), why));
    }
    let amount = |value: &Value| decode::quantity(value.as_str().unwrap_or("0")).ok();
    let storage = |object: &Value| amount(&object["spec"]["resources"]["requests"]["storage"]);
    if let (Some(after), Some(before), Some(there)) = (
        storage(new),
        storage(old),
        amount(&old["status"]["capacity"]["storage"]),
    ) && after.is_less(&before)
        && !there.is_less(&after)
    {
        let root = Path::ROOT;
        let at = root.child("spec.resources.requests.storage");
        errors.push(FieldError::forbidden(
            &at,
            "field can not be less than status.capacity",
        ));
    }
    immutable(
        &new["spec"],
        &old["spec"],
        "volumeMode",
        &Path::ROOT,
        errors,
    );
}

/// What quotas count, beside what is bounded by requests and limits, and objects of any kind.
const COUNTED: &[&str] = &[
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
];

fn quota_name(name: &str, path: &Path<'_>, errors: &mut Errors) {
    let before = errors.len();
    form(name, qualified_name_errors, path, errors);
    let huge = name.starts_with("hugepages-") || name.starts_with("requests.hugepages-");
    if name.contains('/') || huge || COUNTED.contains(&name) {
        return;
    }
    if errors.len() == before && name != "storage" {
        let why = "must be a standard resource type or fully qualified";
        errors.push(FieldError::invalid(path, &name.into(), why));
    }
    errors.push(FieldError::invalid(
        path,
        &name.into(),
        "must be a standard resource for quota",
    ));
}

const SCOPES: &[&str] = &[
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
];

pub(crate) fn quota(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let hard = path.child("hard");
    for (name, amount) in map(&object["spec"]["hard"]) {
        quota_name(name, &hard.key(name), errors);
        quantity(name, amount, &hard.key(name), errors);
    }
    let scopes = &object["spec"]["scopes"];
    for _ in list(scopes)
        .iter()
        .filter(|scope| !SCOPES.contains(&scope.as_str().unwrap_or_default()))
    {
        errors.push(FieldError::invalid(
            &path.child("scopes"),
            scopes,
            "unsupported scope",
        ));
    }
}

const LIMITED: &[&str] = &["Container", "PersistentVolumeClaim", "Pod"];

pub(crate) fn limits(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let spec = root.child("spec");
    let path = spec.child("limits");
    let all = list(&object["spec"]["limits"]);
    for (index, limit) in all.iter().enumerate() {
        let at = path.index(index);
        let kind = text(limit, "type");
        let before = errors.len();
        form(kind, qualified_name_errors, &at.child("type"), errors);
        if errors.len() == before && !kind.contains('/') && !LIMITED.contains(&kind) {
            let why = "must be a standard limit type or fully qualified";
            errors.push(FieldError::invalid(&at.child("type"), &kind.into(), why));
        }
        if all[..index].iter().any(|other| text(other, "type") == kind) {
            errors.push(FieldError::duplicate(&at.child("type"), &kind.into()));
        }
        if kind == "Pod" {
            for name in ["default", "defaultRequest"]
                .into_iter()
                .filter(|name| !limit[*name].is_null())
            {
                let why = "may not be specified when `type` is 'Pod'";
                errors.push(FieldError::forbidden(&at.child(name), why));
            }
        }
        let parts = ["max", "min", "default", "defaultRequest"];
        let mut names: Vec<&String> = parts
            .iter()
            .flat_map(|part| map(&limit[*part]).keys())
            .collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            bounds(limit, name, &at, errors);
        }
    }
}

/// The less part, the more part, their words, and whose field and value the error shows.
const ORDER: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("min", "max", "min", "max", "min", "min"),
    (
        "min",
        "defaultRequest",
        "min",
        "default request",
        "defaultRequest",
        "defaultRequest",
    ),
    (
        "defaultRequest",
        "max",
        "default request",
        "max",
        "defaultRequest",
        "defaultRequest",
    ),
    (
        "defaultRequest",
        "default",
        "default request",
        "default limit",
        "defaultRequest",
        "defaultRequest",
    ),
    ("min", "default", "min", "default", "default", "min"),
    ("default", "max", "default", "max", "default", "max"),
];

fn bounds(limit: &Value, name: &str, path: &Path<'_>, errors: &mut Errors) {
    let amount = |part: &str| {
        limit[part][name]
            .as_str()
            .and_then(|text| decode::quantity(text).ok())
    };
    for (less, more, less_word, more_word, field, shown) in ORDER {
        let (Some(low), Some(high)) = (amount(less), amount(more)) else {
            continue;
        };
        if high.is_less(&low) {
            let (low, high) = (text(&limit[*less], name), text(&limit[*more], name));
            let why = format!("{less_word} value {low} is greater than {more_word} value {high}");
            let at = path.child(field);
            errors.push(FieldError::invalid(
                &at.key(name),
                &limit[*shown][name],
                why,
            ));
        }
    }
}

pub(crate) fn revision(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    not_negative(object, "revision", &root, errors);
    let at = root.child("data");
    match &object["data"] {
        Value::Null => errors.push(FieldError::required(&at, "data is mandatory")),
        Value::Object(_) => {}
        _ => errors.push(FieldError::required(
            &at,
            "data must be a valid JSON object",
        )),
    }
}

pub(crate) fn revision_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    meta_create(new, true, name_is_subdomain, errors);
    let root = Path::ROOT;
    not_negative(new, "revision", &root, errors);
    if new["data"] != old["data"] {
        errors.push(FieldError::invalid(
            &root.child("data"),
            &new["data"],
            IMMUTABLE,
        ));
    }
}
