//! The data plane: serves HTTP from a routing snapshot. Holds no Kubernetes type.
//!
//! Start at [`Proxy`]. Each worker is a thread with its own sockets, connections, pools and clock; they share counters
//! and the snapshot, and nothing else.

mod buffer;
mod clock;
mod connections;
mod counters;
mod front;
mod h1;
mod ids;
mod options;
mod proxy;
mod record;
mod sockets;
mod stream;
mod tls;
mod upstream;
mod weights;
mod worker;

pub use self::{
    counters::Counters,
    options::{Limits, Options},
    proxy::{Applied, BindReport, Proxy, ProxyError},
    record::{HttpVersion, Observer, Observers, Reason, RequestRecord},
};
