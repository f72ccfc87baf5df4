//! An explanation for people. Does no IO.

use serde_json::Value;
use std::fmt::Write as _;

/// Candidates that lost and are shown.
const LOST_MAX: usize = 12;
/// Endpoints that are shown of each backend.
const ENDPOINTS_MAX: usize = 16;

/// The whole answer.
pub(super) fn render(answer: &Value) -> String {
    let mut out = String::new();
    let request = &answer["request"];
    let word = |field: &str| request[field].as_str().unwrap_or_default();
    put(
        &mut out,
        &format!(
            "{} {}://{}:{}{}",
            word("method"),
            word("scheme"),
            word("host"),
            request["port"],
            word("path")
        ),
    );
    let explanations = answer["explanations"].as_array();
    if explanations.is_none_or(Vec::is_empty) {
        put(&mut out, "nothing listens there");
    }
    for one in explanations.into_iter().flatten() {
        explanation(&mut out, one, &answer["clusters"]);
    }
    out
}

fn explanation(out: &mut String, one: &Value, clusters: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    put(out, "");
    put(
        out,
        &format!(
            "address   {} ({})",
            text(&one["address"]),
            text(&one["protocol"])
        ),
    );
    let empty = Vec::new();
    let listeners = one["listeners"].as_array().unwrap_or(&empty);
    let candidates = one["candidates"].as_array().unwrap_or(&empty);
    for listener in listeners.iter().filter(|listener| is_chosen(listener)) {
        let host = text(&listener["host"]);
        put(
            out,
            &format!("listener  {} for {host}", text(&listener["listener"])),
        );
    }
    for candidate in candidates.iter().filter(|candidate| is_chosen(candidate)) {
        put(out, &format!("route     {}", candidate_line(candidate)));
    }
    outcome(out, &one["outcome"], clusters);
    let lost: Vec<&Value> = listeners
        .iter()
        .chain(candidates)
        .filter(|one| !is_chosen(one))
        .collect();
    if !lost.is_empty() {
        put(out, "not chosen:");
    }
    for one in lost.iter().take(LOST_MAX) {
        let line = if one["listener"].is_string() {
            format!(
                "listener {} for {}",
                text(&one["listener"]),
                text(&one["host"])
            )
        } else {
            candidate_line(one)
        };
        put(out, &format!("  {line}\n      {}", why(&one["choice"])));
    }
    let more = lost.len().saturating_sub(LOST_MAX) as u64 + one["unlisted"].as_u64().unwrap_or(0);
    if more > 0 {
        put(out, &format!("  and {more} more"));
    }
}

fn candidate_line(one: &Value) -> String {
    let text = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
    let name = one["ruleName"]
        .as_str()
        .map_or_else(String::new, |name| format!(" ({name})"));
    format!(
        "{} rule {}{name}: {} {}",
        text("route"),
        one["rule"],
        text("host"),
        text("demands")
    )
}

fn outcome(out: &mut String, outcome: &Value, clusters: &Value) {
    let shares = outcome["forward"].as_array().map_or(&[][..], Vec::as_slice);
    for share in shares {
        let cluster = share["cluster"].as_str();
        let mut line = format!("to        {}", cluster.unwrap_or("no backend"));
        if shares.len() > 1 {
            line.push_str(&format!(", weight {}", share["weight"]));
        }
        let says = share["says"].as_str().unwrap_or_default();
        put(out, &format!("{line}: {says}"));
        endpoints(out, &clusters[cluster.unwrap_or_default()]);
    }
    if let Some(status) = outcome["redirect"]["status"].as_u64() {
        put(out, &format!("answer    {status}, a redirect"));
    }
    if let Some(status) = outcome["answer"]["status"].as_u64() {
        let reason = outcome["answer"]["reason"].as_str().unwrap_or_default();
        put(out, &format!("answer    {status}: {reason}"));
    }
}

