//! Cases of our own: objects in `tests/cases/<name>.yaml`, what follows in `<name>.txt`. `UPDATE_EXPECT=1` writes anew.
//!
//! A document that is a change: `kind: Change` with `delete: Kind name@namespace`, applied after the objects before it
//! have settled. `kind: Settle` settles what is before it. `kind: Bind` is news of a listening socket.

use std::{fmt::Write, fs, path::Path};

use expect_test::expect_file;
use tidegate_compile::{Addresses, Change, Kind, Options};
use tidegate_routing::Snapshot;

use crate::lab::{self, Lab, parse_key};

/// Everything that can be seen of a snapshot, in a stable order.
pub(crate) fn render(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    for bind in snapshot.binds.values() {
        writeln!(out, "{} {:?}", bind.address, bind.protocol).expect("a text");
        for (host, listener) in &bind.listeners {
            writeln!(
                out,
                "  {host}: {} {}/{}/{}",
                listener.key.kind, listener.key.namespace, listener.key.name, listener.key.section
            )
            .expect("a text");
            if let Some(tls) = &listener.tls {
                let sources: Vec<&str> = tls.certificates.iter().map(|one| &*one.source).collect();
                let clients = tls.client_validation.as_ref();
                let clients = clients.map(|one| (one.authorities.len(), one.allow_insecure));
                writeln!(out, "    tls {sources:?}, clients {clients:?}").expect("a text");
            }
            let mut attachments: Vec<String> = listener
                .routes
                .attachments()
                .map(|one| {
                    let rule = &one.rule;
                    format!(
                        "    {} {}/{}#{}.{} {:?}\n      request {:?} response {:?} rewrite {:?}\n      mirrors {:?} cors {:?}\n      {:?} {:?}\n      {:?}\n",
                        one.host, rule.route.namespace, rule.route.name, rule.index, one.entry, one.when,
                        rule.filters.request(), rule.filters.response(), rule.filters.rewrite(), rule.filters.mirrors(), rule.cors,
                        rule.timeouts, rule.retry, rule.action,
                    )
                })
                .collect();
            attachments.sort();
            out.extend(attachments);
        }
    }
    render_clusters(snapshot, &mut out);
    out
}

fn render_clusters(snapshot: &Snapshot, out: &mut String) {
    let mut clusters: Vec<_> = snapshot.clusters.iter().collect();
    clusters.sort_by(|a, b| a.key.cmp(&b.key));
    for one in clusters {
        writeln!(
            out,
            "cluster {} {:?} {:?} {:?}",
            one.key.0, one.protocol, one.balance, one.near
        )
        .expect("a text");
        for endpoint in &*one.endpoints {
            let place = &endpoint.locality;
            writeln!(
                out,
                "  {:?} weight {} draining {} zone {:?} node {:?}",
                endpoint.destination, endpoint.weight, endpoint.draining, place.zone, place.node
            )
            .expect("a text");
        }
        if let Some(tls) = &one.tls {
            let identity = tls.identity.as_ref().map(|one| &*one.source);
            let trust = match &tls.trust {
                tidegate_routing::TrustAnchors::Given(all) => format!("{} authorities", all.len()),
                other => format!("{other:?}"),
            };
            writeln!(
                out,
                "  tls {} by {trust}, names {:?}, shows {identity:?}",
                tls.hostname, tls.names
            )
            .expect("a text");
        }
        writeln!(
            out,
            "  proxy protocol {:?} refused {:?} slow start {:?} limits {:?} outliers {:?} health {:?}",
            one.proxy_protocol, one.refused, one.slow_start, one.limits, one.outliers, one.health
        )
        .expect("a text");
        if let Some(hedging) = one.hedging {
            writeln!(out, "  hedged after {:?}", hedging.delay).expect("a text");
        }
    }
}

/// All statuses, in a stable order.
pub(crate) fn statuses(lab: &Lab) -> String {
    let mut out = String::new();
    for ((kind, key), object) in &lab.objects {
        let status = &object["status"];
        if status.is_null() {
            continue;
        }
        writeln!(out, "{} {key}", kind.name()).expect("a text");
        for address in status["addresses"].as_array().into_iter().flatten() {
            writeln!(out, "  address {}", address["value"]).expect("a text");
        }
        if !status["attachedListenerSets"].is_null() {
            writeln!(out, "  sets {}", status["attachedListenerSets"]).expect("a text");
        }
        lab::conditions(status, "  ", &mut out);
        for (list, name) in [
            ("listeners", "name"),
            ("parents", "parentRef"),
            ("ancestors", "ancestorRef"),
        ] {
            for one in status[list].as_array().into_iter().flatten() {
                writeln!(
                    out,
                    "  {} {} {}",
                    one[name], one["attachedRoutes"], one["supportedKinds"]
                )
                .expect("a text");
                lab::conditions(one, "    ", &mut out);
            }
        }
    }
    out
}

fn check(name: &str) {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"));
    let yaml = fs::read_to_string(folder.join(format!("{name}.yaml"))).expect("the case");
    let pem = &*lab::PEMS;
    let inline = |text: &str| text.trim_end().replace('\n', "\\n");
    let yaml = yaml
        .replace("{CERTIFICATE}", &inline(&pem.certificate))
        .replace("{KEY}", &inline(&pem.key))
        .replace("{AUTHORITY}", &inline(&pem.authority));
    let addresses = match yaml.starts_with("# fixed") {
        true => Addresses::Fixed(vec!["192.0.2.1".parse().expect("an address")]),
        false => Lab::pool(),
    };
    let mut options = Options::new(lab::CONTROLLER, addresses);
    options.allow_local_backends = yaml.contains("# allow local");
    if yaml.contains("# two listeners") {
        options.max_listeners = 2;
    }
    let mut lab = Lab::with(options);
    for object in lab::documents(&yaml) {
        match object["kind"].as_str() {
            Some("Settle") => lab.settle(),
            Some("Change") => {
                lab.settle();
                let text = object["delete"].as_str().expect("what to delete");
                let (kind, name) = text.split_once(' ').expect("a kind and a name");
                let kind = Kind::ALL
                    .into_iter()
                    .find(|one| one.name() == kind)
                    .expect("a kind");
                lab.delete(kind, &parse_key(name, kind));
            }
            Some("Bind") => {
                lab.settle();
                let address = object["address"].as_str().expect("an address");
                let change = Change::Bind {
                    address: address.parse().expect("an address"),
                    error: object["error"].as_str().map(str::to_owned),
                };
                lab.compiler.apply(change).expect("news of a socket");
            }
            _ => lab.put(object),
        }
    }
    lab.settle();
    let text = format!("{}\n{}", statuses(&lab), render(lab.snapshot()));
    expect_file![folder.join(format!("{name}.txt"))].assert_eq(&text);
}

#[test]
fn every_case() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"));
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the cases")
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .collect();
    names.sort();
    assert!(!names.is_empty());
    for name in names {
        check(&name);
    }
}
