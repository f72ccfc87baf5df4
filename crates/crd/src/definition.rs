//! A definition in the form in which its resources are served.

use crate::{
    columns::{Column, columns},
    view::{self, Fields, Spec, too_deep},
};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde_json::Value;
use std::{fmt, io::Write, sync::Arc};
use tidegate_rules::Rules;
use tidegate_schema::{NodeId, ReadError, Schema, Schemas};

/// Why a definition can't be served. One that was checked before it was stored has none of these.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// There is no `spec`.
    #[error("no spec")]
    NoSpec,
    /// Schemas inside schemas, deeper than any real one.
    #[error("the schema of version {version} is nested too deeply")]
    Depth {
        /// Which version.
        version: String,
    },
    /// A schema that makes no sense.
    #[error("the schema of version {version}")]
    Schema {
        /// Which version.
        version: String,
        /// What is wrong with it.
        #[source]
        source: ReadError,
    },
}

/// What a definition says of its resources.
#[derive(Debug)]
pub struct Definition {
    /// The API group.
    pub group: String,
    /// Names, as accepted by the specification.
    pub names: Names,
    /// Whether resources live in namespaces.
    pub namespaced: bool,
    /// Fields that the schema doesn't know are kept: only in definitions of old.
    pub preserve_unknown_fields: bool,
    /// In the order of the definition.
    pub versions: Vec<Version>,
}

/// The names of a definition's resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// As in paths.
    pub plural: String,
    /// For people.
    pub singular: String,
    /// As in objects.
    pub kind: String,
    /// Of lists.
    pub list_kind: String,
    /// For people in a hurry.
    pub short_names: Vec<String>,
    /// Groups of resources, such as `all`.
    pub categories: Vec<String>,
}

/// One version of the resources.
pub struct Version {
    /// `v1` and so on.
    pub name: String,
    /// Whether there are paths for it.
    pub served: bool,
    /// Whether objects are stored in it.
    pub storage: bool,
    /// Whether its users are warned.
    pub deprecated: bool,
    /// The warning, where it isn't the usual one.
    pub deprecation_warning: Option<String>,
    /// The arena of its schema.
    pub schemas: Arc<Schemas>,
    /// The resource in that arena.
    pub root: NodeId,
    /// The rules of the schema.
    pub rules: Rules,
    /// Whether status is a subresource.
    pub status: bool,
    /// Where the scale subresource finds its numbers, if there is one.
    pub scale: Option<Scale>,
    /// What `kubectl get` shows: the name first.
    pub columns: Vec<Column>,
    /// Paths that field selectors may use: `.spec.color`.
    pub selectable_fields: Vec<String>,
    /// The schema as it was written: only publishing needs it.
    written: Option<Written>,
}

/// The scale subresource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// Where the wanted number is: `.spec.replicas`.
    pub spec_replicas_path: String,
    /// Where the present number is.
    pub status_replicas_path: String,
    /// Where the selector of the pods is, as text.
    pub label_selector_path: Option<String>,
}

impl Definition {
    /// Compiles a stored definition. Rules that don't compile are kept, and fail the objects that they are asked about.
    pub fn compile(crd: &Value) -> Result<Self, CompileError> {
        if !crd.get("spec").is_some_and(Value::is_object) {
            return Err(CompileError::NoSpec);
        }
        let spec = Spec::of(crd);
        let names = spec.names();
        let owned = |texts: &mut dyn Iterator<Item = &str>| texts.map(str::to_owned).collect();
        Ok(Self {
            group: spec.group().to_owned(),
            names: Names {
                plural: names.plural().to_owned(),
                singular: names.singular().to_owned(),
                kind: names.kind().to_owned(),
                list_kind: names.list_kind().to_owned(),
                short_names: owned(&mut names.short_names()),
                categories: owned(&mut names.categories()),
            },
            namespaced: spec.scope() == "Namespaced",
            preserve_unknown_fields: spec.preserves(),
            versions: spec
                .versions
                .iter()
                .map(compile_version)
                .collect::<Result<_, _>>()?,
        })
    }
}

fn compile_version(version: &view::Version<'_>) -> Result<Version, CompileError> {
    let fields = version.fields;
    let name = version.name().to_owned();
    let written = fields.object("schema").get("openAPIV3Schema");
    if written.is_some_and(too_deep) {
        return Err(CompileError::Depth { version: name });
    }
    // Without a schema nothing is known, and so everything is kept.
    let open =
        serde_json::json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let (schemas, root) =
        Schemas::from_crd(written.unwrap_or(&open)).map_err(|source| CompileError::Schema {
            version: name.clone(),
            source,
        })?;
    let rules = Rules::compile(schemas.get(root));
    let subresources = fields.object("subresources");
    let scale = |scale: Fields<'_>| Scale {
        spec_replicas_path: scale.text("specReplicasPath").to_owned(),
        status_replicas_path: scale.text("statusReplicasPath").to_owned(),
        label_selector_path: scale
            .opt_text("labelSelectorPath")
            .filter(|path| !path.is_empty())
            .map(str::to_owned),
    };
    let selectable = fields.list("selectableFields").iter();
    Ok(Version {
        name,
        served: fields.flag("served"),
        storage: fields.flag("storage"),
        deprecated: fields.flag("deprecated"),
        deprecation_warning: fields.opt_text("deprecationWarning").map(str::to_owned),
        schemas: Arc::new(schemas),
        root,
        rules,
        status: subresources.opt_object("status").is_some(),
        scale: subresources.opt_object("scale").map(scale),
        columns: columns(fields.list("additionalPrinterColumns")),
        selectable_fields: selectable
            .map(|field| Fields::of(Some(field)).text("jsonPath").to_owned())
            .collect(),
        written: written.map(Written::of),
    })
}

impl Version {
    /// The resource's schema.
    pub fn root(&self) -> Schema<'_> {
        self.schemas.get(self.root)
    }

    /// The schema as it was written.
    pub fn schema(&self) -> Option<Value> {
        self.written.as_ref()?.read()
    }
}

/// JSON at rest.
enum Written {
    Plain(Vec<u8>),
    Packed(Vec<u8>),
}

impl Written {
    /// Shorter texts than this aren't worth the packing.
    const PLAIN_MAX: usize = 4096;

    fn of(schema: &Value) -> Self {
        let text = schema.to_string().into_bytes();
        if text.len() <= Self::PLAIN_MAX {
            return Self::Plain(text);
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        match encoder.write_all(&text).and_then(|()| encoder.finish()) {
            Ok(packed) => Self::Packed(packed),
            Err(_) => Self::Plain(text),
        }
    }

    fn read(&self) -> Option<Value> {
        match self {
            Self::Plain(text) => serde_json::from_slice(text).ok(),
            Self::Packed(packed) => {
                serde_json::from_reader(DeflateDecoder::new(packed.as_slice())).ok()
            }
        }
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Version")
            .field("name", &self.name)
            .field("served", &self.served)
            .finish_non_exhaustive()
    }
}
