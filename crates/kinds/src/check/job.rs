//! Checks of Job and CronJob.

use super::{
    Errors, job_policy, meta_update, pod,
    words::{immutable, immutable_as, missing_or_one_of, not_negative, one_of},
    workload::{self, selects},
};
use crate::{
    internal,
    meta::validate_label_selector,
    view::{int, is_true, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

const COUNTS: &[&str] = &[
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
];

pub(crate) fn job(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    generated_labels(object, errors);
    with_selector(object, &root.child("spec"), errors);
}

/// The labels and the selector that are made up for a job must be its own.
fn generated_labels(object: &Value, errors: &mut Errors) {
    let spec = &object["spec"];
    if is_true(spec, "manualSelector") {
        return;
    }
    let root = Path::ROOT;
    let path = root.child("spec");
    let (name, uid) = (
        text(&object["metadata"], "name"),
        text(&object["metadata"], "uid"),
    );
    let template = path.child("template");
    let meta = template.child("metadata");
    let labels = meta.child("labels");
    let wanted = [
        ("controller-uid", uid),
        ("job-name", name),
        ("batch.kubernetes.io/controller-uid", uid),
        ("batch.kubernetes.io/job-name", name),
    ];
    let given = &spec["template"]["metadata"]["labels"];
    for (key, value) in wanted
        .iter()
        .filter(|(key, value)| text(given, key) != *value)
    {
        let why = format!("must be '{value}'");
        let shown = if given.get(key).is_none() {
            &Value::Null
        } else {
            given
        };
        errors.push(FieldError::invalid(&labels.key(key), shown, why));
    }
}

fn with_selector(object: &Value, path: &Path<'_>, errors: &mut Errors) {
    let spec = &object["spec"];
    job_spec(spec, path, errors);
    let selector = &spec["selector"];
    if selector.is_null() {
        errors.push(FieldError::required(&path.child("selector"), ""));
    } else {
        errors.extend(validate_label_selector(
            selector,
            false,
            &path.child("selector"),
        ));
    }
    let labels = &spec["template"]["metadata"]["labels"];
    if selector.is_null() || !selects(selector, labels) {
        let template = path.child("template");
        let meta = template.child("metadata");
        errors.push(FieldError::invalid(
            &meta.child("labels"),
            labels,
            workload::OTHER_LABELS,
        ));
    }
}

fn job_spec(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    for name in COUNTS {
        not_negative(spec, name, path, errors);
    }
    let per_index = &spec["backoffLimitPerIndex"];
    if !spec["maxFailedIndexes"].is_null() && per_index.is_null() {
        let why = "when maxFailedIndexes is specified";
        errors.push(FieldError::required(
            &path.child("backoffLimitPerIndex"),
            why,
        ));
    }
    if !spec["completionMode"].is_null() {
        one_of(
            spec,
            "completionMode",
            &["NonIndexed", "Indexed"],
            path,
            errors,
        );
    }
    if text(spec, "completionMode") == "Indexed" && spec["completions"].is_null() {
        errors.push(FieldError::required(
            &path.child("completions"),
            "when completion mode is Indexed",
        ));
    }
    if matches!(text(spec, "completionMode"), "" | "NonIndexed") {
        for name in ["backoffLimitPerIndex", "maxFailedIndexes"]
            .into_iter()
            .filter(|name| !spec[*name].is_null())
        {
            let why = "requires indexed completion mode";
            errors.push(FieldError::invalid(&path.child(name), &spec[name], why));
        }
    }
    if !spec["podFailurePolicy"].is_null() {
        job_policy::failure(spec, &path.child("podFailurePolicy"), errors);
    }
    if !spec["successPolicy"].is_null() {
        let at = path.child("successPolicy");
        if text(spec, "completionMode") == "Indexed" {
            job_policy::success(spec, &at, errors);
        } else {
            let why = "requires indexed completion mode";
            errors.push(FieldError {
                bad_value: internal::shown("@batch.SuccessPolicy", &spec["successPolicy"]),
                ..FieldError::invalid(&at, &Value::Null, why)
            });
        }
    }
    let policies: &[&str] = if spec["podFailurePolicy"].is_null() {
        &["Failed", "TerminatingOrFailed"]
    } else {
        &["Failed"]
    };
    if !spec["podReplacementPolicy"].is_null() {
        one_of(spec, "podReplacementPolicy", policies, path, errors);
    }
    pod::template(&spec["template"], &path.child("template"), errors);
    restart_policy(spec, path, errors);
}

fn restart_policy(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let template = path.child("template");
    let inner = template.child("spec");
    let at = inner.child("restartPolicy");
    let policy = &spec["template"]["spec"]["restartPolicy"];
    match policy.as_str().unwrap_or_default() {
        "" | "Always" => errors.push(FieldError::required(
            &at,
            "valid values: \"OnFailure\", \"Never\"",
        )),
        "OnFailure" if !spec["podFailurePolicy"].is_null() => {
            let why = "only \"Never\" is supported when podFailurePolicy is specified";
            errors.push(FieldError::invalid(&at, policy, why));
        }
        "OnFailure" | "Never" => {}
        _ => {
            let mut error = super::words::unsupported(&at, policy, &[]);
            error.detail = "supported values: \"OnFailure\", \"Never\"".to_owned();
            errors.push(error);
        }
    }
}

pub(crate) fn update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    let root = Path::ROOT;
    let path = root.child("spec");
    with_selector(new, &path, errors);
    let (new, old) = (&new["spec"], &old["spec"]);
    let indexed = text(new, "completionMode") == "Indexed";
    if !indexed {
        immutable(new, old, "completions", &path, errors);
    } else if new["completions"] != old["completions"]
        && int(new, "completions") != int(new, "parallelism")
    {
        let why = "can only be modified in tandem with spec.parallelism";
        errors.push(FieldError::invalid(
            &path.child("completions"),
            &new["completions"],
            why,
        ));
    }
    immutable(new, old, "selector", &path, errors);
    if !is_true(old, "suspend") {
        let template = ("template", "@core.PodTemplateSpec");
        immutable_as(new, old, template, &path, errors);
    }
    immutable(new, old, "completionMode", &path, errors);
    let policy = ("podFailurePolicy", "*@batch.PodFailurePolicy");
    immutable_as(new, old, policy, &path, errors);
    for name in ["backoffLimitPerIndex", "managedBy"] {
        immutable(new, old, name, &path, errors);
    }
    let policy = ("successPolicy", "*@batch.SuccessPolicy");
    immutable_as(new, old, policy, &path, errors);
}

pub(crate) fn cron_job(object: &Value, errors: &mut Errors) {
    cron_spec(object, None, errors);
    let name = text(&object["metadata"], "name");
    if name.len() > 52 {
        let meta = Path::ROOT.child("metadata");
        errors.push(FieldError::invalid(
            &meta.child("name"),
            &name.into(),
            "must be no more than 52 characters",
        ));
    }
}

pub(crate) fn cron_job_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    cron_spec(new, Some(old), errors);
}

