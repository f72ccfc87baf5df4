//! Rows of workloads.

use super::{
    Cells, Row, pod,
    words::{containers, duration, labels, plain, selector, selector_text},
};
use crate::{
    decode::civil_seconds,
    view::{int, is_true, list, text},
};
use serde_json::Value;

pub(super) const ALL: &[(&str, Cells)] = &[
    ("core.v1.Pod", pod::cells),
    ("apps.v1.Deployment", |row| {
        let status = row.status();
        let ready = format!(
            "{}/{}",
            int(status, "readyReplicas"),
            int(row.spec(), "replicas")
        );
        let counts = [
            int(status, "updatedReplicas").into(),
            int(status, "availableReplicas").into(),
        ];
        let selector = selector_text(&row.spec()["selector"]);
        join(
            [row.name(), ready.into()],
            counts,
            [row.age()],
            template(row),
            [selector.into()],
        )
    }),
    ("apps.v1.ReplicaSet", |row| {
        replicas(row, selector(&row.spec()["selector"]))
    }),
    ("core.v1.ReplicationController", |row| {
        replicas(row, labels(&row.spec()["selector"]))
    }),
    ("apps.v1.StatefulSet", |row| {
        let ready = format!(
            "{}/{}",
            int(row.status(), "readyReplicas"),
            int(row.spec(), "replicas")
        );
        join(
            [row.name(), ready.into()],
            [],
            [row.age()],
            template(row),
            [],
        )
    }),
    ("apps.v1.DaemonSet", |row| {
        let names = [
            "desiredNumberScheduled",
            "currentNumberScheduled",
            "numberReady",
            "updatedNumberScheduled",
            "numberAvailable",
        ];
        let counts = names.map(|name| Value::from(int(row.status(), name)));
        let nodes = labels(&row.spec()["template"]["spec"]["nodeSelector"]);
        let selector = selector(&row.spec()["selector"]);
        join(
            [row.name()],
            counts,
            [nodes.into(), row.age()],
            template(row),
            [selector.into()],
        )
    }),
    ("apps.v1.ControllerRevision", |row| {
        let mut owners = list(&row.meta()["ownerReferences"]).iter();
        let owner = owners
            .find(|owner| is_true(owner, "controller"))
            .map_or("<none>".to_owned(), controller);
        vec![
            row.name(),
            owner.into(),
            int(row.object, "revision").into(),
            row.age(),
        ]
    }),
    ("batch.v1.Job", job),
    ("batch.v1.CronJob", cron_job),
    ("autoscaling.v1.HorizontalPodAutoscaler", |row| {
        let (spec, status) = (row.spec(), row.status());
        let metrics = match spec["targetCPUUtilizationPercentage"].as_i64() {
            Some(target) => format!(
                "cpu: {}/{target}%",
                percent(&status["currentCPUUtilizationPercentage"])
            ),
            None => "<none>".to_owned(),
        };
        autoscaler(row, metrics)
    }),
    ("autoscaling.v2.HorizontalPodAutoscaler", |row| {
        let specs = list(&row.spec()["metrics"]);
        let current = list(&row.status()["currentMetrics"]);
        let all: Vec<String> = specs
            .iter()
            .enumerate()
            .map(|(at, spec)| metric(spec, current.get(at).unwrap_or(&Value::Null)))
            .collect();
        let metrics = match all.len() {
            0 => "<none>".to_owned(),
            1 | 2 => all.join(", "),
            count => format!("{} + {} more...", all[..2].join(", "), count - 2),
        };
        autoscaler(row, metrics)
    }),
];

fn join<const A: usize, const B: usize, const C: usize, const D: usize, const E: usize>(
    a: [Value; A],
    b: [Value; B],
    c: [Value; C],
    d: [Value; D],
    e: [Value; E],
) -> Vec<Value> {
    a.into_iter().chain(b).chain(c).chain(d).chain(e).collect()
}

fn replicas(row: &Row<'_>, selector: String) -> Vec<Value> {
    let counts = [
        int(row.spec(), "replicas"),
        int(row.status(), "replicas"),
        int(row.status(), "readyReplicas"),
    ];
    join(
        [row.name()],
        counts.map(Value::from),
        [row.age()],
        template(row),
        [selector.into()],
    )
}

fn template(row: &Row<'_>) -> [Value; 2] {
    containers(&row.spec()["template"]["spec"])
}

fn controller(owner: &Value) -> String {
    let group = text(owner, "apiVersion")
        .split_once('/')
        .map_or("", |(group, _)| group);
    let kind = match group {
        "" => text(owner, "kind").to_owned(),
        group => format!("{}.{group}", text(owner, "kind")),
    };
    format!("{}/{}", kind.to_lowercase(), text(owner, "name"))
}

