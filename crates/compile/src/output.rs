//! What comes out of a compiler: the snapshot, and what is to be written to the API server.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use tidegate_routing::Snapshot;

use crate::key::{Kind, ObjectKey};

/// The result of one build.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// What to serve. Shares all that didn't change with the snapshot before.
    pub snapshot: Snapshot,
    /// Whether the snapshot differs from the one before.
    pub changed: bool,
    /// Statuses that differ from what the objects hold. Each is given once, until its object or its cause changes
    /// again: [`crate::Compiler::recheck`] asks anew after a write that failed.
    pub statuses: Vec<StatusUpdate>,
    /// What came to be needed, or not any more, since the build before.
    pub references: ReferenceChanges,
    /// Gateways whose infrastructure changed since the build before.
    pub infrastructure: Vec<InfrastructureChange>,
}

/// A status to write.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusUpdate {
    pub kind: Kind,
    pub key: ObjectKey,
    pub uid: Arc<str>,
    /// The version of the object that this was computed from.
    pub resource_version: Arc<str>,
    /// The generation that it speaks of.
    pub generation: i64,
    /// All of `status`, with what others wrote into its lists, as JSON. For an update or a merge patch.
    ///
    /// Text, because thousands may wait to be written: trees of them would be many times as large.
    pub status: Arc<str>,
    /// Only what is ours, where lists are merged by key, as JSON. For server-side apply. (Lists that are atomic are whole.)
    pub owned: Arc<str>,
}

/// Objects that are referred to, so that only these need be watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReferenceChanges {
    pub added: Vec<(Kind, ObjectKey)>,
    pub removed: Vec<(Kind, ObjectKey)>,
}

/// What a Gateway's infrastructure should look like now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InfrastructureChange {
    Set(Infrastructure),
    /// The Gateway is gone, or not ours any more.
    Gone(ObjectKey),
}

/// What objects that stand for a Gateway (a Service in its namespace, say) must carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Infrastructure {
    pub gateway: ObjectKey,
    pub uid: Arc<str>,
    /// With `gateway.networking.k8s.io/gateway-name` and `…/gateway-class-name`.
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    /// Where it is served.
    pub addresses: Vec<SocketAddr>,
}
