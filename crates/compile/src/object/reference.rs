//! References from one object to another.

use std::sync::Arc;

use serde::Deserialize;

use crate::{
    intern::Interner,
    key::{GATEWAY_GROUP, Kind, ObjectKey},
};

/// A reference as it is written, whichever kind it is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawReference {
    #[serde(default)]
    pub(crate) group: Option<String>,
    #[serde(default)]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) section_name: Option<String>,
    #[serde(default)]
    pub(crate) port: Option<u16>,
}

/// A reference from a known place to an object of some kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reference {
    pub(crate) group: Arc<str>,
    pub(crate) kind: Arc<str>,
    pub(crate) key: ObjectKey,
    pub(crate) port: Option<u16>,
}

impl RawReference {
    /// With the defaults of group and kind, from an object in `home`.
    pub(crate) fn keep(
        &self,
        group: &str,
        kind: &str,
        home: &str,
        interner: &mut Interner,
    ) -> Reference {
        Reference {
            group: interner.get(self.group.as_deref().unwrap_or(group)),
            kind: interner.get(self.kind.as_deref().unwrap_or(kind)),
            key: interner.key(self.namespace.as_deref().unwrap_or(home), &self.name),
            port: self.port,
        }
    }
}

impl Reference {
    /// The kind, where it's one that the compiler reads.
    pub(crate) fn known(&self, among: &[Kind]) -> Option<Kind> {
        among
            .iter()
            .copied()
            .find(|kind| kind.group() == &*self.group && kind.name() == &*self.kind)
    }

    /// For messages.
    pub(crate) fn text(&self) -> String {
        if self.group.is_empty() {
            format!("{} {}", self.kind, self.key)
        } else {
            format!("{}.{} {}", self.kind, self.group, self.key)
        }
    }
}

/// A route's reference to a Gateway or a ListenerSet, echoed in its status as it is in its spec.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ParentRef {
    pub(crate) group: Arc<str>,
    pub(crate) kind: Arc<str>,
    pub(crate) namespace: Option<Arc<str>>,
    pub(crate) name: Arc<str>,
    pub(crate) section: Option<Arc<str>>,
    pub(crate) port: Option<u16>,
}

impl ParentRef {
    pub(crate) fn new(raw: &RawReference, interner: &mut Interner) -> Self {
        Self {
            group: interner.get(raw.group.as_deref().unwrap_or(GATEWAY_GROUP)),
            kind: interner.get(raw.kind.as_deref().unwrap_or("Gateway")),
            namespace: raw.namespace.as_deref().map(|text| interner.get(text)),
            name: interner.get(&raw.name),
            section: raw.section_name.as_deref().map(|text| interner.get(text)),
            port: raw.port,
        }
    }

    /// Whom it names, where that is something that routes can be attached to.
    pub(crate) fn parent(&self, home: &Arc<str>) -> Option<(Kind, ObjectKey)> {
        let kind = [Kind::Gateway, Kind::ListenerSet]
            .into_iter()
            .find(|kind| kind.group() == &*self.group && kind.name() == &*self.kind)?;
        let namespace = self.namespace.clone().unwrap_or_else(|| home.clone());
        let name = self.name.clone();
        Some((kind, ObjectKey { namespace, name }))
    }
}
