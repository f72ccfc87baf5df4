//! Defaults of workloads: the groups `apps` and `batch`.

use super::{Defaults, Given, items, set, set_missing};
use crate::view::{map, text};
use serde_json::{Value, json};

pub(super) const ALL: &[Defaults] = &[
    Defaults::constants(
        "apps.v1.DeploymentSpec",
        &[
            ("replicas", Given::Int(1)),
            ("revisionHistoryLimit", Given::Int(10)),
            ("progressDeadlineSeconds", Given::Int(600)),
        ],
    ),
    Defaults {
        of: "apps.v1.DeploymentStrategy",
        set: ROLLING,
        then: Some(deployment_strategy),
    },
    Defaults::constants("apps.v1.ReplicaSetSpec", &[("replicas", Given::Int(1))]),
    Defaults::constants(
        "apps.v1.DaemonSetSpec",
        &[("revisionHistoryLimit", Given::Int(10))],
    ),
    Defaults {
        of: "apps.v1.DaemonSetUpdateStrategy",
        set: ROLLING,
        then: Some(daemon_strategy),
    },
    Defaults {
        of: "apps.v1.StatefulSetSpec",
        set: &[
            ("podManagementPolicy", Given::Text("OrderedReady")),
            ("persistentVolumeClaimRetentionPolicy", Given::Empty),
            ("replicas", Given::Int(1)),
            ("revisionHistoryLimit", Given::Int(10)),
        ],
        then: Some(|spec| {
            items(spec, "volumeClaimTemplates").for_each(|claim| {
                claim["apiVersion"] = "v1".into();
                claim["kind"] = "PersistentVolumeClaim".into();
            });
        }),
    },
    Defaults::function("apps.v1.StatefulSetUpdateStrategy", stateful_strategy),
    Defaults::constants(
        "apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy",
        &[
            ("whenDeleted", Given::Text("Retain")),
            ("whenScaled", Given::Text("Retain")),
        ],
    ),
    Defaults::function("batch.v1.Job", |job| {
        let labels = job["spec"]["template"]["metadata"]["labels"].clone();
        if labels.is_object() && map(&job["metadata"]["labels"]).is_empty() {
            job["metadata"]["labels"] = labels;
        }
        job_spec(&mut job["spec"]);
    }),
    Defaults::constants(
        "batch.v1.CronJobSpec",
        &[
            ("concurrencyPolicy", Given::Text("Allow")),
            ("suspend", Given::Flag(false)),
            ("successfulJobsHistoryLimit", Given::Int(3)),
            ("failedJobsHistoryLimit", Given::Int(1)),
        ],
    ),
    Defaults::constants(
        "batch.v1.PodFailurePolicyOnPodConditionsPattern",
        &[("status", Given::Text("True"))],
    ),
];

const ROLLING: &[(&str, Given)] = &[("type", Given::Text("RollingUpdate"))];

fn deployment_strategy(strategy: &mut Value) {
    if text(strategy, "type") == "RollingUpdate" {
        rolling(
            strategy,
            &[
                ("maxUnavailable", Given::Text("25%")),
                ("maxSurge", Given::Text("25%")),
            ],
        );
    }
}

fn daemon_strategy(strategy: &mut Value) {
    if text(strategy, "type") == "RollingUpdate" {
        rolling(
            strategy,
            &[
                ("maxUnavailable", Given::Int(1)),
                ("maxSurge", Given::Int(0)),
            ],
        );
    }
}

/// Only where the strategy was left out does it get the details of a rolling update, too.
fn stateful_strategy(strategy: &mut Value) {
    let given = text(strategy, "type").to_owned();
    if given.is_empty() {
        strategy["type"] = "RollingUpdate".into();
    }
    let rolls =
        given.is_empty() || (given == "RollingUpdate" && strategy["rollingUpdate"].is_object());
    if rolls {
        rolling(
            strategy,
            &[
                ("partition", Given::Int(0)),
                ("maxUnavailable", Given::Int(1)),
            ],
        );
    }
}

fn rolling(strategy: &mut Value, set: &[(&str, Given)]) {
    set_missing(strategy, "rollingUpdate", || json!({}));
    for (name, given) in set {
        set_missing(&mut strategy["rollingUpdate"], name, || (*given).into());
    }
}

fn job_spec(spec: &mut Value) {
    if spec["completions"].is_null() && spec["parallelism"].is_null() {
        spec["completions"] = 1.into();
    }
    set_missing(spec, "parallelism", || 1.into());
    let limit = if spec["backoffLimitPerIndex"].is_null() {
        6
    } else {
        i32::MAX
    };
    set_missing(spec, "backoffLimit", || limit.into());
    set_missing(spec, "completionMode", || "NonIndexed".into());
    set_missing(spec, "suspend", || false.into());
    let policy = if spec["podFailurePolicy"].is_null() {
        "TerminatingOrFailed"
    } else {
        "Failed"
    };
    set(spec, "podReplacementPolicy", true, || policy.into());
    set_missing(spec, "manualSelector", || false.into());
}
