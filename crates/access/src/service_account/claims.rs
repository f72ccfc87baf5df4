//! What a token says about its account, and whether that still holds.

use super::{
    bound::{BoundKind, BoundObjects},
    refusal::{BoundClaim, TokenRefusal},
};
use crate::{
    digest::Digest,
    user::{CREDENTIAL_ID, User, split_service_account},
};
use serde_json::Value;

/// Clocks differ.
const LEEWAY_SECONDS: i64 = 60;

const POD_NAME: &str = "authentication.kubernetes.io/pod-name";
const POD_UID: &str = "authentication.kubernetes.io/pod-uid";
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";
const NODE_UID: &str = "authentication.kubernetes.io/node-uid";

/// The claims of a token whose signature was checked.
#[derive(Debug, Clone)]
pub(crate) struct Claims {
    pub(crate) audiences: Vec<String>,
    subject: String,
    expires: Option<i64>,
    not_before: Option<i64>,
    issued: Option<i64>,
    id: String,
    binding: Binding,
}

#[derive(Debug, Clone)]
enum Binding {
    Bound {
        namespace: String,
        account: Reference,
        pod: Option<Reference>,
        secret: Option<Reference>,
        node: Option<Reference>,
    },
    InSecret {
        namespace: String,
        account: Reference,
        secret: String,
    },
}

#[derive(Debug, Clone)]
struct Reference {
    name: String,
    uid: String,
}

impl Claims {
    pub(crate) fn read(claims: &Value, in_secret: bool) -> Self {
        let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
        let binding = if in_secret {
            let legacy = |name: &str| text(&format!("kubernetes.io/serviceaccount/{name}"));
            Binding::InSecret {
                namespace: legacy("namespace"),
                account: Reference {
                    name: legacy("service-account.name"),
                    uid: legacy("service-account.uid"),
                },
                secret: legacy("secret.name"),
            }
        } else {
            let own = &claims["kubernetes.io"];
            Binding::Bound {
                namespace: own["namespace"].as_str().unwrap_or_default().to_owned(),
                account: Reference::read(&own["serviceaccount"]),
                pod: Reference::optional(&own["pod"]),
                secret: Reference::optional(&own["secret"]),
                node: Reference::optional(&own["node"]),
            }
        };
        Self {
            audiences: match &claims["aud"] {
                Value::String(one) => vec![one.clone()],
                several => {
                    let several = several.as_array().into_iter().flatten();
                    several
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect()
                }
            },
            subject: text("sub"),
            expires: date(&claims["exp"]),
            not_before: date(&claims["nbf"]),
            issued: date(&claims["iat"]),
            id: text("jti"),
            binding,
        }
    }

    /// The account as a user, if all that the token is bound to is still there.
    pub(crate) fn user(
        &self,
        token: &str,
        now: i64,
        bound: &dyn BoundObjects,
    ) -> Result<User, TokenRefusal> {
        match &self.binding {
            Binding::Bound {
                namespace,
                account,
                pod,
                secret,
                node,
            } => {
                self.check_times(now)?;
                let check = Check { bound, now };
                check.account(namespace, account)?;
                if let Some(secret) = secret {
                    check.object(BoundKind::Secret, BoundClaim::Secret, namespace, secret)?;
                }
                if let Some(pod) = pod {
                    check.object(BoundKind::Pod, BoundClaim::Pod, namespace, pod)?;
                }
                // The node of a pod is only told.
                if let (Some(node), None) = (node, pod) {
                    check.object(BoundKind::Node, BoundClaim::Node, "", node)?;
                }
                let mut user = User::service_account(namespace, &account.name, &account.uid);
                self.describe(&mut user, pod.as_ref(), node.as_ref());
                Ok(user)
            }
            Binding::InSecret {
                namespace,
                account,
                secret,
            } => self.user_of_secret(token, bound, namespace, account, secret),
        }
    }

    fn check_times(&self, now: i64) -> Result<(), TokenRefusal> {
        let later = now.saturating_add(LEEWAY_SECONDS);
        let earlier = now.saturating_sub(LEEWAY_SECONDS);
        if self.not_before.is_some_and(|from| later < from) {
            return Err(TokenRefusal::NotYetValid);
        }
        if self.expires.is_some_and(|end| earlier > end) {
            return Err(TokenRefusal::Expired);
        }
        if self.issued.is_some_and(|at| later < at) {
            return Err(TokenRefusal::IssuedInTheFuture);
        }
        Ok(())
    }

