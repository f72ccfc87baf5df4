//! What a service gets on a write: families of addresses, an address, node ports. As kube-apiserver's allocators do it
//! in a cluster whose only range is of version 4.

use super::Addresses;
use crate::{object::Meta, status::ApiError, write::Write};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use tidegate_kinds::service as kind;
use tidegate_schema::{FieldError, Path};

/// Before the first node port of a dry run.
const DRY_PORT: u16 = 32_768;

const SINGLE: &str = "SingleStack";
const DUAL: &str = "RequireDualStack";
const PREFER_DUAL: &str = "PreferDualStack";

/// Completes a service, or says why it can't have what it asks for.
pub(crate) fn allocate(
    write: &Write<'_>,
    object: &mut Value,
    old: Option<&Value>,
) -> Result<(), ApiError> {
    if !object["spec"].is_object() {
        return Ok(());
    }
    kind::carry_over(object, old);
    let job = Job {
        write,
        key: write.resource().key(object.namespace(), object.name()),
        name: object.name().to_owned(),
    };
    job.families(object, old)?;
    job.address(&mut object["spec"], old.map(|old| &old["spec"]))?;
    let mut taken = Vec::new();
    let spec = &mut object["spec"];
    if matches!(text(spec, "type"), "NodePort" | "LoadBalancer") {
        match old {
            None => job.new_ports(spec, &mut taken)?,
            Some(old) => job.changed_ports(spec, &old["spec"], &mut taken)?,
        }
    }
    let needed = old.is_some_and(|old| kind::needs_health_port(&old["spec"]));
    if !needed && kind::needs_health_port(spec) {
        job.health_port(spec, &mut taken)?;
    }
    Ok(())
}

/// The service that is written.
struct Job<'a> {
    write: &'a Write<'a>,
    key: String,
    name: String,
}

