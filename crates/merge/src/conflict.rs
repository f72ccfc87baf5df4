//! Conflicts of server-side apply, in the words of a `Status`.

use crate::{
    error::Cause,
    fields::{FieldPath, FieldSet},
    managed::{ManagerId, Operation},
    words,
};
use std::collections::BTreeMap;

/// A field that was applied with another value than its owner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Its owner.
    pub manager: ManagerId,
    /// The field.
    pub path: FieldPath,
}

impl Conflict {
    /// All conflicts, by manager.
    pub(crate) fn all<'a>(sets: impl IntoIterator<Item = (&'a ManagerId, FieldSet)>) -> Vec<Self> {
        let mut sets: Vec<(&ManagerId, FieldSet)> = sets.into_iter().collect();
        sets.sort_by_cached_key(|(id, _)| id.sort_key());
        sets.into_iter()
            .flat_map(|(id, set)| {
                set.paths().into_iter().map(|path| Self {
                    manager: id.clone(),
                    path,
                })
            })
            .collect()
    }

    /// The cause in the details of the `Status`.
    pub fn cause(&self) -> Cause {
        Cause {
            reason: "FieldManagerConflict",
            message: format!("conflict with {}", shown(&self.manager)),
            field: self.path.to_string(),
        }
    }
}

/// The message of the `Status`.
pub(crate) fn message(conflicts: &[Conflict]) -> String {
    if let [conflict] = conflicts {
        return format!(
            "Apply failed with 1 conflict: conflict with {}: {}",
            shown(&conflict.manager),
            conflict.path
        );
    }
    let mut managers: BTreeMap<String, Vec<&Conflict>> = BTreeMap::new();
    for conflict in conflicts {
        managers
            .entry(conflict.manager.sort_key())
            .or_default()
            .push(conflict);
    }
    let mut lines = Vec::new();
    for conflicts in managers.values() {
        if let [first, ..] = conflicts.as_slice() {
            lines.push(format!("conflicts with {}:", shown(&first.manager)));
        }
        lines.extend(
            conflicts
                .iter()
                .map(|conflict| format!("- {}", conflict.path)),
        );
    }
    format!(
        "Apply failed with {} conflicts: {}",
        conflicts.len(),
        lines.join("\n")
    )
}

/// A manager as conflicts name it.
fn shown(id: &ManagerId) -> String {
    let mut out = words::quoted(&id.manager);
    if !id.subresource.is_empty() {
        out.push_str(&format!(
            " with subresource {}",
            words::quoted(&id.subresource)
        ));
    }
    if id.operation == Operation::Update {
        out.push_str(&format!(" using {}", id.api_version));
    }
    out
}
