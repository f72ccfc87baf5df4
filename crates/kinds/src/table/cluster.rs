//! Rows of the core group's kinds that are no workloads.

use super::{
    Cells, Row,
    words::{or, plain},
};
use crate::view::{is_true, list, map, text};
use serde_json::Value;

pub(super) const ALL: &[(&str, Cells)] = &[
    ("core.v1.ConfigMap", |row| {
        let count = map(&row.object["data"]).len() + map(&row.object["binaryData"]).len();
        vec![row.name(), count.into(), row.age()]
    }),
    ("core.v1.Secret", |row| {
        vec![
            row.name(),
            text(row.object, "type").into(),
            map(&row.object["data"]).len().into(),
            row.age(),
        ]
    }),
    ("core.v1.Namespace", |row| {
        vec![row.name(), text(row.status(), "phase").into(), row.age()]
    }),
    ("core.v1.ServiceAccount", |row| vec![row.name(), row.age()]),
    ("core.v1.Node", node),
    ("core.v1.Event", core_event),
    ("events.v1.Event", events_event),
    ("core.v1.PersistentVolume", volume),
    ("core.v1.PersistentVolumeClaim", claim),
    ("core.v1.ResourceQuota", quota),
];

fn node(row: &Row<'_>) -> Vec<Value> {
    let (status, info) = (row.status(), &row.status()["nodeInfo"]);
    let ready = list(&status["conditions"])
        .iter()
        .rfind(|condition| text(condition, "type") == "Ready");
    let mut state = match ready {
        Some(condition) if text(condition, "status") == "True" => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if is_true(row.spec(), "unschedulable") {
        state.push_str(",SchedulingDisabled");
    }
    let mut kernel = or(text(info, "kernelVersion"), "<unknown>").to_owned();
    if !text(info, "architecture").is_empty() {
        kernel.push_str(&format!(" ({})", text(info, "architecture")));
    }
    let address = |kind: &str| {
        let found = list(&status["addresses"])
            .iter()
            .find(|address| text(address, "type") == kind);
        Value::from(found.map_or("<none>", |address| text(address, "address")))
    };
    vec![
        row.name(),
        state.into(),
        or(&roles(row), "<none>").into(),
        row.age(),
        text(info, "kubeletVersion").into(),
        address("InternalIP"),
        address("ExternalIP"),
        or(text(info, "osImage"), "<unknown>").into(),
        kernel.into(),
        or(text(info, "containerRuntimeVersion"), "<unknown>").into(),
    ]
}

fn roles(row: &Row<'_>) -> String {
    let mut roles: Vec<&str> = Vec::new();
    for (key, value) in map(&row.meta()["labels"]) {
        match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => roles.push(role),
            None if key == "kubernetes.io/role" => roles.push(value.as_str().unwrap_or_default()),
            None => {}
        }
    }
    roles.retain(|role| !role.is_empty());
    roles.sort_unstable();
    roles.dedup();
    roles.join(",")
}

/// The names that the two kinds of events have for the same fields.
struct EventNames {
    object: &'static str,
    component: &'static str,
    source: &'static str,
    message: &'static str,
    first: &'static str,
    last: &'static str,
    count: &'static str,
}

fn core_event(row: &Row<'_>) -> Vec<Value> {
    let names = EventNames {
        object: "involvedObject",
        component: "reportingComponent",
        source: "source",
        message: "message",
        first: "firstTimestamp",
        last: "lastTimestamp",
        count: "count",
    };
    event(row, &names)
}

fn events_event(row: &Row<'_>) -> Vec<Value> {
    let names = EventNames {
        object: "regarding",
        component: "reportingController",
        source: "deprecatedSource",
        message: "note",
        first: "deprecatedFirstTimestamp",
        last: "deprecatedLastTimestamp",
        count: "deprecatedCount",
    };
    event(row, &names)
}

