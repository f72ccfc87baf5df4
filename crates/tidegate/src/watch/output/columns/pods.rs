//! The columns of Pods. STATUS follows kubectl's rules, which are long because a Pod's phase alone
//! says little about its containers.

use super::{
    AGE, Column, Subject, column,
    text::{self, NONE, items, or_none, string},
    wide,
};
use jiff::Timestamp;
use serde_json::Value;

pub(super) const PODS: &[Column] = &[
    column("READY", ready),
    column("STATUS", |subject| status(subject.object)),
    column("RESTARTS", restarts),
    AGE,
    wide("IP", |subject| or_none(&subject.object["status"]["podIP"])),
    wide("NODE", |subject| {
        or_none(&subject.object["spec"]["nodeName"])
    }),
    wide("NOMINATED NODE", |subject| {
        or_none(&subject.object["status"]["nominatedNodeName"])
    }),
    wide("READINESS GATES", readiness_gates),
];

/// Containers, and init containers that stay (sidecars).
fn ready(subject: &Subject<'_>) -> String {
    let (spec, status) = (&subject.object["spec"], &subject.object["status"]);
    let sidecars: Vec<&str> = items(&spec["initContainers"])
        .iter()
        .filter(|container| container["restartPolicy"] == "Always")
        .filter_map(|container| container["name"].as_str())
        .collect();
    let ready_sidecars = items(&status["initContainerStatuses"])
        .iter()
        .filter(|status| {
            status["name"]
                .as_str()
                .is_some_and(|name| sidecars.contains(&name))
        })
        .filter(|status| status["ready"] == true)
        .count();
    let ready = items(&status["containerStatuses"])
        .iter()
        .filter(|status| status["ready"] == true)
        .count();
    format!(
        "{}/{}",
        ready + ready_sidecars,
        items(&spec["containers"]).len() + sidecars.len()
    )
}

fn restarts(subject: &Subject<'_>) -> String {
    let status = &subject.object["status"];
    let all = || {
        items(&status["initContainerStatuses"])
            .iter()
            .chain(items(&status["containerStatuses"]))
    };
    let restarts: i64 = all()
        .map(|status| text::count(&status["restartCount"]))
        .sum();
    let last = all()
        .filter_map(|status| status["lastState"]["terminated"]["finishedAt"].as_str())
        .filter_map(|time| time.parse::<Timestamp>().ok())
        .max();
    match last {
        Some(last) if restarts > 0 => {
            let ago = text::human_duration(subject.now.as_second() - last.as_second());
            format!("{restarts} ({ago} ago)")
        }
        _ => restarts.to_string(),
    }
}

fn readiness_gates(subject: &Subject<'_>) -> String {
    let gates = items(&subject.object["spec"]["readinessGates"]);
    if gates.is_empty() {
        return NONE.to_owned();
    }
    let conditions = items(&subject.object["status"]["conditions"]);
    let open = gates.iter().filter(|gate| {
        conditions.iter().any(|condition| {
            condition["type"] == gate["conditionType"] && condition["status"] == "True"
        })
    });
    format!("{}/{}", open.count(), gates.len())
}

fn status(pod: &Value) -> String {
    let status = &pod["status"];
    let mut reason = string(&status["phase"]);
    if let Some(text) = status["reason"].as_str().filter(|text| !text.is_empty()) {
        text.clone_into(&mut reason);
    }
    let gated = items(&status["conditions"]).iter().any(|condition| {
        condition["type"] == "PodScheduled" && condition["reason"] == "SchedulingGated"
    });
    if gated {
        "SchedulingGated".clone_into(&mut reason);
    }
    match initializing(pod) {
        Some(text) => reason = text,
        None => reason = running(status, reason),
    }
    if pod["metadata"]["deletionTimestamp"].is_string() {
        if status["reason"] == "NodeLost" {
            return "Unknown".to_owned();
        }
        if !matches!(status["phase"].as_str(), Some("Succeeded" | "Failed")) {
            return "Terminating".to_owned();
        }
    }
    reason
}

/// What the first unfinished init container says, if there is one.
fn initializing(pod: &Value) -> Option<String> {
    let init = items(&pod["spec"]["initContainers"]);
    for (at, container) in items(&pod["status"]["initContainerStatuses"])
        .iter()
        .enumerate()
    {
        let terminated = &container["state"]["terminated"];
        let stays = init
            .iter()
            .any(|init| init["name"] == container["name"] && init["restartPolicy"] == "Always");
        if terminated.is_object() && text::count(&terminated["exitCode"]) == 0 {
            continue;
        }
        if stays && container["started"] == true {
            continue;
        }
        if terminated.is_object() {
            return Some(format!("Init:{}", termination(terminated)));
        }
        let waiting = string(&container["state"]["waiting"]["reason"]);
        return Some(if waiting.is_empty() || waiting == "PodInitializing" {
            format!("Init:{at}/{}", init.len())
        } else {
            format!("Init:{waiting}")
        });
    }
    None
}

fn running(status: &Value, mut reason: String) -> String {
    let mut has_running = false;
    for container in items(&status["containerStatuses"]).iter().rev() {
        let (waiting, terminated) = (
            &container["state"]["waiting"],
            &container["state"]["terminated"],
        );
        if let Some(text) = waiting["reason"].as_str().filter(|text| !text.is_empty()) {
            text.clone_into(&mut reason);
        } else if terminated.is_object() {
            reason = termination(terminated);
        } else if container["ready"] == true && container["state"]["running"].is_object() {
            has_running = true;
        }
    }
    if reason == "Completed" && has_running {
        let ready = items(&status["conditions"])
            .iter()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        return if ready { "Running" } else { "NotReady" }.to_owned();
    }
    reason
}

fn termination(terminated: &Value) -> String {
    match terminated["reason"].as_str() {
        Some(reason) if !reason.is_empty() => reason.to_owned(),
        _ => match text::count(&terminated["signal"]) {
            0 => format!("ExitCode:{}", text::count(&terminated["exitCode"])),
            signal => format!("Signal:{signal}"),
        },
    }
}
