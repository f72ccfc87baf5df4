//! From a user's words and what the server serves to the collections to watch. Does no IO.

use super::{
    event::ResourceId,
    plan::{Plan, Scope, Wanted, Word},
};
use crate::failure::Failure;
use std::{collections::HashSet, sync::Arc};
use tidegate_client::{Discovery, Gvr, Resource};

/// One collection, or part of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) resource: Arc<ResourceId>,
    pub(super) namespace: Option<String>,
    pub(super) labels: Option<String>,
    pub(super) fields: Option<String>,
}

impl Target {
    pub(super) fn gvr(&self) -> Gvr {
        Gvr::new(
            &*self.resource.group,
            &*self.resource.version,
            &*self.resource.plural,
        )
    }
}

/// What a plan comes to at this moment.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) targets: Vec<Target>,
    /// Qualified names that nothing has yet.
    pub(super) awaited: Vec<Word>,
}

pub(super) fn resolve(
    plan: &Plan,
    discovery: &Discovery,
    default_namespace: &str,
) -> Result<Resolved, Failure> {
    match &plan.wanted {
        Wanted::Everything => {
            let everything = discovery.listable();
            let targets = everything
                .into_iter()
                .map(|resource| target(plan, resource, None, default_namespace));
            Ok(Resolved {
                targets: targets.collect(),
                awaited: Vec::new(),
            })
        }
        Wanted::Words(words) => resolve_words(plan, discovery, words, default_namespace),
    }
}

/// As [`resolve`], for some of a plan's words.
pub(super) fn resolve_words(
    plan: &Plan,
    discovery: &Discovery,
    words: &[Word],
    default_namespace: &str,
) -> Result<Resolved, Failure> {
    let mut resolved = Resolved::default();
    let mut seen = HashSet::new();
    for word in words {
        let found = match discovery.resolve(&word.resource) {
            Ok(found) => found,
            // A group that isn't there may come; a plain word that means nothing is a mistake.
            Err(_) if word.resource.contains('.') => {
                resolved.awaited.push(word.clone());
                continue;
            }
            Err(error) => return Err(Failure::error(error)),
        };
        let watchable: Vec<&Resource> = found
            .iter()
            .filter(|resource| is_watchable(resource))
            .collect();
        if watchable.is_empty() {
            return Err(Failure::new(format!(
                "Error from server (MethodNotAllowed): the server does not allow {} to be listed and watched",
                word.resource
            )));
        }
        for resource in watchable {
            let target = target(plan, resource, word.name.as_deref(), default_namespace);
            if seen.insert(target.clone()) {
                resolved.targets.push(target);
            }
        }
    }
    Ok(resolved)
}

fn is_watchable(resource: &Resource) -> bool {
    resource.allows("list") && resource.allows("watch")
}

fn target(plan: &Plan, resource: &Resource, name: Option<&str>, default_namespace: &str) -> Target {
    let namespace = match &plan.scope {
        _ if !resource.namespaced => None,
        Scope::All => None,
        Scope::Namespace(name) => Some(name.clone()),
        Scope::Default => Some(default_namespace.to_owned()),
    };
    Target {
        resource: Arc::new(resource_id(resource)),
        namespace,
        labels: plan.labels.clone(),
        fields: name
            .map(|name| format!("metadata.name={name}"))
            .or_else(|| plan.fields.clone()),
    }
}

fn resource_id(resource: &Resource) -> ResourceId {
    let singular = if resource.singular.is_empty() {
        resource.kind.to_lowercase()
    } else {
        resource.singular.clone()
    };
    ResourceId {
        group: resource.group.clone(),
        version: resource.version.clone(),
        plural: resource.plural.clone(),
        singular,
        kind: resource.kind.clone(),
    }
}

/// What is new in `now`. A resource that is watched in another version, which is still served,
/// stays as it is: its objects are the same.
pub(super) fn newcomers(
    watched: &[Target],
    now: Vec<Target>,
    discovery: &Discovery,
) -> Vec<Target> {
    let covered = |target: &Target| {
        watched.iter().any(|known| {
            let same = (&known.resource.group, &known.resource.plural)
                == (&target.resource.group, &target.resource.plural);
            same && (known.resource.version == target.resource.version
                || discovery.find(&known.gvr()).is_some())
        })
    };
    now.into_iter().filter(|target| !covered(target)).collect()
}
