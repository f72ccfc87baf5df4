//! What an informer is about, and how that is said in a request.

use crate::reflector::Selectors;
use bytes::Bytes;
use serde::Deserialize;
use std::fmt;
use tidegate_client::{Client, Gvr, Purpose};

/// A resource, and which part of it. Equal targets share one watch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    pub(crate) gvr: Gvr,
    pub(crate) namespace: Option<String>,
    pub(crate) selectors: Selectors,
    pub(crate) metadata_only: bool,
}

const ACCEPT_OBJECTS: &str = "application/json;drop=metadata.managedFields,application/json";
const ACCEPT_METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const ACCEPT_METADATA_WATCH: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const DISCOVERY_BYTES_MAX: usize = 16 * 1024 * 1024;

impl Target {
    /// The path of the collection.
    pub(crate) fn path(&self) -> String {
        self.gvr.path(self.namespace.as_deref())
    }

    /// What is asked for. Servers that cannot drop managed fields ignore the parameter; ingest drops them all the same.
    pub(crate) fn accept(&self, watch: bool) -> &'static str {
        match (self.metadata_only, watch) {
            (false, _) => ACCEPT_OBJECTS,
            (true, false) => ACCEPT_METADATA_LIST,
            (true, true) => ACCEPT_METADATA_WATCH,
        }
    }

    /// `apiVersion` of the objects.
    pub(crate) fn api_version(&self) -> String {
        if self.metadata_only {
            "meta.k8s.io/v1".to_owned()
        } else {
            self.gvr.api_version()
        }
    }

    /// `kind` of the objects, asked from the server; `None` if it does not say (the objects then stay as they come).
    pub(crate) async fn find_kind(&self, client: &Client) -> Option<String> {
        if self.metadata_only {
            return Some("PartialObjectMetadata".to_owned());
        }
        let response = client
            .get(&version_path(&self.gvr), "application/json", Purpose::Call)
            .await
            .ok()?;
        if !response.status.is_success() {
            return None;
        }
        kind_in(
            &response.bytes(DISCOVERY_BYTES_MAX).await.ok()?,
            &self.gvr.resource,
        )
    }

    /// Prometheus labels that name the informer.
    pub(crate) fn metric_labels(&self) -> String {
        use crate::metrics::escape;
        let parts = [&self.selectors.labels, &self.selectors.fields]
            .into_iter()
            .flatten();
        let selector: Vec<&str> = parts.map(String::as_str).collect();
        format!(
            "resource=\"{}\",namespace=\"{}\",selector=\"{}\"",
            escape(&self.gvr.to_string()),
            escape(self.namespace.as_deref().unwrap_or_default()),
            escape(&selector.join("&")),
        )
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.gvr)?;
        if let Some(namespace) = &self.namespace {
            write!(f, " in {namespace}")?;
        }
        Ok(())
    }
}

/// Where the server lists the resources of this group and version: the collection's path without its last segment.
fn version_path(gvr: &Gvr) -> String {
    let path = gvr.path(None);
    path.rsplit_once('/')
        .map_or(path.clone(), |(parent, _)| parent.to_owned())
}

fn kind_in(resource_list: &Bytes, resource: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct ResourceList {
        resources: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        name: String,
        kind: String,
    }
    let list: ResourceList = serde_json::from_slice(resource_list).ok()?;
    list.resources
        .into_iter()
        .find(|entry| entry.name == resource)
        .map(|entry| entry.kind)
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Gvr, Selectors, Target, kind_in, version_path};

    #[track_caller]
    fn check(group: &str, namespace: Option<&str>, path: &str, api_version: &str) {
        let target = Target {
            gvr: Gvr::new(group, "v1", "things"),
            namespace: namespace.map(str::to_owned),
            selectors: Selectors::default(),
            metadata_only: false,
        };
        assert_eq!(target.path(), path);
        assert_eq!(target.api_version(), api_version);
        assert!(path.starts_with(&version_path(&target.gvr)), "{path}");
    }

    #[test]
    fn paths_are_the_servers() {
        check("", None, "/api/v1/things", "v1");
        check("", Some("a"), "/api/v1/namespaces/a/things", "v1");
        check(
            "apps",
            Some("a"),
            "/apis/apps/v1/namespaces/a/things",
            "apps/v1",
        );
    }

    #[test]
    fn kinds_are_found_by_resource() {
        let list = Bytes::from_static(
            br#"{"resources":[{"name":"pods/log","kind":"Pod"},{"name":"things","kind":"Thing"}]}"#,
        );
        assert_eq!(kind_in(&list, "things"), Some("Thing".to_owned()));
        assert_eq!(kind_in(&list, "nope"), None);
        assert_eq!(kind_in(&Bytes::from_static(b"{"), "things"), None);
    }
}