fn event(row: &Row<'_>, names: &EventNames) -> Vec<Value> {
    let event = row.object;
    let first = match &event[names.first] {
        Value::Null => row.since(&event["eventTime"]),
        time => row.since(time),
    };
    let mut last = match &event[names.last] {
        Value::Null => first.clone(),
        time => row.since(time),
    };
    let mut count = event[names.count]
        .as_i64()
        .filter(|count| *count != 0)
        .unwrap_or(1);
    if event["series"].is_object() {
        last = row.since(&event["series"]["lastObservedTime"]);
        count = event["series"]["count"].as_i64().unwrap_or_default();
    }
    let (object, source) = (&event[names.object], &event[names.source]);
    let kind = text(object, "kind").to_lowercase();
    let target = match text(object, "name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    let component = or(text(source, "component"), text(event, names.component));
    let instance = or(text(source, "host"), text(event, "reportingInstance"));
    let source = if instance.is_empty() {
        component.to_owned()
    } else {
        format!("{component}, {instance}")
    };
    vec![
        last.into(),
        text(event, "type").into(),
        text(event, "reason").into(),
        target.into(),
        text(object, "fieldPath").into(),
        source.into(),
        text(event, names.message).trim().into(),
        first.into(),
        count.into(),
        row.name(),
    ]
}

fn phase<'r>(row: &Row<'r>) -> &'r str {
    if row.meta()["deletionTimestamp"].is_null() {
        text(row.status(), "phase")
    } else {
        "Terminating"
    }
}

/// Access modes in their short forms, always in the same order.
fn access_modes(given: &Value) -> String {
    let short = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let given = list(given);
    let modes = short
        .iter()
        .filter(|(mode, _)| given.iter().any(|one| one == mode))
        .map(|(_, short)| *short);
    modes.collect::<Vec<_>>().join(",")
}

/// The class of a volume or claim; an old annotation goes before the field.
fn storage_class(row: &Row<'_>) -> Value {
    let class = row.meta()["annotations"]["volume.beta.kubernetes.io/storage-class"].as_str();
    class.unwrap_or(text(row.spec(), "storageClassName")).into()
}

fn or_unset(value: &Value) -> Value {
    value.as_str().unwrap_or("<unset>").into()
}

fn volume(row: &Row<'_>) -> Vec<Value> {
    let (spec, status) = (row.spec(), row.status());
    let claim = match &spec["claimRef"] {
        Value::Null => String::new(),
        claim => format!("{}/{}", text(claim, "namespace"), text(claim, "name")),
    };
    vec![
        row.name(),
        spec["capacity"]["storage"].as_str().unwrap_or("0").into(),
        access_modes(&spec["accessModes"]).into(),
        text(spec, "persistentVolumeReclaimPolicy").into(),
        phase(row).into(),
        claim.into(),
        storage_class(row),
        or_unset(&spec["volumeAttributesClassName"]),
        text(status, "reason").into(),
        row.age(),
        or_unset(&spec["volumeMode"]),
    ]
}

fn claim(row: &Row<'_>) -> Vec<Value> {
    let (spec, status) = (row.spec(), row.status());
    let (capacity, modes) = if text(spec, "volumeName").is_empty() {
        ("", String::new())
    } else {
        (
            status["capacity"]["storage"].as_str().unwrap_or("0"),
            access_modes(&status["accessModes"]),
        )
    };
    vec![
        row.name(),
        phase(row).into(),
        text(spec, "volumeName").into(),
        capacity.into(),
        modes.into(),
        storage_class(row),
        or_unset(&spec["volumeAttributesClassName"]),
        row.age(),
        or_unset(&spec["volumeMode"]),
    ]
}

fn quota(row: &Row<'_>) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (name, hard) in map(&row.status()["hard"]) {
        let used = row.status()["used"][name].as_str().unwrap_or("0");
        let text = format!("{name}: {used}/{}", plain(hard));
        if name.starts_with("limits.") {
            limits.push(text)
        } else {
            requests.push(text)
        }
    }
    vec![
        row.name(),
        requests.join(", ").into(),
        limits.join(", ").into(),
        row.age(),
    ]
}
