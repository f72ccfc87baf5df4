//! Checks of Endpoints and EndpointSlice.

use super::{
    Errors, meta_create, meta_update, net,
    service::PROTOCOLS,
    words::{Form, declared_immutable, declared_required, form, one_of, port, repeated, too_many},
};
use crate::{
    meta::{
        dns1123_label_errors, dns1123_subdomain_errors, label_value_errors, name_is_subdomain,
        qualified_name_errors, validate_labels,
    },
    view::{int, list, map, text},
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};

pub(crate) fn endpoints(object: &Value, errors: &mut Errors) {
    let path = Path::ROOT.child("subsets");
    for (index, subset) in list(&object["subsets"]).iter().enumerate() {
        let at = path.index(index);
        let groups = ["addresses", "notReadyAddresses"];
        if groups.iter().all(|group| list(&subset[*group]).is_empty()) {
            errors.push(FieldError::required(
                &at,
                "must specify `addresses` or `notReadyAddresses`",
            ));
        }
        for group in groups {
            let here = at.child(group);
            for (index, address) in list(&subset[group]).iter().enumerate() {
                endpoint_address(address, &here.index(index), errors);
            }
        }
        let ports = list(&subset["ports"]);
        let here = at.child("ports");
        for (index, one) in ports.iter().enumerate() {
            endpoint_port(one, ports.len() > 1, &here.index(index), errors);
        }
    }
}

fn endpoint_address(address: &Value, path: &Path<'_>, errors: &mut Errors) {
    net::ip(text(address, "ip"), &path.child("ip"), errors);
    let name = text(address, "hostname");
    if !name.is_empty() {
        form(name, dns1123_label_errors, &path.child("hostname"), errors);
    }
    if let Some(node) = address["nodeName"].as_str() {
        form(
            node,
            dns1123_subdomain_errors,
            &path.child("nodeName"),
            errors,
        );
    }
    net::endpoint_ip(text(address, "ip"), &path.child("ip"), errors);
}

fn endpoint_port(one: &Value, named: bool, path: &Path<'_>, errors: &mut Errors) {
    match text(one, "name") {
        "" if named => errors.push(FieldError::required(&path.child("name"), "")),
        "" => {}
        name => form(name, dns1123_label_errors, &path.child("name"), errors),
    }
    port(int(one, "port"), &path.child("port"), errors);
    super::words::missing_or_one_of(one, "protocol", PROTOCOLS, path, errors);
    if let Some(protocol) = one["appProtocol"].as_str() {
        form(
            protocol,
            qualified_name_errors,
            &path.child("appProtocol"),
            errors,
        );
    }
}

pub(crate) fn endpoints_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_update(new, old, errors);
    meta_create(new, true, name_is_subdomain, errors);
    if new["subsets"] != old["subsets"] {
        endpoints(new, errors);
    }
}

pub(crate) fn slice(object: &Value, errors: &mut Errors) {
    slice_head(object, errors);
    slice_endpoints(object, errors);
}

pub(crate) fn slice_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta_create(new, true, name_is_subdomain, errors);
    slice_head(new, errors);
    if new["endpoints"] != old["endpoints"] {
        slice_endpoints(new, errors);
    }
    declared_immutable(new, old, "addressType", &Path::ROOT, errors);
}

fn slice_head(object: &Value, errors: &mut Errors) {
    let root = Path::ROOT;
    if declared_required(object, "addressType", &root, errors) {
        let known = ["FQDN", "IPv4", "IPv6"];
        if !known.contains(&text(object, "addressType")) {
            let at = root.child("addressType");
            errors.declare(super::words::unsupported(
                &at,
                &object["addressType"],
                &known,
            ));
        }
    }
    let ports = list(&object["ports"]);
    let path = root.child("ports");
    if ports.len() > 20_000 {
        errors.push(too_many(&path, ports.len(), 20_000));
        return;
    }
    let again = repeated(ports.iter().map(|one| text(one, "name")));
    for (index, one) in ports.iter().enumerate() {
        let at = path.index(index);
        let name = text(one, "name");
        if !name.is_empty() {
            form(name, dns1123_label_errors, &at.child("name"), errors);
        }
        if again[index] {
            errors.push(FieldError::duplicate(&at.child("name"), &name.into()));
        }
        one_of(one, "protocol", PROTOCOLS, &at, errors);
        if let Some(protocol) = one["appProtocol"].as_str() {
            form(
                protocol,
                qualified_name_errors,
                &at.child("appProtocol"),
                errors,
            );
        }
    }
}