/// How each endpoint does, those that fail first.
fn endpoints(out: &mut String, cluster: &Value) {
    let all = cluster["endpoints"].as_array();
    let mut all: Vec<&Value> = all.into_iter().flatten().collect();
    all.sort_by_key(|one| one["healthy"] != false);
    for one in all.iter().take(ENDPOINTS_MAX) {
        let health = match one["healthy"].as_bool() {
            Some(true) => "healthy",
            Some(false) => "failing",
            None => "not probed",
        };
        let draining = if one["draining"] == true {
            ", draining"
        } else {
            ""
        };
        let fault = one["fault"].as_str().filter(|_| one["healthy"] == false);
        let fault = fault.map_or_else(String::new, |fault| format!(": {fault}"));
        let address = one["address"].as_str().unwrap_or_default();
        put(
            out,
            &format!("            {address} {health}{draining}{fault}"),
        );
    }
    let more = all.len().saturating_sub(ENDPOINTS_MAX);
    if more > 0 {
        put(out, &format!("            and {more} more"));
    }
}

fn is_chosen(one: &Value) -> bool {
    one["choice"] == "chosen"
}

fn why(choice: &Value) -> String {
    let said = |kind: &str| choice[kind].as_str().map(str::to_owned);
    said("loses")
        .or_else(|| said("noMatch"))
        .unwrap_or_default()
}

fn put(out: &mut String, line: &str) {
    // A string takes whatever is written to it.
    let _ = writeln!(out, "{line}");
}

#[cfg(test)]
mod tests {
    use super::render;
    use expect_test::expect;
    use serde_json::json;

    #[test]
    fn an_explanation_reads_well() {
        let answer = json!({
            "request": { "method": "GET", "scheme": "http", "host": "shop", "port": 80, "path": "/cart", "query": "" },
            "generation": 3,
            "explanations": [{
                "address": "127.42.0.1:80",
                "protocol": "http",
                "listeners": [
                    { "listener": "Gateway a/web http", "host": "*", "rules": 2, "choice": "chosen" },
                ],
                "candidates": [
                    { "route": "HTTPRoute a/cart", "rule": 0, "ruleName": "main", "entry": 0, "host": "*",
                      "demands": "path /cart", "choice": "chosen" },
                    { "route": "HTTPRoute a/all", "rule": 0, "ruleName": null, "entry": 0, "host": "*",
                      "demands": "any path", "choice": { "loses": "the path /cart is longer" } },
                ],
                "unlisted": 7,
                "outcome": { "forward": [
                    { "weight": 9, "cluster": "service:a/cart:80", "says": "3 endpoints, 1 draining" },
                    { "weight": 1, "cluster": null, "says": "answers 500: Service a/old doesn't exist" },
                ] },
            }],
            "clusters": { "service:a/cart:80": { "endpoints": [
                { "address": "10.1.0.7:80", "healthy": true, "draining": false, "fault": null },
                { "address": "10.1.0.8:80", "healthy": null, "draining": true, "fault": null },
                { "address": "10.1.0.9:80", "healthy": false, "draining": false, "fault": "it answers 503" },
            ] } },
        });
        expect![[r#"
            GET http://shop:80/cart

            address   127.42.0.1:80 (http)
            listener  Gateway a/web http for *
            route     HTTPRoute a/cart rule 0 (main): * path /cart
            to        service:a/cart:80, weight 9: 3 endpoints, 1 draining
                        10.1.0.9:80 failing: it answers 503
                        10.1.0.7:80 healthy
                        10.1.0.8:80 not probed, draining
            to        no backend, weight 1: answers 500: Service a/old doesn't exist
            not chosen:
              HTTPRoute a/all rule 0: * any path
                  the path /cart is longer
              and 7 more
        "#]]
        .assert_eq(&render(&answer));
        let nothing = json!({
            "request": { "method": "GET", "scheme": "http", "host": "shop", "port": 81, "path": "/" },
            "explanations": [],
        });
        expect![[r#"
            GET http://shop:81/
            nothing listens there
        "#]]
        .assert_eq(&render(&nothing));
    }
}
