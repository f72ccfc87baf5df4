//! How services are prepared: what was allocated for the old object is carried over to the new, and what no longer
//! applies is dropped. The allocation itself is not done here.

use crate::{
    defaults::is_external,
    view::{int, list, remove, text},
};
use serde_json::{Value, json};

/// Carries what was allocated over, and makes both fields of addresses agree.
pub(crate) fn carry_service(new: &mut Value, old: Option<&Value>) {
    match old {
        None => create(new),
        Some(old) => {
            carry_over(&mut new["spec"], &old["spec"]);
            normalize_addresses(&mut new["spec"], &old["spec"]);
        }
    }
}

pub(super) fn create(service: &mut Value) {
    let spec = &mut service["spec"];
    let address = text(spec, "clusterIP").to_owned();
    if !address.is_empty() && list(&spec["clusterIPs"]).is_empty() {
        spec["clusterIPs"] = json!([address]);
    }
}

pub(super) fn update(new: &mut Value, old: &Value, subresource: &str) {
    if !subresource.is_empty() {
        return;
    }
    carry_service(new, Some(old));
    drop_by_type(&mut new["spec"], &old["spec"]);
    if text(&new["spec"], "type") != "LoadBalancer" {
        new["status"]["loadBalancer"] = json!({});
    }
}

fn needs_address(spec: &Value) -> bool {
    text(spec, "type") != "ExternalName"
}

fn needs_node_port(spec: &Value) -> bool {
    matches!(text(spec, "type"), "NodePort" | "LoadBalancer")
}

/// Needs a node port for checks of its health.
pub(crate) fn needs_health_port(spec: &Value) -> bool {
    text(spec, "type") == "LoadBalancer" && text(spec, "externalTrafficPolicy") == "Local"
}

fn set_from(new: &mut Value, old: &Value, name: &str) {
    super::keep(new, old, name);
}

/// An update that leaves out what was allocated keeps it.
fn carry_over(new: &mut Value, old: &Value) {
    if needs_address(old) && needs_address(new) {
        if text(new, "clusterIP").is_empty() {
            set_from(new, old, "clusterIP");
        }
        if list(&new["clusterIPs"]).is_empty() {
            set_from(new, old, "clusterIPs");
        }
    }
    if needs_node_port(old) && needs_node_port(new) {
        carry_node_ports(new, old);
    }
    if needs_health_port(old) && needs_health_port(new) && int(new, "healthCheckNodePort") == 0 {
        set_from(new, old, "healthCheckNodePort");
    }
}

fn carry_node_ports(new: &mut Value, old: &Value) {
    let ports = |spec: &Value| -> Vec<i64> {
        list(&spec["ports"])
            .iter()
            .map(|port| int(port, "nodePort"))
            .collect()
    };
    let (before, after) = (ports(old), ports(new));
    let used = |number: i64| number != 0 && before.contains(&number) && after.contains(&number);
    for port in new
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let same_name = list(&old["ports"])
            .iter()
            .rfind(|old| text(old, "name") == text(port, "name"));
        let number = same_name.map_or(0, |old| int(old, "nodePort"));
        if int(port, "nodePort") == 0 && number != 0 && !used(number) {
            port["nodePort"] = number.into();
        }
    }
}

/// `clusterIP` and the first of `clusterIPs` are the same; who sets one of them means both.
fn normalize_addresses(new: &mut Value, old: &Value) {
    let same_one = text(new, "clusterIP") == text(old, "clusterIP");
    if !list(&old["clusterIPs"]).is_empty() && list(&new["clusterIPs"]).is_empty() && same_one {
        set_from(new, old, "clusterIPs");
    }
    if same_one || list(&new["clusterIPs"]) != list(&old["clusterIPs"]) {
        return;
    }
    match text(new, "clusterIP") {
        "" => {
            remove(new, "clusterIPs");
        }
        one => new["clusterIPs"] = json!([one]),
    }
}

/// A service of another type loses what only the old type had, unless it was changed.
fn drop_by_type(new: &mut Value, old: &Value) {
    let same = |new: &Value, name: &str| new.get(name) == old.get(name);
    let mut gone: Vec<&str> = Vec::new();
    if needs_address(old) && !needs_address(new) {
        if same(new, "clusterIP") && same(new, "clusterIPs") {
            gone.extend(["clusterIP", "clusterIPs"]);
        }
        gone.extend(
            ["ipFamilies", "ipFamilyPolicy"]
                .into_iter()
                .filter(|name| same(new, name)),
        );
    }
    if needs_health_port(old) && !needs_health_port(new) && same(new, "healthCheckNodePort") {
        gone.push("healthCheckNodePort");
    }
    let balanced = |spec: &Value| text(spec, "type") == "LoadBalancer";
    if balanced(old) && !balanced(new) {
        gone.extend(
            ["allocateLoadBalancerNodePorts", "loadBalancerClass"]
                .into_iter()
                .filter(|name| same(new, name)),
        );
    }
    if is_external(old) && !is_external(new) && same(new, "externalTrafficPolicy") {
        gone.push("externalTrafficPolicy");
    }
    if needs_node_port(old) && !needs_node_port(new) && no_more_node_ports(new, old) {
        let ports = new.get_mut("ports").and_then(Value::as_array_mut);
        ports.into_iter().flatten().for_each(|port| {
            remove(port, "nodePort");
        });
    }
    for name in gone {
        remove(new, name);
    }
}

/// Whether all node ports of the new object are among those of the old.
fn no_more_node_ports(new: &Value, old: &Value) -> bool {
    let has = |port: i64| {
        list(&old["ports"])
            .iter()
            .any(|old| int(old, "nodePort") == port)
    };
    let ports = list(&new["ports"]).iter();
    ports
        .map(|port| int(port, "nodePort"))
        .all(|port| port == 0 || has(port))
}
