//! The columns of workloads: deployments, stateful and daemon sets, jobs, autoscalers.

use super::{
    AGE, Column, Subject, column,
    text::{self, NONE, between, count, items, joined, or_none, pairs, string},
    wide,
};

pub(super) fn columns(plural: &str) -> Option<&'static [Column]> {
    match plural {
        "deployments" => Some(DEPLOYMENTS),
        "replicasets" => Some(REPLICA_SETS),
        "statefulsets" => Some(STATEFUL_SETS),
        "daemonsets" => Some(DAEMON_SETS),
        "jobs" => Some(JOBS),
        "cronjobs" => Some(CRON_JOBS),
        "horizontalpodautoscalers" => Some(AUTOSCALERS),
        _ => None,
    }
}

const CONTAINERS: Column = wide("CONTAINERS", |subject| containers(subject, "name"));
const IMAGES: Column = wide("IMAGES", |subject| containers(subject, "image"));
const SELECTOR: Column = wide("SELECTOR", |subject| {
    pairs(&subject.object["spec"]["selector"]["matchLabels"])
});

const DEPLOYMENTS: &[Column] = &[
    column("READY", ready_of_desired),
    column("UP-TO-DATE", |subject| status(subject, "updatedReplicas")),
    column("AVAILABLE", |subject| status(subject, "availableReplicas")),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

const REPLICA_SETS: &[Column] = &[
    column("DESIRED", |subject| {
        count(&subject.object["spec"]["replicas"]).to_string()
    }),
    column("CURRENT", |subject| status(subject, "replicas")),
    column("READY", |subject| status(subject, "readyReplicas")),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

const STATEFUL_SETS: &[Column] = &[column("READY", ready_of_desired), AGE, CONTAINERS, IMAGES];

const DAEMON_SETS: &[Column] = &[
    column("DESIRED", |subject| {
        status(subject, "desiredNumberScheduled")
    }),
    column("CURRENT", |subject| {
        status(subject, "currentNumberScheduled")
    }),
    column("READY", |subject| status(subject, "numberReady")),
    column("UP-TO-DATE", |subject| {
        status(subject, "updatedNumberScheduled")
    }),
    column("AVAILABLE", |subject| status(subject, "numberAvailable")),
    column("NODE SELECTOR", |subject| {
        pairs(&subject.object["spec"]["template"]["spec"]["nodeSelector"])
    }),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

const JOBS: &[Column] = &[
    column("STATUS", job_status),
    column("COMPLETIONS", |subject| {
        let wanted = &subject.object["spec"]["completions"];
        let wanted = if wanted.is_i64() {
            or_none(wanted)
        } else {
            "1".to_owned()
        };
        format!("{}/{wanted}", status(subject, "succeeded"))
    }),
    column("DURATION", |subject| {
        let status = &subject.object["status"];
        between(&status["startTime"], &status["completionTime"], subject.now)
    }),
    AGE,
    CONTAINERS,
    IMAGES,
];

const CRON_JOBS: &[Column] = &[
    column("SCHEDULE", |subject| {
        string(&subject.object["spec"]["schedule"])
    }),
    column("TIMEZONE", |subject| {
        or_none(&subject.object["spec"]["timeZone"])
    }),
    column("SUSPEND", |subject| {
        if subject.object["spec"]["suspend"] == true {
            "True"
        } else {
            "False"
        }
        .to_owned()
    }),
    column("ACTIVE", |subject| {
        items(&subject.object["status"]["active"]).len().to_string()
    }),
    column("LAST SCHEDULE", |subject| {
        match &subject.object["status"]["lastScheduleTime"] {
            time if time.is_string() => text::since(time, subject.now),
            _ => NONE.to_owned(),
        }
    }),
    AGE,
];

const AUTOSCALERS: &[Column] = &[
    column("REFERENCE", |subject| {
        let target = &subject.object["spec"]["scaleTargetRef"];
        format!("{}/{}", string(&target["kind"]), string(&target["name"]))
    }),
    column("MINPODS", |subject| {
        or_none(&subject.object["spec"]["minReplicas"])
    }),
    column("MAXPODS", |subject| {
        or_none(&subject.object["spec"]["maxReplicas"])
    }),
    column("REPLICAS", |subject| status(subject, "currentReplicas")),
    AGE,
];

fn status(subject: &Subject<'_>, field: &str) -> String {
    count(&subject.object["status"][field]).to_string()
}

fn ready_of_desired(subject: &Subject<'_>) -> String {
    format!(
        "{}/{}",
        status(subject, "readyReplicas"),
        count(&subject.object["spec"]["replicas"])
    )
}

fn containers(subject: &Subject<'_>, field: &str) -> String {
    let containers = items(&subject.object["spec"]["template"]["spec"]["containers"]);
    joined(containers.iter().map(|container| string(&container[field])))
}

fn job_status(subject: &Subject<'_>) -> String {
    let conditions = items(&subject.object["status"]["conditions"]);
    let has = |kind: &str| {
        conditions
            .iter()
            .any(|condition| condition["type"] == kind && condition["status"] == "True")
    };
    let word = if has("Complete") {
        "Complete"
    } else if has("Failed") {
        "Failed"
    } else if subject.object["metadata"]["deletionTimestamp"].is_string() {
        "Terminating"
    } else if has("Suspended") {
        "Suspended"
    } else if has("FailureTarget") {
        "FailureTarget"
    } else if has("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    };
    word.to_owned()
}
