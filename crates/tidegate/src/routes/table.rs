//! From routes and Gateways to lines. Does no IO.

use crate::remote::condition;
use serde_json::Value;

/// One rule of a route under one parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row(pub(super) [String; 6]);

const HEAD: [&str; 6] = ["ROUTE", "AT", "HOSTS", "PATHS", "TO", "STATE"];

/// All rows, in aligned columns; the last one is not padded.
pub(super) fn render(rows: &[Row]) -> String {
    let head = Row(HEAD.map(str::to_owned));
    let all: Vec<&Row> = std::iter::once(&head).chain(rows).collect();
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|at| {
            let each = all.iter().map(|row| row.0[at].chars().count());
            each.max().unwrap_or_default()
        })
        .collect();
    let mut out = String::new();
    for row in all {
        let mut line = String::new();
        for (text, width) in row.0.iter().zip(&widths) {
            line.push_str(&format!("{text:width$}   "));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The rows of one route.
pub(super) fn rows(route: &Value, gateways: &[Value]) -> Vec<Row> {
    let namespace = text(&route["metadata"]["namespace"]);
    let name = format!("{namespace}/{}", text(&route["metadata"]["name"]));
    let hosts = list(&route["spec"]["hostnames"], text);
    let hosts = if hosts.is_empty() {
        "*".to_owned()
    } else {
        hosts.join(",")
    };
    let mut rows = Vec::new();
    for parent in items(&route["spec"]["parentRefs"]) {
        let at = address(parent, &namespace, gateways);
        let state = state(route, parent);
        for rule in items(&route["spec"]["rules"]) {
            rows.push(Row([
                name.clone(),
                at.clone(),
                hosts.clone(),
                paths(rule),
                targets(rule),
                state.clone(),
            ]));
        }
    }
    rows
}

/// Where the parent is to be reached.
fn address(parent: &Value, namespace: &str, gateways: &[Value]) -> String {
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
    use super::{render, rows};
    use expect_test::expect;
    use serde_json::json;

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
        let all = [
            rows(&route("good", good), &gateways),
            rows(&route("bad", bad), &gateways),
            rows(&route("new", json!({})), &[]),
        ];
        expect![[r#"
            ROUTE       AT                   HOSTS          PATHS       TO                 STATE
            shop/good   127.42.0.1:80        shop.example   GET /cart   a:80×9,backend/b   ok
            shop/good   127.42.0.1:80        shop.example   /           redirect           ok
            shop/bad    127.42.0.1:80        shop.example   GET /cart   a:80×9,backend/b   not ResolvedRefs: no service a
            shop/bad    127.42.0.1:80        shop.example   /           redirect           not ResolvedRefs: no service a
            shop/new    shop/web (missing)   shop.example   GET /cart   a:80×9,backend/b   not served
            shop/new    shop/web (missing)   shop.example   /           redirect           not served
        "#]]
        .assert_eq(&render(&all.concat()));
    }
}
