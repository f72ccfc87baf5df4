//! From routes and Gateways to lines. Does no IO.

use super::health::{Endpoints, Health};
use crate::remote::condition;
use serde_json::Value;

/// One rule of a route under one parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    cells: [String; 7],
    /// Lines below it.
    notes: Vec<String>,
}

const HEAD: [&str; 7] = ["ROUTE", "AT", "HOSTS", "PATHS", "TO", "ENDPOINTS", "STATE"];

/// All rows, in aligned columns; the last one is not padded. A column in which nothing is known is left out.
pub(super) fn render(rows: &[Row]) -> String {
    let head = HEAD.map(str::to_owned);
    let all = || std::iter::once(&head).chain(rows.iter().map(|row| &row.cells));
    let width = |at: usize| {
        let each = all().map(|cells| cells[at].chars().count());
        each.max().unwrap_or_default()
    };
    let columns: Vec<(usize, usize)> = (0..HEAD.len())
        .filter(|at| rows.iter().any(|row| !row.cells[*at].is_empty()))
        .map(|at| (at, width(at)))
        .collect();
    let line = |cells: &[String; 7]| {
        let cells = columns
            .iter()
            .map(|(at, width)| format!("{:width$}   ", cells[*at]));
        cells.collect::<String>().trim_end().to_owned()
    };
    let mut lines = vec![line(&head)];
    for row in rows {
        lines.push(line(&row.cells));
        lines.extend(row.notes.iter().map(|note| format!("    {note}")));
    }
    lines.join("\n") + "\n"
}

/// The rows of one route. `health` is what a gateway says of endpoints, where it can be asked.
pub(super) fn rows(route: &Value, gateways: &[Value], health: Option<&Health<'_>>) -> Vec<Row> {
    let namespace = text(&route["metadata"]["namespace"]);
    let name = format!("{namespace}/{}", text(&route["metadata"]["name"]));
    let hosts = list(&route["spec"]["hostnames"], text);
    let hosts = if hosts.is_empty() {
        "*".to_owned()
    } else {
        hosts.join(",")
    };
    let none = [Value::Null];
    let parents = match items(&route["spec"]["parentRefs"]) {
        [] => &none,
        parents => parents,
    };
    let mut rows = Vec::new();
    for parent in parents {
        let at = address(parent, &namespace, gateways);
        let state = state(route, parent);
        for (index, rule) in (0..).zip(items(&route["spec"]["rules"])) {
            let endpoints = health.map(|health| {
                let section = parent["sectionName"].as_str();
                let parent = owner(parent, &namespace);
                let found = health.of(&format!("HTTPRoute {name}"), index, &parent, section);
                found.unwrap_or_else(|| Endpoints {
                    summary: "-".to_owned(),
                    faults: Vec::new(),
                })
            });
            let endpoints = endpoints.unwrap_or_default();
            rows.push(Row {
                cells: [
                    name.clone(),
                    at.clone(),
                    hosts.clone(),
                    paths(rule),
                    targets(rule),
                    endpoints.summary,
                    state.clone(),
                ],
                notes: endpoints.faults,
            });
        }
    }
    rows
}

/// A parent's `KIND NAMESPACE/NAME`.
fn owner(parent: &Value, namespace: &str) -> String {
    let kind = parent["kind"].as_str().unwrap_or("Gateway");
    let namespace = parent["namespace"].as_str().unwrap_or(namespace);
    format!("{kind} {namespace}/{}", text(&parent["name"]))
}

