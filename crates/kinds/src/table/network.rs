//! Rows of services, endpoints and ingresses.

use super::{
    Cells, Row,
    words::{labels, load_balancer, or, plain, selector, with_more},
};
use crate::view::{int, list, text};
use serde_json::Value;

pub(super) const ALL: &[(&str, Cells)] = &[
    ("core.v1.Service", service),
    ("core.v1.Endpoints", |row| {
        vec![row.name(), endpoints(row.object).into(), row.age()]
    }),
    ("discovery.v1.EndpointSlice", slice),
    ("networking.v1.Ingress", ingress),
    ("networking.v1.IngressClass", class),
    ("networking.v1.NetworkPolicy", |row| {
        vec![
            row.name(),
            selector(&row.spec()["podSelector"]).into(),
            row.age(),
        ]
    }),
];

fn service(row: &Row<'_>) -> Vec<Value> {
    let spec = row.spec();
    let ports: Vec<String> = list(&spec["ports"]).iter().map(port).collect();
    vec![
        row.name(),
        text(spec, "type").into(),
        spec["clusterIPs"][0].as_str().unwrap_or("<none>").into(),
        external(row).into(),
        or(&ports.join(","), "<none>").into(),
        row.age(),
        labels(&spec["selector"]).into(),
    ]
}

fn port(port: &Value) -> String {
    let (number, protocol) = (int(port, "port"), text(port, "protocol"));
    match int(port, "nodePort") {
        0 => format!("{number}/{protocol}"),
        node_port => format!("{number}:{node_port}/{protocol}"),
    }
}

fn external(row: &Row<'_>) -> String {
    let spec = row.spec();
    let own: Vec<String> = list(&spec["externalIPs"]).iter().map(plain).collect();
    let own = own.join(",");
    match text(spec, "type") {
        "ClusterIP" | "NodePort" => or(&own, "<none>").to_owned(),
        "LoadBalancer" => match (load_balancer(row.status()), own) {
            (given, own) if own.is_empty() => or(&given, "<pending>").to_owned(),
            (given, own) if given.is_empty() => own,
            (given, own) => format!("{given},{own}"),
        },
        "ExternalName" => text(spec, "externalName").to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

/// An address with a port, in brackets where it has colons.
fn host_port(host: &str, port: i64) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

fn endpoints(endpoints: &Value) -> String {
    let subsets = list(&endpoints["subsets"]);
    if subsets.is_empty() {
        return "<none>".to_owned();
    }
    let mut all = Vec::new();
    for subset in subsets {
        let addresses: Vec<&str> = list(&subset["addresses"])
            .iter()
            .map(|address| text(address, "ip"))
            .collect();
        let ports = list(&subset["ports"]);
        if ports.is_empty() {
            all.extend(addresses.iter().map(|address| (*address).to_owned()));
        }
        for port in ports {
            all.extend(
                addresses
                    .iter()
                    .map(|address| host_port(address, int(port, "port"))),
            );
        }
    }
    with_more(&all, 3, all.len())
}

fn slice(row: &Row<'_>) -> Vec<Value> {
    let ports = list(&row.object["ports"]).iter().map(|port| {
        match (&port["port"], port["name"].as_str()) {
            (Value::Null, name) => name.unwrap_or("*").to_owned(),
            (number, _) => plain(number),
        }
    });
    let addresses = list(&row.object["endpoints"])
        .iter()
        .flat_map(|endpoint| list(&endpoint["addresses"]));
    let some = |all: Vec<String>| Value::from(or(&with_more(&all, 3, all.len()), "<unset>"));
    let (ports, addresses) = (some(ports.collect()), some(addresses.map(plain).collect()));
    vec![
        row.name(),
        text(row.object, "addressType").into(),
        ports,
        addresses,
        row.age(),
    ]
}

fn ingress(row: &Row<'_>) -> Vec<Value> {
    let spec = row.spec();
    let ports = if list(&spec["tls"]).is_empty() {
        "80"
    } else {
        "80, 443"
    };
    vec![
        row.name(),
        spec["ingressClassName"].as_str().unwrap_or("<none>").into(),
        hosts(list(&spec["rules"])).into(),
        load_balancer(row.status()).into(),
        ports.into(),
        row.age(),
    ]
}

fn hosts(rules: &[Value]) -> String {
    let mut shown: Vec<&str> = Vec::new();
    let mut more = false;
    for rule in rules {
        more |= shown.len() == 3;
        let host = text(rule, "host");
        if !more && !host.is_empty() {
            shown.push(host);
        }
    }
    match (shown.is_empty(), more) {
        (true, _) => "*".to_owned(),
        (false, true) => format!("{} + {} more...", shown.join(","), rules.len() - 3),
        (false, false) => shown.join(","),
    }
}

fn class(row: &Row<'_>) -> Vec<Value> {
    let spec = row.spec();
    let mut name = text(row.meta(), "name").to_owned();
    if row.meta()["annotations"]["ingressclass.kubernetes.io/is-default-class"] == "true" {
        name.push_str(" (default)");
    }
    let parameters = match &spec["parameters"] {
        Value::Null => "<none>".to_owned(),
        given => match given["apiGroup"].as_str() {
            Some(group) => format!("{}.{group}/{}", text(given, "kind"), text(given, "name")),
            None => format!("{}/{}", text(given, "kind"), text(given, "name")),
        },
    };
    vec![
        name.into(),
        text(spec, "controller").into(),
        parameters.into(),
        row.age(),
    ]
}
