//! From documents to nodes: the schemas of custom resource definitions, and those that `/openapi/v3` publishes.

mod meta;
mod reader;

use crate::{NodeId, Schemas};
use reader::Reader;
use serde_json::Value;
use std::collections::BTreeMap;

/// Why a schema can't be read. Its author is told; nothing of it is used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A place that must be an object, a list, a string and so on is something else.
    #[error("{path}: must be {expected}")]
    Shape {
        /// Where in the document.
        path: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A reference leads to nothing.
    #[error("{path}: no schema {reference}")]
    Reference {
        /// Where in the document.
        path: String,
        /// The reference as written.
        reference: String,
    },
    /// Named schemas that are nothing but references to each other.
    #[error("references lead in a circle")]
    Circle,
    /// Deeper than any real schema.
    #[error("{path}: nested too deeply")]
    Depth {
        /// Where in the document.
        path: String,
    },
}

impl Schemas {
    /// Reads the `openAPIV3Schema` of one version of a definition.
    ///
    /// The root, and every embedded resource, gets [`implied`](crate::Node::implied) nodes for `apiVersion`, `kind`
    /// and `metadata`, as far as the schema doesn't describe them itself.
    pub fn from_crd(schema: &Value) -> Result<(Self, NodeId), ReadError> {
        let mut reader = Reader::new();
        let root = reader.read(schema)?;
        reader.add_meta(root);
        Ok((reader.finish()?, root))
    }

    /// Reads `components.schemas` of an `/openapi/v3` document; gives the nodes by name.
    pub fn from_openapi(
        components_schemas: &Value,
    ) -> Result<(Self, BTreeMap<String, NodeId>), ReadError> {
        let mut reader = Reader::new();
        let names = reader.read_components(components_schemas)?;
        Ok((reader.finish()?, names))
    }
}
