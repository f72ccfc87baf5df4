//! The one event type that everything in `tidegate watch` speaks: what happened to which object.
//!
//! Bodies are JSON bytes as the informer kept them and are parsed at most once, when somebody
//! looks inside. Knows nothing of informers, outputs or hooks.
//!
//! Invariant: `Synced` has no object; every other event has one.

use bytes::Bytes;
use serde_json::Value;
use std::{
    fmt,
    sync::{Arc, OnceLock},
};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum EventKind {
    Added,
    Modified,
    Deleted,
    Synced,
}

impl EventKind {
    /// The word that users see and filter by.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
            Self::Synced => "SYNCED",
        }
    }
}

/// The resource that an event belongs to, as discovery names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ResourceId {
    /// Empty for the core group.
    pub(crate) group: String,
    pub(crate) version: String,
    /// Plural, lower case.
    pub(crate) plural: String,
    /// Lower case, for `pod/nginx`.
    pub(crate) singular: String,
    pub(crate) kind: String,
}

impl ResourceId {
    /// `v1/pods`, `apps/v1/deployments`: unambiguous, and splits at slashes.
    pub(crate) fn gvr(&self) -> String {
        if self.group.is_empty() {
            format!("{}/{}", self.version, self.plural)
        } else {
            format!("{}/{}/{}", self.group, self.version, self.plural)
        }
    }

    /// `pods`, `deployments.apps`: how kubectl writes a resource.
    pub(crate) fn qualified_plural(&self) -> String {
        qualified(&self.plural, &self.group)
    }

    /// `pod`, `deployment.apps`: the left half of `-o name`.
    pub(crate) fn qualified_singular(&self) -> String {
        qualified(&self.singular, &self.group)
    }

    /// Secrets are shown with care.
    pub(crate) fn is_secret(&self) -> bool {
        self.group.is_empty() && self.plural == "secrets"
    }
}

fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() {
        name.to_owned()
    } else {
        format!("{name}.{group}")
    }
}

/// One object: its JSON, and its parsed form from the first look on.
pub(crate) struct Body {
    json: Bytes,
    parsed: OnceLock<Value>,
}

impl Body {
    pub(crate) fn new(json: Bytes) -> Self {
        Self {
            json,
            parsed: OnceLock::new(),
        }
    }

    pub(crate) fn json(&self) -> &Bytes {
        &self.json
    }

    /// The parsed object; `null` where the bytes are no JSON, which no API server sends.
    pub(crate) fn value(&self) -> &Value {
        self.parsed
            .get_or_init(|| serde_json::from_slice(&self.json).unwrap_or(Value::Null))
    }

    pub(crate) fn name(&self) -> &str {
        self.metadata("name")
    }

    pub(crate) fn namespace(&self) -> &str {
        self.metadata("namespace")
    }

    pub(crate) fn uid(&self) -> &str {
        self.metadata("uid")
    }

    fn metadata(&self, field: &str) -> &str {
        self.value()["metadata"][field].as_str().unwrap_or_default()
    }
}

impl fmt::Debug for Body {
    /// Names only: a body may hold a Secret, and debug output ends in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("bytes", &self.json.len())
            .finish_non_exhaustive()
    }
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub(crate) struct WatchEvent {
    pub(crate) kind: EventKind,
    pub(crate) resource: Arc<ResourceId>,
    /// Part of the first full picture rather than a change since.
    pub(crate) initial: bool,
    /// The deletion itself was missed; `object` is the last form that was seen.
    pub(crate) final_state_unknown: bool,
    pub(crate) object: Option<Arc<Body>>,
    /// Only with `Modified`.
    pub(crate) old: Option<Arc<Body>>,
}

impl WatchEvent {
    pub(crate) fn synced(resource: Arc<ResourceId>) -> Self {
        Self {
            kind: EventKind::Synced,
            resource,
            initial: true,
            final_state_unknown: false,
            object: None,
            old: None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.object.as_ref().map_or("", |body| body.name())
    }

    pub(crate) fn namespace(&self) -> &str {
        self.object.as_ref().map_or("", |body| body.namespace())
    }

    /// The object's place in the API: `/api/v1/namespaces/default/pods/nginx`.
    pub(crate) fn path(&self) -> String {
        let resource = &self.resource;
        let root = if resource.group.is_empty() {
            format!("/api/{}", resource.version)
        } else {
            format!("/apis/{}/{}", resource.group, resource.version)
        };
        let namespace = match self.namespace() {
            "" => String::new(),
            namespace => format!("/namespaces/{namespace}"),
        };
        match self.name() {
            "" => format!("{root}{namespace}/{}", resource.plural),
            name => format!("{root}{namespace}/{}/{name}", resource.plural),
        }
    }

    /// Events of one object share this key, and only they do.
    pub(crate) fn object_key(&self) -> String {
        format!(
            "{}\u{0}{}\u{0}{}",
            self.resource.gvr(),
            self.namespace(),
            self.name()
        )
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Short ways to make events in tests.

    use super::{Body, EventKind, ResourceId, WatchEvent};
    use bytes::Bytes;
    use serde_json::Value;
    use std::sync::Arc;

    pub(crate) fn resource(kind: &str, plural: &str, group: &str) -> Arc<ResourceId> {
        Arc::new(ResourceId {
            group: group.to_owned(),
            version: "v1".to_owned(),
            plural: plural.to_owned(),
            singular: kind.to_lowercase(),
            kind: kind.to_owned(),
        })
    }

    pub(crate) fn pods() -> Arc<ResourceId> {
        resource("Pod", "pods", "")
    }

    pub(crate) fn body(value: &Value) -> Arc<Body> {
        Arc::new(Body::new(Bytes::from(value.to_string())))
    }

    pub(crate) fn event(kind: EventKind, resource: &Arc<ResourceId>, object: &Value) -> WatchEvent {
        WatchEvent {
            kind,
            resource: Arc::clone(resource),
            initial: false,
            final_state_unknown: false,
            object: Some(body(object)),
            old: None,
        }
    }

    pub(crate) fn modified(resource: &Arc<ResourceId>, old: &Value, new: &Value) -> WatchEvent {
        WatchEvent {
            old: Some(body(old)),
            ..event(EventKind::Modified, resource, new)
        }
    }
}
