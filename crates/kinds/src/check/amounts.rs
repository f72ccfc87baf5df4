//! Checks of claims of volumes, limits and quotas, and of revisions.

use super::{
    Errors,
    container::{known_resource, resource_name},
    meta_create, meta_update,
    words::{IMMUTABLE, form, immutable, not_negative, one_of, repeated, required, unsupported},
};
use crate::{
    decode, internal,
    meta::{
        dns1123_subdomain_errors, name_is_subdomain, qualified_name_errors, validate_label_selector,
    },
    view::{list, map, text},
    ways::keep,
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
    data_sources(spec, path, errors);
    let class = text(spec, "volumeAttributesClassName");
    if !class.is_empty() {
        let at = path.child("volumeAttributesClassName");
        form(class, dns1123_subdomain_errors, &at, errors);
    }
}

/// What a volume is filled with.
fn data_sources(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    for name in ["dataSource", "dataSourceRef"] {
        let source = &spec[name];
        if source.is_null() {
            continue;
        }
        let at = path.child(name);
        required(source, "name", &at, errors);
        required(source, "kind", &at, errors);
        let (group, kind) = (text(source, "apiGroup"), text(source, "kind"));
        if !group.is_empty() {
            form(
                group,
                dns1123_subdomain_errors,
                &at.child("apiGroup"),
                errors,
            );
        } else if kind != "PersistentVolumeClaim" {
            let why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
            errors.push(FieldError::invalid(&at, &kind.into(), why));
        }
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

/// Where the class stood before there was a field for it.
const OLDER_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

pub(crate) fn claim_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    meta_create(new, true, name_is_subdomain, errors);
    claim(new, errors);
    let bound = text(&new["status"], "phase") == "Bound";
    let (mut wanted, mut before) = (new["spec"].clone(), old["spec"].clone());
    if text(&before, "volumeName").is_empty() {
        keep(&mut before, &new["spec"], "volumeName");
    }
    let class = "storageClassName";
    let older = text(&old["metadata"]["annotations"], OLDER_CLASS);
    if before[class].is_null() && older.is_empty() {
        keep(&mut wanted, &old["spec"], class);
    }
    if bound {
        keep(&mut wanted, &old["spec"], "volumeAttributesClassName");
        if let Some(requests) = wanted.pointer_mut("/resources/requests") {
            keep(requests, &old["spec"]["resources"]["requests"], "storage");
        }
    }
    if wanted != before {
        let difference = internal::difference("@core.PersistentVolumeClaimSpec", &before, &wanted);
        let why = format!(
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n{difference}"
        );
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

const LIMITED: &[&str] = &["Container", "PersistentVolumeClaim", "Pod"];

pub(crate) fn limits(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let spec = root.child("spec");
    let path = spec.child("limits");
    let all = list(&object["spec"]["limits"]);
    let again = repeated(all.iter().map(|one| text(one, "type")));
    for (index, limit) in all.iter().enumerate() {
        let at = path.index(index);
        let kind = text(limit, "type");
        let before = errors.len();
        form(kind, qualified_name_errors, &at.child("type"), errors);
        if errors.len() == before && !kind.contains('/') && !LIMITED.contains(&kind) {
            let why = "must be a standard limit type or fully qualified";
            errors.push(FieldError::invalid(&at.child("type"), &kind.into(), why));
        }
        if again[index] {
            errors.push(FieldError::duplicate(&at.child("type"), &kind.into()));
        }
        for part in PARTS {
            limited_names(kind, limit, part, &at, errors);
        }
        let mut names: Vec<&String> = PARTS
            .iter()
            .flat_map(|part| map(&limit[*part]).keys())
            .collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            bounds(limit, name, &at, errors);
            ratio(limit, name, &at, errors);
        }
    }
}

/// In the order in which they are looked at.
const PARTS: &[&str] = &[
    "max",
    "min",
    "default",
    "defaultRequest",
    "maxLimitRequestRatio",
];

/// Pods and containers have resources of their own; other kinds have any that there is.
fn limited_names(kind: &str, limit: &Value, part: &str, path: &Path<'_>, errors: &mut Errors) {
    let at = path.child(part);
    let amounts = map(&limit[part]);
    if kind == "Pod" && matches!(part, "default" | "defaultRequest") {
        if !amounts.is_empty() {
            let why = "may not be specified when `type` is 'Pod'";
            errors.push(FieldError::forbidden(&at, why));
        }
        return;
    }
    if part == "maxLimitRequestRatio"
        && kind == "PersistentVolumeClaim"
        && limit["min"]["storage"].is_null()
        && limit["max"]["storage"].is_null()
    {
        let why = "either minimum or maximum storage value is required, but neither was provided";
        errors.push(FieldError::required(&path.child("limits"), why));
    }
    for name in amounts.keys() {
        match kind {
            "Pod" | "Container" => resource_name(name, &at.key(name), errors),
            _ => known_resource(name, &at.key(name), errors),
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

/// By how much a limit may be more than a request.
fn ratio(limit: &Value, name: &str, path: &Path<'_>, errors: &mut Errors) {
    let amount = |part: &str| decode::quantity(limit[part][name].as_str()?).ok();
    let Some(ratio) = amount("maxLimitRequestRatio") else {
        return;
    };
    let at = path.child("maxLimitRequestRatio");
    let value = &limit["maxLimitRequestRatio"][name];
    let shown = value.as_str().unwrap_or_default();
    let mut invalid = |why: String| errors.push(FieldError::invalid(&at.key(name), value, why));
    if decode::quantity("1").is_ok_and(|one| ratio.is_less(&one)) {
        invalid(format!("ratio {shown} is less than 1"));
    }
    let number = |part: &str| Some(amount(part)?.thousandths()? as f64);
    let (Some(most), Some(least)) = (number("max"), number("min")) else {
        return;
    };
    let most_ratio = most / least;
    if number("maxLimitRequestRatio").is_some_and(|ratio| ratio / 1000.0 > most_ratio) {
        invalid(format!(
            "ratio {shown} is greater than max/min = {most_ratio:.6}"
        ));
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