impl Job<'_> {
    fn invalid(&self, errors: &[FieldError]) -> ApiError {
        self.write.invalid(&self.name, errors)
    }

    /// Settles `ipFamilyPolicy` and `ipFamilies`.
    fn families(&self, object: &mut Value, old: Option<&Value>) -> Result<(), ApiError> {
        let before = old.map(|old| &old["spec"]);
        if text(&object["spec"], "type") == "ExternalName"
            || before.is_some_and(|old| stays(&object["spec"], old))
        {
            return Ok(());
        }
        let spec = &mut object["spec"];
        let free = text(spec, "clusterIP") == "None"
            && spec["selector"]
                .as_object()
                .is_none_or(|labels| labels.is_empty());
        if spec["ipFamilyPolicy"].is_null() {
            let policy = before
                .map(|old| old["ipFamilyPolicy"].clone())
                .filter(|policy| !policy.is_null());
            spec["ipFamilyPolicy"] =
                policy.unwrap_or_else(|| if free { DUAL.into() } else { SINGLE.into() });
        }
        let errors = kind::address_errors(object, old);
        if !errors.is_empty() {
            return Err(self.invalid(&errors));
        }
        let spec = &mut object["spec"];
        let mut errors = policy_errors(spec, before);
        infer_families(spec, &mut errors);
        if !errors.is_empty() {
            return Err(self.invalid(&errors));
        }
        let single = text(spec, "ipFamilyPolicy") == SINGLE;
        if free {
            if list(&spec["ipFamilies"]).is_empty() {
                spec["ipFamilies"] = json!(["IPv4"]);
            }
            if let ([first], false) = (list(&spec["ipFamilies"]), single) {
                let other = if *first == "IPv4" { "IPv6" } else { "IPv4" };
                spec["ipFamilies"] = json!([first, other]);
            }
            return Ok(());
        }
        let errors = unconfigured(spec);
        if !errors.is_empty() {
            return Err(self.invalid(&errors));
        }
        if list(&spec["ipFamilies"]).is_empty() {
            spec["ipFamilies"] = json!(["IPv4"]);
        }
        Ok(())
    }

    /// Gives a service its address, where it needs one and has none.
    fn address(&self, spec: &mut Value, old: Option<&Value>) -> Result<(), ApiError> {
        let first = list(&spec["clusterIPs"])
            .first()
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let stays = old.is_some_and(|old| text(old, "type") != "ExternalName");
        if text(spec, "type") == "ExternalName" || first == "None" || stays {
            return Ok(());
        }
        let address = if first.is_empty() {
            self.free_address()?.to_string()
        } else {
            self.check_address(spec, &first)?;
            first
        };
        spec["clusterIP"] = address.as_str().into();
        match spec["clusterIPs"]
            .as_array_mut()
            .and_then(|all| all.first_mut())
        {
            Some(place) => *place = address.into(),
            None => spec["clusterIPs"] = json!([address]),
        }
        Ok(())
    }

    /// Nothing is looked for in a dry run.
    fn free_address(&self) -> Result<Ipv4Addr, ApiError> {
        if self.write.options.dry_run {
            return Ok(Addresses::network());
        }
        let free = self.write.cluster.addresses.free_address();
        free.ok_or_else(|| ApiError::internal("no address is free"))
    }

    fn check_address(&self, spec: &Value, text: &str) -> Result<(), ApiError> {
        let Ok(address) = text.parse::<Ipv4Addr>() else {
            // The kind's checks have the words.
            return Ok(());
        };
        let why = if !Addresses::in_range(address) {
            format!(
                "failed to allocate IP {text}: the provided IP ({text}) is not in the valid range. The range of valid IPs \
                 is 10.96.0.0/12"
            )
        } else if self.write.cluster.addresses.holder(address, &self.key) {
            format!("failed to allocate IP {text}: provided IP is already allocated")
        } else {
            return Ok(());
        };
        let root = Path::ROOT;
        let path = root.child("spec");
        Err(self.invalid(&[FieldError::invalid(
            &path.child("clusterIPs"),
            &spec["clusterIPs"],
            why,
        )]))
    }

    /// The node ports of a new service: ports of the same number share one.
    fn new_ports(&self, spec: &mut Value, taken: &mut Vec<u16>) -> Result<(), ApiError> {
        let allocates = allocates(spec);
        let mut by_port: Vec<(i64, i64)> = Vec::new();
        for at in 0..list(&spec["ports"]).len() {
            let (port, wanted) = (
                int(&spec["ports"][at], "port"),
                int(&spec["ports"][at], "nodePort"),
            );
            if wanted == 0 && !allocates {
                continue;
            }
            let same = by_port
                .iter()
                .rev()
                .find(|(number, _)| *number == port)
                .map(|(_, given)| *given);
            let given = match same {
                Some(given) if wanted == given => continue,
                Some(given) if wanted == 0 => given,
                Some(_) => {
                    self.take(at, wanted, taken)?;
                    continue;
                }
                None => {
                    let mut all = list(&spec["ports"])
                        .iter()
                        .filter(|other| int(other, "port") == port);
                    let given = match all.find_map(|other| {
                        Some(int(other, "nodePort")).filter(|number| *number != 0)
                    }) {
                        Some(number) => {
                            self.take(at, number, taken)?;
                            number
                        }
                        None => self.next(taken)?.into(),
                    };
                    by_port.push((port, given));
                    given
                }
            };
            spec["ports"][at]["nodePort"] = given.into();
        }
        Ok(())
    }

    /// The node ports of a service that was there before.
    fn changed_ports(
        &self,
        spec: &mut Value,
        old: &Value,
        taken: &mut Vec<u16>,
    ) -> Result<(), ApiError> {
        let allocates = allocates(spec);
        let mut seen: Vec<(String, i64)> = Vec::new();
        for at in 0..list(&spec["ports"]).len() {
            let wanted = int(&spec["ports"][at], "nodePort");
            if wanted == 0 && !allocates {
                continue;
            }
            let number = if wanted == 0 {
                self.next(taken)?.into()
            } else {
                let had = list(&old["ports"])
                    .iter()
                    .any(|port| int(port, "nodePort") == wanted);
                let again = taken.iter().any(|number| i64::from(*number) == wanted);
                if !had && !again {
                    self.take(at, wanted, taken)?;
                }
                wanted
            };
            spec["ports"][at]["nodePort"] = number.into();
            let protocol = text(&spec["ports"][at], "protocol").to_owned();
            if seen
                .iter()
                .any(|(other, same)| *other == protocol && *same == number)
            {
                let why = format!("duplicate nodePort: {{{protocol} {number}}}");
                return Err(ApiError::other(500, "", why));
            }
            seen.push((protocol, number));
        }
        Ok(())
    }

    fn health_port(&self, spec: &mut Value, taken: &mut Vec<u16>) -> Result<(), ApiError> {
        let wanted = int(spec, "healthCheckNodePort");
        if wanted == 0 {
            spec["healthCheckNodePort"] = self.next(taken)?.into();
            return Ok(());
        }
        let why = |why: &str| {
            format!("failed to allocate requested HealthCheck NodePort {wanted}: {why}")
        };
        self.try_take(wanted, taken)
            .map_err(|text| ApiError::internal(why(&text)))
    }

    fn next(&self, taken: &mut Vec<u16>) -> Result<u16, ApiError> {
        let free = if self.write.options.dry_run {
            let last = taken.iter().max().copied().unwrap_or(DRY_PORT);
            last.checked_add(1)
        } else {
            self.write.cluster.addresses.free_port(taken)
        };
        let free =
            free.ok_or_else(|| ApiError::internal("failed to allocate a nodePort: range is full"))?;
        taken.push(free);
        Ok(free)
    }

    fn take(&self, at: usize, number: i64, taken: &mut Vec<u16>) -> Result<(), ApiError> {
        self.try_take(number, taken).map_err(|why| {
            let root = Path::ROOT;
            let spec = root.child("spec");
            let ports = spec.child("ports");
            let item = ports.index(at);
            self.invalid(&[FieldError::invalid(
                &item.child("nodePort"),
                &number.into(),
                why,
            )])
        })
    }

    fn try_take(&self, number: i64, taken: &mut Vec<u16>) -> Result<(), String> {
        if !Addresses::port_in_range(number) {
            if self.write.options.dry_run {
                return Ok(());
            }
            return Err(
                "provided port is not in the valid range. The range of valid ports is 30000-32767"
                    .to_owned(),
            );
        }
        let port = u16::try_from(number).unwrap_or_default();
        if taken.contains(&port) || self.write.cluster.addresses.port_taken(port, &self.key) {
            return Err("provided port is already allocated".to_owned());
        }
        taken.push(port);
        Ok(())
    }
}

