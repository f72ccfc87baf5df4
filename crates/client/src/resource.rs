//! A kind of object that a server serves, and the paths to it.
//!
//! Pure values: names come from discovery, nothing here asks a server.

use std::fmt;

/// Group, version and resource name: the identity of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gvr {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The resource name: lower-case, plural.
    pub resource: String,
}

/// A collection that a server serves, as discovery describes it. Subresources are not among these.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resource {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The resource name: lower-case, plural.
    pub plural: String,
    /// The singular name.
    pub singular: String,
    /// The kind, such as `Pod`.
    pub kind: String,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// What may be done, such as `list` and `watch`.
    pub verbs: Vec<String>,
    /// Short names, such as `po`.
    pub short_names: Vec<String>,
    /// Categories, such as `all`.
    pub categories: Vec<String>,
}

impl Gvr {
    /// Puts the three names together.
    pub fn new(
        group: impl Into<String>,
        version: impl Into<String>,
        resource: impl Into<String>,
    ) -> Self {
        Self {
            group: group.into(),
            version: version.into(),
            resource: resource.into(),
        }
    }

    /// `v1` or `apps/v1`, as objects write it.
    #[must_use]
    pub fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }

    /// The collection's path, in one namespace or across all. Whatever a name contains, it stays one
    /// path segment.
    #[must_use]
    pub fn path(&self, namespace: Option<&str>) -> String {
        let mut path = String::from(if self.group.is_empty() {
            "/api"
        } else {
            "/apis"
        });
        let namespace = namespace.map(|name| ["namespaces", name]);
        let group = (!self.group.is_empty()).then_some(self.group.as_str());
        let segments = group.into_iter().chain([self.version.as_str()]);
        for segment in segments
            .chain(namespace.into_iter().flatten())
            .chain([self.resource.as_str()])
        {
            path.push('/');
            push_segment(&mut path, segment);
        }
        path
    }
}

impl fmt::Display for Gvr {
    /// As `kubectl` takes it: `pods.v1`, `deployments.v1.apps`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.resource, self.version)?;
        if self.group.is_empty() {
            Ok(())
        } else {
            write!(f, ".{}", self.group)
        }
    }
}

impl Resource {
    /// The identity of this collection.
    #[must_use]
    pub fn gvr(&self) -> Gvr {
        Gvr::new(&*self.group, &*self.version, &*self.plural)
    }

    /// `v1` or `apps/v1`, as objects write it.
    #[must_use]
    pub fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }

    /// The collection's path. The namespace is ignored where objects have none.
    #[must_use]
    pub fn path(&self, namespace: Option<&str>) -> String {
        self.gvr().path(namespace.filter(|_| self.namespaced))
    }

    /// Whether the server allows this verb.
    #[must_use]
    pub fn allows(&self, verb: &str) -> bool {
        self.verbs.iter().any(|allowed| allowed == verb)
    }
}

/// `v1` or `apps/v1`.
pub(crate) fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

fn push_segment(path: &mut String, segment: &str) {
    use fmt::Write as _;
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':') {
            path.push(char::from(byte));
        } else {
            write!(path, "%{byte:02X}").expect("invariant: writing to a String cannot fail");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Gvr;

    #[track_caller]
    fn check(gvr: [&str; 3], namespace: Option<&str>, shown: &str, path: &str) {
        let [group, version, resource] = gvr;
        let gvr = Gvr::new(group, version, resource);
        assert_eq!(
            (gvr.to_string().as_str(), gvr.path(namespace).as_str()),
            (shown, path)
        );
    }

    #[test]
    fn names_and_paths() {
        check(
            ["", "v1", "pods"],
            Some("x"),
            "pods.v1",
            "/api/v1/namespaces/x/pods",
        );
        check(["", "v1", "nodes"], None, "nodes.v1", "/api/v1/nodes");
        check(
            ["apps", "v1", "deployments"],
            None,
            "deployments.v1.apps",
            "/apis/apps/v1/deployments",
        );
        check(
            ["g.io", "v1", "as"],
            Some("a/../b?c"),
            "as.v1.g.io",
            "/apis/g.io/v1/namespaces/a%2F..%2Fb%3Fc/as",
        );
    }
}
