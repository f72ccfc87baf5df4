//! The official conformance suite's manifests, and what its tests of the profile GATEWAY-HTTP expect of statuses and
//! routing, line by line, in `tests/conformance/*.txt`.
//!
//! A block begins with `== manifest [manifest…]` and is compiled with the suite's base manifests. Lines are:
//!
//! - `Kind name[@namespace][/listener] expectation…`: a Gateway's, ListenerSet's or class's status;
//! - `HTTPRoute name[@namespace] parent[@namespace] expectation…`, and so for `BackendTLSPolicy`;
//! - `GET gateway:port host/path [header=value…] -> outcome`, with any method;
//! - `set Kind name JSON-pointer JSON`, and `delete Kind name`: changes, after which lines speak of what follows.
//!
//! Expectations: `Type=Status[:Reason]`, `kinds=…`, `attached=…`, `sets=…`, `addresses=…`, `parents=…`, `-Type` (absent).

use std::{fs, net::SocketAddr, path::Path};

use serde_json::{Value, json};
use tidegate_compile::Kind;

use crate::{
    lab::{INFRA, Lab, PEMS, authority, parse_key, secret},
    requests::{Headers, send},
};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance"))
}

pub(crate) fn manifest(name: &str) -> String {
    let path = folder().join("manifests").join(format!("{name}.yaml"));
    fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// What the suite sets up: its base manifests, its certificates, and slices for all Services as a cluster has them.
pub(crate) fn set_up(lab: &mut Lab) {
    lab.apply(&manifest("base"));
    for namespace in [
        INFRA,
        "gateway-conformance-app-backend",
        "gateway-conformance-web-backend",
    ] {
        lab.put(json!({
            "kind": "Namespace",
            "metadata": { "name": namespace, "labels": {
                "kubernetes.io/metadata.name": namespace,
                "gateway-conformance": match namespace { INFRA => "infra", _ => "backend" },
            }},
        }));
    }
    for name in [
        "tls-validity-checks-certificate",
        "tls-validity-checks-client-certificate",
        "tls-validity-checks-per-port-client-certificate",
        "tls-checks-certificate",
        "tls-checks-client-certificate",
    ] {
        lab.put(secret(INFRA, name));
    }
    lab.put(secret("gateway-conformance-web-backend", "certificate"));
    for name in [
        "tls-validity-checks-ca-certificate",
        "tls-validity-checks-per-port-ca-certificate",
        "tls-checks-ca-certificate",
        "mismatch-ca-certificate",
    ] {
        lab.put(authority(INFRA, name));
    }
    lab.put(authority(
        "gateway-conformance-web-backend",
        "web-backend-cm",
    ));
}

/// One slice for each Service that selects pods.
pub(crate) fn slices(lab: &mut Lab) {
    let services: Vec<Value> = lab
        .objects
        .iter()
        .filter(|((kind, _), object)| {
            *kind == Kind::Service && object["spec"]["selector"].is_object()
        })
        .map(|(_, object)| object.clone())
        .collect();
    for (at, service) in services.iter().enumerate() {
        let ports = service["spec"]["ports"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let ports: Vec<Value> = ports
            .iter()
            .map(|port| json!({ "name": port["name"], "port": port["targetPort"], "protocol": "TCP" }))
            .collect();
        lab.put(json!({
            "kind": "EndpointSlice",
            "metadata": {
                "name": format!("{}-abcde", service["metadata"]["name"].as_str().expect("a name")),
                "namespace": service["metadata"]["namespace"],
                "labels": { "kubernetes.io/service-name": service["metadata"]["name"] },
            },
            "addressType": "IPv4",
            "ports": ports,
            "endpoints": [{ "addresses": [format!("10.244.0.{}", at + 1)], "conditions": { "ready": true } }],
        }));
    }
}

/// Runs all blocks of one file of expectations.
fn check_file(name: &str) {
    let text = fs::read_to_string(folder().join(name)).expect("the expectations");
    let mut lab: Option<Lab> = None;
    let mut block = String::new();
    let mut faults = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(manifests) = line.strip_prefix("== ") {
            manifests.clone_into(&mut block);
            let mut fresh = Lab::new(Lab::pool());
            set_up(&mut fresh);
            for one in manifests.split_whitespace() {
                let text = manifest(one)
                    .replace("PLACEHOLDER_UNUSABLE_ADDRS", "192.0.2.99")
                    .replace("PLACEHOLDER_USABLE_ADDRS", "127.42.0.77");
                fresh.apply(&text);
            }
            slices(&mut fresh);
            fresh.settle();
            lab = Some(fresh);
            continue;
        }
        let lab = lab.as_mut().expect("a block begins with `==`");
        if let Err(fault) = check_line(lab, line) {
            faults.push(format!(
                "{name}:{} ({block}): {line}\n    {fault}",
                number + 1
            ));
        }
    }
    assert!(
        faults.is_empty(),
        "{} expectations failed:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

fn check_line(lab: &mut Lab, line: &str) -> Result<(), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["set", kind, name, pointer, value @ ..] => {
            let value: Value =
                serde_json::from_str(&value.join(" ")).map_err(|fault| fault.to_string())?;
            lab.edit(kind_named(kind), name, |object| {
                *object
                    .pointer_mut(pointer)
                    .expect("the pointer leads somewhere") = value;
            });
            lab.settle();
            Ok(())
        }
        ["delete", kind, name] => {
            let kind = kind_named(kind);
            lab.delete(kind, &parse_key(name, kind));
            lab.settle();
            Ok(())
        }
        [
            kind @ ("HTTPRoute" | "BackendTLSPolicy"),
            name,
            parent,
            expectations @ ..,
        ] => shared(lab, kind_named(kind), name, parent, expectations),
        [
            kind @ ("Gateway" | "ListenerSet" | "GatewayClass"),
            name,
            expectations @ ..,
        ] => {
            let (name, section) = match name.split_once('/') {
                Some((name, section)) => (name, Some(section)),
                None => (*name, None),
            };
            let object = lab.object(kind_named(kind), name);
            let status = match section {
                None => &object["status"],
                Some(section) => {
                    entry(&object["status"]["listeners"], |one| one["name"] == section)
                        .ok_or("there is no such listener")?
                }
            };
            all_hold(status, object, expectations)
        }
        [method, gateway, target, rest @ ..] => request(lab, method, gateway, target, rest),
        _ => Err("the line can't be read".to_owned()),
    }
}

fn kind_named(name: &str) -> Kind {
    let mut all = Kind::ALL.into_iter();
    all.find(|kind| kind.name() == name)
        .unwrap_or_else(|| panic!("{name} is no kind"))
}

fn entry(list: &Value, is: impl Fn(&&Value) -> bool) -> Option<&Value> {
    list.as_array()?.iter().find(is)
}

fn shared(
    lab: &Lab,
    kind: Kind,
    name: &str,
    parent: &str,
    expectations: &[&str],
) -> Result<(), String> {
    let object = lab.object(kind, name);
    let (list, reference) = match kind {
        Kind::HttpRoute => ("parents", "parentRef"),
        _ => ("ancestors", "ancestorRef"),
    };
    let (parent, section) = match parent.split_once('/') {
        Some((parent, section)) => (parent, Some(section)),
        None => (parent, None),
    };
    let wanted = parse_key(parent, Kind::Gateway);
    let found = entry(&object["status"][list], |one| {
        let to = &one[reference];
        to["name"] == *wanted.name
            && (to["namespace"].is_null() || to["namespace"] == *wanted.namespace)
            && section.is_none_or(|section| to["sectionName"] == section)
            && one["controllerName"] == crate::lab::CONTROLLER
    });
    if expectations == ["none"] {
        return match found {
            None => Ok(()),
            Some(found) => Err(format!("there is an entry: {found}")),
        };
    }
    let found = found.ok_or_else(|| format!("no entry for {parent}: {}", object["status"]))?;
    all_hold(found, object, expectations)
}

fn all_hold(status: &Value, object: &Value, expectations: &[&str]) -> Result<(), String> {
    for expectation in expectations {
        holds(status, object, expectation)
            .map_err(|fault| format!("{expectation}: {fault} in {status}"))?;
    }
    Ok(())
}

fn holds(status: &Value, object: &Value, expectation: &str) -> Result<(), String> {
    if let Some(kind) = expectation.strip_prefix('-') {
        let found = entry(&status["conditions"], |one| one["type"] == kind);
        return match found {
            None => Ok(()),
            Some(found) => Err(format!("it's there: {found}")),
        };
    }
    let (what, value) = expectation.split_once('=').ok_or("it has no `=`")?;
    let count = |list: &Value| list.as_array().map_or(0, Vec::len).to_string();
    let found = match what {
        "attached" => status["attachedRoutes"].to_string(),
        "sets" => status["attachedListenerSets"].to_string(),
        "addresses" => count(&status["addresses"]),
        "address" => status["addresses"][0]["value"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        "parents" => count(&object["status"]["parents"]),
        "kinds" => {
            let kinds = status["supportedKinds"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            kinds
                .iter()
                .filter_map(|one| one["kind"].as_str())
                .collect::<Vec<_>>()
                .join(",")
        }
        kind => return condition(status, object, kind, value),
    };
    if found == value {
        Ok(())
    } else {
        Err(format!("found {found}"))
    }
}

fn condition(status: &Value, object: &Value, kind: &str, value: &str) -> Result<(), String> {
    let found =
        entry(&status["conditions"], |one| one["type"] == kind).ok_or("no such condition")?;
    let (truth, reason) = match value.split_once(':') {
        Some((truth, reason)) => (truth, Some(reason)),
        None => (value, None),
    };
    if found["observedGeneration"] != object["metadata"]["generation"] {
        return Err("it's of another generation".to_owned());
    }
    if found["status"] != truth || reason.is_some_and(|reason| found["reason"] != reason) {
        return Err("it's otherwise".to_owned());
    }
    Ok(())
}

fn request(
    lab: &Lab,
    method: &str,
    gateway: &str,
    target: &str,
    rest: &[&str],
) -> Result<(), String> {
    let (gateway, port) = gateway.rsplit_once(':').ok_or("a gateway needs a port")?;
    let (host, path) = match target.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (target, "/".to_owned()),
    };
    let arrow = rest
        .iter()
        .position(|word| *word == "->")
        .ok_or("no `->`")?;
    let pairs = rest[..arrow].iter().filter_map(|word| word.split_once('='));
    let headers = Headers(
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    );
    let object = lab.object(Kind::Gateway, gateway);
    let address = object["status"]["addresses"][0]["value"]
        .as_str()
        .ok_or("the Gateway has no address")?;
    let address = SocketAddr::new(
        address.parse().map_err(|_| "the address is none")?,
        port.parse().map_err(|_| "the port is none")?,
    );
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    let found = send(lab.snapshot(), address, method, host, &path, &headers);
    let wanted = rest[arrow + 1..].join(" ");
    if found == wanted {
        Ok(())
    } else {
        Err(format!("it goes to {found}"))
    }
}

#[test]
fn gateways() {
    check_file("gateways.txt");
}

#[test]
fn listener_sets() {
    check_file("listenersets.txt");
}

#[test]
fn routes() {
    check_file("routes.txt");
}

#[test]
fn policies() {
    check_file("policies.txt");
}

/// Every manifest compiles to valid statuses with the real certificate material of [`PEMS`].
#[test]
fn all_manifests_at_once_settle() {
    assert!(PEMS.certificate.contains("BEGIN CERTIFICATE"));
    let mut lab = Lab::new(Lab::pool());
    set_up(&mut lab);
    let mut names: Vec<String> = fs::read_dir(folder().join("manifests"))
        .expect("the manifests")
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .collect();
    names.sort();
    for name in &names {
        lab.apply(&manifest(name));
        lab.settle();
    }
    slices(&mut lab);
    lab.settle();
    assert!(
        lab.snapshot().binds.len() > 50,
        "{}",
        lab.snapshot().binds.len()
    );
}
