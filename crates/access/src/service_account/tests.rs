//! Tokens of service accounts, against all that can have become of what they are bound to.

mod claims;
mod forged;
mod in_secret;

use super::{
    Bound, BoundKind, BoundObject, BoundObjects, ServiceAccountKeys, TokenRequest, TokenSecret,
    jwt::Parts,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

const NOW: i64 = 1_795_613_798;
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// Objects as `kind/namespace/name uid`, and ` deleted-at` where they are on their way out.
struct Objects {
    lines: Vec<String>,
    secret: Option<TokenSecret>,
}

impl Objects {
    fn new(lines: &[&str]) -> Self {
        Self {
            lines: lines.iter().map(|&line| line.to_owned()).collect(),
            secret: None,
        }
    }
}

impl BoundObjects for Objects {
    fn find(&self, kind: BoundKind, namespace: &str, name: &str) -> Option<BoundObject> {
        let wanted = format!("{kind:?}/{namespace}/{name} ");
        let line = self
            .lines
            .iter()
            .find_map(|line| line.strip_prefix(&wanted))?;
        let mut words = line.split(' ');
        Some(BoundObject {
            uid: words.next()?.to_owned(),
            deleted: words.next().and_then(|word| word.parse().ok()),
        })
    }

    fn token_secret(&self, namespace: &str, name: &str) -> Option<TokenSecret> {
        let is_it = (namespace, name) == ("default", "bob-token");
        self.secret.clone().filter(|_| is_it)
    }
}

fn keys() -> ServiceAccountKeys {
    ServiceAccountKeys::in_memory().expect("a key")
}

fn request(bound: Option<Bound<'_>>) -> TokenRequest<'_> {
    TokenRequest {
        namespace: "default",
        name: "bob",
        uid: "u1",
        audiences: &[],
        lifetime_seconds: 3600,
        bound,
    }
}

fn issue(keys: &ServiceAccountKeys, request: &TokenRequest<'_>) -> String {
    let issued = keys.issue(request, NOW).expect("a token");
    issued.token.expose_secret().to_owned()
}

fn told(keys: &ServiceAccountKeys, token: &str, now: i64, objects: &Objects) -> String {
    match keys.verify(token, keys.audiences(), now, objects) {
        Ok(Some(verified)) => verified.user.name,
        Ok(None) => "not ours".to_owned(),
        Err(refusal) => refusal.to_string(),
    }
}

/// What a token is good for, some seconds after it was issued.
fn check_bound(bound: Option<Bound<'_>>, objects: &[&str], now: i64, expect: &str) {
    let keys = keys();
    let token = issue(&keys, &request(bound));
    let objects = Objects::new(objects);
    // Twice: the second time the signature is remembered.
    for _ in 0..2 {
        assert_eq!(told(&keys, &token, NOW + now, &objects), expect);
    }
}

#[test]
fn tokens_are_good_while_what_they_are_bound_to_is_there() {
    const BOB: &str = "system:serviceaccount:default:bob";
    let account = "ServiceAccount/default/bob u1";
    check_bound(None, &[account], 0, BOB);
    check_bound(None, &[account], 3660, BOB);
    check_bound(None, &[account], 3661, "service account token has expired");
    check_bound(None, &[account], -60, BOB);
    check_bound(
        None,
        &[account],
        -61,
        "service account token is not valid yet",
    );
    check_bound(None, &[], 0, r#"serviceaccounts "bob" not found"#);
    check_bound(
        None,
        &["ServiceAccount/other/bob u1"],
        0,
        r#"serviceaccounts "bob" not found"#,
    );
    check_bound(
        None,
        &["ServiceAccount/default/bob u9"],
        0,
        "service account UID (u9) does not match claim (u1)",
    );
    let leaving = format!("{account} {}", NOW - 60);
    check_bound(None, &[&leaving], 0, BOB);
    check_bound(
        None,
        &[&leaving],
        1,
        "service account default/bob has been deleted",
    );
}

#[test]
fn tokens_are_bound_to_secrets_pods_and_nodes() {
    const BOB: &str = "system:serviceaccount:default:bob";
    let account = "ServiceAccount/default/bob u1";
    let gone = "service account token has been invalidated";
    let secret = Some(Bound::Secret {
        name: "s",
        uid: "u3",
    });
    check_bound(secret, &[account, "Secret/default/s u3"], 0, BOB);
    check_bound(secret, &[account], 0, gone);
    check_bound(
        secret,
        &[account, "Secret/default/s u9"],
        0,
        "secret UID (u9) does not match service account secret ref claim (u3)",
    );
    let leaving = format!("Secret/default/s u3 {}", NOW - 61);
    check_bound(secret, &[account, &leaving], 0, gone);

    let pod = Some(Bound::Pod {
        name: "p",
        uid: "u2",
        node: Some(("n", "u4")),
    });
    check_bound(pod, &[account, "Pod/default/p u2"], 0, BOB);
    check_bound(pod, &[account, "Node//n u4"], 0, gone);
    check_bound(
        pod,
        &[account, "Pod/default/p u9"],
        0,
        "pod UID (u9) does not match service account pod ref claim (u2)",
    );
    let node = Some(Bound::Node {
        name: "n",
        uid: "u4",
    });
    check_bound(node, &[account, "Node//n u4"], 0, BOB);
    check_bound(node, &[account], 0, gone);
    check_bound(
        node,
        &[account, "Node//n u9"],
        0,
        "node UID (u9) does not match service account node ref claim (u4)",
    );
}

#[test]
fn users_of_tokens_are_described_as_kubernetes_does() {
    let keys = keys();
    let pod = Bound::Pod {
        name: "p",
        uid: "u2",
        node: Some(("n", "u4")),
    };
    let issued = keys.issue(&request(Some(pod)), NOW).expect("a token");
    assert_eq!(issued.expires, NOW + 3600);
    let objects = Objects::new(&["ServiceAccount/default/bob u1", "Pod/default/p u2"]);
    let token = issued.token.expose_secret();
    let verified = keys
        .verify(token, keys.audiences(), NOW, &objects)
        .expect("good")
        .expect("ours");
    let user = verified.user;
    assert_eq!(
        (user.name.as_str(), user.uid.as_str()),
        ("system:serviceaccount:default:bob", "u1")
    );
    assert_eq!(
        user.groups,
        [
            "system:serviceaccounts",
            "system:serviceaccounts:default",
            "system:authenticated"
        ]
    );
    let extra: Vec<(&str, &str)> = user
        .extra
        .iter()
        .map(|(key, values)| {
            (
                key.trim_start_matches("authentication.kubernetes.io/"),
                values[0].as_str(),
            )
        })
        .collect();
    let id = format!("JTI={}", issued.id);
    assert_eq!(
        extra,
        [
            ("credential-id", id.as_str()),
            ("node-name", "n"),
            ("node-uid", "u4"),
            ("pod-name", "p"),
            ("pod-uid", "u2")
        ]
    );
}

#[test]
fn tokens_are_for_their_audiences_only() {
    fn check(token: &[&str], wanted: &[&str], expect: Result<&[&str], &str>) {
        let owned =
            |list: &[&str]| -> Vec<String> { list.iter().map(|&text| text.to_owned()).collect() };
        let keys = keys();
        let audiences = owned(token);
        let token = issue(
            &keys,
            &TokenRequest {
                audiences: &audiences,
                ..request(None)
            },
        );
        let objects = Objects::new(&["ServiceAccount/default/bob u1"]);
        let found = match keys.verify(&token, &owned(wanted), NOW, &objects) {
            Ok(verified) => Ok(verified.expect("ours").audiences),
            Err(refusal) => Err(refusal.to_string()),
        };
        assert_eq!(found, expect.map(owned).map_err(str::to_owned));
    }
    check(&[], &[ISSUER], Ok(&[ISSUER]));
    check(&["a", "b"], &["c", "b", "a"], Ok(&["b", "a"]));
    check(
        &["other"],
        &[ISSUER],
        Err(
            r#"token audiences ["other"] is invalid for the target audiences ["https://kubernetes.default.svc.cluster.local"]"#,
        ),
    );
    check(
        &[],
        &["other", "third"],
        Err(
            r#"token audiences ["https://kubernetes.default.svc.cluster.local"] is invalid for the target audiences ["other" "third"]"#,
        ),
    );
}

#[test]
fn others_can_check_tokens_by_the_documents() {
    let keys = keys();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    assert_eq!(
        text(keys.openid_configuration("https://192.0.2.1:6443/openid/v1/jwks")),
        r#"{"issuer":"https://kubernetes.default.svc.cluster.local","jwks_uri":"https://192.0.2.1:6443/openid/v1/jwks","response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["ES256"]}"#
    );
    let jwks: Value = serde_json::from_slice(&keys.jwks()).expect("JSON");
    let key = &jwks["keys"][0];
    let coordinate = |name: &str| {
        URL_SAFE_NO_PAD
            .decode(key[name].as_str().unwrap_or_default())
            .expect("base64")
    };
    let mut point = vec![4];
    point.extend(coordinate("x"));
    point.extend(coordinate("y"));
    assert_eq!(point.len(), 65);
    let token = issue(&keys, &request(None));
    let parts = Parts::split(&token).expect("a token");
    assert!(
        parts
            .verify(&point, key["kid"].as_str().unwrap_or_default())
            .is_ok()
    );
    assert!(text(keys.jwks()).starts_with(r#"{"keys":[{"use":"sig","kty":"EC","kid":""#));
}

#[test]
fn keys_outlive_the_process_and_are_not_printed() {
    let path = std::env::temp_dir().join(format!("tidegate-keys-{}", std::process::id()));
    let open = || ServiceAccountKeys::open_or_create(&path);
    let first = open().expect("a key");
    let token = issue(&first, &request(None));
    let objects = Objects::new(&["ServiceAccount/default/bob u1"]);
    let second = open().expect("the key");
    assert_eq!(
        told(&second, &token, NOW, &objects),
        "system:serviceaccount:default:bob"
    );
    let file = path.join("sa.key");
    let pem = std::fs::read_to_string(&file).expect("a file");
    std::fs::write(&file, "x").expect("a file");
    let error = open().expect_err("damaged").to_string();
    std::fs::remove_dir_all(&path).expect("a directory");
    assert_eq!(
        error,
        format!("{}: not an ECDSA P-256 key in PEM", file.display())
    );
    let inner = pem.lines().nth(1).expect("a line");
    let printed = format!("{first:?} {:?}", SecretString::from(token.clone()));
    assert!(
        !printed.contains(inner) && !printed.contains(&token),
        "{printed}"
    );
}
