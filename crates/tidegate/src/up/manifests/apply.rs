//! Applies objects, and deletes those that are in no file any more.
//!
//! Invariant: an object is on the list before it is applied for the first time, and leaves it after it was deleted. So
//! nothing is forgotten, whenever the process ends.

use super::{
    document::Manifest,
    inventory::{self, Identity},
    remote::{self, Remote},
};
use crate::failure::Failure;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tidegate_client::{Client, Resource};

/// What was done so far.
#[derive(Debug)]
pub(super) struct Applier {
    remote: Remote,
    /// The list, as it is on the server.
    listed: Vec<Identity>,
    /// Which manifest has become which object.
    known: BTreeMap<String, Identity>,
    /// What was said about each manifest the last time, so that it is said once.
    said: BTreeMap<String, String>,
    /// The manifests that must be tried again.
    failed: BTreeSet<String>,
    /// Whether something could not be deleted or listed.
    unfinished: bool,
}

/// What is done this time.
struct Turn<'a> {
    manifests: Vec<&'a Manifest>,
    /// Only what failed the last time.
    again: bool,
    lines: Vec<String>,
}

impl Applier {
    /// Begins with the list of an earlier run.
    pub(super) async fn new(client: Client) -> Result<Self, Failure> {
        let remote = Remote::new(client).await?;
        let listed = match remote.get(inventory::PATH).await {
            Ok(object) => inventory::from_object(&object),
            Err(refused) if refused.missing => Vec::new(),
            Err(refused) => {
                return Err(Failure::error(format!(
                    "cannot read what was applied: {}",
                    refused.message
                )));
            }
        };
        Ok(Self {
            remote,
            listed,
            known: BTreeMap::new(),
            said: BTreeMap::new(),
            failed: BTreeSet::new(),
            unfinished: false,
        })
    }

    /// Whether something failed that may succeed now.
    pub(super) fn must_try_again(&self) -> bool {
        self.unfinished || !self.failed.is_empty()
    }

    /// Applies all objects, or only those that failed; where all files are known, deletes what is in none. Gives what
    /// there is to say.
    pub(super) async fn apply(
        &mut self,
        manifests: impl Iterator<Item = &Manifest>,
        whole: bool,
        again: bool,
    ) -> Vec<String> {
        let mut turn = Turn {
            manifests: manifests.collect(),
            again,
            lines: Vec::new(),
        };
        turn.manifests.sort_by_key(|manifest| rank(&manifest.kind));
        self.unfinished = false;
        self.remote.forget_discovery();
        let places: BTreeSet<String> = turn
            .manifests
            .iter()
            .map(|manifest| manifest.place())
            .collect();
        self.known.retain(|place, _| places.contains(place));
        self.failed.retain(|place| places.contains(place));
        self.said.retain(|place, _| places.contains(place));
        for rank in FIRST..=LAST {
            self.apply_rank(&mut turn, rank).await;
        }
        if whole {
            self.prune(&mut turn).await;
        }
        turn.lines
    }

    /// Applies the objects of one rank.
    async fn apply_rank(&mut self, turn: &mut Turn<'_>, wanted: u8) {
        let mut ready = Vec::new();
        let mut list = self.listed.clone();
        let mut listed: BTreeSet<Identity> = list.iter().map(Identity::of_any_version).collect();
        for manifest in turn
            .manifests
            .iter()
            .filter(|manifest| rank(&manifest.kind) == wanted)
        {
            let place = manifest.place();
            if turn.again && !self.failed.contains(&place) {
                continue;
            }
            match self.identify(manifest).await {
                Ok((resource, identity)) => {
                    if listed.insert(identity.of_any_version()) {
                        list.push(identity.clone());
                    }
                    self.known.insert(place, identity.clone());
                    ready.push((*manifest, resource, identity));
                }
                Err(why) => self.fail(&mut turn.lines, manifest, &why),
            }
        }
        self.remember(list, &mut turn.lines).await;
        let doubles = self.doubles();
        let mut definitions = Vec::new();
        for (manifest, resource, identity) in ready {
            if let Some(first) = doubles.get(&manifest.place()) {
                let why = format!("{} is in {first} already", identity.shown());
                self.fail(&mut turn.lines, manifest, &why);
                continue;
            }
            let path = remote::path(&resource, &identity);
            let changed = self
                .apply_one(manifest, &identity, &path, &mut turn.lines)
                .await;
            if changed && identity.kind == "CustomResourceDefinition" {
                definitions.push(path);
            }
        }
        for path in definitions {
            self.remote.established(&path).await;
        }
    }

