//! Checks of Service.

use super::{
    Errors,
    address::{addresses, addresses_stay, families_stay, is_headless},
    meta_update, net,
    words::{missing_or_one_of, one_of, port},
};
use crate::{
    defaults::is_external,
    meta::{
        dns1123_label_errors, dns1123_subdomain_errors, port_name_errors, qualified_name_errors,
        validate_labels,
    },
    view::{int, list, map, text},
    ways::needs_health_port,
};
use serde_json::Value;
use std::collections::HashSet;
use tidegate_schema::{FieldError, Path};

const TYPES: &[&str] = &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const DISTRIBUTIONS: &[&str] = &["PreferClose", "PreferSameZone", "PreferSameNode"];
pub(crate) const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];
const ONLY_BALANCED: &str = "may only be used when `type` is 'LoadBalancer'";

/// The addresses are looked at first, and alone: they are given out before the rest is.
pub(crate) fn service(object: &Value, errors: &mut Errors) {
    if !addresses_alone(object, None, errors) {
        checked(object, None, errors);
    }
}

/// True where they are wrong, and nothing else is to be said.
pub(super) fn addresses_alone(object: &Value, old: Option<&Value>, errors: &mut Errors) -> bool {
    let mut first = Errors::default();
    if text(&object["spec"], "type") != "ExternalName" {
        let old = old.map(|old| &old["spec"]);
        addresses(&object["spec"], old, &Path::ROOT.child("spec"), &mut first);
    }
    let wrong = !first.is_empty();
    if wrong {
        *errors = first;
    }
    wrong
}

pub(crate) fn update(new: &Value, old: &Value, errors: &mut Errors) {
    if addresses_alone(new, Some(old), errors) {
        return;
    }
    meta_update(new, old, errors);
    let root = Path::ROOT;
    let path = root.child("spec");
    let (new_spec, old_spec) = (&new["spec"], &old["spec"]);
    let named = |spec: &Value| text(spec, "type") == "ExternalName";
    if !named(new_spec) && !named(old_spec) {
        addresses_stay(new_spec, old_spec, &path, errors);
        families_stay(new_spec, old_spec, &path, errors);
    }
    let balanced = |spec: &Value| text(spec, "type") == "LoadBalancer";
    let class = &new_spec["loadBalancerClass"];
    if balanced(new_spec) && balanced(old_spec) && *class != old_spec["loadBalancerClass"] {
        errors.push(FieldError::invalid(
            &path.child("loadBalancerClass"),
            class,
            "may not change once set",
        ));
    }
    load_balancer_class(new_spec, &path, errors);
    let port = "healthCheckNodePort";
    if needs_health_port(new_spec)
        && needs_health_port(old_spec)
        && int(new_spec, port) != int(old_spec, port)
    {
        errors.push(FieldError::forbidden(
            &path.child(port),
            "field is immutable",
        ));
    }
    checked(new, Some(old), errors);
}

fn checked(object: &Value, old: Option<&Value>, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    let kind = text(spec, "type");
    if list(&spec["ports"]).is_empty() && !is_headless(spec) && kind != "ExternalName" {
        errors.push(FieldError::required(&path.child("ports"), ""));
    }
    by_type(spec, kind, &path, errors);
    ports(spec, &path.child("ports"), errors);
    errors.extend(validate_labels(&spec["selector"], &path.child("selector")));
    affinity(spec, &path, errors);
    if kind != "ExternalName" {
        addresses(spec, old.map(|old| &old["spec"]), &path, errors);
    }
    let known = old.map_or(&[][..], |old| list(&old["spec"]["externalIPs"]));
    let at = path.child("externalIPs");
    for (index, address) in list(&spec["externalIPs"]).iter().enumerate() {
        let text = address.as_str().unwrap_or_default();
        if known.contains(address) || net::ip(text, &at.index(index), errors) {
            net::endpoint_ip(text, &at.index(index), errors);
        }
    }
    missing_or_one_of(spec, "type", TYPES, &path, errors);
    unique_ports(spec, kind, &path.child("ports"), errors);
    balancer(object, old, kind, &path, errors);
    traffic(spec, kind, &path, errors);
}

fn by_type(spec: &Value, kind: &str, path: &Path<'_>, errors: &mut Errors) {
    if matches!(kind, "LoadBalancer" | "NodePort") && is_headless(spec) {
        let why = format!("may not be set to 'None' for {kind} services");
        errors.push(FieldError::invalid(
            &path.child("clusterIPs").index(0),
            &"None".into(),
            why,
        ));
    }
    if kind != "ExternalName" {
        return;
    }
    for name in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if !matches!(&spec[name], Value::Null) && spec[name] != serde_json::json!([]) {
            errors.push(FieldError::forbidden(
                &path.child(name),
                "may not be set for ExternalName services",
            ));
        }
    }
    let at = path.child("externalName");
    match text(spec, "externalName").trim_end_matches('.') {
        "" => errors.push(FieldError::required(&at, "")),
        name => super::words::form(name, dns1123_subdomain_errors, &at, errors),
    }
}

