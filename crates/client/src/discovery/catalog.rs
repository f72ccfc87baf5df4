//! The shape that both kinds of discovery documents are brought into.
//!
//! Plain values. Invariant: a group's versions stand in order of preference, and no resource is a
//! subresource.

use serde::de::DeserializeOwned;

use crate::{error::ClientError, resource::Resource};

/// What one root, `/api` or `/apis`, lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Catalog {
    pub(super) groups: Vec<Group>,
    pub(super) failures: Vec<DiscoveryFailure>,
}

/// A group and its versions, the preferred one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) versions: Vec<Version>,
}

/// A version and its collections, in the server's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) name: String,
    pub(super) resources: Vec<Resource>,
}

/// A group version that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveryFailure {
    /// `v1` or `group/version`.
    pub group_version: String,
    /// Why not.
    pub reason: String,
}

/// Reads a document after making sure that it is of the kind it should be.
pub(super) fn read<T: DeserializeOwned>(
    what: &str,
    kind: &str,
    bytes: &[u8],
) -> Result<T, ClientError> {
    #[derive(serde::Deserialize)]
    struct Kind {
        #[serde(default)]
        kind: String,
    }
    let malformed = |reason: String| ClientError::Malformed {
        what: what.to_owned(),
        reason,
    };
    let found: Kind = serde_json::from_slice(bytes)
        .map_err(|error| malformed(format!("not the JSON expected: {error}")))?;
    if found.kind != kind {
        return Err(malformed(format!(
            "the document is of kind {:?}, not {kind:?}",
            found.kind
        )));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| malformed(format!("not the JSON expected: {error}")))
}

/// Old servers name no singular; then it is the kind in lower case.
pub(super) fn singular(given: Option<String>, kind: &str) -> String {
    given
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| kind.to_ascii_lowercase())
}
