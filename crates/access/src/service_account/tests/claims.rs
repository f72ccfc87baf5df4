//! What tokens say.

use super::{ISSUER, NOW, issue, keys, request};
use crate::service_account::{Bound, TokenRequest, jwt::Parts};
use serde_json::{Value, json};

/// The claims of a token, but for its id.
fn check_claims(request: &TokenRequest<'_>, expect: Value) {
    let token = issue(&keys(), request);
    let parts = Parts::split(&token).expect("a token");
    let mut claims = parts.claims;
    let id = claims["jti"].take();
    let id = id.as_str().expect("an id");
    let is_uuid = |(place, char): (usize, char)| match place {
        8 | 13 | 18 | 23 => char == '-',
        14 => char == '4',
        _ => char.is_ascii_hexdigit(),
    };
    assert!(
        id.len() == 36 && id.chars().enumerate().all(is_uuid),
        "{id}"
    );
    assert_eq!(claims["kubernetes.io"], expect["kubernetes.io"]);
    for (name, value) in [
        ("iss", json!(ISSUER)),
        ("sub", json!("system:serviceaccount:default:bob")),
        ("iat", json!(NOW)),
        ("nbf", json!(NOW)),
        ("aud", expect["aud"].clone()),
        ("exp", expect["exp"].clone()),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
}

#[test]
fn tokens_have_the_claims_that_kubernetes_gives() {
    let account = json!({"name": "bob", "uid": "u1"});
    check_claims(
        &request(None),
        json!({"aud": [ISSUER], "exp": NOW + 3600, "kubernetes.io": {"namespace": "default", "serviceaccount": account}}),
    );
    let audiences = ["a".to_owned(), "b".to_owned()];
    let pod = Bound::Pod {
        name: "p",
        uid: "u2",
        node: Some(("n", "")),
    };
    check_claims(
        &TokenRequest {
            audiences: &audiences,
            lifetime_seconds: 3607,
            ..request(Some(pod))
        },
        json!({"aud": ["a", "b"], "exp": NOW + 3607, "kubernetes.io": {
            "namespace": "default", "serviceaccount": account, "pod": {"name": "p", "uid": "u2"}, "node": {"name": "n"},
        }}),
    );
    check_claims(
        &TokenRequest {
            lifetime_seconds: 3607,
            ..request(Some(pod))
        },
        json!({"aud": [ISSUER], "exp": NOW + 31_536_000, "kubernetes.io": {
            "namespace": "default", "serviceaccount": account, "pod": {"name": "p", "uid": "u2"}, "node": {"name": "n"},
            "warnafter": NOW + 3607,
        }}),
    );
    check_claims(
        &request(Some(Bound::Secret {
            name: "s",
            uid: "u3",
        })),
        json!({"aud": [ISSUER], "exp": NOW + 3600, "kubernetes.io": {
            "namespace": "default", "serviceaccount": account, "secret": {"name": "s", "uid": "u3"},
        }}),
    );
    check_claims(
        &request(Some(Bound::Node {
            name: "n",
            uid: "u4",
        })),
        json!({"aud": [ISSUER], "exp": NOW + 3600, "kubernetes.io": {
            "namespace": "default", "serviceaccount": account, "node": {"name": "n", "uid": "u4"},
        }}),
    );
}
