//! The columns of ingresses, network policies and endpoint slices, and the addresses of services.

use super::{
    AGE, Column, column,
    text::{NONE, items, joined, or_none, pairs, string},
};
use serde_json::Value;

pub(super) fn columns(plural: &str) -> Option<&'static [Column]> {
    match plural {
        "ingresses" => Some(INGRESSES),
        "ingressclasses" => Some(INGRESS_CLASSES),
        "networkpolicies" => Some(NETWORK_POLICIES),
        "endpointslices" => Some(ENDPOINT_SLICES),
        _ => None,
    }
}

const INGRESSES: &[Column] = &[
    column("CLASS", |subject| {
        or_none(&subject.object["spec"]["ingressClassName"])
    }),
    column("HOSTS", |subject| {
        let hosts = items(&subject.object["spec"]["rules"])
            .iter()
            .map(|rule| string(&rule["host"]));
        match joined(hosts) {
            text if text == NONE => "*".to_owned(),
            text => text,
        }
    }),
    column("ADDRESS", |subject| load_balancer(subject.object)),
    column("PORTS", |subject| {
        if items(&subject.object["spec"]["tls"]).is_empty() {
            "80"
        } else {
            "80, 443"
        }
        .to_owned()
    }),
    AGE,
];

const INGRESS_CLASSES: &[Column] = &[
    column("CONTROLLER", |subject| {
        string(&subject.object["spec"]["controller"])
    }),
    column("PARAMETERS", |subject| {
        let parameters = &subject.object["spec"]["parameters"];
        if !parameters.is_object() {
            return NONE.to_owned();
        }
        let kind = match string(&parameters["apiGroup"]) {
            group if group.is_empty() => string(&parameters["kind"]),
            group => format!("{}.{group}", string(&parameters["kind"])),
        };
        format!("{kind}/{}", string(&parameters["name"]))
    }),
    AGE,
];

const NETWORK_POLICIES: &[Column] = &[
    column("POD-SELECTOR", |subject| {
        pairs(&subject.object["spec"]["podSelector"]["matchLabels"])
    }),
    AGE,
];

const ENDPOINT_SLICES: &[Column] = &[
    column("ADDRESSTYPE", |subject| {
        string(&subject.object["addressType"])
    }),
    column("PORTS", |subject| {
        joined(
            items(&subject.object["ports"])
                .iter()
                .map(|port| or_none(&port["port"])),
        )
    }),
    column("ENDPOINTS", |subject| {
        let endpoints = items(&subject.object["endpoints"]).iter();
        joined(
            endpoints
                .flat_map(|endpoint| items(&endpoint["addresses"]))
                .map(string),
        )
    }),
    AGE,
];

/// The addresses that a load balancer gave, by IP or name.
fn load_balancer(object: &Value) -> String {
    let ingress = items(&object["status"]["loadBalancer"]["ingress"])
        .iter()
        .map(|entry| match string(&entry["ip"]) {
            ip if ip.is_empty() => string(&entry["hostname"]),
            ip => ip,
        });
    ingress
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(",")
}

pub(super) fn external_ip(service: &Value) -> String {
    let spec = &service["spec"];
    let ips = items(&spec["externalIPs"]).iter().map(string);
    match spec["type"].as_str() {
        Some("ExternalName") => or_none(&spec["externalName"]),
        Some("LoadBalancer") => {
            let given = load_balancer(service);
            match joined(std::iter::once(given).chain(ips)) {
                text if text == NONE => "<pending>".to_owned(),
                text => text,
            }
        }
        _ => joined(ips),
    }
}

pub(super) fn service_ports(ports: &Value) -> String {
    joined(items(ports).iter().map(|port| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        match port["nodePort"].as_i64() {
            Some(node) if node > 0 => format!("{}:{node}/{protocol}", or_none(&port["port"])),
            _ => format!("{}/{protocol}", or_none(&port["port"])),
        }
    }))
}
