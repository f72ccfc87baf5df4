//! Reads the documents of servers without aggregated discovery: one list of versions or groups, then
//! one list of resources for each group version.
//!
//! Does no IO: [`Outline`] says what is still to be asked, and takes the answers.

use serde::Deserialize;

use super::catalog::{Catalog, DiscoveryFailure, Group, Version, read, singular};
use crate::{
    error::ClientError,
    resource::{Resource, api_version},
};

/// Groups and versions, whose resources are still to be asked for.
#[derive(Debug)]
pub(super) struct Outline {
    groups: Vec<(String, Vec<String>)>,
}

#[derive(Deserialize)]
struct RawVersions {
    #[serde(default)]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct RawGroups {
    #[serde(default)]
    groups: Vec<RawGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawGroup {
    name: String,
    #[serde(default)]
    versions: Vec<RawVersion>,
    preferred_version: Option<RawVersion>,
}

#[derive(Deserialize)]
struct RawVersion {
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
struct RawResources {
    #[serde(default)]
    resources: Option<Vec<RawResource>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawResource {
    name: String,
    singular_name: Option<String>,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    kind: String,
    verbs: Option<Vec<String>>,
    short_names: Option<Vec<String>>,
    categories: Option<Vec<String>>,
}

impl Outline {
    /// Reads `/api`.
    pub(super) fn core(bytes: &[u8]) -> Result<Self, ClientError> {
        let raw: RawVersions = read("/api", "APIVersions", bytes)?;
        Ok(Self {
            groups: vec![(String::new(), raw.versions)],
        })
    }

    /// Reads `/apis`.
    pub(super) fn named(bytes: &[u8]) -> Result<Self, ClientError> {
        let raw: RawGroups = read("/apis", "APIGroupList", bytes)?;
        let groups = raw.groups.into_iter().map(|group| {
            let mut versions: Vec<String> = group
                .versions
                .into_iter()
                .map(|version| version.version)
                .collect();
            if let Some(preferred) = group.preferred_version {
                versions.sort_by_key(|version| *version != preferred.version);
            }
            (group.name, versions)
        });
        Ok(Self {
            groups: groups.collect(),
        })
    }

    /// The paths to ask, in order.
    pub(super) fn paths(&self) -> Vec<String> {
        let path = |group: &str, version: &str| match group {
            "" => format!("/api/{version}"),
            _ => format!("/apis/{group}/{version}"),
        };
        let groups = self.groups.iter();
        groups
            .flat_map(|(group, versions)| versions.iter().map(move |version| path(group, version)))
            .collect()
    }

    /// Fills in the answers, one for each path, or why there is none.
    pub(super) fn fill(self, answers: Vec<Result<Vec<u8>, String>>) -> Catalog {
        let mut answers = answers.into_iter();
        let mut catalog = Catalog::default();
        for (group, names) in self.groups {
            let mut versions = Vec::with_capacity(names.len());
            for name in names {
                let group_version = api_version(&group, &name);
                let answer = answers
                    .next()
                    .unwrap_or_else(|| Err("it was not asked for".to_owned()));
                let parsed = answer
                    .and_then(|bytes| resources(&group, &name, &bytes).map_err(|e| e.to_string()));
                match parsed {
                    Ok(resources) => versions.push(Version { name, resources }),
                    Err(reason) => catalog.failures.push(DiscoveryFailure {
                        group_version,
                        reason,
                    }),
                }
            }
            if !versions.is_empty() {
                catalog.groups.push(Group {
                    name: group,
                    versions,
                });
            }
        }
        catalog
    }
}

fn resources(group: &str, version: &str, bytes: &[u8]) -> Result<Vec<Resource>, ClientError> {
    let raw: RawResources = read(&api_version(group, version), "APIResourceList", bytes)?;
    let collections = raw.resources.unwrap_or_default().into_iter();
    let collections = collections
        .filter(|raw| !raw.name.contains('/') && !raw.name.is_empty() && !raw.kind.is_empty());
    let resource = |raw: RawResource| Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        singular: singular(raw.singular_name, &raw.kind),
        plural: raw.name,
        kind: raw.kind,
        namespaced: raw.namespaced,
        verbs: raw.verbs.unwrap_or_default(),
        short_names: raw.short_names.unwrap_or_default(),
        categories: raw.categories.unwrap_or_default(),
    };
    Ok(collections.map(resource).collect())
}
