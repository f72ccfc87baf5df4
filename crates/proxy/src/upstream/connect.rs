//! Opens connections to endpoints, TLS included.

use std::{io, net::SocketAddr, sync::Arc};

use tidegate_balance::Tripped;
use tidegate_routing::{Cluster, Destination, Protocol};
use tokio::net::TcpStream;

use super::{ClusterState, Endpoint, Link, endpoint::Counted};
use crate::{buffer::Buffer, clock::Timer, counters::Counters, stream, tls, worker::Worker};

/// Why no connection came about. Nothing was sent: any request may try another endpoint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// Refused, unreachable, or the TLS handshake failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("no connection in time")]
    Timeout,
    /// As many connections as may be are open. Answer 503.
    #[error(transparent)]
    Tripped(#[from] Tripped),
    /// The cluster wants HTTP/2, which is not spoken to upstreams yet. Other endpoints fail alike.
    #[error("HTTP/2 is not spoken to upstreams yet")]
    Unspoken,
    /// The policy can't be used. Other endpoints of the cluster fail alike.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
}

impl ClusterState {
    /// A new connection to `endpoint`, within the cluster's time.
    pub(crate) async fn connect(
        &self,
        worker: &Worker,
        timer: &Timer,
        endpoint: &Endpoint,
    ) -> Result<Link, ConnectError> {
        let counted = Counted::new(&self.breakers)?;
        let cluster = self.current.borrow().cluster.clone();
        if cluster.protocol == Protocol::Http2 {
            return Err(ConnectError::Unspoken);
        }
        let wait = cluster
            .limits
            .connect_timeout
            .unwrap_or(worker.limits().connect_timeout);
        let counters = &worker.setup.counters;
        Counters::count(&counters.upstream_connects);
        let deadline = worker.clock.after(wait);
        let result = worker
            .clock
            .limit(timer, deadline, self.open(&cluster, endpoint, counted))
            .await
            .unwrap_or(Err(ConnectError::Timeout));
        if result.is_err() {
            Counters::count(&counters.upstream_connect_failures);
        }
        result
    }

    async fn open(
        &self,
        cluster: &Arc<Cluster>,
        endpoint: &Endpoint,
        counted: Counted,
    ) -> Result<Link, ConnectError> {
        let tcp = match endpoint.destination() {
            Destination::Address(address) => TcpStream::connect(address).await?,
            Destination::Name { host, port } => TcpStream::connect((&**host, *port)).await?,
        };
        tcp.set_nodelay(true)?;
        let address: SocketAddr = tcp.peer_addr()?;
        let (read, write) = match &cluster.tls {
            None => stream::plain(tcp),
            Some(policy) => {
                let connector = match self.current.borrow().connector.clone() {
                    Some(connector) => connector,
                    None => tls::connector(policy, cluster.protocol)?,
                };
                self.current
                    .borrow_mut()
                    .connector
                    .get_or_insert_with(|| connector.clone());
                let name = tls::connector_name(policy)?;
                stream::tls(connector.connect(name, tcp).await?.into())
            }
        };
        Ok(Link {
            read,
            write,
            buffer: Buffer::default(),
            address,
            reused: false,
            _counted: counted,
        })
    }
}