fn has_condition(status: &Value, kind: &str) -> bool {
    let mut conditions = list(&status["conditions"]).iter();
    conditions
        .any(|condition| text(condition, "type") == kind && text(condition, "status") == "True")
}

fn job(row: &Row<'_>) -> Vec<Value> {
    let (spec, status) = (row.spec(), row.status());
    let succeeded = int(status, "succeeded");
    let completions = match (spec["completions"].as_i64(), int(spec, "parallelism")) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, parallel @ 2..) => format!("{succeeded}/1 of {parallel}"),
        (None, _) => format!("{succeeded}/1"),
    };
    let seconds = |name: &str| status[name].as_str().and_then(civil_seconds);
    let took = match (seconds("startTime"), seconds("completionTime")) {
        (None, _) => String::new(),
        (Some(start), end) => duration(end.unwrap_or(row.now) - start),
    };
    let state = if has_condition(status, "Complete") {
        "Complete"
    } else if has_condition(status, "Failed") {
        "Failed"
    } else if !row.meta()["deletionTimestamp"].is_null() {
        "Terminating"
    } else {
        let states = ["Suspended", "FailureTarget", "SuccessCriteriaMet"];
        states
            .into_iter()
            .find(|state| has_condition(status, state))
            .unwrap_or("Running")
    };
    let selector = selector(&spec["selector"]);
    let first = [
        row.name(),
        state.into(),
        completions.into(),
        took.into(),
        row.age(),
    ];
    join(first, [], [], template(row), [selector.into()])
}

fn cron_job(row: &Row<'_>) -> Vec<Value> {
    let (spec, status) = (row.spec(), row.status());
    let suspend = spec["suspend"]
        .as_bool()
        .map_or("<unset>", |suspend| if suspend { "True" } else { "False" });
    let last = match &status["lastScheduleTime"] {
        Value::Null => "<none>".to_owned(),
        time => row.since(time),
    };
    let job = &spec["jobTemplate"]["spec"];
    let first = [
        row.name(),
        text(spec, "schedule").into(),
        spec["timeZone"].as_str().unwrap_or("<none>").into(),
        suspend.into(),
        list(&status["active"]).len().into(),
        last.into(),
        row.age(),
    ];
    let selector = match &job["selector"] {
        Value::Null => "<none>".to_owned(),
        given => selector(given),
    };
    join(
        first,
        [],
        [],
        containers(&job["template"]["spec"]),
        [selector.into()],
    )
}

fn autoscaler(row: &Row<'_>, metrics: String) -> Vec<Value> {
    let (spec, target) = (row.spec(), &row.spec()["scaleTargetRef"]);
    let least = match &spec["minReplicas"] {
        Value::Null => "<unset>".to_owned(),
        least => plain(least),
    };
    vec![
        row.name(),
        format!("{}/{}", text(target, "kind"), text(target, "name")).into(),
        metrics.into(),
        least.into(),
        int(spec, "maxReplicas").into(),
        int(row.status(), "currentReplicas").into(),
        row.age(),
    ]
}

fn percent(value: &Value) -> String {
    value
        .as_i64()
        .map_or("<unknown>".to_owned(), |value| format!("{value}%"))
}

fn metric(spec: &Value, status: &Value) -> String {
    let (part, named) = match text(spec, "type") {
        "External" => ("external", false),
        "Pods" => ("pods", false),
        "Object" => ("object", false),
        "Resource" => ("resource", true),
        "ContainerResource" => ("containerResource", true),
        _ => return "<unknown type>".to_owned(),
    };
    let (target, current) = (&spec[part]["target"], &status[part]["current"]);
    let amount = |name: &str| current[name].as_str().unwrap_or("<unknown>").to_owned();
    let text = match (target["averageValue"].as_str(), named) {
        (Some(average), true) => format!("{}/{average}", amount("averageValue")),
        (Some(average), false) if part == "pods" => format!("{}/{average}", amount("averageValue")),
        (Some(average), false) => format!("{}/{average} (avg)", amount("averageValue")),
        (None, false) => format!(
            "{}/{}",
            amount("value"),
            target["value"].as_str().unwrap_or("0")
        ),
        (None, true) => {
            let wanted = target["averageUtilization"]
                .as_i64()
                .map_or("<auto>".to_owned(), |target| format!("{target}%"));
            format!("{}/{wanted}", percent(&current["averageUtilization"]))
        }
    };
    if named {
        format!(
            "{}: {text}",
            spec[part]["name"].as_str().unwrap_or_default()
        )
    } else {
        text
    }
}