    /// Applies one object. Whether it has changed.
    async fn apply_one(
        &mut self,
        manifest: &Manifest,
        identity: &Identity,
        path: &str,
        lines: &mut Vec<String>,
    ) -> bool {
        let place = manifest.place();
        let version = |object: &Value| object.pointer("/metadata/resourceVersion").cloned();
        let before = self.remote.get(path).await.ok().as_ref().and_then(version);
        match self.remote.apply(path, manifest.json.to_string()).await {
            Err(refused) => {
                self.fail(lines, manifest, &refused.message);
                false
            }
            Ok(object) => {
                self.failed.remove(&place);
                self.said.remove(&place);
                let changed = before.is_none() || before != version(&object);
                if changed {
                    lines.push(format!("{} applied", identity.shown()));
                }
                changed
            }
        }
    }

    /// Manifests of objects that another manifest, earlier in the order of places, is too; and where that is.
    fn doubles(&self) -> BTreeMap<String, String> {
        let mut firsts = BTreeMap::new();
        let mut doubles = BTreeMap::new();
        for (place, identity) in &self.known {
            let first = *firsts.entry(identity.key()).or_insert(place);
            if first != place {
                let shown = first.rsplit_once(' ').map_or(&**first, |(place, _)| place);
                doubles.insert(place.clone(), shown.to_owned());
            }
        }
        doubles
    }

    /// Says what is wrong, once, and remembers to try again.
    fn fail(&mut self, lines: &mut Vec<String>, manifest: &Manifest, why: &str) {
        let place = manifest.place();
        let text = format!("{}:{}: {why}", manifest.file, manifest.line);
        self.failed.insert(place.clone());
        if self.said.insert(place, text.clone()).as_ref() != Some(&text) {
            lines.push(text);
        }
    }

    /// Which object of which resource a manifest is.
    async fn identify(&mut self, manifest: &Manifest) -> Result<(Resource, Identity), String> {
        let Manifest {
            api_version,
            kind,
            namespace,
            name,
            ..
        } = manifest;
        let resource = self.remote.resource(api_version, kind).await?;
        let namespace = match (resource.namespaced, &**namespace) {
            (false, _) => "",
            (true, "") => "default",
            (true, namespace) => namespace,
        };
        let identity = Identity {
            group: resource.group.clone(),
            version: resource.version.clone(),
            kind: kind.to_string(),
            namespace: namespace.to_owned(),
            name: name.to_string(),
        };
        Ok((resource, identity))
    }

    /// Deletes what was applied once and is wanted no more, the last first.
    async fn prune(&mut self, turn: &mut Turn<'_>) {
        let mut list = Vec::new();
        let known: BTreeSet<Identity> = self.known.values().map(Identity::of_any_version).collect();
        for identity in self.listed.clone().into_iter().rev() {
            if known.contains(&identity.of_any_version())
                || may_be_wanted(&identity, &turn.manifests)
            {
                list.push(identity);
                continue;
            }
            let Ok(resource) = self
                .remote
                .resource(&identity.api_version(), &identity.kind)
                .await
            else {
                // Its kind is gone, and so is it.
                continue;
            };
            match self
                .remote
                .delete(&remote::path(&resource, &identity))
                .await
            {
                Ok(true) => turn.lines.push(format!("{} deleted", identity.shown())),
                Ok(false) => {}
                Err(refused) => {
                    turn.lines.push(format!(
                        "{} cannot be deleted: {}",
                        identity.shown(),
                        refused.message
                    ));
                    self.unfinished = true;
                    list.push(identity);
                }
            }
        }
        list.reverse();
        self.remember(list, &mut turn.lines).await;
    }

    /// Keeps the list on the server.
    async fn remember(&mut self, list: Vec<Identity>, lines: &mut Vec<String>) {
        if list == self.listed {
            return;
        }
        match self
            .remote
            .apply(inventory::PATH, inventory::to_object(&list).to_string())
            .await
        {
            Ok(_) => self.listed = list,
            Err(refused) => {
                self.unfinished = true;
                lines.push(format!(
                    "the list of what was applied cannot be kept: {}",
                    refused.message
                ));
            }
        }
    }
}

/// Whether a manifest is this object as far as its text tells: its kind may not be served at the moment.
fn may_be_wanted(identity: &Identity, manifests: &[&Manifest]) -> bool {
    manifests.iter().any(|manifest| {
        let group = manifest.api_version.rsplit_once('/');
        let group = group.map_or("", |(group, _)| group);
        (group, &*manifest.kind, &*manifest.name)
            == (&*identity.group, &*identity.kind, &*identity.name)
            && (*manifest.namespace == *identity.namespace
                || manifest.namespace.is_empty()
                || identity.namespace.is_empty())
    })
}

const FIRST: u8 = 0;
const LAST: u8 = 4;

/// What others need comes first.
fn rank(kind: &str) -> u8 {
    match kind {
        "Namespace" => FIRST,
        "CustomResourceDefinition" => 1,
        "ServiceAccount" | "ClusterRole" | "Role" => 2,
        "Secret" | "ConfigMap" => 3,
        _ => LAST,
    }
}
