//! One consistent version of everything that the proxy serves from.

use std::{net::SocketAddr, sync::Arc};

use crate::{Bind, Cluster, Directory};

/// All listeners and backends at one moment. Cheap to clone: both maps share their parts with older versions.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Counts up with every snapshot that a compiler makes.
    pub generation: u64,
    /// What to listen on, by local address.
    pub binds: imbl::OrdMap<SocketAddr, Arc<Bind>>,
    /// Groups of endpoints. Rules name them by key, so that a change of endpoints touches no rule.
    pub clusters: Directory<Cluster>,
}