/// Whether an update of a service that prefers two families changes nothing of its addresses.
fn stays(new: &Value, old: &Value) -> bool {
    let prefers = |spec: &Value| text(spec, "ipFamilyPolicy") == PREFER_DUAL;
    let same = |name: &str| list(&new[name]) == list(&old[name]);
    text(new, "type") == text(old, "type")
        && matches!(text(new, "type"), "ClusterIP" | "NodePort" | "LoadBalancer")
        && prefers(new)
        && (old["ipFamilyPolicy"].is_null() || prefers(old))
        && same("clusterIPs")
        && same("ipFamilies")
}

/// Whether the policy goes with the number of addresses and families; one family is released by asking for one.
fn policy_errors(spec: &mut Value, old: Option<&Value>) -> Vec<FieldError> {
    let root = Path::ROOT;
    let path = root.child("spec");
    let at = path.child("ipFamilyPolicy");
    let single = text(spec, "ipFamilyPolicy") == SINGLE;
    let mut errors = Vec::new();
    for (name, released) in [
        (
            "clusterIPs",
            "must be 'SingleStack' to release the secondary cluster IP",
        ),
        (
            "ipFamilies",
            "must be 'SingleStack' to release the secondary IP family",
        ),
    ] {
        let Some(old) = old else { break };
        let (now, before) = (list(&spec[name]).len(), list(&old[name]).len());
        if !single && now > 0 && now < before {
            errors.push(FieldError::invalid(&at, &spec["ipFamilyPolicy"], released));
        } else if single && now > 1 && list(&spec[name]) == list(&old[name]) {
            spec[name] = json!([spec[name][0]]);
        }
    }
    for (name, several) in [("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")] {
        if single && list(&spec[name]).len() == 2 {
            let why = format!(
                "must be 'RequireDualStack' or 'PreferDualStack' when multiple {several} are specified"
            );
            errors.push(FieldError::invalid(&at, &spec["ipFamilyPolicy"], why));
        }
    }
    errors
}

/// Addresses tell their families.
fn infer_families(spec: &mut Value, errors: &mut Vec<FieldError>) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let at = path.child("clusterIPs");
    for (index, address) in list(&spec["clusterIPs"]).to_vec().iter().enumerate() {
        if *address == "None" {
            break;
        }
        if index < list(&spec["ipFamilies"]).len() {
            continue;
        }
        if address.as_str().unwrap_or_default().contains(':') {
            errors.push(FieldError::invalid(
                &at.index(index),
                &spec["clusterIPs"],
                "IPv6 is not configured on this cluster",
            ));
        } else {
            match spec["ipFamilies"].as_array_mut() {
                Some(families) => families.push("IPv4".into()),
                None => spec["ipFamilies"] = json!(["IPv4"]),
            }
        }
    }
}

/// What the cluster doesn't have.
fn unconfigured(spec: &Value) -> Vec<FieldError> {
    let root = Path::ROOT;
    let path = root.child("spec");
    let mut errors = Vec::new();
    if text(spec, "ipFamilyPolicy") == DUAL {
        let why = "this cluster is not configured for dual-stack services";
        errors.push(FieldError::invalid(
            &path.child("ipFamilyPolicy"),
            &DUAL.into(),
            why,
        ));
    }
    let at = path.child("ipFamilies");
    for (index, family) in list(&spec["ipFamilies"])
        .iter()
        .enumerate()
        .filter(|(_, family)| **family != "IPv4")
    {
        errors.push(FieldError::invalid(
            &at.index(index),
            family,
            "not configured on this cluster",
        ));
    }
    errors
}

fn allocates(spec: &Value) -> bool {
    text(spec, "type") == "NodePort" || spec["allocateLoadBalancerNodePorts"] == true
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn int(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