/// Where the parent is to be reached.
fn address(parent: &Value, namespace: &str, gateways: &[Value]) -> String {
    if parent.is_null() {
        return "-".to_owned();
    }
    let name = text(&parent["name"]);
    let namespace = parent["namespace"].as_str().unwrap_or(namespace);
    if parent["kind"]
        .as_str()
        .is_some_and(|kind| kind != "Gateway")
    {
        return format!("{} {namespace}/{name}", text(&parent["kind"]));
    }
    let gateway = gateways.iter().find(|one| {
        let metadata = &one["metadata"];
        metadata["name"] == *name && metadata["namespace"] == *namespace
    });
    let Some(gateway) = gateway else {
        return format!("{namespace}/{name} (missing)");
    };
    let Some(address) = gateway.pointer("/status/addresses/0/value") else {
        return format!("{namespace}/{name}");
    };
    let ports = items(&gateway["spec"]["listeners"])
        .iter()
        .filter(|listener| {
            let section = parent["sectionName"].as_str();
            section.is_none_or(|section| listener["name"] == *section)
        })
        .filter(|listener| {
            let port = &parent["port"];
            port.is_null() || listener["port"] == *port
        })
        .map(|listener| format!("{}:{}", text(address), listener["port"]));
    let mut ports: Vec<String> = ports.collect();
    ports.dedup();
    ports.join(",")
}

fn paths(rule: &Value) -> String {
    let each = list(&rule["matches"], |one| {
        let path = &one["path"];
        let value = path["value"].as_str().unwrap_or("/");
        let mut shown = match path["type"].as_str() {
            Some("Exact") => format!("={value}"),
            Some("RegularExpression") => format!("~{value}"),
            _ => value.to_owned(),
        };
        if let Some(method) = one["method"].as_str() {
            shown = format!("{method} {shown}");
        }
        let more = items(&one["headers"]).len() + items(&one["queryParams"]).len();
        if more > 0 {
            shown.push_str(&format!("+{more}"));
        }
        shown
    });
    if each.is_empty() {
        "/".to_owned()
    } else {
        each.join(",")
    }
}

fn targets(rule: &Value) -> String {
    let backends = list(&rule["backendRefs"], |one| {
        let mut shown = match one["kind"].as_str() {
            None | Some("Service") => text(&one["name"]),
            Some(kind) => format!("{}/{}", kind.to_lowercase(), text(&one["name"])),
        };
        if let Some(port) = one["port"].as_u64() {
            shown.push_str(&format!(":{port}"));
        }
        match one["weight"].as_u64() {
            None | Some(1) => shown,
            Some(weight) => format!("{shown}×{weight}"),
        }
    });
    if !backends.is_empty() {
        return backends.join(",");
    }
    let redirects = items(&rule["filters"])
        .iter()
        .any(|filter| filter["type"] == "RequestRedirect");
    if redirects {
        "redirect".to_owned()
    } else {
        "nothing".to_owned()
    }
}

