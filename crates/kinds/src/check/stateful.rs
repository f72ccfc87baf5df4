//! Checks of StatefulSet.

use super::{
    Errors, meta_update, pod,
    words::{
        amount, at_most_100_percent, form, immutable, immutable_as, int_or_percent, not_negative,
        one_of,
    },
    workload::{
        Counts, counts, is_empty, is_usable, labels_match, lasting, selector, selector_error,
        selector_stays,
    },
};
use crate::{
    meta::dns1123_label_errors,
    view::{list, remove, text},
};
use serde_json::{Value, json};
use tidegate_schema::{FieldError, Path};

pub(crate) fn stateful_set(object: &Value, errors: &mut Errors) {
    checked(object, true, errors);
}

/// What never changes is looked at once, when the object is new.
fn checked(object: &Value, is_new: bool, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    let policy = text(spec, "podManagementPolicy");
    if !matches!(policy, "OrderedReady" | "Parallel") {
        let why = "must be 'OrderedReady' or 'Parallel'";
        errors.push(FieldError::invalid(
            &path.child("podManagementPolicy"),
            &policy.into(),
            why,
        ));
    }
    strategy(
        &spec["updateStrategy"],
        &path.child("updateStrategy"),
        errors,
    );
    let retention = path.child("persistentVolumeClaimRetentionPolicy");
    for name in ["whenDeleted", "whenScaled"] {
        one_of(
            &spec["persistentVolumeClaimRetentionPolicy"],
            name,
            &["Retain", "Delete"],
            &retention,
            errors,
        );
    }
    let claims = path.child("volumeClaimTemplates");
    let templates = list(&spec["volumeClaimTemplates"]);
    for (index, claim) in templates.iter().enumerate().filter(|_| is_new) {
        let at = claims.index(index);
        super::amounts::claim_spec(&claim["spec"], &at.child("spec"), errors);
    }
    not_negative(spec, "replicas", &path, errors);
    not_negative(spec, "minReadySeconds", &path, errors);
    not_negative(&spec["ordinals"], "start", &path.child("ordinals"), errors);
    let service = text(spec, "serviceName");
    if is_new && !service.is_empty() {
        form(
            service,
            dns1123_label_errors,
            &path.child("serviceName"),
            errors,
        );
    }
    selector(spec, "statefulset", &path, errors);
    if is_usable(&spec["selector"]) {
        if spec["selector"].is_null() || !is_empty(&spec["selector"]) {
            labels_match(spec, &path, errors);
        }
        pod::template(&with_claims(spec), &path.child("template"), errors);
        let labels = &spec["template"]["metadata"]["labels"];
        let template = path.child("template");
        errors.extend(crate::meta::validate_labels(
            labels,
            &template.child("labels"),
        ));
    } else {
        errors.push(selector_error(
            &spec["selector"],
            &path.child("selector"),
            "",
        ));
    }
    lasting(spec, "StatefulSet", &path, errors);
}

/// The template as its pods will be: with a volume for each claim, and with names that the controller gives.
fn with_claims(spec: &Value) -> Value {
    let mut template = spec["template"].clone();
    let claims = list(&spec["volumeClaimTemplates"]);
    let names: Vec<&str> = claims
        .iter()
        .map(|claim| text(&claim["metadata"], "name"))
        .collect();
    let mut volumes: Vec<Value> = names
        .iter()
        .map(|name| json!({ "name": name, "persistentVolumeClaim": { "claimName": name } }))
        .collect();
    let own = list(&template["spec"]["volumes"]).iter();
    volumes.extend(
        own.filter(|volume| !names.contains(&text(volume, "name")))
            .cloned(),
    );
    if let Some(pod) = template.get_mut("spec") {
        remove(pod, "subdomain");
        remove(pod, "hostname");
        if !claims.is_empty() {
            pod["volumes"] = volumes.into();
        }
    }
    template
}

fn strategy(strategy: &Value, path: &Path<'_>, errors: &mut Errors) {
    let rolling = &strategy["rollingUpdate"];
    let at = path.child("rollingUpdate");
    match text(strategy, "type") {
        "OnDelete" if !rolling.is_null() => {
            let why = "only allowed for updateStrategy 'RollingUpdate'";
            let mut error = FieldError::invalid(&at, &Value::Null, why);
            error.bad_value = internal_rolling(rolling);
            errors.push(error);
        }
        "OnDelete" => {}
        "RollingUpdate" => {
            not_negative(rolling, "partition", &at, errors);
            let most = &rolling["maxUnavailable"];
            if most.is_null() {
                return;
            }
            let here = at.child("maxUnavailable");
            int_or_percent(most, &here, errors);
            if amount(most) == 0 {
                errors.push(FieldError::invalid(&here, most, "cannot be 0"));
            }
            at_most_100_percent(most, &here, errors);
        }
        other => {
            let mut error =
                FieldError::invalid(path, &Value::Null, "must be 'RollingUpdate' or 'OnDelete'");
            let rolling = if rolling.is_null() {
                "null".to_owned()
            } else {
                internal_rolling(rolling)
            };
            error.bad_value = format!("{{\"Type\":\"{other}\",\"RollingUpdate\":{rolling}}}");
            errors.push(error);
        }
    }
}

/// As the server's own type writes it.
fn internal_rolling(rolling: &Value) -> String {
    let partition = rolling["partition"].as_i64().unwrap_or_default();
    format!(
        "{{\"Partition\":{partition},\"MaxUnavailable\":{}}}",
        rolling["maxUnavailable"]
    )
}

pub(crate) fn update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    checked(new, false, errors);
    selector_stays(new, old, errors);
    let root = Path::ROOT;
    let path = root.child("spec");
    let claims = ("volumeClaimTemplates", "[]@core.PersistentVolumeClaim");
    immutable_as(&new["spec"], &old["spec"], claims, &path, errors);
    for name in ["serviceName", "podManagementPolicy"] {
        immutable(&new["spec"], &old["spec"], name, &path, errors);
    }
}

const STATUS: Counts = Counts {
    names: &[
        "replicas",
        "readyReplicas",
        "currentReplicas",
        "updatedReplicas",
        "availableReplicas",
        "observedGeneration",
        "collisionCount",
    ],
    at_most: &[
        ("readyReplicas", "replicas", "status.replicas"),
        ("currentReplicas", "replicas", "status.replicas"),
        ("updatedReplicas", "replicas", "status.replicas"),
        ("availableReplicas", "replicas", "status.replicas"),
        ("availableReplicas", "readyReplicas", "status.readyReplicas"),
    ],
};

pub(crate) fn part(new: &Value, old: &Value, subresource: &str, errors: &mut Errors) {
    if subresource != "status" {
        return update(new, old, errors);
    }
    counts(new, old, &STATUS, errors);
    meta_update(new, old, errors);
}
