//! What the schema says of a field that is patched.

use super::StrategicError;
use crate::words;
use tidegate_schema::{Additional, Node, Schema};

/// A place in the schema, as patches see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a>(Schema<'a>);

/// What is to be done with a list or map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    Merge,
    Replace,
    /// Maps merge, lists are replaced.
    Default,
}

/// A field: what is below it, and how it is patched.
pub(super) struct Field<'a> {
    pub(super) below: Place<'a>,
    pub(super) strategy: Strategy,
    pub(super) merge_key: &'a str,
}

impl<'a> Place<'a> {
    pub(super) fn root(schema: Schema<'a>) -> Self {
        Self(schema)
    }

    fn field(self, name: &str) -> Result<Field<'a>, StrategicError> {
        let node = self.0.node();
        let Some(property) = self.0.property(name) else {
            return Err(StrategicError::Other(no_field(node, name)));
        };
        let patch = property.node();
        let strategy = match (patch.patch_strategy.merge, patch.patch_strategy.replace) {
            (true, _) => Strategy::Merge,
            (false, true) => Strategy::Replace,
            (false, false) => Strategy::Default,
        };
        Ok(Field {
            below: Self(property),
            strategy,
            merge_key: patch.patch_merge_key.as_deref().unwrap_or_default(),
        })
    }

    /// A field that holds a map or struct.
    pub(super) fn map(self, name: &str) -> Result<Field<'a>, StrategicError> {
        self.field(name)
    }

    /// A field that holds a list; what is below is an item.
    pub(super) fn list(self, name: &str) -> Result<Field<'a>, StrategicError> {
        let field = self.field(name)?;
        let below = field.below.0.items().map_or(field.below, Self);
        Ok(Field { below, ..field })
    }

    /// Go's kind of the type.
    pub(super) fn kind(self) -> &'static str {
        if self.0.node().properties.is_empty() {
            "map"
        } else {
            "struct"
        }
    }
}

fn no_field(node: &Node, name: &str) -> String {
    if node.properties.is_empty() && node.additional != Additional::None {
        return "merging an object in json but data type is not struct, instead is: map".to_owned();
    }
    format!(
        "unable to find api field in struct for the json field {}",
        words::quoted(name)
    )
}