fn slice_endpoints(object: &Value, errors: &mut Errors) {
    let all = list(&object["endpoints"]);
    let path = Path::ROOT.child("endpoints");
    if all.len() > 1000 {
        errors.push(too_many(&path, all.len(), 1000));
        return;
    }
    for (index, endpoint) in all.iter().enumerate() {
        let at = path.index(index);
        let addresses = list(&endpoint["addresses"]);
        let here = at.child("addresses");
        if addresses.is_empty() {
            errors.declare(FieldError::required(&here, ""));
        } else if addresses.len() > 100 {
            errors.push(too_many(&here, addresses.len(), 100));
        }
        for (index, address) in addresses.iter().enumerate() {
            slice_address(
                address.as_str().unwrap_or_default(),
                text(object, "addressType"),
                &here,
                index,
                errors,
            );
        }
        if let Some(node) = endpoint["nodeName"].as_str() {
            form(
                node,
                dns1123_subdomain_errors,
                &at.child("nodeName"),
                errors,
            );
        }
        let topology = &endpoint["deprecatedTopology"];
        if map(topology).len() > 16 {
            errors.push(too_many(
                &at.child("deprecatedTopology"),
                map(topology).len(),
                16,
            ));
        }
        errors.extend(validate_labels(topology, &at.child("deprecatedTopology")));
        if let Some(name) = endpoint["hostname"].as_str() {
            form(name, dns1123_label_errors, &at.child("hostname"), errors);
        }
        hints(&endpoint["hints"], &at.child("hints"), errors);
    }
}

fn slice_address(address: &str, kind: &str, path: &Path<'_>, index: usize, errors: &mut Errors) {
    let at = path.index(index);
    match kind {
        "IPv4" if net::ip(address, &at, errors) => {
            if !net::is_v4(address) {
                errors.push(FieldError::invalid(
                    path,
                    &address.into(),
                    "must be an IPv4 address",
                ));
            }
            net::endpoint_ip(address, &at, errors);
        }
        "IPv6" if net::canonical_ip(address, &at, errors) => {
            if net::is_v4(address) {
                errors.push(FieldError::invalid(
                    path,
                    &address.into(),
                    "must be an IPv6 address",
                ));
            }
            net::endpoint_ip(address, &at, errors);
        }
        "FQDN" => qualified_domain(address, &at, errors),
        _ => {}
    }
}

fn qualified_domain(name: &str, path: &Path<'_>, errors: &mut Errors) {
    let bare = name.strip_suffix('.').unwrap_or(name);
    let mut invalid =
        |value: &str, why: String| errors.push(FieldError::invalid(path, &value.into(), why));
    let found = dns1123_subdomain_errors(bare);
    if name.is_empty() {
        errors.push(FieldError::required(path, ""));
    } else if !found.is_empty() {
        invalid(bare, found.join(","));
    } else if !bare.contains('.') {
        invalid(
            bare,
            "should be a domain with at least two segments separated by dots".to_owned(),
        );
    } else {
        for label in bare.split('.') {
            let found = dns1123_label_errors(label);
            if !found.is_empty() {
                invalid(label, found.join(","));
            }
        }
    }
}

fn hints(hints: &Value, path: &Path<'_>, errors: &mut Errors) {
    let groups: [(&str, Form); 2] = [
        ("forZones", label_value_errors),
        ("forNodes", dns1123_subdomain_errors),
    ];
    for (group, check) in groups {
        let all = list(&hints[group]);
        let here = path.child(group);
        if all.len() > 8 {
            errors.push(too_many(&here, all.len(), 8));
            return;
        }
        for (index, one) in all.iter().enumerate() {
            let at = here.index(index);
            if all[..index]
                .iter()
                .any(|other| text(other, "name") == text(one, "name"))
            {
                errors.push(FieldError::duplicate(
                    &at.child("name"),
                    &text(one, "name").into(),
                ));
            }
            form(text(one, "name"), check, &at.child("name"), errors);
        }
    }
}