    fn describe(&self, user: &mut User, pod: Option<&Reference>, node: Option<&Reference>) {
        let mut add = |key: &str, value: String| user.extra.insert(key.to_owned(), vec![value]);
        if let Some(pod) = pod.filter(|pod| !pod.name.is_empty() && !pod.uid.is_empty()) {
            add(POD_NAME, pod.name.clone());
            add(POD_UID, pod.uid.clone());
        }
        if !self.id.is_empty() {
            add(CREDENTIAL_ID, format!("JTI={}", self.id));
        }
        if let Some(node) = node.filter(|node| !node.name.is_empty()) {
            add(NODE_NAME, node.name.clone());
            if !node.uid.is_empty() {
                add(NODE_UID, node.uid.clone());
            }
        }
    }

    /// A token that lives in a secret never ends, but goes with the secret.
    fn user_of_secret(
        &self,
        token: &str,
        bound: &dyn BoundObjects,
        namespace: &str,
        account: &Reference,
        secret: &str,
    ) -> Result<User, TokenRefusal> {
        for (name, value) in [
            ("sub", self.subject.as_str()),
            ("namespace", namespace),
            ("secretName", secret),
            ("serviceAccountName", &account.name),
            ("serviceAccountUID", &account.uid),
        ] {
            if value.is_empty() {
                return Err(TokenRefusal::NoClaim(name));
            }
        }
        if split_service_account(&self.subject) != Some((namespace, &account.name)) {
            return Err(TokenRefusal::Subject);
        }
        let found = bound.token_secret(namespace, secret);
        let found = found
            .filter(|found| !found.deleted)
            .ok_or(TokenRefusal::NoSecret)?;
        if Digest::of(&found.token) != Digest::of(token.as_bytes()) {
            return Err(TokenRefusal::OtherToken);
        }
        let uid = bound.find(BoundKind::ServiceAccount, namespace, &account.name);
        let own = uid.ok_or_else(|| TokenRefusal::NoAccount(account.name.clone()))?;
        if own.deleted.is_some() {
            return Err(TokenRefusal::LegacyAccountDeleted {
                namespace: namespace.to_owned(),
                name: account.name.clone(),
            });
        }
        account.check(BoundClaim::LegacyAccount, own.uid)?;
        if found.invalid {
            return Err(TokenRefusal::MarkedInvalid {
                namespace: namespace.to_owned(),
                secret: secret.to_owned(),
                name: account.name.clone(),
            });
        }
        Ok(User::service_account(
            namespace,
            &account.name,
            &account.uid,
        ))
    }
}

/// Compares what a token says with what there is now.
#[derive(Clone, Copy)]
struct Check<'a> {
    bound: &'a dyn BoundObjects,
    now: i64,
}

impl Check<'_> {
    fn account(self, namespace: &str, account: &Reference) -> Result<(), TokenRefusal> {
        let found = self
            .bound
            .find(BoundKind::ServiceAccount, namespace, &account.name);
        let found = found.ok_or_else(|| TokenRefusal::NoAccount(account.name.clone()))?;
        account.check(BoundClaim::Account, found.uid)?;
        if self.is_over(found.deleted) {
            return Err(TokenRefusal::AccountDeleted {
                namespace: namespace.to_owned(),
                name: account.name.clone(),
            });
        }
        Ok(())
    }

    fn object(
        self,
        kind: BoundKind,
        claim: BoundClaim,
        namespace: &str,
        reference: &Reference,
    ) -> Result<(), TokenRefusal> {
        let found = self.bound.find(kind, namespace, &reference.name);
        let found = found.ok_or(TokenRefusal::Invalidated)?;
        reference.check(claim, found.uid)?;
        if self.is_over(found.deleted) {
            return Err(TokenRefusal::Invalidated);
        }
        Ok(())
    }

    /// What is on its way out is good for a little longer.
    fn is_over(self, deleted: Option<i64>) -> bool {
        deleted.is_some_and(|at| at < self.now.saturating_sub(LEEWAY_SECONDS))
    }
}

impl Reference {
    fn read(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            name: text("name"),
            uid: text("uid"),
        }
    }

    fn optional(value: &Value) -> Option<Self> {
        value.is_object().then(|| Self::read(value))
    }

    fn check(&self, claim: BoundClaim, uid: String) -> Result<(), TokenRefusal> {
        if self.uid == uid {
            return Ok(());
        }
        let claimed = self.uid.clone();
        Err(TokenRefusal::OtherUid {
            claim,
            uid,
            claimed,
        })
    }
}

/// Seconds; parts of one are dropped.
fn date(value: &Value) -> Option<i64> {
    let whole = || {
        value
            .as_f64()
            .and_then(|seconds| format!("{seconds:.0}").parse().ok())
    };
    value.as_i64().or_else(whole)
}
