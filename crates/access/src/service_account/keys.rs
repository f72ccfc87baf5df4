//! The key that signs service accounts' tokens, and what it signs.

use super::{
    bound::BoundObjects,
    claims::Claims,
    jwt::{Parts, sign},
    refusal::TokenRefusal,
};
use crate::{
    digest::Digest,
    key::{KeyError, SecretKey, random},
    pki::{PkiError, SecretDirectory, corrupt},
    user::{User, service_account_user},
};
use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::ECDSA_P256_SHA256_FIXED_SIGNING as FORM,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// Who issues tokens, where nothing else is said. As in most clusters.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
/// Who issues the tokens that live in secrets.
const LEGACY_ISSUER: &str = "kubernetes/serviceaccount";

const KEY_FILE: &str = "sa.key";
/// What kubelet asks for, where an hour would do: a sign that the pod may not know that tokens end.
const WARN_ONLY_SECONDS: i64 = 60 * 60 + 7;
/// How long such a token is good.
const EXTENDED_SECONDS: i64 = 365 * 24 * 60 * 60;
/// How many tokens' signatures are remembered.
const VERIFIED_MAX: usize = 1024;

/// Issues and checks service accounts' tokens. Clones share one key.
#[derive(Debug, Clone)]
pub struct ServiceAccountKeys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    key: SecretKey,
    key_id: String,
    issuer: String,
    /// For whom a token is that says nothing.
    audiences: Vec<String>,
    /// The claims of tokens that were checked. A signature doesn't change; all else is looked at every time.
    verified: Mutex<HashMap<Digest, Arc<Claims>>>,
}

/// What a token is to say.
#[derive(Debug, Clone, Copy)]
pub struct TokenRequest<'a> {
    /// The account's namespace.
    pub namespace: &'a str,
    /// The account's name.
    pub name: &'a str,
    /// The account's uid.
    pub uid: &'a str,
    /// For whom the token is. None: for this server.
    pub audiences: &'a [String],
    /// How long it is good.
    pub lifetime_seconds: i64,
    /// What else has to be there for the token to be good.
    pub bound: Option<Bound<'a>>,
}

/// What a token is bound to, beside its account. Names and uids.
#[derive(Debug, Clone, Copy)]
pub enum Bound<'a> {
    /// A pod of the account's.
    Pod {
        /// The pod's name.
        name: &'a str,
        /// The pod's uid.
        uid: &'a str,
        /// The node that the pod is bound to, and its uid, which may be unknown (empty).
        node: Option<(&'a str, &'a str)>,
    },
    /// A secret.
    Secret {
        /// The secret's name.
        name: &'a str,
        /// The secret's uid.
        uid: &'a str,
    },
    /// A node.
    Node {
        /// The node's name.
        name: &'a str,
        /// The node's uid.
        uid: &'a str,
    },
}

/// A token that was issued.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The token.
    pub token: SecretString,
    /// When it ends as the client is told, in Unix seconds.
    pub expires: i64,
    /// The token's own id, for the audit log.
    pub id: String,
}

/// Whose token it is, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The account.
    pub user: User,
    /// The audiences that were asked for and that the token is for.
    pub audiences: Vec<String>,
}

impl ServiceAccountKeys {
    /// A new key that lives as long as this value.
    pub fn in_memory() -> Result<Self, PkiError> {
        Ok(Self::new(SecretKey::generate(&FORM)?)?)
    }

    /// The key of a directory (the authority's, with the same rules), made where it is not there.
    pub fn open_or_create(directory: &Path) -> Result<Self, PkiError> {
        let directory = SecretDirectory::open(directory)?;
        let key = match directory.read(KEY_FILE)? {
            Some(pem) => SecretKey::from_pem(&pem, &FORM).map_err(|_| {
                corrupt(
                    &directory.path_of(KEY_FILE),
                    "not an ECDSA P-256 key in PEM",
                )
            })?,
            None => {
                let key = SecretKey::generate(&FORM)?;
                directory.write(KEY_FILE, &key.to_pem()?)?;
                key
            }
        };
        Ok(Self::new(key)?)
    }

    fn new(key: SecretKey) -> Result<Self, KeyError> {
        let key_id = URL_SAFE_NO_PAD.encode(digest(&SHA256, &key.public_der()?));
        Ok(Self(Arc::new(Inner {
            key,
            key_id,
            issuer: ISSUER.to_owned(),
            audiences: vec![ISSUER.to_owned()],
            verified: Mutex::default(),
        })))
    }

    /// Who issues the tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// For whom a token has to be, to be good for this server.
    #[must_use]
    pub fn audiences(&self) -> &[String] {
        &self.0.audiences
    }

    pub(super) fn key_id(&self) -> &str {
        &self.0.key_id
    }

    /// X and Y of the public key.
    pub(super) fn coordinates(&self) -> (&[u8], &[u8]) {
        let point = self.0.key.public_point();
        point.get(1..).unwrap_or_default().split_at(point.len() / 2)
    }

