//! The specification of a definition, in the form in which kube-apiserver checks it: what all versions have in common
//! (schema, subresources, columns, selectable fields) stands above them, and its faults are told there.

use super::{Fields, Props, same};
use serde_json::Value;

/// `spec`.
#[derive(Debug, Clone)]
pub(crate) struct Spec<'a> {
    fields: Fields<'a>,
    /// In their order.
    pub(crate) versions: Vec<Version<'a>>,
    /// What all versions have in common: a field that is none is told per version.
    pub(crate) common: Common<'a>,
}

/// What all versions have in common. All of it is none where there is no version.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Common<'a> {
    pub(crate) schema: Option<Fields<'a>>,
    pub(crate) subresources: Option<Fields<'a>>,
    pub(crate) columns: &'a [Value],
    pub(crate) selectable: &'a [Value],
}

/// One of `spec.versions`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version<'a> {
    /// As it was sent.
    pub(crate) fields: Fields<'a>,
    /// `schema`, unless all versions have the same.
    pub(crate) schema: Option<Fields<'a>>,
    /// `subresources`, unless all versions have the same.
    pub(crate) subresources: Option<Fields<'a>>,
    /// `additionalPrinterColumns`, unless all versions have the same.
    pub(crate) columns: &'a [Value],
    /// `selectableFields`, unless all versions have the same.
    pub(crate) selectable: &'a [Value],
}

/// `names` and `acceptedNames`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a>(pub(crate) Fields<'a>);

impl<'a> Spec<'a> {
    /// Whether there is a list of versions, if an empty one.
    pub(crate) fn has_versions(&self) -> bool {
        self.fields.get("versions").is_some()
    }

    /// The specification of a definition.
    pub(crate) fn of(crd: &'a Value) -> Self {
        let fields = Fields::of(crd.get("spec"));
        let sent: Vec<Fields<'a>> = fields
            .list("versions")
            .iter()
            .map(|version| Fields::of(Some(version)))
            .collect();
        let Some(first) = sent.first() else {
            return Self {
                fields,
                versions: Vec::new(),
                common: Common::default(),
            };
        };
        let shared = |name: &str| {
            sent.iter()
                .all(|version| same(version.get(name), first.get(name)))
        };
        let schema = shared("schema");
        let subresources = shared("subresources");
        let columns = shared("additionalPrinterColumns");
        let selectable = shared("selectableFields");
        let common = Common {
            schema: first.opt_object("schema").filter(|_| schema),
            subresources: first.opt_object("subresources").filter(|_| subresources),
            columns: if columns {
                first.list("additionalPrinterColumns")
            } else {
                &[]
            },
            selectable: if selectable {
                first.list("selectableFields")
            } else {
                &[]
            },
        };
        let own = |version: &Fields<'a>| Version {
            fields: *version,
            schema: version.opt_object("schema").filter(|_| !schema),
            subresources: version.opt_object("subresources").filter(|_| !subresources),
            columns: if columns {
                &[]
            } else {
                version.list("additionalPrinterColumns")
            },
            selectable: if selectable {
                &[]
            } else {
                version.list("selectableFields")
            },
        };
        Self {
            fields,
            versions: sent.iter().map(own).collect(),
            common,
        }
    }

    pub(crate) fn group(&self) -> &'a str {
        self.fields.text("group")
    }

    pub(crate) fn scope(&self) -> &'a str {
        self.fields.text("scope")
    }

    pub(crate) fn names(&self) -> Names<'a> {
        Names(self.fields.object("names"))
    }

    pub(crate) fn conversion(&self) -> Option<Fields<'a>> {
        self.fields.opt_object("conversion")
    }

    /// `preserveUnknownFields`, which is not given where it is false.
    pub(crate) fn preserves(&self) -> bool {
        self.fields.flag("preserveUnknownFields")
    }

    /// Every schema, with the version that has it; the common one once, without a version.
    pub(crate) fn schemas(&self) -> impl Iterator<Item = Props<'a>> + '_ {
        let common = self.common.schema.into_iter();
        common
            .chain(self.versions.iter().filter_map(|version| version.schema))
            .filter_map(root)
    }
}

impl<'a> Version<'a> {
    pub(crate) fn name(&self) -> &'a str {
        self.fields.text("name")
    }

    pub(crate) fn storage(&self) -> bool {
        self.fields.flag("storage")
    }
}

impl<'a> Names<'a> {
    pub(crate) fn plural(self) -> &'a str {
        self.0.text("plural")
    }

    pub(crate) fn singular(self) -> &'a str {
        self.0.text("singular")
    }

    pub(crate) fn kind(self) -> &'a str {
        self.0.text("kind")
    }

    pub(crate) fn list_kind(self) -> &'a str {
        self.0.text("listKind")
    }

    pub(crate) fn short_names(self) -> impl Iterator<Item = &'a str> {
        self.0.texts("shortNames")
    }

    pub(crate) fn categories(self) -> impl Iterator<Item = &'a str> {
        self.0.texts("categories")
    }
}

/// The `openAPIV3Schema` of a `schema`.
pub(crate) fn root(schema: Fields<'_>) -> Option<Props<'_>> {
    schema
        .get("openAPIV3Schema")
        .filter(|value| value.is_object())
        .map(Props::of)
}