fn ports(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let all = list(&spec["ports"]);
    let mut names = HashSet::new();
    for (index, one) in all.iter().enumerate() {
        let at = path.index(index);
        let name = text(one, "name");
        if name.is_empty() && all.len() > 1 {
            errors.push(FieldError::required(&at.child("name"), ""));
        } else if !name.is_empty() {
            super::words::form(name, dns1123_label_errors, &at.child("name"), errors);
            if !names.insert(name) {
                errors.push(FieldError::duplicate(&at.child("name"), &name.into()));
            }
        }
        port(int(one, "port"), &at.child("port"), errors);
        missing_or_one_of(one, "protocol", PROTOCOLS, &at, errors);
        port_or_name(&one["targetPort"], &at.child("targetPort"), errors);
        if let Some(protocol) = one["appProtocol"].as_str() {
            super::words::form(
                protocol,
                qualified_name_errors,
                &at.child("appProtocol"),
                errors,
            );
        }
    }
}

/// The number or the name of a port.
pub(crate) fn port_or_name(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    match value {
        Value::String(name) => super::words::form(name, port_name_errors, path, errors),
        number => port(number.as_i64().unwrap_or_default(), path, errors),
    }
}

fn affinity(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    missing_or_one_of(spec, "sessionAffinity", &["ClientIP", "None"], path, errors);
    let config = &spec["sessionAffinityConfig"];
    let at = path.child("sessionAffinityConfig");
    match text(spec, "sessionAffinity") {
        "None" if !config.is_null() => {
            errors.push(FieldError::forbidden(
                &at,
                "must not be set when session affinity is None",
            ));
        }
        "ClientIP" => {
            let seconds = int(&config["clientIP"], "timeoutSeconds");
            if !(1..=86_400).contains(&seconds) {
                let client = at.child("clientIP");
                let why = "must be greater than 0 and less than 86400";
                errors.push(FieldError::invalid(
                    &client.child("timeoutSeconds"),
                    &seconds.into(),
                    why,
                ));
            }
        }
        _ => {}
    }
}

fn unique_ports(spec: &Value, kind: &str, path: &Path<'_>, errors: &mut Errors) {
    let all = list(&spec["ports"]);
    let node_port = |one: &Value| int(one, "nodePort");
    if kind == "ClusterIP" {
        for (index, _) in all
            .iter()
            .enumerate()
            .filter(|(_, one)| node_port(one) != 0)
        {
            let why = "may not be used when `type` is 'ClusterIP'";
            errors.push(FieldError::forbidden(
                &path.index(index).child("nodePort"),
                why,
            ));
        }
    }
    let mut seen = HashSet::new();
    for (index, one) in all.iter().enumerate() {
        let number = node_port(one);
        if number != 0 && !seen.insert((number, text(one, "protocol"))) {
            errors.push(FieldError::duplicate(
                &path.index(index).child("nodePort"),
                &number.into(),
            ));
        }
    }
    let mut seen = HashSet::new();
    for (index, one) in all.iter().enumerate() {
        if !seen.insert((int(one, "port"), text(one, "protocol"))) {
            let mut error = FieldError::duplicate(&path.index(index), &Value::Null);
            error.bad_value = duplicate_port(one);
            errors.push(error);
        }
    }
}

/// The internal form of a port, as it is shown.
fn duplicate_port(port: &Value) -> String {
    format!(
        "{{\"Name\":\"\",\"Protocol\":\"{}\",\"AppProtocol\":null,\"Port\":{},\"TargetPort\":0,\"NodePort\":0}}",
        text(port, "protocol"),
        int(port, "port")
    )
}

fn balancer(object: &Value, old: Option<&Value>, kind: &str, path: &Path<'_>, errors: &mut Errors) {
    let spec = &object["spec"];
    let ranges = list(&spec["loadBalancerSourceRanges"]);
    let balanced = kind == "LoadBalancer";
    let at = path.child("LoadBalancerSourceRanges");
    if !ranges.is_empty() && !balanced {
        errors.push(FieldError::forbidden(&at, ONLY_BALANCED));
    }
    let known = old.map_or(&[][..], |old| {
        list(&old["spec"]["loadBalancerSourceRanges"])
    });
    for (index, range) in ranges
        .iter()
        .enumerate()
        .filter(|(_, range)| !known.contains(range))
    {
        net::cidr(
            range.as_str().unwrap_or_default().trim(),
            &at.index(index),
            errors,
        );
    }
    let allocates = "allocateLoadBalancerNodePorts";
    if !spec[allocates].is_null() && !balanced {
        errors.push(FieldError::forbidden(&path.child(allocates), ONLY_BALANCED));
    }
    if spec[allocates].is_null() && balanced {
        errors.push(FieldError::required(&Path::ROOT.child(allocates), ""));
    }
    load_balancer_class(spec, path, errors);
}

