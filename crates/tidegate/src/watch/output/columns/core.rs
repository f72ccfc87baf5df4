//! The columns of the core group's other kinds: services, nodes, volumes, events and so on.

use super::{
    AGE, Column, Subject, column,
    network::{external_ip, service_ports},
    text::{self, NONE, UNKNOWN, items, joined, or_none, pairs, string},
    wide,
};
use serde_json::Value;

pub(super) fn columns(plural: &str) -> Option<&'static [Column]> {
    match plural {
        "services" => Some(SERVICES),
        "nodes" => Some(NODES),
        "namespaces" => Some(NAMESPACES),
        "configmaps" => Some(CONFIG_MAPS),
        "secrets" => Some(SECRETS),
        "events" => Some(EVENTS),
        "persistentvolumeclaims" => Some(CLAIMS),
        "persistentvolumes" => Some(VOLUMES),
        "replicationcontrollers" => Some(REPLICATION_CONTROLLERS),
        _ => None,
    }
}

const SERVICES: &[Column] = &[
    column("TYPE", |subject| string(&subject.object["spec"]["type"])),
    column("CLUSTER-IP", |subject| {
        or_none(&subject.object["spec"]["clusterIP"])
    }),
    column("EXTERNAL-IP", |subject| external_ip(subject.object)),
    column("PORT(S)", |subject| {
        service_ports(&subject.object["spec"]["ports"])
    }),
    AGE,
    wide("SELECTOR", |subject| {
        pairs(&subject.object["spec"]["selector"])
    }),
];

const NODES: &[Column] = &[
    column("STATUS", node_status),
    column("ROLES", node_roles),
    AGE,
    column("VERSION", |subject| {
        string(&subject.object["status"]["nodeInfo"]["kubeletVersion"])
    }),
    wide("INTERNAL-IP", |subject| node_address(subject, "InternalIP")),
    wide("EXTERNAL-IP", |subject| node_address(subject, "ExternalIP")),
    wide("OS-IMAGE", |subject| node_info(subject, "osImage")),
    wide("KERNEL-VERSION", |subject| {
        node_info(subject, "kernelVersion")
    }),
    wide("CONTAINER-RUNTIME", |subject| {
        node_info(subject, "containerRuntimeVersion")
    }),
];

const NAMESPACES: &[Column] = &[column("STATUS", phase), AGE];

const CONFIG_MAPS: &[Column] = &[
    column("DATA", |subject| {
        (entries(&subject.object["data"]) + entries(&subject.object["binaryData"])).to_string()
    }),
    AGE,
];

const SECRETS: &[Column] = &[
    column("TYPE", |subject| string(&subject.object["type"])),
    column("DATA", |subject| {
        entries(&subject.object["data"]).to_string()
    }),
    AGE,
];

const EVENTS: &[Column] = &[
    column("LAST SEEN", |subject| {
        let event = subject.object;
        let times = [
            &event["series"]["lastObservedTime"],
            &event["lastTimestamp"],
            &event["deprecatedLastTimestamp"],
        ];
        let time = times
            .into_iter()
            .find(|time| time.is_string())
            .unwrap_or(&event["eventTime"]);
        text::since(time, subject.now)
    }),
    column("TYPE", |subject| string(&subject.object["type"])),
    column("REASON", |subject| string(&subject.object["reason"])),
    column("OBJECT", |subject| {
        let event = subject.object;
        let about = if event["regarding"].is_object() {
            &event["regarding"]
        } else {
            &event["involvedObject"]
        };
        format!(
            "{}/{}",
            string(&about["kind"]).to_lowercase(),
            string(&about["name"])
        )
    }),
    column("MESSAGE", |subject| {
        let event = subject.object;
        let message = if event["note"].is_string() {
            &event["note"]
        } else {
            &event["message"]
        };
        message
            .as_str()
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }),
];

const CLAIMS: &[Column] = &[
    column("STATUS", phase),
    column("VOLUME", |subject| {
        string(&subject.object["spec"]["volumeName"])
    }),
    column("CAPACITY", |subject| {
        string(&subject.object["status"]["capacity"]["storage"])
    }),
    column("ACCESS MODES", |subject| {
        access_modes(&subject.object["status"]["accessModes"])
    }),
    column("STORAGECLASS", |subject| {
        string(&subject.object["spec"]["storageClassName"])
    }),
    AGE,
    wide("VOLUMEMODE", |subject| {
        or_none(&subject.object["spec"]["volumeMode"])
    }),
];

const VOLUMES: &[Column] = &[
    column("CAPACITY", |subject| {
        string(&subject.object["spec"]["capacity"]["storage"])
    }),
    column("ACCESS MODES", |subject| {
        access_modes(&subject.object["spec"]["accessModes"])
    }),
    column("RECLAIM POLICY", |subject| {
        string(&subject.object["spec"]["persistentVolumeReclaimPolicy"])
    }),
    column("STATUS", phase),
    column("CLAIM", |subject| {
        let claim = &subject.object["spec"]["claimRef"];
        if claim.is_object() {
            format!("{}/{}", string(&claim["namespace"]), string(&claim["name"]))
        } else {
            String::new()
        }
    }),
    column("STORAGECLASS", |subject| {
        string(&subject.object["spec"]["storageClassName"])
    }),
    AGE,
];

const REPLICATION_CONTROLLERS: &[Column] = &[
    column("DESIRED", |subject| {
        text::count(&subject.object["spec"]["replicas"]).to_string()
    }),
    column("CURRENT", |subject| {
        text::count(&subject.object["status"]["replicas"]).to_string()
    }),
    column("READY", |subject| {
        text::count(&subject.object["status"]["readyReplicas"]).to_string()
    }),
    AGE,
];

fn phase(subject: &Subject<'_>) -> String {
    if subject.object["metadata"]["deletionTimestamp"].is_string() {
        return "Terminating".to_owned();
    }
    string(&subject.object["status"]["phase"])
}

fn entries(map: &Value) -> usize {
    map.as_object().map_or(0, serde_json::Map::len)
}

fn access_modes(modes: &Value) -> String {
    let short = |mode: &str| match mode {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => "",
    };
    items(modes)
        .iter()
        .filter_map(Value::as_str)
        .map(short)
        .collect::<Vec<_>>()
        .join(",")
}

fn node_status(subject: &Subject<'_>) -> String {
    let conditions = items(&subject.object["status"]["conditions"]);
    let ready = match conditions
        .iter()
        .find(|condition| condition["type"] == "Ready")
    {
        Some(condition) if condition["status"] == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    if subject.object["spec"]["unschedulable"] == true {
        format!("{ready},SchedulingDisabled")
    } else {
        ready.to_owned()
    }
}

fn node_roles(subject: &Subject<'_>) -> String {
    let labels = subject.object["metadata"]["labels"].as_object();
    joined(labels.into_iter().flatten().filter_map(|(key, value)| {
        match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role.to_owned()),
            None => (key == "kubernetes.io/role").then(|| string(value)),
        }
    }))
}

fn node_address(subject: &Subject<'_>, kind: &str) -> String {
    let addresses = items(&subject.object["status"]["addresses"]);
    let address = addresses.iter().find(|address| address["type"] == kind);
    address.map_or_else(|| NONE.to_owned(), |address| string(&address["address"]))
}

fn node_info(subject: &Subject<'_>, field: &str) -> String {
    match string(&subject.object["status"]["nodeInfo"][field]) {
        text if text.is_empty() => UNKNOWN.to_owned(),
        text => text,
    }
}
