//! Checks of NetworkPolicy.

use super::{
    Errors, net,
    words::{form, one_of, port, unsupported},
};
use crate::{
    meta::{port_name_errors, validate_label_selector},
    view::list,
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

pub(crate) fn policy(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    let path = root.child("spec");
    let spec = &object["spec"];
    errors.extend(validate_label_selector(
        &spec["podSelector"],
        false,
        &path.child("podSelector"),
    ));
    for (rules, peers) in [("ingress", "from"), ("egress", "to")] {
        let at = path.child(rules);
        for (index, rule) in list(&spec[rules]).iter().enumerate() {
            let at = at.index(index);
            let here = at.child("ports");
            for (index, one) in list(&rule["ports"]).iter().enumerate() {
                rule_port(one, &here.index(index), errors);
            }
            let here = at.child(peers);
            for (index, one) in list(&rule[peers]).iter().enumerate() {
                peer(one, &here.index(index), errors);
            }
        }
    }
    let at = path.child("policyTypes");
    let types = list(&spec["policyTypes"]);
    if types.len() > 2 {
        errors.push(FieldError::invalid(
            &at,
            &spec["policyTypes"],
            "may not specify more than two policyTypes",
        ));
        return;
    }
    for (index, kind) in types
        .iter()
        .enumerate()
        .filter(|(_, kind)| *kind != "Ingress" && *kind != "Egress")
    {
        errors.push(unsupported(&at.index(index), kind, &["Ingress", "Egress"]));
    }
}

fn rule_port(one: &Value, path: &Path<'_>, errors: &mut Errors) {
    if !one["protocol"].is_null() {
        one_of(one, "protocol", &["TCP", "UDP", "SCTP"], path, errors);
    }
    let (number, end) = (&one["port"], &one["endPort"]);
    let at = path.child("endPort");
    match (number, end.as_i64()) {
        (Value::Number(start), end_port) => {
            let start = start.as_i64().unwrap_or_default();
            port(start, &path.child("port"), errors);
            if let Some(last) = end_port {
                if last < start {
                    errors.push(FieldError::invalid(
                        &at,
                        end,
                        "must be greater than or equal to `port`",
                    ));
                }
                port(last, &at, errors);
            }
        }
        (Value::String(name), end_port) => {
            if end_port.is_some() {
                errors.push(FieldError::invalid(
                    &at,
                    end,
                    "may not be specified when `port` is non-numeric",
                ));
            }
            form(name, port_name_errors, &path.child("port"), errors);
        }
        (_, Some(_)) => {
            errors.push(FieldError::invalid(
                &at,
                end,
                "may not be specified when `port` is not specified",
            ));
        }
        (_, None) => {}
    }
}

fn peer(peer: &Value, path: &Path<'_>, errors: &mut Errors) {
    let mut count = 0;
    for name in ["podSelector", "namespaceSelector"]
        .into_iter()
        .filter(|name| !peer[*name].is_null())
    {
        count += 1;
        errors.extend(validate_label_selector(
            &peer[name],
            false,
            &path.child(name),
        ));
    }
    let block = &peer["ipBlock"];
    if !block.is_null() {
        count += 1;
        ip_block(block, &path.child("ipBlock"), errors);
    }
    if count == 0 {
        errors.push(FieldError::required(path, "must specify a peer"));
    } else if count > 1 && !block.is_null() {
        errors.push(FieldError::forbidden(
            path,
            "may not specify both ipBlock and another peer",
        ));
    }
}

fn ip_block(block: &Value, path: &Path<'_>, errors: &mut Errors) {
    let range = block["cidr"].as_str().unwrap_or_default();
    if range.is_empty() {
        errors.declare(FieldError::required(&path.child("cidr"), ""));
        return;
    }
    net::cidr(range, &path.child("cidr"), errors);
    if !net::is_cidr(&block["cidr"]) {
        return;
    }
    let at = path.child("except");
    for (index, except) in list(&block["except"]).iter().enumerate() {
        let inner = except.as_str().unwrap_or_default();
        net::cidr(inner, &at.index(index), errors);
        if net::is_cidr(except) && !net::is_strict_part(inner, range) {
            errors.push(FieldError::invalid(
                &at.index(index),
                except,
                "must be a strict subset of `cidr`",
            ));
        }
    }
}
