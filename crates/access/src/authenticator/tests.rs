//! Which of several credentials counts, and what is said when none does.

use super::{Authenticator, bearer_token};
use crate::{
    pki::Authority,
    service_account::{BoundKind, BoundObject, BoundObjects, ServiceAccountKeys, TokenRequest},
    token_file::TokenFile,
    user::User,
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use secrecy::ExposeSecret;

const NOW: i64 = 1_795_613_798;
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

#[test]
fn bearer_tokens_are_found_as_kube_apiserver_does() {
    fn check(header: &str, expect: Option<&str>) {
        assert_eq!(bearer_token(header), expect, "{header:?}");
    }
    check("Bearer abc", Some("abc"));
    check(" bearer abc ", Some("abc"));
    check("BEARER abc def", Some("abc"));
    check("Bearer  abc", None);
    check("Bearer", None);
    check("Bearer ", None);
    check("Basic abc", None);
    check("abc", None);
    check("", None);
}

/// Only the account `default/bob` is there.
struct OnlyBob;

impl BoundObjects for OnlyBob {
    fn find(&self, kind: BoundKind, namespace: &str, name: &str) -> Option<BoundObject> {
        let is_bob = (kind, namespace, name) == (BoundKind::ServiceAccount, "default", "bob");
        is_bob.then(|| BoundObject {
            uid: "u1".to_owned(),
            deleted: None,
        })
    }
}

struct Fixture {
    authenticator: Authenticator,
    alice: Vec<u8>,
    mallory: Vec<u8>,
    bob: String,
    other: String,
    ghost: String,
}

fn fixture() -> Fixture {
    let authority = Authority::in_memory(NOW).expect("an authority");
    let foreign = Authority::in_memory(NOW).expect("an authority");
    let keys = ServiceAccountKeys::in_memory().expect("a key");
    let mut tokens = TokenFile::default();
    tokens.insert("static", User::named("carol", &["a"]));
    let certificate = |authority: &Authority, name: &str| {
        let identity = authority.client(name, &["g"], NOW).expect("an identity");
        let der = CertificateDer::from_pem_slice(identity.cert_pem.as_bytes());
        der.expect("a certificate").to_vec()
    };
    let token = |name: &str, audiences: &[String]| {
        let request = TokenRequest {
            namespace: "default",
            name,
            uid: "u1",
            audiences,
            lifetime_seconds: 600,
            bound: None,
        };
        let issued = keys.issue(&request, NOW).expect("a token");
        issued.token.expose_secret().to_owned()
    };
    Fixture {
        alice: certificate(&authority, "alice"),
        mallory: certificate(&foreign, "mallory"),
        bob: token("bob", &[]),
        other: token("bob", &["other".to_owned()]),
        ghost: token("ghost", &[]),
        authenticator: Authenticator::new(Some(authority.client_trust()), tokens, keys),
    }
}

#[test]
fn the_first_good_credential_counts() {
    let fixture = fixture();
    let check = |bearer: Option<&str>, certificate: Option<&[u8]>, expect: &str| {
        let found = fixture
            .authenticator
            .authenticate(bearer, certificate, NOW, &OnlyBob);
        let found = match found {
            Ok(Some(user)) => format!("{} {:?}", user.name, user.groups),
            Ok(None) => "nobody".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expect);
    };
    let alice = r#"alice ["g", "system:authenticated"]"#;
    let carol = r#"carol ["a", "system:authenticated"]"#;
    let bob = r#"system:serviceaccount:default:bob ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"]"#;
    let untrusted =
        "the certificate is not one of this server's authority, not for clients, or not valid now";
    check(None, None, "nobody");
    check(None, Some(&fixture.alice), alice);
    check(Some("static"), None, carol);
    check(Some("static"), Some(&fixture.alice), alice);
    check(Some("nonsense"), Some(&fixture.alice), alice);
    check(Some("static"), Some(&fixture.mallory), carol);
    check(None, Some(&fixture.mallory), untrusted);
    check(Some(&fixture.bob), None, bob);
    check(Some("nonsense"), None, "invalid bearer token");
    check(
        Some("nonsense"),
        Some(&fixture.mallory),
        &format!("[invalid bearer token, {untrusted}]"),
    );
    check(
        Some(&fixture.ghost),
        None,
        r#"[invalid bearer token, serviceaccounts "ghost" not found]"#,
    );
    check(
        Some(&fixture.other),
        None,
        r#"[invalid bearer token, token audiences ["other"] is invalid for the target audiences ["https://kubernetes.default.svc.cluster.local"]]"#,
    );
}

#[test]
fn reviews_are_answered_as_kubernetes_does() {
    let fixture = fixture();
    let check = |token: &str, audiences: &[&str], expect: Result<(&str, &[&str]), &str>| {
        let audiences: Vec<String> = audiences.iter().map(|&text| text.to_owned()).collect();
        let found = fixture
            .authenticator
            .review(token, &audiences, NOW, &OnlyBob);
        let found = match &found {
            Ok(found) => Ok((
                found.user.name.as_str(),
                found.audiences.iter().map(String::as_str).collect(),
            )),
            Err(error) => Err(error.to_string()),
        };
        let expect = expect
            .map(|(name, audiences)| (name, audiences.to_vec()))
            .map_err(str::to_owned);
        assert_eq!(found, expect);
    };
    let bob = "system:serviceaccount:default:bob";
    check("static", &[], Ok(("carol", &[ISSUER])));
    check("static", &["other", ISSUER], Ok(("carol", &[ISSUER])));
    check("static", &["other"], Err("invalid bearer token"));
    check("nonsense", &[], Err("invalid bearer token"));
    check(&fixture.bob, &[], Ok((bob, &[ISSUER])));
    check(&fixture.other, &["other", "third"], Ok((bob, &["other"])));
    check(
        &fixture.bob,
        &["other", "third"],
        Err(
            r#"[invalid bearer token, token audiences ["https://kubernetes.default.svc.cluster.local"] is invalid for the target audiences ["other" "third"]]"#,
        ),
    );
}
