//! Data-driven tests of the field diff: YAML-like JSON in, one change a line out.

use super::{Line, What, between, line_diff, one_line, value_text};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

/// Only this function touches the API.
fn check(old: Value, new: Value, expect: Expect) {
    check_kind(old, new, false, expect);
}

fn check_kind(old: Value, new: Value, secret: bool, expect: Expect) {
    let lines: Vec<String> = between(&old, &new, secret)
        .iter()
        .map(|change| {
            let path = &change.path;
            match &change.what {
                What::Added(new) => format!("+{path} {new}"),
                What::Removed(old) => format!("-{path} {old}"),
                What::Changed(old, new) => format!("{path} {old} -> {new}"),
                What::Reordered(old, new) => format!("{path} order {old} -> {new}"),
            }
        })
        .collect();
    expect.assert_eq(&lines.join("\n"));
}

#[test]
fn scalars_objects_and_absence() {
    check(json!({"a": 1}), json!({"a": 1}), expect![""]);
    check(
        json!({"status": {"phase": "Pending"}, "gone": true, "same": [1]}),
        json!({"status": {"phase": "Running", "podIP": "10.0.0.1"}, "same": [1]}),
        expect![[r#"
            -gone true
            status.phase "Pending" -> "Running"
            +status.podIP "10.0.0.1""#]],
    );
    check(
        json!({"a": {"b": 1}}),
        json!({"a": 7}),
        expect![[r#"a {"b":1} -> 7"#]],
    );
    check(json!({"a": null}), json!({"a": 7}), expect!["a null -> 7"]);
}

#[test]
fn bookkeeping_is_left_out() {
    check(
        json!({"metadata": {"resourceVersion": "1", "generation": 1, "managedFields": [1]},
               "status": {"observedGeneration": 1, "conditions": [{"type": "A", "observedGeneration": 1}]}}),
        json!({"metadata": {"resourceVersion": "2", "generation": 2, "managedFields": [2],
                            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
               "status": {"observedGeneration": 2, "conditions": [{"type": "A", "observedGeneration": 2}]}}),
        expect![""],
    );
}

#[test]
fn keyed_lists_match_by_key() {
    check(
        json!({"spec": {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]}}),
        json!({"spec": {"containers": [{"name": "b", "image": "b:2"}, {"name": "c", "image": "c:1"}]}}),
        expect![[r#"
            spec.containers[b].image "b:1" -> "b:2"
            +spec.containers[c] {"image":"c:1","name":"c"}
            -spec.containers[a] {"image":"a:1","name":"a"}"#]],
    );
    check(
        json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}),
        json!({"status": {"conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}]}}),
        expect![[r#"
            +status.conditions[Initialized] {"status":"True","type":"Initialized"}
            status.conditions[Ready].status "False" -> "True""#]],
    );
    check(
        json!({"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}),
        json!({"ports": [{"port": 53, "protocol": "UDP", "nodePort": 3}, {"port": 53, "protocol": "TCP"}]}),
        expect!["+ports[53/UDP].nodePort 3"],
    );
    check(
        json!({"env": [{"name": "A", "value": "1"}, {"name": "B"}]}),
        json!({"env": [{"name": "B"}, {"name": "A", "value": "2"}]}),
        expect![[r#"
            env[A].value "1" -> "2"
            env order ["A","B"] -> ["B","A"]"#]],
    );
    check(
        json!({"volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}]}),
        json!({"volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b", "readOnly": true}]}),
        expect!["+volumeMounts[/b].readOnly true"],
    );
}

#[test]
fn lists_without_keys() {
    check(
        json!({"finalizers": ["a", "b"]}),
        json!({"finalizers": ["b", "c", "d"]}),
        expect![[r#"
            -finalizers "a"
            +finalizers "c"
            +finalizers "d""#]],
    );
    check(
        json!({"args": ["-v", "1"]}),
        json!({"args": ["-v", "2"]}),
        expect![[r#"args[1] "1" -> "2""#]],
    );
    check(
        json!({"args": ["a", "b"]}),
        json!({"args": ["b", "a"]}),
        expect![[r#"args order ["a","b"] -> ["b","a"]"#]],
    );
    check(
        json!({"rules": [{"x": 1}, {"x": 2}, {"x": 3}]}),
        json!({"rules": [{"x": 1}, {"x": 3}]}),
        expect![[r#"-rules[1] {"x":2}"#]],
    );
    check(
        json!({"m": [[1], 2]}),
        json!({"m": [[2], 2]}),
        expect!["m[0][0] 1 -> 2"],
    );
}

#[test]
fn keys_with_dots_stand_in_brackets() {
    check(
        json!({"metadata": {"labels": {"app.kubernetes.io/name": "a"}}}),
        json!({"metadata": {"labels": {"app.kubernetes.io/name": "b"}}}),
        expect![[r#"metadata.labels[app.kubernetes.io/name] "a" -> "b""#]],
    );
}

#[test]
fn secret_values_become_sizes() {
    check_kind(
        json!({"data": {"password": "aHVudGVyMg==", "user": "cm9vdA=="}, "type": "Opaque"}),
        json!({"data": {"password": "aHVudGVyMw==", "user": "cm9vdA==", "tls.key": "AAAA"}, "type": "other"}),
        true,
        expect![[r#"
            data.password "<redacted, 7 bytes>" -> "<redacted, 7 bytes>"
            +data[tls.key] "<redacted, 3 bytes>"
            type "Opaque" -> "other""#]],
    );
    check_kind(
        json!({}),
        json!({"data": {"a": "AAAA"}, "stringData": {"b": "plain"}}),
        true,
        expect![[r#"
            +data {"a":"<redacted, 3 bytes>"}
            +stringData {"b":"<redacted, 5 bytes>"}"#]],
    );
}

fn check_line(old: Value, new: Value, width: usize, expect: Expect) {
    expect.assert_eq(&one_line(&between(&old, &new, false), width));
}

#[test]
fn one_line_puts_state_first_and_clocks_last() {
    check_line(
        json!({"metadata": {"labels": {"a": "1"}}, "status": {"phase": "Pending", "startTime": "x", "message": "m"}}),
        json!({"metadata": {"labels": {"a": "2"}}, "status": {"phase": "Running", "startTime": "y", "message": "n"}}),
        200,
        expect![
            "status.phase: Pending → Running, status.message: m → n, metadata.labels.a: 1 → 2, status.startTime: x → y"
        ],
    );
}

#[test]
fn one_line_is_bounded() {
    let numbers = |base: u32| json!({"a": base, "b": base + 1, "c": base + 2, "d": base + 3});
    check_line(
        numbers(1),
        numbers(5),
        24,
        expect!["a: 1 → 5, b: 2 → 6, +2 more"],
    );
    check_line(
        json!({"a": "x"}),
        json!({"a": "y".repeat(500)}),
        30,
        expect!["a: x → yyyyyyyyyyyyyyyyyyyyyy…"],
    );
    check_line(json!({}), json!({}), 30, expect![""]);
}

#[test]
fn one_line_sums_up_conditions_and_long_texts() {
    check_line(
        json!({"status": {"conditions": []}, "data": {"f": "a\nb\nc"}}),
        json!({"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Starting"}]}, "data": {"f": "a\nx\ny\nc"}}),
        200,
        expect!["data.f: +2 -1 lines, +status.conditions[Ready]: False (Starting)"],
    );
}

#[test]
fn terminals_are_not_steered() {
    let text = value_text(&json!("\u{1b}[2Jgone\u{9b}1m\u{202e}"));
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(!text.contains('\u{202e}'), "{text:?}");
    expect![[r#""\u001b[2Jgone\u{9b}1m\u{202e}""#]].assert_eq(&text);
}

#[test]
fn line_diff_keeps_context() {
    let lines = line_diff("a\nb\nc", "a\nc\nd");
    assert_eq!(
        lines,
        [
            Line::Same("a"),
            Line::Old("b"),
            Line::Same("c"),
            Line::New("d")
        ]
    );
    assert_eq!(line_diff("", ""), []);
    let (old, new) = ("x\n".repeat(3000), "y\n".repeat(3000));
    assert_eq!(
        line_diff(&old, &new).len(),
        6000,
        "too long to compare, so replaced whole"
    );
}
