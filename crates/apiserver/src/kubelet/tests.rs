//! Where kubelets are, and what is said of their refusals.

use super::{address, generic};
use serde_json::{Value, json};

#[test]
fn kubelets_are_where_their_nodes_say() {
    let check = |addresses: Value, port: Value, expect: Result<&str, &str>| {
        let node = json!({ "status": {
            "addresses": addresses,
            "daemonEndpoints": { "kubeletEndpoint": { "Port": port } },
        } });
        let found = address(&node).map(|found| found.to_string());
        assert_eq!(
            found.map_err(|error| (error.code, error.message)),
            expect
                .map(str::to_owned)
                .map_err(|why| (500, why.to_owned()))
        );
    };
    let one = |kind: &str, address: &str| json!({ "type": kind, "address": address });
    check(
        json!([one("InternalIP", "10.0.0.1")]),
        json!(10_251),
        Ok("10.0.0.1:10251"),
    );
    check(
        json!([one("InternalIP", "fd00::1")]),
        Value::Null,
        Ok("[fd00::1]:10250"),
    );
    check(
        json!([
            one("Hostname", "n"),
            one("ExternalIP", "192.0.2.1"),
            one("InternalIP", "10.0.0.1")
        ]),
        json!(0),
        Ok("10.0.0.1:10250"),
    );
    check(
        json!([
            one("InternalIP", "node.internal"),
            one("ExternalIP", "192.0.2.1")
        ]),
        json!(-1),
        Ok("192.0.2.1:10250"),
    );
    check(
        json!([one("Hostname", "n"), one("InternalIP", "metadata.example")]),
        json!(1),
        Err(
            "no preferred addresses found; known addresses: [{Hostname n} {InternalIP metadata.example}]",
        ),
    );
    check(
        Value::Null,
        json!(1),
        Err("no preferred addresses found; known addresses: []"),
    );
    check(
        json!([one("InternalIP", "10.0.0.1")]),
        json!(70_000),
        Err("dial tcp: address 70000: invalid port"),
    );
}

#[test]
fn refusals_are_told_on() {
    let check = |code: u16, expect: (&str, &str)| {
        let error = generic(code, "too \"bad\"", "pods/log", "a");
        assert_eq!((error.reason, error.message.as_str()), expect, "{code}");
    };
    check(
        404,
        (
            "NotFound",
            "the server could not find the requested resource ( pods/log a)",
        ),
    );
    check(403, ("Forbidden", "too \"bad\" ( pods/log a)"));
    check(
        502,
        (
            "InternalError",
            r#"an error on the server ("too \"bad\"") has prevented the request from succeeding ( pods/log a)"#,
        ),
    );
    check(
        418,
        (
            "",
            "the server responded with the status code 418 but did not return more information ( pods/log a)",
        ),
    );
}
