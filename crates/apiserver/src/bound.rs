//! The objects that tokens are bound to: a token ends with its object.

use crate::{
    clock,
    object::{self, Meta},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use tidegate_access::{BoundKind, BoundObject, BoundObjects, TokenSecret};
use tidegate_store::Store;

/// Looks bound objects up in the store.
#[derive(Debug)]
pub(crate) struct Bound<'a>(pub(crate) &'a Store);

impl Bound<'_> {
    fn object(&self, key: &str) -> Option<Value> {
        object::from_bytes(&self.0.head(key)?.value).ok()
    }
}

impl BoundObjects for Bound<'_> {
    fn find(&self, kind: BoundKind, namespace: &str, name: &str) -> Option<BoundObject> {
        let key = match kind {
            BoundKind::ServiceAccount => format!("serviceaccounts/{namespace}/{name}"),
            BoundKind::Pod => format!("pods/{namespace}/{name}"),
            BoundKind::Secret => format!("secrets/{namespace}/{name}"),
            BoundKind::Node => format!("nodes/{name}"),
        };
        let object = self.object(&key)?;
        Some(BoundObject {
            uid: object.uid().to_owned(),
            deleted: clock::parse(object.meta_text("deletionTimestamp")),
        })
    }

    fn token_secret(&self, namespace: &str, name: &str) -> Option<TokenSecret> {
        let secret = self.object(&format!("secrets/{namespace}/{name}"))?;
        if secret["type"] != "kubernetes.io/service-account-token" {
            return None;
        }
        let token = secret["data"]["token"].as_str()?;
        let invalid = secret.pointer("/metadata/labels/kubernetes.io~1legacy-token-invalid-since");
        Some(TokenSecret {
            token: STANDARD.decode(token).ok()?,
            deleted: secret.is_being_deleted(),
            invalid: invalid.is_some(),
        })
    }
}
