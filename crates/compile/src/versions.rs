//! Which release of Gateway API the server has, and whether it's the one that this program was made for.
//!
//! A class of ours refers to the definitions of the kinds that are read, so that only those are watched. Whatever they
//! say, what can be read is served: the condition is a warning.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    compiler::Compiler,
    condition::Wanted,
    graph::{Node, User},
    key::{GATEWAY_GROUP, Kind, ObjectKey},
};

/// Releases of this minor version are supported: those that conformance is tested with.
const SUPPORTED: &str = "v1.6";

impl Compiler {
    /// Takes a definition, of which release of Gateway API it says to be.
    pub(crate) fn upsert_definition(&mut self, key: ObjectKey, release: Option<&str>) {
        let release = release.map(|text| self.interner.get(text));
        let old = self.store.definitions.insert(key.clone(), release.clone());
        if old.as_ref() != Some(&release) {
            self.touch(&Node::Object(Kind::Definition, key));
        }
    }

    /// Has a class that is ours, and no other, refer to the definitions.
    pub(crate) fn refer_to_definitions(&mut self, class: &ObjectKey) {
        let form = self
            .store
            .classes
            .get(class)
            .and_then(|one| one.form.as_ref());
        let is_ours = form.is_some_and(|form| form.controller == self.options.controller_name);
        let nodes = match is_ours {
            true => definitions()
                .map(|(_, key)| Node::Object(Kind::Definition, key))
                .collect(),
            false => BTreeSet::new(),
        };
        let user = User {
            kind: Kind::GatewayClass,
            key: class.clone(),
        };
        self.graph.set(&user, nodes);
    }

    /// A class's condition. Kinds without a definition are not installed.
    pub(crate) fn supported_version(&self) -> Wanted {
        let mut releases: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut unmarked = Vec::new();
        for (kind, key) in definitions() {
            match self.store.definitions.get(&key).map(Option::as_deref) {
                Some(Some(release)) => releases.entry(release).or_default().push(kind.name()),
                Some(None) => unmarked.push(kind.name()),
                // There is a class, so there is its definition.
                None if kind == Kind::GatewayClass => {
                    let text = "the CustomResourceDefinitions of Gateway API can't be read";
                    return Wanted::unknown("SupportedVersion", "Pending", text);
                }
                None => {}
            }
        }
        if unmarked.is_empty() && releases.keys().all(|release| is_supported(release)) {
            let all: Vec<&str> = releases.into_keys().collect();
            let text = format!("Gateway API {} is supported", all.join(", "));
            return Wanted::yes("SupportedVersion", "SupportedVersion", &text);
        }
        let mut parts: Vec<String> = releases
            .iter()
            .map(|(release, kinds)| format!("{release} ({})", kinds.join(", ")))
            .collect();
        if !unmarked.is_empty() {
            parts.push(format!("no version ({})", unmarked.join(", ")));
        }
        let text = format!(
            "Gateway API {SUPPORTED} is supported, but the definitions are of {}; what can be read of them is served",
            parts.join(", ")
        );
        Wanted::no("SupportedVersion", "UnsupportedVersion", &text)
    }
}

/// The kinds of Gateway API that are read, with their definitions.
fn definitions() -> impl Iterator<Item = (Kind, ObjectKey)> {
    let kinds = Kind::ALL.into_iter();
    kinds
        .filter(|kind| kind.group() == GATEWAY_GROUP)
        .map(|kind| {
            let name: Arc<str> = format!("{}.{GATEWAY_GROUP}", kind.plural()).into();
            let namespace = "".into();
            (kind, ObjectKey { namespace, name })
        })
}

fn is_supported(release: &str) -> bool {
    release
        .strip_prefix(SUPPORTED)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
