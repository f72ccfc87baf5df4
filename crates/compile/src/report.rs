//! Statuses: what each object should say, compared with what it says.
//!
//! Rules, all of Gateway API's: conditions are merged by type, and those of others stay; an entry of another controller
//! in a shared list stays; nothing is written that is already there; nothing is written over what was seen later.

mod infrastructure;
mod shared;
mod top;

use std::sync::Arc;

use serde_json::Value;

use crate::{
    compiler::Compiler,
    condition::{Condition, Moment, Wanted, is_ahead, merge},
    key::{Kind, ObjectKey},
    object::Meta,
    output::StatusUpdate,
};

/// Condition types that are ours, on everything.
pub(crate) const OURS: &[&str] = &[
    "Accepted",
    "Programmed",
    "ResolvedRefs",
    "Conflicted",
    "PartiallyInvalid",
    "OverlappingTLSConfig",
    "InsecureFrontendValidationMode",
    "SupportedVersion",
];

/// A status as it's to be written: all of it, and what of it is ours.
struct Written {
    status: Arc<str>,
    owned: Arc<str>,
}

impl Written {
    fn new(status: &Value, owned: &Value) -> Self {
        Self {
            status: status.to_string().into(),
            owned: owned.to_string().into(),
        }
    }

    /// All of it is ours to write.
    fn whole(status: &Value) -> Self {
        let status: Arc<str> = status.to_string().into();
        Self {
            owned: status.clone(),
            status,
        }
    }
}

impl Compiler {
    /// All statuses that have to be written.
    pub(crate) fn report(&mut self, now_s: i64) -> Vec<StatusUpdate> {
        let mut updates = Vec::new();
        for (kind, key) in std::mem::take(&mut self.dirty.statuses) {
            let update = match kind {
                Kind::GatewayClass => self.report_class(&key, now_s),
                Kind::Gateway => self.report_gateway(&key, now_s),
                Kind::ListenerSet => self.report_set(&key, now_s),
                Kind::Backend => self.report_backend(&key, now_s),
                Kind::HttpRoute => self.report_route(&key, now_s),
                Kind::BackendTlsPolicy => self.report_policy(&key, now_s),
                _ => None,
            };
            updates.extend(update);
        }
        updates
    }

    /// Merges conditions; `None` when somebody who knows a newer generation wrote them.
    fn merged(
        &mut self,
        stored: &[Condition],
        wanted: &[Wanted],
        moment: Moment,
    ) -> Option<Vec<Condition>> {
        if is_ahead(stored, OURS, moment.generation) {
            return None;
        }
        Some(merge(stored, wanted, OURS, moment, &mut self.interner))
    }
}

fn update(kind: Kind, key: &ObjectKey, meta: &Meta, written: Written) -> StatusUpdate {
    StatusUpdate {
        kind,
        key: key.clone(),
        uid: meta.uid.clone(),
        resource_version: meta.version.clone(),
        generation: meta.generation,
        status: written.status,
        owned: written.owned,
    }
}
