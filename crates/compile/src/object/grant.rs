//! ReferenceGrants: which references may cross into a namespace.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::reference::Reference;
use crate::{intern::Interner, key::Kind};

#[derive(Deserialize)]
struct RawGrant {
    #[serde(default)]
    from: Option<Vec<RawFrom>>,
    #[serde(default)]
    to: Option<Vec<RawTo>>,
}

#[derive(Deserialize)]
struct RawFrom {
    #[serde(default)]
    group: String,
    kind: String,
    namespace: String,
}

#[derive(Deserialize)]
struct RawTo {
    #[serde(default)]
    group: String,
    kind: String,
    #[serde(default)]
    name: Option<String>,
}

/// What a grant allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    from: Box<[From]>,
    to: Box<[To]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct From {
    group: Arc<str>,
    kind: Arc<str>,
    namespace: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct To {
    group: Arc<str>,
    kind: Arc<str>,
    /// `None` is every name.
    name: Option<Arc<str>>,
}

impl Grant {
    pub(crate) fn read(spec: Option<&RawValue>, interner: &mut Interner) -> Result<Self, String> {
        let raw: RawGrant = super::read(spec)?;
        let from = raw.from.unwrap_or_default();
        let to = raw.to.unwrap_or_default();
        Ok(Self {
            from: from
                .iter()
                .map(|one| From {
                    group: interner.get(&one.group),
                    kind: interner.get(&one.kind),
                    namespace: interner.get(&one.namespace),
                })
                .collect(),
            to: to
                .iter()
                .map(|one| To {
                    group: interner.get(&one.group),
                    kind: interner.get(&one.kind),
                    name: one
                        .name
                        .as_deref()
                        .filter(|name| !name.is_empty())
                        .map(|name| interner.get(name)),
                })
                .collect(),
        })
    }

    /// Whether an object of a kind in a namespace may refer to this.
    pub(crate) fn allows(&self, from: Kind, namespace: &str, to: &Reference) -> bool {
        self.from.iter().any(|one| {
            &*one.group == from.group() && &*one.kind == from.name() && &*one.namespace == namespace
        }) && self.to.iter().any(|one| {
            one.group == to.group
                && one.kind == to.kind
                && one.name.as_ref().is_none_or(|name| *name == to.key.name)
        })
    }
}
