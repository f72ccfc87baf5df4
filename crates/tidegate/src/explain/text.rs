//! An explanation for people. Does no IO.

use serde_json::Value;
use std::fmt::Write as _;

/// Candidates that lost and are shown.
const LOST_MAX: usize = 12;

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
        explanation(&mut out, one);
    }
    out
}

fn explanation(out: &mut String, one: &Value) {
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
    outcome(out, &one["outcome"]);
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

fn outcome(out: &mut String, outcome: &Value) {
    if let Some(backends) = outcome["forward"].as_array() {
        for backend in backends {
            put(
                out,
                &format!("to        {}", backend.as_str().unwrap_or_default()),
            );
        }
    }
    if let Some(status) = outcome["redirect"]["status"].as_u64() {
        put(out, &format!("answer    {status}, a redirect"));
    }
    if let Some(status) = outcome["answer"]["status"].as_u64() {
        let reason = outcome["answer"]["reason"].as_str().unwrap_or_default();
        put(out, &format!("answer    {status}: {reason}"));
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
                "outcome": { "forward": ["1 a/cart:80, 2 endpoints"] },
            }],
        });
        expect![[r#"
            GET http://shop:80/cart

            address   127.42.0.1:80 (http)
            listener  Gateway a/web http for *
            route     HTTPRoute a/cart rule 0 (main): * path /cart
            to        1 a/cart:80, 2 endpoints
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
