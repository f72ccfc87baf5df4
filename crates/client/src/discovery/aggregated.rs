//! Reads an `APIGroupDiscoveryList`: everything under one root in one document.
//!
//! Versions `v2` and `v2beta1` have the same shape. Does no IO. A stale version counts as failed: the
//! aggregator repeats what it once knew.

use serde::Deserialize;

use super::catalog::{Catalog, DiscoveryFailure, Group, Version, read, singular};
use crate::{error::ClientError, resource::Resource};

const KIND: &str = "APIGroupDiscoveryList";

#[derive(Deserialize)]
struct RawList {
    #[serde(default)]
    items: Vec<RawGroup>,
}

#[derive(Deserialize)]
struct RawGroup {
    #[serde(default)]
    metadata: RawMetadata,
    #[serde(default)]
    versions: Vec<RawVersion>,
}

#[derive(Deserialize, Default)]
struct RawMetadata {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct RawVersion {
    version: String,
    #[serde(default)]
    freshness: String,
    #[serde(default)]
    resources: Option<Vec<RawResource>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawResource {
    resource: String,
    response_kind: Option<RawKind>,
    #[serde(default)]
    scope: String,
    singular_resource: Option<String>,
    verbs: Option<Vec<String>>,
    short_names: Option<Vec<String>>,
    categories: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct RawKind {
    #[serde(default)]
    kind: String,
}

/// Reads one document. The first fresh version of a group is its preferred one.
pub(super) fn parse(what: &str, bytes: &[u8]) -> Result<Catalog, ClientError> {
    let list: RawList = read(what, KIND, bytes)?;
    let mut catalog = Catalog::default();
    for raw in list.items {
        let name = raw.metadata.name;
        let mut versions = Vec::with_capacity(raw.versions.len());
        for version in raw.versions {
            if version.freshness == "Stale" {
                let group_version = crate::resource::api_version(&name, &version.version);
                let reason =
                    "the server knows it only from earlier; its own server does not answer"
                        .to_owned();
                catalog.failures.push(DiscoveryFailure {
                    group_version,
                    reason,
                });
                continue;
            }
            let resources = version.resources.unwrap_or_default().into_iter();
            let resources = resources
                .filter_map(|raw| resource(&name, &version.version, raw))
                .collect();
            versions.push(Version {
                name: version.version,
                resources,
            });
        }
        if !versions.is_empty() {
            catalog.groups.push(Group { name, versions });
        }
    }
    Ok(catalog)
}

/// A resource without a kind exists only for its subresources.
fn resource(group: &str, version: &str, raw: RawResource) -> Option<Resource> {
    let kind = raw.response_kind?.kind;
    if kind.is_empty() || raw.resource.is_empty() {
        return None;
    }
    Some(Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        singular: singular(raw.singular_resource, &kind),
        plural: raw.resource,
        kind,
        namespaced: raw.scope == "Namespaced",
        verbs: raw.verbs.unwrap_or_default(),
        short_names: raw.short_names.unwrap_or_default(),
        categories: raw.categories.unwrap_or_default(),
    })
}
