//! All resources that are served: the built-in ones, and those of definitions.

use crate::{object, resource::Resource, strategy};
use arc_swap::ArcSwap;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};
use tidegate_crd::Definition;
use tokio::sync::watch;

/// The resources, which change as definitions do. Reading takes no lock.
#[derive(Debug)]
pub(crate) struct Registry {
    current: ArcSwap<Resources>,
    definitions: Mutex<BTreeMap<String, (Arc<Definition>, u64)>>,
    changed: watch::Sender<u64>,
}

/// The resources of one moment.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    /// Group, version, plural name.
    by_place: HashMap<(String, String, String), Arc<Resource>>,
    /// The groups, the core first, then built-in ones, then those of definitions by name.
    pub(crate) groups: Vec<Group>,
    /// The definitions that are served.
    pub(crate) definitions: Vec<Arc<Definition>>,
    /// Counts the changes: for what is made of the resources and kept.
    pub(crate) generation: u64,
}

/// A group of resources.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// The preferred version first.
    pub(crate) versions: Vec<GroupVersion>,
}

/// One version of a group.
#[derive(Debug)]
pub(crate) struct GroupVersion {
    pub(crate) version: String,
    /// By plural name.
    pub(crate) resources: Vec<Arc<Resource>>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            current: ArcSwap::from_pointee(Resources::of(&BTreeMap::new(), 1)),
            definitions: Mutex::default(),
            changed: watch::Sender::new(1),
        }
    }
}

impl Registry {
    /// Waits until a resource is served no more. Built-in ones are for ever.
    pub(crate) async fn gone(&self, resource: &Resource) {
        if resource.bare_items {
            return std::future::pending().await;
        }
        let mut changed = self.changed.subscribe();
        let is_gone = |_: &u64| {
            let now = self.now();
            now.get(&resource.group, &resource.version, &resource.plural)
                .is_none()
        };
        // The sender lives as long as the registry.
        let _ = changed.wait_for(is_gone).await;
    }

    /// The resources now.
    pub(crate) fn now(&self) -> Arc<Resources> {
        self.current.load_full()
    }

    /// A definition has come, changed or gone. Only an established one is served.
    pub(crate) fn set_definition(&self, key: &str, bytes: Option<&[u8]>) {
        let object = bytes.and_then(|bytes| object::from_bytes(bytes).ok());
        let since = bytes.map(object::revision).unwrap_or_default();
        let definition = object.filter(is_established).and_then(|object| {
            Definition::compile(&object)
                .inspect_err(
                    |error| tracing::error!(key, %error, "a stored definition can't be served"),
                )
                .ok()
        });
        let mut definitions = self
            .definitions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = match definition {
            Some(definition) => definitions
                .insert(key.to_owned(), (Arc::new(definition), since))
                .is_some(),
            None if definitions.remove(key).is_none() => return,
            None => true,
        };
        tracing::debug!(key, known, "the resources of a definition change");
        let generation = self.current.load().generation + 1;
        self.current
            .store(Arc::new(Resources::of(&definitions, generation)));
        self.changed.send_replace(generation);
    }
}

fn is_established(definition: &Value) -> bool {
    let conditions = definition["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
}

impl Resources {
    fn of(definitions: &BTreeMap<String, (Arc<Definition>, u64)>, generation: u64) -> Self {
        let mut all = strategy::builtin::resources();
        for (definition, since) in definitions.values() {
            all.extend(strategy::custom::resources(definition, *since));
        }
        let mut resources = Self {
            definitions: definitions
                .values()
                .map(|(definition, _)| definition.clone())
                .collect(),
            generation,
            ..Self::default()
        };
        for resource in all {
            resources.add(resource);
        }
        for group in &mut resources.groups {
            group
                .versions
                .sort_by_key(|version| std::cmp::Reverse(version_priority(&version.version)));
            for version in &mut group.versions {
                version.resources.sort_by(|a, b| a.plural.cmp(&b.plural));
            }
        }
        resources
    }

    fn add(&mut self, resource: Arc<Resource>) {
        let place = (
            resource.group.clone(),
            resource.version.clone(),
            resource.plural.clone(),
        );
        self.by_place.insert(place, resource.clone());
        let group = match self
            .groups
            .iter()
            .position(|group| group.name == resource.group)
        {
            Some(at) => &mut self.groups[at],
            None => {
                let name = resource.group.clone();
                let versions = Vec::new();
                self.groups.push(Group { name, versions });
                self.groups.last_mut().expect("invariant: just pushed")
            }
        };
        let version = match group
            .versions
            .iter()
            .position(|version| version.version == resource.version)
        {
            Some(at) => &mut group.versions[at],
            None => {
                let version = resource.version.clone();
                let resources = Vec::new();
                group.versions.push(GroupVersion { version, resources });
                group.versions.last_mut().expect("invariant: just pushed")
            }
        };
        version.resources.push(resource);
    }

    /// The resource at a place.
    pub(crate) fn get(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        let place = (group.to_owned(), version.to_owned(), plural.to_owned());
        self.by_place.get(&place)
    }

    /// A group.
    pub(crate) fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// All resources.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Resource>> {
        let versions = self.groups.iter().flat_map(|group| &group.versions);
        versions.flat_map(|version| &version.resources)
    }

    /// The resource that an object of this version and kind belongs to.
    pub(crate) fn of_kind(&self, api_version: &str, kind: &str) -> Option<&Arc<Resource>> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let group = self.group(group)?;
        let version = group
            .versions
            .iter()
            .find(|found| found.version == version)?;
        version
            .resources
            .iter()
            .find(|resource| resource.kind == kind)
    }

    /// One resource for each collection: what a sweep over all objects needs.
    pub(crate) fn collections(&self) -> Vec<Arc<Resource>> {
        let mut found: BTreeMap<&str, &Arc<Resource>> = BTreeMap::new();
        for resource in self.all().filter(|resource| resource.serves("", "list")) {
            found.entry(&resource.collection).or_insert(resource);
        }
        found.into_values().cloned().collect()
    }

    /// The resource whose objects have keys that begin so.
    pub(crate) fn of_collection(&self, collection: &str) -> Option<&Arc<Resource>> {
        self.all()
            .find(|resource| resource.collection == collection && resource.serves("", "list"))
    }
}

/// Kubernetes' order of versions: stable ones before beta before alpha, the newest first of each; others last.
pub(crate) fn version_priority(version: &str) -> (u8, u64, u64, std::cmp::Reverse<String>) {
    let other = || (0, 0, 0, std::cmp::Reverse(version.to_owned()));
    let Some(rest) = version.strip_prefix('v') else {
        return other();
    };
    let (number, rank, minor) = if let Some((number, minor)) = rest.split_once("beta") {
        (number, 2, minor)
    } else if let Some((number, minor)) = rest.split_once("alpha") {
        (number, 1, minor)
    } else {
        (rest, 3, "0")
    };
    match (number.parse(), minor.parse()) {
        (Ok(number), Ok(minor)) => (rank, number, minor, std::cmp::Reverse(String::new())),
        _ => other(),
    }
}

#[cfg(test)]
mod tests {
    use super::version_priority;

    #[test]
    fn versions_have_kubernetes_order() {
        let mut versions = vec![
            "v1alpha1", "foo1", "v1", "v2beta1", "v10", "v2", "v1beta2", "foo10",
        ];
        versions.sort_by_key(|version| std::cmp::Reverse(version_priority(version)));
        assert_eq!(
            versions,
            [
                "v10", "v2", "v1", "v2beta1", "v1beta2", "v1alpha1", "foo1", "foo10"
            ]
        );
    }
}