fn load_balancer_class(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let at = path.child("loadBalancerClass");
    match spec["loadBalancerClass"].as_str() {
        Some(class) if text(spec, "type") == "LoadBalancer" => {
            super::words::form(class, qualified_name_errors, &at, errors);
        }
        Some(_) => errors.push(FieldError::forbidden(&at, ONLY_BALANCED)),
        None => {}
    }
}

fn traffic(spec: &Value, kind: &str, path: &Path<'_>, errors: &mut Errors) {
    let external = "externalTrafficPolicy";
    if is_external(spec) {
        missing_or_one_of(spec, external, &["Cluster", "Local"], path, errors);
    } else if !text(spec, external).is_empty() {
        let why = "may only be set for externally-accessible services";
        errors.push(FieldError::invalid(
            &path.child(external),
            &spec[external],
            why,
        ));
    }
    let health = "healthCheckNodePort";
    let number = int(spec, health);
    if needs_health_port(spec) && number != 0 {
        port(number, &path.child(health), errors);
    } else if !needs_health_port(spec) && number != 0 {
        let why =
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        errors.push(FieldError::invalid(
            &path.child(health),
            &number.into(),
            why,
        ));
    }
    let internal = "internalTrafficPolicy";
    match &spec[internal] {
        Value::Null if matches!(kind, "NodePort" | "LoadBalancer" | "ClusterIP") => {
            errors.push(FieldError::required(&path.child(internal), ""));
        }
        Value::Null => {}
        _ => one_of(spec, internal, &["Cluster", "Local"], path, errors),
    }
    if !spec["trafficDistribution"].is_null() {
        one_of(spec, "trafficDistribution", DISTRIBUTIONS, path, errors);
    }
}

pub(crate) fn part(new: &Value, old: &Value, _: &str, errors: &mut Errors) {
    meta_update(new, old, errors);
    let root = Path::ROOT;
    let status = root.child("status");
    let balancer = status.child("loadBalancer");
    let at = balancer.child("ingress");
    let ingress = list(&new["status"]["loadBalancer"]["ingress"]);
    if text(&new["spec"], "type") != "LoadBalancer" && !ingress.is_empty() {
        let why = "may only be used when `spec.type` is 'LoadBalancer'";
        errors.push(FieldError::forbidden(&at, why));
        return;
    }
    for (index, one) in ingress.iter().enumerate() {
        let here = at.index(index);
        let (address, name) = (text(one, "ip"), text(one, "hostname"));
        if !address.is_empty() {
            net::ip(address, &here.child("ip"), errors);
        }
        if address.is_empty() && !one["ipMode"].is_null() {
            errors.push(FieldError::forbidden(
                &here.child("ipMode"),
                "may not be specified when `ip` is not set",
            ));
        } else if !address.is_empty() && one["ipMode"].is_null() {
            errors.push(FieldError::required(
                &here.child("ipMode"),
                "must be specified when `ip` is set",
            ));
        } else if !one["ipMode"].is_null() {
            one_of(one, "ipMode", &["Proxy", "VIP"], &here, errors);
        }
        if !name.is_empty() {
            super::words::form(
                name,
                dns1123_subdomain_errors,
                &here.child("hostname"),
                errors,
            );
            if net::parse(name).is_some() {
                let why = "must be a DNS name, not an IP address";
                errors.push(FieldError::invalid(
                    &here.child("hostname"),
                    &name.into(),
                    why,
                ));
            }
        }
    }
}

pub(crate) fn warn(new: &Value, _: Option<&Value>, warnings: &mut Vec<String>) {
    let spec = &new["spec"];
    let mut say = |text: &str| warnings.push(text.to_owned());
    let hints = "service.kubernetes.io/topology-aware-hints";
    if map(&new["metadata"]["annotations"]).contains_key(hints) {
        say(
            "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead",
        );
    }
    let kind = text(spec, "type");
    let headless = kind == "ClusterIP" && text(spec, "clusterIP") == "None";
    let externals = !list(&spec["externalIPs"]).is_empty();
    if headless {
        if !text(spec, "loadBalancerIP").is_empty() {
            say("spec.loadBalancerIP is ignored for headless services");
        }
        if externals {
            say("spec.externalIPs is ignored for headless services");
        }
        if text(spec, "sessionAffinity") != "None" {
            say("spec.SessionAffinity is ignored for headless services");
        }
    }
    if externals && !headless && kind != "ExternalName" {
        say("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
    }
    if externals && kind == "ExternalName" {
        say("spec.externalIPs is ignored when spec.type is \"ExternalName\"");
    }
    if kind != "ExternalName" && !text(spec, "externalName").is_empty() {
        say("spec.externalName is ignored when spec.type is not \"ExternalName\"");
    }
    if text(spec, "trafficDistribution") == "PreferClose" {
        say("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"");
    }
}
