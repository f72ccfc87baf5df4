//! Checks of pods and of templates of pods.

use super::{
    Errors,
    container::{Volumes, common, probes, user},
    container_parts, dns, node_selector, volume,
    words::{Form, form, missing_or_one_of, not_negative, one_of, repeated},
};
use crate::{
    meta::{
        dns1123_label_errors, dns1123_subdomain_errors, label_value_errors, qualified_name_errors,
        validate_annotations, validate_label_selector, validate_labels,
    },
    view::{int, is_true, list, text},
};
use serde_json::Value;
use std::collections::HashSet;
use tidegate_schema::{FieldError, Path};

const DNS_POLICIES: &[&str] = &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const RESTART_POLICIES: &[&str] = &["Always", "OnFailure", "Never"];
const EFFECTS: &[&str] = &["NoSchedule", "PreferNoSchedule", "NoExecute"];

pub(crate) fn pod(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let pod = &object["spec"];
    spec(pod, true, &path, errors);
    not_negative(pod, "terminationGracePeriodSeconds", &path, errors);
    for group in ["containers", "initContainers"] {
        let at = path.child(group);
        for (index, one) in list(&pod[group]).iter().enumerate() {
            let image = text(one, "image");
            if image.trim() != image {
                let why = "must not have leading or trailing whitespace";
                errors.push(FieldError::invalid(
                    &at.index(index).child("image"),
                    &image.into(),
                    why,
                ));
            }
        }
    }
}

/// A template of pods, as other kinds hold it.
pub(crate) fn template(template: &Value, path: &Path<'_>, errors: &mut Errors) {
    errors.extend(validate_labels(
        &template["metadata"]["labels"],
        &path.child("labels"),
    ));
    errors.extend(validate_annotations(
        &template["metadata"]["annotations"],
        &path.child("annotations"),
    ));
    spec(&template["spec"], false, &path.child("spec"), errors);
    let inner = path.child("spec");
    if !list(&template["spec"]["ephemeralContainers"]).is_empty() {
        let why = "ephemeral containers not allowed in pod template";
        errors.push(FieldError::forbidden(
            &inner.child("ephemeralContainers"),
            why,
        ));
    }
}

fn spec(spec: &Value, is_pod: bool, path: &Path<'_>, errors: &mut Errors) {
    let volumes = volume::volumes(spec, &path.child("volumes"), errors);
    containers(spec, &volumes, &path.child("containers"), errors);
    init_containers(spec, &volumes, &path.child("initContainers"), errors);
    host_ports(spec, is_pod, &path.child("containers"), errors);
    missing_or_one_of(spec, "restartPolicy", RESTART_POLICIES, path, errors);
    missing_or_one_of(spec, "dnsPolicy", DNS_POLICIES, path, errors);
    errors.extend(validate_labels(
        &spec["nodeSelector"],
        &path.child("nodeSelector"),
    ));
    let context = path.child("securityContext");
    for name in ["runAsUser", "runAsGroup", "fsGroup"] {
        user(&spec["securityContext"], name, &context, errors);
    }
    affinity(&spec["affinity"], &path.child("affinity"), errors);
    dns::config(spec, &path.child("dnsConfig"), errors);
    let gates = path.child("readinessGates");
    for (index, gate) in list(&spec["readinessGates"]).iter().enumerate() {
        let at = gates.index(index);
        form(
            text(gate, "conditionType"),
            qualified_name_errors,
            &at.child("conditionType"),
            errors,
        );
    }
    let gates = path.child("schedulingGates");
    for (index, gate) in list(&spec["schedulingGates"]).iter().enumerate() {
        form(
            text(gate, "name"),
            qualified_name_errors,
            &gates.index(index),
            errors,
        );
    }
    spread(spec, &path.child("topologySpreadConstraints"), errors);
    let named: [(&str, Form); 2] = [
        ("serviceAccountName", dns1123_subdomain_errors),
        ("nodeName", dns1123_subdomain_errors),
    ];
    for (name, check) in named
        .into_iter()
        .filter(|(name, _)| !text(spec, name).is_empty())
    {
        form(text(spec, name), check, &path.child(name), errors);
    }
    placed(spec, path, errors);
}