    /// Issues a token. `now` is Unix seconds.
    pub fn issue(&self, request: &TokenRequest<'_>, now: i64) -> Result<Issued, KeyError> {
        let audiences = match request.audiences {
            [] => self.audiences(),
            audiences => audiences,
        };
        let own = |audience| self.audiences().contains(audience);
        let extended = matches!(request.bound, Some(Bound::Pod { .. }))
            && request.lifetime_seconds == WARN_ONLY_SECONDS
            && audiences.iter().all(own);
        let told = now.saturating_add(request.lifetime_seconds);
        let id = uuid()?;
        let mut kubernetes = Map::new();
        kubernetes.insert("namespace".to_owned(), request.namespace.into());
        kubernetes.insert(
            "serviceaccount".to_owned(),
            reference(request.name, request.uid),
        );
        match request.bound {
            Some(Bound::Pod { name, uid, node }) => {
                kubernetes.insert("pod".to_owned(), reference(name, uid));
                if let Some((name, uid)) = node {
                    kubernetes.insert("node".to_owned(), reference(name, uid));
                }
            }
            Some(Bound::Secret { name, uid }) => {
                kubernetes.insert("secret".to_owned(), reference(name, uid));
            }
            Some(Bound::Node { name, uid }) => {
                kubernetes.insert("node".to_owned(), reference(name, uid));
            }
            None => {}
        }
        let mut expires = told;
        if extended {
            kubernetes.insert("warnafter".to_owned(), told.into());
            expires = now.saturating_add(EXTENDED_SECONDS);
        }
        let claims = json!({
            "aud": audiences,
            "exp": expires,
            "iat": now,
            "iss": self.issuer(),
            "jti": id,
            "kubernetes.io": kubernetes,
            "nbf": now,
            "sub": service_account_user(request.namespace, request.name),
        });
        Ok(Issued {
            token: sign(&claims, &self.0.key, &self.0.key_id)?.into(),
            expires: told,
            id,
        })
    }

    /// Issues a token that lives in a secret of the type `kubernetes.io/service-account-token`, and never ends.
    pub fn issue_for_secret(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
        secret: &str,
    ) -> Result<SecretString, KeyError> {
        let claims = json!({
            "iss": LEGACY_ISSUER,
            "kubernetes.io/serviceaccount/namespace": namespace,
            "kubernetes.io/serviceaccount/secret.name": secret,
            "kubernetes.io/serviceaccount/service-account.name": name,
            "kubernetes.io/serviceaccount/service-account.uid": uid,
            "sub": service_account_user(namespace, name),
        });
        Ok(sign(&claims, &self.0.key, &self.0.key_id)?.into())
    }

    /// Checks a token. `audiences`: for whom it has to be. `None`: not a token of this server's accounts at all.
    pub(crate) fn verify(
        &self,
        token: &str,
        audiences: &[String],
        now: i64,
        bound: &dyn BoundObjects,
    ) -> Result<Option<Verified>, TokenRefusal> {
        let Some(claims) = self.claims(token)? else {
            return Ok(None);
        };
        let for_whom = match claims.audiences.as_slice() {
            [] => self.audiences(),
            audiences => audiences,
        };
        let shared = audiences
            .iter()
            .filter(|audience| for_whom.contains(audience));
        let shared: Vec<String> = shared.cloned().collect();
        if shared.is_empty() {
            return Err(TokenRefusal::Audience {
                token: for_whom.to_vec(),
                wanted: audiences.to_vec(),
            });
        }
        let mut user = claims.user(token, now, bound)?;
        user.add_authenticated();
        let audiences = shared;
        Ok(Some(Verified { user, audiences }))
    }

    /// The claims of a token that this server signed.
    fn claims(&self, token: &str) -> Result<Option<Arc<Claims>>, TokenRefusal> {
        let digest = Digest::of(token.as_bytes());
        let mut verified = self
            .0
            .verified
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(claims) = verified.get(&digest) {
            return Ok(Some(Arc::clone(claims)));
        }
        drop(verified);
        let Some(parts) = Parts::split(token) else {
            return Ok(None);
        };
        let issuer = parts.claims["iss"].as_str().unwrap_or_default();
        let in_secret = issuer == LEGACY_ISSUER;
        if !in_secret && issuer != self.issuer() {
            return Ok(None);
        }
        parts.verify(self.0.key.public_point(), &self.0.key_id)?;
        let claims = Arc::new(Claims::read(&parts.claims, in_secret));
        verified = self
            .0
            .verified
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= VERIFIED_MAX {
            verified.clear();
        }
        verified.insert(digest, Arc::clone(&claims));
        Ok(Some(claims))
    }
}

#[cfg(test)]
impl ServiceAccountKeys {
    pub(super) fn sign_for_test(&self, message: &[u8]) -> Vec<u8> {
        self.0.key.sign(message).expect("a signature")
    }

    pub(super) fn issue_claims_for_test(&self, claims: &Value) -> String {
        sign(claims, &self.0.key, &self.0.key_id).expect("a token")
    }
}

fn reference(name: &str, uid: &str) -> Value {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), name.into());
    if !uid.is_empty() {
        fields.insert("uid".to_owned(), uid.into());
    }
    Value::Object(fields)
}

/// A random UUID, version 4.
fn uuid() -> Result<String, KeyError> {
    let mut bytes: [u8; 16] = random()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let groups = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    Ok(groups.join("-"))
}
