//! The data plane: serves HTTP from a routing snapshot. Holds no Kubernetes type.
//!
//! Start at [`Proxy`]. Each worker is a thread with its own sockets, connections, pools and clock; they share counters
//! and the snapshot, and nothing else.

mod body;
mod buffer;
mod client;
mod clock;
mod connections;
mod counters;
mod date;
mod decide;
mod failure;
mod fields;
mod forward;
mod front;
mod grpc;
mod h1;
mod h2_front;
mod h2_guard;
mod h2_head;
mod h2_socket;
mod h2_stream;
mod handle;
mod health;
mod ids;
mod journey;
mod names;
mod observe;
mod options;
mod proxy;
mod pump;
mod record;
mod scratch;
mod sockets;
mod stream;
mod tls;
mod upstream;
mod weights;
mod worker;

pub use self::{
    counters::Counters,
    health::{EndpointHealth, ProbeCounts},
    names::{NameOptions, NameReport},
    observe::{
        AccessLogOptions, Field, LogFormat, Observability, ObserveOptions, Span, TraceContext,
        TraceOptions,
    },
    options::{AddressBlock, AddressBlockError, Limits, Options},
    proxy::{Applied, BindReport, Proxy, ProxyError},
    record::{Hedge, HttpVersion, Observer, Observers, Reason, RequestRecord},
};
