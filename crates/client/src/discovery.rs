//! What a server serves: all groups, versions and resources, as one immutable value.
//!
//! A group version that cannot be read (its aggregated API server is away) is listed among the
//! failures and harms no other. Reading documents and choosing among names does no IO; only
//! [`Discovery::fetch`] and [`Discovery::refresh`] ask the server.

mod aggregated;
mod catalog;
mod fetch;
mod legacy;
mod resolve;
mod suggest;

use std::{collections::HashSet, sync::Arc};

use http::HeaderValue;

use self::catalog::{Catalog, Group};
pub use self::{catalog::DiscoveryFailure, resolve::ResolveError};
use crate::{
    client::Client,
    error::ClientError,
    resource::{Gvr, Resource},
};

/// Everything that a server serves, in the order in which `kubectl` would choose: the core group,
/// then the groups as the server lists them, in each the preferred version first.
#[derive(Debug, Clone)]
pub struct Discovery {
    core: Root,
    named: Root,
}

/// One of the two documents that list groups: `/api` or `/apis`.
#[derive(Debug, Clone, Default)]
struct Root {
    etag: Option<HeaderValue>,
    catalog: Arc<Catalog>,
}

impl Discovery {
    /// Asks the server: two requests where it has aggregated discovery (1.27 and later), else one
    /// for each group version as well. Fails only if a list of groups cannot be had.
    pub async fn fetch(client: &Client) -> Result<Self, ClientError> {
        let nothing = Self {
            core: Root::default(),
            named: Root::default(),
        };
        fetch::fetch(client, &nothing).await
    }

    /// Asks again, and gives the new state if it differs. Costs two empty answers if it does not and
    /// the server has aggregated discovery.
    pub async fn refresh(&self, client: &Client) -> Result<Option<Self>, ClientError> {
        let fresh = fetch::fetch(client, self).await?;
        let same =
            fresh.core.catalog == self.core.catalog && fresh.named.catalog == self.named.catalog;
        Ok(if same { None } else { Some(fresh) })
    }

    /// Reads the two aggregated documents, `/api` and `/apis`, without any server.
    pub fn from_documents(core: &[u8], named: &[u8]) -> Result<Self, ClientError> {
        let root = |path, bytes| {
            Ok::<_, ClientError>(Root {
                etag: None,
                catalog: Arc::new(aggregated::parse(path, bytes)?),
            })
        };
        Ok(Self {
            core: root("/api", core)?,
            named: root("/apis", named)?,
        })
    }

    /// Finds what a user means by a word, by `kubectl`'s rules: plural, singular, kind or short name,
    /// with or without `.group` or `.version.group`, or a category, which may mean several.
    pub fn resolve(&self, text: &str) -> Result<Vec<Resource>, ResolveError> {
        resolve::resolve(self, text)
    }

    /// Every collection in every version, in order of preference.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.groups()
            .flat_map(|group| &group.versions)
            .flat_map(|version| &version.resources)
    }

    /// The collection of exactly this name.
    #[must_use]
    pub fn find(&self, gvr: &Gvr) -> Option<&Resource> {
        self.resources().find(|r| {
            (&r.group, &r.version, &r.plural) == (&gvr.group, &gvr.version, &gvr.resource)
        })
    }

    /// Everything that can be listed and watched, each in one version: the preferred one, if it is
    /// there. Events are the same objects in two groups; those of `events.k8s.io` are left out if the
    /// core group has them.
    #[must_use]
    pub fn listable(&self) -> Vec<&Resource> {
        let mut seen = HashSet::new();
        let mut listable: Vec<&Resource> = self
            .resources()
            .filter(|resource| resource.allows("list") && resource.allows("watch"))
            .filter(|resource| seen.insert((resource.group.as_str(), resource.plural.as_str())))
            .collect();
        if seen.contains(&("", "events")) {
            listable
                .retain(|r| (r.group.as_str(), r.plural.as_str()) != ("events.k8s.io", "events"));
        }
        listable
    }

    /// The group versions that could not be read this time.
    pub fn failures(&self) -> impl Iterator<Item = &DiscoveryFailure> {
        self.core
            .catalog
            .failures
            .iter()
            .chain(&self.named.catalog.failures)
    }

    fn groups(&self) -> impl Iterator<Item = &Group> {
        self.core
            .catalog
            .groups
            .iter()
            .chain(&self.named.catalog.groups)
    }
}