/// Where and when the pod runs.
fn placed(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let deadline = &spec["activeDeadlineSeconds"];
    if deadline
        .as_i64()
        .is_some_and(|seconds| !(1..=i64::from(i32::MAX)).contains(&seconds))
    {
        let why = "must be between 1 and 2147483647, inclusive";
        errors.push(FieldError::invalid(
            &path.child("activeDeadlineSeconds"),
            deadline,
            why,
        ));
    }
    for name in ["hostname", "subdomain"]
        .into_iter()
        .filter(|name| !text(spec, name).is_empty())
    {
        form(
            text(spec, name),
            dns1123_label_errors,
            &path.child(name),
            errors,
        );
    }
    tolerations(spec, &path.child("tolerations"), errors);
    dns::host_aliases(spec, &path.child("hostAliases"), errors);
    for name in ["priorityClassName", "runtimeClassName"]
        .into_iter()
        .filter(|name| !text(spec, name).is_empty())
    {
        form(
            text(spec, name),
            dns1123_subdomain_errors,
            &path.child(name),
            errors,
        );
    }
    if !spec["preemptionPolicy"].is_null() {
        missing_or_one_of(
            spec,
            "preemptionPolicy",
            &["PreemptLowerPriority", "Never"],
            path,
            errors,
        );
    }
}

fn containers(spec: &Value, volumes: &Volumes<'_>, path: &Path<'_>, errors: &mut Errors) {
    let all = list(&spec["containers"]);
    if all.is_empty() {
        errors.push(FieldError::required(path, ""));
        return;
    }
    let again = repeated(all.iter().map(|one| text(one, "name")));
    for (index, container) in all.iter().enumerate() {
        let at = path.index(index);
        common(spec, container, volumes, &at, errors);
        unique(again[index], container, &at, errors);
        probes(container, &at, errors);
        container_parts::restarts(container, &at, errors);
    }
    let mut used = HashSet::new();
    for (index, container) in all.iter().enumerate() {
        let at = path.index(index);
        let ports = at.child("ports");
        for (index, port) in list(&container["ports"])
            .iter()
            .enumerate()
            .filter(|(_, port)| int(port, "hostPort") != 0)
        {
            let place = format!(
                "{}/{}/{}",
                text(port, "protocol"),
                text(port, "hostIP"),
                int(port, "hostPort")
            );
            if used.contains(&place) {
                let at = ports.index(index);
                errors.push(FieldError::duplicate(
                    &at.child("hostPort"),
                    &place.as_str().into(),
                ));
            }
            used.insert(place);
        }
    }
}

fn unique(again: bool, container: &Value, path: &Path<'_>, errors: &mut Errors) {
    let name = text(container, "name");
    if again {
        errors.push(FieldError::duplicate(&path.child("name"), &name.into()));
    }
}

fn init_containers(spec: &Value, volumes: &Volumes<'_>, path: &Path<'_>, errors: &mut Errors) {
    let all = list(&spec["initContainers"]);
    let regular = list(&spec["containers"]);
    // Those that all others start after come first: they must be unlike all of those.
    let names = regular.iter().chain(all).map(|one| text(one, "name"));
    let again = repeated(names).split_off(regular.len());
    for (index, container) in all.iter().enumerate() {
        let at = path.index(index);
        common(spec, container, volumes, &at, errors);
        unique(again[index], container, &at, errors);
        container_parts::restarts(container, &at, errors);
        if text(container, "restartPolicy") == "Always" {
            probes(container, &at, errors);
            continue;
        }
        let names = [
            "lifecycle",
            "livenessProbe",
            "readinessProbe",
            "startupProbe",
        ];
        for name in names.into_iter().filter(|name| !container[*name].is_null()) {
            let why = "may not be set for init containers without restartPolicy=Always";
            errors.push(FieldError::forbidden(&at.child(name), why));
        }
    }
}

