//! What goes into a compiler: one change of one object, or news of a listening socket.

use std::net::SocketAddr;

use crate::key::{Kind, ObjectKey};

/// Something that changed.
#[derive(Clone, Debug)]
pub enum Change<'a> {
    /// An object as the API server has it now, as JSON.
    Upsert { kind: Kind, object: &'a [u8] },
    /// An object that is no more.
    Delete { kind: Kind, key: ObjectKey },
    /// A proxy tried to listen on an address of the snapshot: `None` if it does, else why it can't.
    Bind {
        address: SocketAddr,
        error: Option<String>,
    },
}

/// A change that could not be taken. The compiler is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Not even the metadata can be read, so that it's not known which object this is. Log it, and go on.
    #[error("{kind:?} without readable metadata: {source}")]
    Metadata {
        kind: Kind,
        #[source]
        source: serde_json::Error,
    },
}
