//! The row of a pod: what its containers' states add up to.

use super::{Row, words::or};
use crate::{
    decode::civil_seconds,
    view::{int, is_true, list, text},
};
use serde_json::Value;

/// What was counted on the way through the containers.
#[derive(Default)]
struct Sum {
    restarts: i64,
    last_restart: Option<i64>,
    ready: i64,
    reason: String,
}

pub(super) fn cells(row: &Row<'_>) -> Vec<Value> {
    let (spec, status) = (row.spec(), row.status());
    let sidecars = list(&spec["initContainers"])
        .iter()
        .filter(|container| is_sidecar(container))
        .count();
    let total = list(&spec["containers"]).len() + sidecars;
    let mut sum = Sum {
        reason: or(text(status, "reason"), text(status, "phase")).to_owned(),
        ..Sum::default()
    };
    if conditions(status)
        .any(|(kind, condition)| kind == "PodScheduled" && text(condition, "reason") == GATED)
    {
        sum.reason = GATED.to_owned();
    }
    let initializing = init_containers(spec, status, &mut sum);
    if !initializing || is_condition(status, "Initialized") {
        containers(status, &mut sum);
    }
    let deleted = !row.meta()["deletionTimestamp"].is_null();
    if deleted && text(status, "reason") == "NodeLost" {
        sum.reason = "Unknown".to_owned();
    } else if deleted && !matches!(text(status, "phase"), "Failed" | "Succeeded") {
        sum.reason = "Terminating".to_owned();
    }
    let restarts = match sum.last_restart {
        Some(last) if sum.restarts != 0 => {
            format!(
                "{} ({} ago)",
                sum.restarts,
                super::words::duration(row.now - last)
            )
        }
        _ => sum.restarts.to_string(),
    };
    vec![
        row.name(),
        format!("{}/{total}", sum.ready).into(),
        sum.reason.into(),
        restarts.into(),
        row.age(),
        or(
            status["podIPs"][0]["ip"].as_str().unwrap_or_default(),
            "<none>",
        )
        .into(),
        or(text(spec, "nodeName"), "<none>").into(),
        or(text(status, "nominatedNodeName"), "<none>").into(),
        gates(spec, status).into(),
    ]
}

const GATED: &str = "SchedulingGated";

fn is_sidecar(container: &Value) -> bool {
    text(container, "restartPolicy") == "Always"
}

fn conditions(status: &Value) -> impl Iterator<Item = (&str, &Value)> {
    list(&status["conditions"])
        .iter()
        .map(|condition| (text(condition, "type"), condition))
}

fn is_condition(status: &Value, wanted: &str) -> bool {
    conditions(status)
        .any(|(kind, condition)| kind == wanted && text(condition, "status") == "True")
}

fn gates(spec: &Value, status: &Value) -> String {
    let gates = list(&spec["readinessGates"]);
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let open = gates.iter().filter(|gate| {
        let found = conditions(status).find(|(kind, _)| *kind == text(gate, "conditionType"));
        found.is_some_and(|(_, condition)| text(condition, "status") == "True")
    });
    format!("{}/{}", open.count(), gates.len())
}

impl Sum {
    fn add_restarts(&mut self, container: &Value) {
        self.restarts += int(container, "restartCount");
        let finished = container["lastState"]["terminated"]["finishedAt"]
            .as_str()
            .and_then(civil_seconds);
        self.last_restart = self.last_restart.max(finished);
    }
}

/// The word for a container that ended without a reason.
fn exit(terminated: &Value) -> String {
    match (text(terminated, "reason"), int(terminated, "signal")) {
        ("", 0) => format!("ExitCode:{}", int(terminated, "exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

/// True where an init container isn't done.
fn init_containers(spec: &Value, status: &Value, sum: &mut Sum) -> bool {
    let specs = list(&spec["initContainers"]);
    let mut sidecars = Sum::default();
    for (at, container) in list(&status["initContainerStatuses"]).iter().enumerate() {
        let state = &container["state"];
        let sidecar = specs
            .iter()
            .any(|one| text(one, "name") == text(container, "name") && is_sidecar(one));
        sum.add_restarts(container);
        if sidecar {
            sidecars.add_restarts(container);
        }
        let (terminated, waiting) = (&state["terminated"], text(&state["waiting"], "reason"));
        if terminated.is_object() && int(terminated, "exitCode") == 0 {
            continue;
        }
        if sidecar && is_true(container, "started") {
            sum.ready += i64::from(is_true(container, "ready"));
            continue;
        }
        sum.reason = if terminated.is_object() {
            format!("Init:{}", exit(terminated))
        } else if !matches!(waiting, "" | "PodInitializing") {
            format!("Init:{waiting}")
        } else {
            format!("Init:{at}/{}", specs.len())
        };
        if is_condition(status, "Initialized") {
            (sum.restarts, sum.last_restart) = (sidecars.restarts, sidecars.last_restart);
        }
        return true;
    }
    (sum.restarts, sum.last_restart) = (sidecars.restarts, sidecars.last_restart);
    false
}

fn containers(status: &Value, sum: &mut Sum) {
    let (mut running, mut error) = (false, String::new());
    for container in list(&status["containerStatuses"]).iter().rev() {
        let state = &container["state"];
        sum.add_restarts(container);
        let (terminated, waiting) = (&state["terminated"], text(&state["waiting"], "reason"));
        if !waiting.is_empty() {
            sum.reason = waiting.to_owned();
        } else if terminated.is_object() {
            sum.reason = exit(terminated);
            if int(terminated, "exitCode") != 0 {
                error.clone_from(&sum.reason);
            }
        } else if is_true(container, "ready") && state["running"].is_object() {
            running = true;
            sum.ready += 1;
        }
    }
    if sum.reason == "Completed" {
        if running && is_condition(status, "Ready") {
            sum.reason = "Running".to_owned();
        } else if !error.is_empty() {
            sum.reason = error;
        } else if running {
            sum.reason = "NotReady".to_owned();
        }
    }
}
