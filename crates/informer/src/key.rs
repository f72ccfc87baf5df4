//! What names an object inside one resource: its namespace and its name.
//!
//! A key is one shared string, `namespace/name` (`/name` for cluster-scoped objects), so cloning it is free
//! and its order is the order in which the API server lists objects.

use std::{borrow::Borrow, fmt, sync::Arc};

/// Namespace and name of an object. Cheap to clone; ordered as the API server lists.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(Arc<str>);

impl ObjectKey {
    /// A key; `namespace` is `None` or empty for cluster-scoped objects.
    pub fn new(namespace: Option<&str>, name: &str) -> Self {
        let namespace = namespace.unwrap_or_default();
        let mut text = String::with_capacity(namespace.len() + 1 + name.len());
        text.push_str(namespace);
        text.push('/');
        text.push_str(name);
        Self(text.into())
    }

    /// The namespace; `None` for cluster-scoped objects.
    pub fn namespace(&self) -> Option<&str> {
        let (namespace, _) = self.split();
        (!namespace.is_empty()).then_some(namespace)
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.split().1
    }

    /// The text by which keys are ordered: `namespace/name`.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    fn split(&self) -> (&str, &str) {
        self.0.split_once('/').unwrap_or(("", &self.0))
    }
}

impl Borrow<str> for ObjectKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// `namespace/name`, or `name` alone when cluster-scoped.
impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.strip_prefix('/').unwrap_or(&self.0))
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::ObjectKey;

    #[track_caller]
    fn check(namespace: Option<&str>, name: &str, shown: &str) {
        let key = ObjectKey::new(namespace, name);
        assert_eq!((key.namespace(), key.name()), (namespace, name));
        assert_eq!(key.to_string(), shown);
    }

    #[test]
    fn keys_split_and_show() {
        check(Some("default"), "web-1", "default/web-1");
        check(None, "node-1", "node-1");
        check(Some("n"), "", "n/");
    }

    #[test]
    fn an_empty_namespace_is_none() {
        assert_eq!(ObjectKey::new(Some(""), "x"), ObjectKey::new(None, "x"));
    }

    #[test]
    fn the_order_is_the_servers() {
        let mut keys = ["a/z", "a-b/a", "b/a", "a/b"].map(|text| {
            let (namespace, name) = text.split_once('/').expect("has a slash");
            ObjectKey::new(Some(namespace), name)
        });
        keys.sort();
        assert_eq!(
            keys.map(|key| key.to_string()),
            ["a-b/a", "a/b", "a/z", "b/a"]
        );
    }
}
