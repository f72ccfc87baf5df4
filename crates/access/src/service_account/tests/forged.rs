//! Tokens that somebody else made.

use super::{ISSUER, NOW, Objects, issue, keys, request, told};
use crate::service_account::ServiceAccountKeys;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A token of the same claims with another header, signed by the same key.
fn with_header(keys: &ServiceAccountKeys, header: &Value) -> String {
    let token = issue(keys, &request(None));
    let claims = token.split('.').nth(1).expect("claims");
    let signed = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header.to_string()));
    let signature = keys.sign_for_test(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn forged_tokens_are_refused() {
    let own = keys();
    let objects = Objects::new(&["ServiceAccount/default/bob u1"]);
    let check =
        |token: &str, expect: &str| assert_eq!(told(&own, token, NOW, &objects), expect, "{token}");
    let good = issue(&own, &request(None));
    let parts: Vec<&str> = good.split('.').collect();
    let bob = "system:serviceaccount:default:bob";
    let crypto = "go-jose/go-jose: error in cryptographic primitive";
    let algorithm = "go-jose/go-jose: unknown/unsupported algorithm";
    let id = own.key_id().to_owned();
    check(&good, bob);
    check(&with_header(&own, &json!({"alg": "ES256"})), bob);
    check(&with_header(&own, &json!({"alg": "ES256", "kid": ""})), bob);
    check(
        &with_header(&own, &json!({"alg": "ES256", "kid": "x"})),
        "invalid signature, no keys found",
    );
    check(
        &with_header(&own, &json!({"alg": "none", "kid": id})),
        algorithm,
    );
    check(
        &with_header(&own, &json!({"alg": "HS256", "kid": id})),
        algorithm,
    );
    check(&with_header(&own, &json!({"kid": id})), algorithm);
    check(
        &with_header(&own, &json!({"alg": "ES256", "kid": id, "crit": ["x"]})),
        crypto,
    );
    check(
        &issue(&keys(), &request(None)),
        "invalid signature, no keys found",
    );
    let claims =
        json!({"iss": ISSUER, "sub": "system:serviceaccount:kube-system:admin"}).to_string();
    let claims = URL_SAFE_NO_PAD.encode(claims);
    check(&format!("{}.{claims}.{}", parts[0], parts[2]), crypto);
    check(&format!("{}.{}.", parts[0], parts[1]), crypto);
    check(
        &format!("{}.{}.{}", parts[0], parts[1], &parts[2][..84]),
        crypto,
    );
    check(&format!("{good}.x"), "not ours");
    check(&format!("{}.{}", parts[0], parts[1]), "not ours");
    check(&format!("{}.{}.{}", parts[0], parts[1], "???"), "not ours");
    let foreign = URL_SAFE_NO_PAD.encode(json!({"iss": "https://elsewhere"}).to_string());
    check(&format!("{}.{foreign}.{}", parts[0], parts[2]), "not ours");
    let deep = URL_SAFE_NO_PAD.encode(format!(
        "{{\"iss\":\"{ISSUER}\",\"x\":{}",
        "[".repeat(100_000)
    ));
    check(&format!("{}.{deep}.{}", parts[0], parts[2]), "not ours");
    for odd in [
        "",
        ".",
        "..",
        "...",
        "{}",
        "nonsense",
        "a.b.c",
        "e30.e30.e30",
        "W10.W10.W10",
    ] {
        check(odd, "not ours");
    }
}
