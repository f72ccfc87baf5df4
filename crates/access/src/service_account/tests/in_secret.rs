//! Tokens that live in secrets.

use super::{NOW, Objects, keys, told};
use crate::service_account::{TokenSecret, jwt::Parts};
use secrecy::ExposeSecret;
use serde_json::Value;

/// What a token in a secret is good for, after something has changed.
fn check_in_secret(change: impl FnOnce(&mut Objects, &mut Value), expect: &str) {
    let keys = keys();
    let token = keys
        .issue_for_secret("default", "bob", "u1", "bob-token")
        .expect("a token");
    let mut claims = Parts::split(token.expose_secret()).expect("a token").claims;
    let mut objects = Objects::new(&["ServiceAccount/default/bob u1"]);
    let secret = |token: &str| TokenSecret {
        token: token.as_bytes().to_vec(),
        deleted: false,
        invalid: false,
    };
    objects.secret = Some(secret("x"));
    change(&mut objects, &mut claims);
    let token = keys.issue_claims_for_test(&claims);
    if let Some(own) = objects.secret.as_mut().filter(|own| own.token == b"x") {
        own.token = token.as_bytes().to_vec();
    }
    assert_eq!(told(&keys, &token, NOW + 100_000_000, &objects), expect);
}

#[test]
fn tokens_in_secrets_go_with_them() {
    check_in_secret(|_, _| {}, "system:serviceaccount:default:bob");
    check_in_secret(
        |objects, _| objects.secret = None,
        "Token has been invalidated",
    );
    check_in_secret(
        |objects, _| {
            objects
                .secret
                .iter_mut()
                .for_each(|secret| secret.deleted = true)
        },
        "Token has been invalidated",
    );
    check_in_secret(
        |objects, _| {
            objects
                .secret
                .iter_mut()
                .for_each(|secret| secret.token = b"y".to_vec())
        },
        "Token does not match server's copy",
    );
    check_in_secret(
        |objects, _| objects.lines.clear(),
        r#"serviceaccounts "bob" not found"#,
    );
    check_in_secret(
        |objects, _| objects.lines = vec!["ServiceAccount/default/bob u9".to_owned()],
        "ServiceAccount UID (u9) does not match claim (u1)",
    );
    check_in_secret(
        |objects, _| objects.lines = vec![format!("ServiceAccount/default/bob u1 {NOW}")],
        "ServiceAccount default/bob has been deleted",
    );
    check_in_secret(
        |objects, _| {
            objects
                .secret
                .iter_mut()
                .for_each(|secret| secret.invalid = true)
        },
        "the token in secret default/bob-token for service account default/bob has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the 'kubernetes.io/legacy-token-invalid-since' label from the secret to temporarily allow use of this token",
    );
}

#[test]
fn tokens_in_secrets_need_all_their_claims() {
    let claim = |name: &str| format!("kubernetes.io/serviceaccount/{name}");
    check_in_secret(
        |_, claims| claims["sub"] = "x".into(),
        "sub claim is invalid",
    );
    check_in_secret(
        |_, claims| claims["sub"] = "".into(),
        "sub claim is missing",
    );
    check_in_secret(
        |_, claims| claims[claim("namespace")] = Value::Null,
        "namespace claim is missing",
    );
    check_in_secret(
        |_, claims| claims[claim("secret.name")] = Value::Null,
        "secretName claim is missing",
    );
    check_in_secret(
        |_, claims| claims[claim("service-account.name")] = Value::Null,
        "serviceAccountName claim is missing",
    );
    check_in_secret(
        |_, claims| claims[claim("service-account.uid")] = Value::Null,
        "serviceAccountUID claim is missing",
    );
}