fn cron_spec(object: &Value, old: Option<&Value>, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    let at = path.child("schedule");
    match text(spec, "schedule") {
        "" => errors.declare(FieldError::required(&at, "")),
        schedule => {
            if let Err(why) = super::schedule::check(schedule) {
                errors.push(FieldError::invalid(&at, &schedule.into(), why));
            }
            let was = old.is_some_and(|old| text(&old["spec"], "schedule").contains("TZ"));
            if schedule.contains("TZ") && !was {
                let why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
                errors.push(FieldError::invalid(&at, &schedule.into(), why));
            }
        }
    }
    not_negative(spec, "startingDeadlineSeconds", &path, errors);
    if old.is_none_or(|old| old["spec"]["timeZone"] != spec["timeZone"]) {
        job_policy::time_zone(&spec["timeZone"], &path.child("timeZone"), errors);
    }
    missing_or_one_of(
        spec,
        "concurrencyPolicy",
        &["Allow", "Forbid", "Replace"],
        &path,
        errors,
    );
    let template = path.child("jobTemplate");
    let inner = template.child("spec");
    let job = &spec["jobTemplate"]["spec"];
    job_spec(job, &inner, errors);
    if !job["selector"].is_null() {
        let why = "`selector` will be auto-generated";
        errors.push(FieldError::invalid(
            &inner.child("selector"),
            &job["selector"],
            why,
        ));
    }
    if is_true(job, "manualSelector") {
        let at = inner.child("manualSelector");
        errors.push(super::words::unsupported(
            &at,
            &job["manualSelector"],
            &["nil", "false"],
        ));
    }
    for name in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        not_negative(spec, name, &path, errors);
    }
}
