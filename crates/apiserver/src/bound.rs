//! The objects that tokens are bound to: a token ends with its object.

use crate::object::{self, Meta};
use tidegate_access::BoundObjects;
use tidegate_store::Store;

/// Looks bound objects up in the store.
#[derive(Debug)]
pub(crate) struct Bound<'a>(pub(crate) &'a Store);

impl BoundObjects for Bound<'_> {
    fn uid(&self, kind: &str, namespace: &str, name: &str) -> Option<String> {
        let collection = match kind {
            "ServiceAccount" => "serviceaccounts",
            "Pod" => "pods",
            "Secret" => "secrets",
            "Node" => "nodes",
            _ => return None,
        };
        let key = match kind {
            "Node" => format!("{collection}/{name}"),
            _ => format!("{collection}/{namespace}/{name}"),
        };
        let object = object::from_bytes(&self.0.head(&key)?.value).ok()?;
        Some(object.uid().to_owned())
    }
}