/// What the gateway says of a route under one parent.
fn state(route: &Value, parent: &Value) -> String {
    if parent.is_null() {
        return "not served: it has no parentRefs".to_owned();
    }
    let named = |one: &Value| {
        let own = &one["parentRef"];
        ["name", "namespace", "sectionName", "port"]
            .iter()
            .all(|field| own[*field] == parent[*field])
    };
    let parents = items(&route["status"]["parents"]);
    let Some(entry) = parents.iter().find(|one| named(one)) else {
        return "not served".to_owned();
    };
    let conditions = &entry["conditions"];
    let stale = items(conditions)
        .iter()
        .any(|one| one["observedGeneration"].as_i64() < route["metadata"]["generation"].as_i64());
    if stale {
        return "changing".to_owned();
    }
    for name in ["Accepted", "ResolvedRefs"] {
        if let Some(("False", message)) = condition(conditions, name) {
            return format!("not {name}: {message}");
        }
    }
    match condition(conditions, "PartiallyInvalid") {
        Some(("True", message)) => format!("in part: {message}"),
        _ => "ok".to_owned(),
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn list(value: &Value, shown: impl Fn(&Value) -> String) -> Vec<String> {
    items(value).iter().map(shown).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Health, Value, render, rows};
    use expect_test::expect;
    use serde_json::json;

    /// What the admin listener says of what it serves.
    fn config() -> Value {
        json!({
            "clusters": {
                "service:shop/a:80": { "endpoints": [
                    { "address": "10.1.0.7:8080", "healthy": true, "draining": false },
                    { "address": "10.1.0.8:8080", "healthy": false, "draining": false, "fault": "it answers 503" },
                ] },
                "backend:shop/b": { "endpoints": [{ "address": "10.9.0.1:80", "healthy": null, "draining": false }] },
            },
            "binds": [{ "listeners": [{ "name": "Gateway shop/web http", "rules": [
                { "route": "HTTPRoute shop/good", "rule": 0, "to": [
                    { "weight": 9, "cluster": "service:shop/a:80" }, { "weight": 1, "cluster": "backend:shop/b" },
                ] },
                { "route": "HTTPRoute shop/good", "rule": 1, "to": { "redirect": 302 } },
                { "route": "HTTPRoute shop/bad", "rule": 0, "to": [{ "weight": 1, "cluster": "backend:shop/b" }] },
            ] }] }],
        })
    }

    #[test]
    fn a_table() {
        let gateways = [json!({
            "metadata": { "name": "web", "namespace": "shop" },
            "spec": { "listeners": [
                { "name": "http", "port": 80 }, { "name": "https", "port": 443 },
            ] },
            "status": { "addresses": [{ "type": "IPAddress", "value": "127.42.0.1" }] },
        })];
        let conditions = |resolved: &str, message: &str| {
            json!([
                { "type": "Accepted", "status": "True", "observedGeneration": 2, "message": "" },
                { "type": "ResolvedRefs", "status": resolved, "observedGeneration": 2, "message": message },
            ])
        };
        let route = |name: &str, status: serde_json::Value| {
            json!({
                "metadata": { "name": name, "namespace": "shop", "generation": 2 },
                "spec": {
                    "hostnames": ["shop.example"],
                    "parentRefs": [{ "name": "web", "sectionName": "http" }],
                    "rules": [
                        {
                            "matches": [{ "path": { "type": "PathPrefix", "value": "/cart" }, "method": "GET" }],
                            "backendRefs": [{ "name": "a", "port": 80, "weight": 9 }, { "kind": "Backend", "name": "b" }],
                        },
                        { "filters": [{ "type": "RequestRedirect" }] },
                    ],
                },
                "status": status,
            })
        };
        let parent = json!({ "name": "web", "sectionName": "http" });
        let good =
            json!({ "parents": [{ "parentRef": parent, "conditions": conditions("True", "") }] });
        let bad = json!({ "parents": [{ "parentRef": parent, "conditions": conditions("False", "no service a") }] });
        let all = |health: Option<&Health<'_>>| {
            let all = [
                rows(&route("good", good.clone()), &gateways, health),
                rows(&route("bad", bad.clone()), &gateways, health),
                rows(&route("new", json!({})), &[], health),
            ];
            render(&all.concat())
        };
        expect![[r#"
            ROUTE       AT                   HOSTS          PATHS       TO                 STATE
            shop/good   127.42.0.1:80        shop.example   GET /cart   a:80×9,backend/b   ok
            shop/good   127.42.0.1:80        shop.example   /           redirect           ok
            shop/bad    127.42.0.1:80        shop.example   GET /cart   a:80×9,backend/b   not ResolvedRefs: no service a
            shop/bad    127.42.0.1:80        shop.example   /           redirect           not ResolvedRefs: no service a
            shop/new    shop/web (missing)   shop.example   GET /cart   a:80×9,backend/b   not served
            shop/new    shop/web (missing)   shop.example   /           redirect           not served
        "#]]
        .assert_eq(&all(None));
        let config = config();
        expect![[r#"
            ROUTE       AT                   HOSTS          PATHS       TO                 ENDPOINTS                   STATE
            shop/good   127.42.0.1:80        shop.example   GET /cart   a:80×9,backend/b   1/2 healthy, 1 not probed   ok
                10.1.0.8:8080 of service:shop/a:80: it answers 503
            shop/good   127.42.0.1:80        shop.example   /           redirect           -                           ok
            shop/bad    127.42.0.1:80        shop.example   GET /cart   a:80×9,backend/b   1 not probed                not ResolvedRefs: no service a
            shop/bad    127.42.0.1:80        shop.example   /           redirect           -                           not ResolvedRefs: no service a
            shop/new    shop/web (missing)   shop.example   GET /cart   a:80×9,backend/b   -                           not served
            shop/new    shop/web (missing)   shop.example   /           redirect           -                           not served
        "#]].assert_eq(&all(Some(&Health::read(&config))));
    }
}
