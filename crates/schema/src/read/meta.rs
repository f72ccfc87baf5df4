//! The nodes of what every resource has: `apiVersion`, `kind` and ObjectMeta.

use super::reader::Reader;
use crate::{Additional, ListType, MapType, Node, NodeId, PatchStrategy, Type};
use std::collections::BTreeMap;

impl Reader {
    /// Puts the implied nodes into a resource, beside those that its schema has.
    pub(super) fn add_meta(&mut self, resource: NodeId) {
        for name in ["apiVersion", "kind"] {
            if self.property(resource, name).is_none() {
                let node = self.scalar(Type::String, None);
                self.put(resource, name, node);
            }
        }
        let metadata = match self.property(resource, "metadata") {
            Some(metadata) => metadata,
            None => {
                let node = self.add(implied(Type::Object));
                self.put(resource, "metadata", node);
                node
            }
        };
        for (name, node) in self.object_meta() {
            if self.property(metadata, &name).is_none() {
                self.put(metadata, &name, node);
            }
        }
    }

    /// ObjectMeta's properties, made once for a document.
    fn object_meta(&mut self) -> BTreeMap<Box<str>, NodeId> {
        if let Some(made) = &self.object_meta {
            return made.clone();
        }
        let string = self.scalar(Type::String, None);
        let integer = self.scalar(Type::Integer, Some("int64"));
        let time = self.scalar(Type::String, Some("date-time"));
        let map = self.add(Node {
            additional: Additional::Schema(string),
            ..implied(Type::Object)
        });
        let finalizers = self.add(Node {
            items: Some(string),
            list_type: ListType::Set,
            patch_strategy: PatchStrategy {
                merge: true,
                ..PatchStrategy::default()
            },
            ..implied(Type::Array)
        });
        let owners = self.owner_references(string);
        let managed = self.managed_fields(string, time);
        let made = properties(&[
            ("annotations", map),
            ("creationTimestamp", time),
            ("deletionGracePeriodSeconds", integer),
            ("deletionTimestamp", time),
            ("finalizers", finalizers),
            ("generateName", string),
            ("generation", integer),
            ("labels", map),
            ("managedFields", managed),
            ("name", string),
            ("namespace", string),
            ("ownerReferences", owners),
            ("resourceVersion", string),
            ("selfLink", string),
            ("uid", string),
        ]);
        self.object_meta.insert(made).clone()
    }

    fn owner_references(&mut self, string: NodeId) -> NodeId {
        let boolean = self.scalar(Type::Boolean, None);
        let required = ["apiVersion", "kind", "name", "uid"];
        let item = self.add(Node {
            properties: properties(&[
                ("apiVersion", string),
                ("blockOwnerDeletion", boolean),
                ("controller", boolean),
                ("kind", string),
                ("name", string),
                ("uid", string),
            ]),
            required: required.map(Into::into).into(),
            map_type: MapType::Atomic,
            ..implied(Type::Object)
        });
        self.add(Node {
            items: Some(item),
            list_type: ListType::Map,
            list_map_keys: vec!["uid".into()],
            patch_strategy: PatchStrategy {
                merge: true,
                ..PatchStrategy::default()
            },
            patch_merge_key: Some("uid".into()),
            ..implied(Type::Array)
        })
    }

    fn managed_fields(&mut self, string: NodeId, time: NodeId) -> NodeId {
        let fields = self.add(Node {
            preserve_unknown_fields: true,
            ..implied(Type::Object)
        });
        let item = self.add(Node {
            properties: properties(&[
                ("apiVersion", string),
                ("fieldsType", string),
                ("fieldsV1", fields),
                ("manager", string),
                ("operation", string),
                ("subresource", string),
                ("time", time),
            ]),
            ..implied(Type::Object)
        });
        self.add(Node {
            items: Some(item),
            ..implied(Type::Array)
        })
    }

    fn scalar(&mut self, r#type: Type, format: Option<&str>) -> NodeId {
        self.add(Node {
            format: format.map(Into::into),
            ..implied(r#type)
        })
    }
}

fn implied(r#type: Type) -> Node {
    Node {
        r#type,
        implied: true,
        ..Node::default()
    }
}

fn properties(list: &[(&str, NodeId)]) -> BTreeMap<Box<str>, NodeId> {
    list.iter()
        .map(|(name, id)| ((*name).into(), *id))
        .collect()
}