fn host_ports(spec: &Value, is_pod: bool, path: &Path<'_>, errors: &mut Errors) {
    if !is_true(spec, "hostNetwork") {
        return;
    }
    for (index, container) in list(&spec["containers"]).iter().enumerate() {
        let at = path.index(index);
        let ports = at.child("ports");
        for (index, port) in list(&container["ports"]).iter().enumerate() {
            let (host, own) = (int(port, "hostPort"), int(port, "containerPort"));
            if (is_pod || host != 0) && host != own {
                let at = ports.index(index);
                let why = "must match `containerPort` when `hostNetwork` is true";
                errors.push(FieldError::invalid(
                    &at.child("hostPort"),
                    &host.into(),
                    why,
                ));
            }
        }
    }
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn affinity(affinity: &Value, path: &Path<'_>, errors: &mut Errors) {
    let (nodes, at) = (&affinity["nodeAffinity"], path.child("nodeAffinity"));
    if !nodes[REQUIRED].is_null() {
        node_selector::selector(&nodes[REQUIRED], &at.child(REQUIRED), errors);
    }
    let preferred = at.child(PREFERRED);
    for (index, one) in list(&nodes[PREFERRED]).iter().enumerate() {
        let at = preferred.index(index);
        weight(one, &at, errors);
        node_selector::term(&one["preference"], false, &at.child("preference"), errors);
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let at = path.child(kind);
        let required = at.child(REQUIRED);
        for (index, term) in list(&affinity[kind][REQUIRED]).iter().enumerate() {
            affinity_term(term, &required.index(index), errors);
        }
        let preferred = at.child(PREFERRED);
        for (index, one) in list(&affinity[kind][PREFERRED]).iter().enumerate() {
            let at = preferred.index(index);
            weight(one, &at, errors);
            affinity_term(
                &one["podAffinityTerm"],
                &at.child("podAffinityTerm"),
                errors,
            );
        }
    }
}

/// How much a preference counts.
fn weight(one: &Value, path: &Path<'_>, errors: &mut Errors) {
    let weight = int(one, "weight");
    if !(1..=100).contains(&weight) {
        let why = "must be in the range 1-100";
        errors.push(FieldError::invalid(
            &path.child("weight"),
            &weight.into(),
            why,
        ));
    }
}

fn affinity_term(term: &Value, path: &Path<'_>, errors: &mut Errors) {
    for name in ["labelSelector", "namespaceSelector"] {
        errors.extend(validate_label_selector(
            &term[name],
            false,
            &path.child(name),
        ));
    }
    let key = text(term, "topologyKey");
    if key.is_empty() {
        errors.push(FieldError::required(
            &path.child("topologyKey"),
            "can not be empty",
        ));
    }
    form(
        key,
        qualified_name_errors,
        &path.child("topologyKey"),
        errors,
    );
}

fn spread(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    for (index, one) in list(&spec["topologySpreadConstraints"]).iter().enumerate() {
        let at = path.index(index);
        let skew = int(one, "maxSkew");
        if skew <= 0 {
            errors.push(FieldError::invalid(
                &at.child("maxSkew"),
                &skew.into(),
                "must be greater than zero",
            ));
        }
        if text(one, "topologyKey").is_empty() {
            errors.push(FieldError::required(
                &at.child("topologyKey"),
                "can not be empty",
            ));
        }
        one_of(
            one,
            "whenUnsatisfiable",
            &["DoNotSchedule", "ScheduleAnyway"],
            &at,
            errors,
        );
    }
}

pub(crate) fn tolerations(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    for (index, one) in list(&spec["tolerations"]).iter().enumerate() {
        let at = path.index(index);
        let (key, operator, value) = (text(one, "key"), text(one, "operator"), text(one, "value"));
        if !key.is_empty() {
            form(key, qualified_name_errors, &at.child("key"), errors);
        }
        let mut invalid = |name: &str, value: &str, why: &str| {
            errors.push(FieldError::invalid(&at.child(name), &value.into(), why));
        };
        if key.is_empty() && operator != "Exists" {
            let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            invalid("operator", operator, why);
        }
        if !one["tolerationSeconds"].is_null() && text(one, "effect") != "NoExecute" {
            let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            invalid("effect", text(one, "effect"), why);
        }
        match operator {
            "Equal" | "" => {
                let found = label_value_errors(value);
                if !found.is_empty() {
                    invalid("operator", value, &found.join(";"));
                }
            }
            "Exists" if !value.is_empty() => {
                invalid(
                    "operator",
                    value,
                    "value must be empty when `operator` is 'Exists'",
                );
            }
            "Exists" => {}
            _ => one_of(one, "operator", &["Equal", "Exists"], &at, errors),
        }
        if !text(one, "effect").is_empty() {
            one_of(one, "effect", EFFECTS, &at, errors);
        }
    }
}
