//! Bodies as kubectl 1.37 sends them, bodies made by hand, and broken ones.

use super::{ProtobufError, messages, objects, to_json};
use serde_json::{Value, json};

/// A field of bytes.
fn field(number: usize, bytes: &[u8]) -> Vec<u8> {
    [&varint(number << 3 | 2)[..], &varint(bytes.len()), bytes].concat()
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).expect("seven bits") | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).expect("seven bits"));
    bytes
}

fn number(field: u8, number: u8) -> Vec<u8> {
    vec![field << 3, number]
}

fn body(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let types = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
    [b"k8s\0".to_vec(), field(1, &types), field(2, raw)].concat()
}

/// What a message means in JSON.
fn check(message: &str, bytes: &[u8], expected: Value) {
    let message = messages::find(message).expect("a message");
    let found = objects::read(message, bytes, 0).map(Value::Object);
    assert_eq!(found, Ok(expected));
}

#[test]
fn a_namespace_as_kubectl_sends_it() {
    let bytes = b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09Namespace\x12\x19\x0a\x11\x0a\x01a\x12\x00\x1a\x00\x22\x00*\x002\x008\x00B\x00\x12\x00\x1a\x02\x0a\x00\x1a\x00\x22\x00";
    let expected = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "a", "generateName": "", "namespace": "", "selfLink": "", "uid": "", "resourceVersion": "",
            "generation": 0, "creationTimestamp": null,
        },
        "spec": {},
        "status": { "phase": "" },
    });
    assert_eq!(to_json(bytes), Ok(Some(expected)));
}

#[test]
fn options_belong_to_every_version() {
    let bytes = body("apps/v1", "DeleteOptions", &number(1, 5));
    let expected =
        json!({ "apiVersion": "apps/v1", "kind": "DeleteOptions", "gracePeriodSeconds": 5 });
    assert_eq!(to_json(&bytes), Ok(Some(expected)));
    assert_eq!(to_json(&body("example.org/v1", "Boat", b"")), Ok(None));
}

#[test]
fn what_json_writes_in_another_form() {
    let entry = |key: &str, value: &[u8]| [field(1, key.as_bytes()), value.to_vec()].concat();
    check(
        "v1.Secret",
        &field(2, &entry("k", &field(2, b"hi"))),
        json!({ "data": { "k": "aGk=" } }),
    );
    check(
        "v1.Secret",
        &field(2, &entry("k", b"")),
        json!({ "data": { "k": "" } }),
    );
    check(
        "v1.Volume",
        &field(2, &field(2, b"")),
        json!({ "emptyDir": {} }),
    );
    check(
        "v1.ServicePort",
        &field(4, &number(2, 80)),
        json!({ "targetPort": 80 }),
    );
    let named = [number(1, 1), field(3, b"web")].concat();
    check(
        "v1.ServicePort",
        &field(4, &named),
        json!({ "targetPort": "web" }),
    );
}

#[test]
fn what_metadata_writes_in_another_form() {
    let entry = |key: &str, value: &[u8]| [field(1, key.as_bytes()), value.to_vec()].concat();
    let limits = field(1, &entry("cpu", &field(2, &field(1, b"100m"))));
    check(
        "v1.ResourceRequirements",
        &limits,
        json!({ "limits": { "cpu": "100m" } }),
    );
    let time = field(8, &number(1, 60));
    check(
        "meta.k8s.io/v1.ObjectMeta",
        &time,
        json!({ "creationTimestamp": "1970-01-01T00:01:00Z" }),
    );
    check(
        "coordination.k8s.io/v1.LeaseSpec",
        &field(3, &number(1, 1)),
        json!({ "acquireTime": "1970-01-01T00:00:01.000000Z" }),
    );
    let fields = field(7, &field(1, b"{\"f:data\":{}}"));
    check(
        "meta.k8s.io/v1.ManagedFieldsEntry",
        &fields,
        json!({ "fieldsV1": { "f:data": {} } }),
    );
    let extra = field(
        5,
        &entry(
            "scopes",
            &field(2, &[field(1, b"a"), field(1, b"b")].concat()),
        ),
    );
    check(
        "authorization.k8s.io/v1.SubjectAccessReviewSpec",
        &extra,
        json!({ "extra": { "scopes": ["a", "b"] } }),
    );
    let minus = [
        1 << 3,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        1,
    ];
    check(
        "meta.k8s.io/v1.DeleteOptions",
        &minus,
        json!({ "gracePeriodSeconds": -1 }),
    );
}

#[test]
fn schemas_of_definitions() {
    let schema = "apiextensions.k8s.io/v1.JSONSchemaProps";
    let string = field(5, b"string");
    check(schema, &field(8, &field(1, b"3")), json!({ "default": 3 }));
    let double = [&[11 << 3 | 1][..], &2.0_f64.to_le_bytes()].concat();
    check(schema, &double, json!({ "minimum": 2 }));
    let one = field(24, &field(1, &string));
    check(schema, &one, json!({ "items": { "type": "string" } }));
    let many = field(24, &field(2, &string));
    check(schema, &many, json!({ "items": [{ "type": "string" }] }));
    let no = field(30, &number(1, 0));
    check(schema, &no, json!({ "additionalProperties": false }));
    let props = field(30, &[number(1, 1), field(2, &string)].concat());
    check(
        schema,
        &props,
        json!({ "additionalProperties": { "type": "string" } }),
    );
}

#[test]
fn the_table_has_all_messages_that_it_names() {
    let mut fields = 0;
    for line in include_str!("messages.txt").lines() {
        let Some((_, kind)) = line
            .split_once(' ')
            .and_then(|(_, rest)| rest.split_once(' '))
        else {
            continue;
        };
        let kind = kind.trim_start_matches(['[', ']', '{', '}']);
        assert!(
            !kind.contains('.') || messages::find(kind).is_some(),
            "{line}"
        );
        fields += 1;
    }
    assert!(fields > 2000, "{fields}");
}

#[test]
fn broken_bodies_are_refused() {
    let good = body("v1", "Pod", &field(2, &field(2, &field(1, b"name"))));
    assert_eq!(to_json(b"{}"), Err(ProtobufError::Prefix));
    for length in 0..good.len() {
        // Cut short it is refused, or means less; it never panics.
        let _ = to_json(&good[..length]);
    }
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            let _ = to_json(&bad);
        }
    }
    assert_eq!(
        to_json(&body("v1", "Pod", &[0x0a, 5, 0])),
        Err(ProtobufError::End)
    );
    assert_eq!(
        to_json(&body("v1", "Pod", &number(1, 1))),
        Err(ProtobufError::WireType)
    );
    assert_eq!(
        to_json(&body("v1", "Pod", &[0xff; 11])),
        Err(ProtobufError::Overflow)
    );
    let message = messages::find("apiextensions.k8s.io/v1.JSONSchemaProps").expect("a message");
    let mut deep = Vec::new();
    for _ in 0..300 {
        deep = field(28, &deep);
    }
    assert_eq!(objects::read(message, &deep, 0), Err(ProtobufError::Depth));
}
