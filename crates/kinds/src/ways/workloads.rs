//! The ways of workloads: the groups `apps` and `batch`.

use super::{Counts, USUAL, Ways};
use crate::{
    check,
    view::{is_true, map, text},
};
use serde_json::{Value, json};

pub(super) const ALL: &[Ways] = &[
    Ways {
        of: "apps.v1.ControllerRevision",
        check: check::amounts::revision,
        check_update: check::amounts::revision_update,
        ..USUAL
    },
    Ways {
        of: "apps.v1.Deployment",
        status: true,
        counts: Counts::SpecAndAnnotations,
        update: |new, old, subresource| {
            if subresource == "status" {
                super::copy(new, old, "metadata", "labels");
            }
        },
        check: check::workload::deployment,
        check_update: check::workload::deployment_update,
        check_part: check::workload::deployment_part,
        warn: check::warnings::template,
        ..USUAL
    },
    Ways {
        of: "apps.v1.ReplicaSet",
        status: true,
        counts: Counts::Spec,
        check: check::workload::replica_set,
        check_update: check::workload::replica_set_update,
        check_part: check::workload::replica_set_part,
        warn: check::warnings::template,
        ..USUAL
    },
    Ways {
        of: "apps.v1.StatefulSet",
        status: true,
        counts: Counts::Spec,
        name: crate::meta::name_is_label,
        check: check::stateful::stateful_set,
        check_update: check::stateful::update,
        check_part: check::stateful::part,
        warn: check::warnings::template,
        ..USUAL
    },
    Ways {
        of: "apps.v1.DaemonSet",
        status: true,
        counts: Counts::Spec,
        create: |set| {
            let given = template_generation(set);
            set_template_generation(set, given.max(1));
        },
        update: daemon_set_update,
        check: check::workload::daemon_set,
        check_update: check::workload::daemon_set_update,
        check_part: check::workload::daemon_set_part,
        warn: check::warnings::template,
        ..USUAL
    },
    Ways {
        of: "batch.v1.Job",
        status: true,
        counts: Counts::Spec,
        create: job_selector,
        check: check::job::job,
        check_update: check::job::update,
        warn: check::warnings::template,
        ..USUAL
    },
    Ways {
        of: "batch.v1.CronJob",
        status: true,
        counts: Counts::Spec,
        check: check::job::cron_job,
        check_update: check::job::cron_job_update,
        warn: check::warnings::template,
        ..USUAL
    },
];

/// What older versions of the API had as a field of its own.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

fn template_generation(set: &Value) -> i64 {
    text(&set["metadata"]["annotations"], TEMPLATE_GENERATION)
        .parse()
        .unwrap_or_default()
}

/// What was a field once is shown as an annotation wherever the object is read.
pub(super) fn show_template_generation(set: &mut Value) {
    if text(&set["metadata"]["annotations"], TEMPLATE_GENERATION).is_empty() {
        set_template_generation(set, 0);
    }
}

fn set_template_generation(set: &mut Value, generation: i64) {
    let meta = &mut set["metadata"];
    if !meta["annotations"].is_object() {
        meta["annotations"] = json!({});
    }
    meta["annotations"][TEMPLATE_GENERATION] = generation.to_string().into();
}

fn daemon_set_update(new: &mut Value, old: &Value, subresource: &str) {
    let before = template_generation(old);
    let changed = subresource.is_empty() && new["spec"]["template"] != old["spec"]["template"];
    set_template_generation(new, before + i64::from(changed));
}

/// Unless the client says it selects pods itself, a job selects those with its uid.
fn job_selector(job: &mut Value) {
    if is_true(&job["spec"], "manualSelector") {
        return;
    }
    let (name, uid) = (
        job["metadata"]["name"].clone(),
        job["metadata"]["uid"].clone(),
    );
    let of_job = [
        ("job-name", &name),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("batch.kubernetes.io/controller-uid", &uid),
    ];
    let meta = &mut job["spec"]["template"]["metadata"];
    if map(&meta["labels"]).is_empty() {
        meta["labels"] = json!({});
    }
    for (key, value) in of_job {
        if meta["labels"].get(key).is_none() {
            meta["labels"][key] = value.as_str().unwrap_or_default().into();
        }
    }
    if map(&job["metadata"]["labels"]).is_empty() {
        job["metadata"]["labels"] = job["spec"]["template"]["metadata"]["labels"].clone();
    }
    let selector = &mut job["spec"]["selector"];
    if selector.is_null() {
        *selector = json!({});
    }
    if selector["matchLabels"]
        .get("batch.kubernetes.io/controller-uid")
        .is_none()
    {
        selector["matchLabels"]["batch.kubernetes.io/controller-uid"] =
            uid.as_str().unwrap_or_default().into();
    }
}
