//! Opens connections to endpoints, TLS included.

use std::{future::Future, io, net::SocketAddr, rc::Rc, sync::Arc};

use tidegate_balance::Tripped;
use tidegate_routing::Cluster;

use super::{
    ClusterState, Endpoint, Link, announce, dial,
    endpoint::Counted,
    h2::{New, Slot},
};
use crate::{
    buffer::Buffer, clock::Timer, connections::Connection, counters::Counters, h2_socket::Socket,
    stream::Whole, tls, worker::Worker,
};

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
    /// The endpoint did not agree to HTTP/2 by TLS.
    #[error("the endpoint does not speak HTTP/2")]
    Unspoken,
    /// The policy can't be used. Other endpoints of the cluster fail alike.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
}

impl ClusterState {
    /// A connection of HTTP/1 to `endpoint`, within the cluster's time. It is new. `client`: whom it is for, where that is
    /// to be said.
    pub(crate) async fn connect(
        &self,
        worker: &Worker,
        timer: &Timer,
        endpoint: &Endpoint,
        client: Option<&Connection>,
    ) -> Result<Link, ConnectError> {
        let counted = Counted::new(&self.breakers)?;
        let cluster = self.current.borrow().cluster.clone();
        let dialing = self.dial(&cluster, endpoint, client);
        let (stream, address) = within(worker, timer, &cluster, dialing).await?;
        let (read, write) = stream.split();
        Ok(Link {
            read,
            write,
            buffer: Buffer::default(),
            address,
            reused: false,
            single: cluster.proxy_protocol.is_some(),
            _counted: counted,
        })
    }

    /// A place for a stream on a connection of HTTP/2, within the cluster's time.
    pub(crate) async fn open_stream(
        &self,
        worker: &Rc<Worker>,
        timer: &Timer,
        endpoint: &Endpoint,
    ) -> Result<Slot, ConnectError> {
        let connect = || async {
            let counted = Counted::new(&self.breakers)?;
            let cluster = self.current.borrow().cluster.clone();
            let idle = cluster.limits.idle_timeout;
            let idle = idle.unwrap_or(worker.limits().upstream_idle_timeout);
            let dialing = async {
                let (stream, address) = self.dial(&cluster, endpoint, None).await?;
                if cluster.tls.is_some() && !stream.agreed_on_h2() {
                    return Err(ConnectError::Unspoken);
                }
                let socket = Socket::new(stream, Buffer::default(), None);
                New::handshake(worker, socket, address, idle, counted).await
            };
            within(worker, timer, &cluster, dialing).await
        };
        endpoint.shares.take(worker, connect).await
    }

    async fn dial(
        &self,
        cluster: &Arc<Cluster>,
        endpoint: &Endpoint,
        client: Option<&Connection>,
    ) -> Result<(Whole, SocketAddr), ConnectError> {
        let address = endpoint.address();
        let mut tcp = dial::dial(address).await?;
        if let Some(version) = cluster.proxy_protocol {
            announce::announce(&mut tcp, version, announce::whom(client)).await?;
        }
        let Some(policy) = &cluster.tls else {
            return Ok((Whole::Plain(tcp), address));
        };
        let connector = match self.current.borrow().connector.clone() {
            Some(connector) => connector,
            None => tls::connector(policy, cluster.protocol)?,
        };
        self.current
            .borrow_mut()
            .connector
            .get_or_insert_with(|| connector.clone());
        let name = tls::connector_name(policy)?;
        let stream = connector.connect(name, tcp).await?;
        Ok((Whole::Tls(Box::new(stream.into())), address))
    }
}

/// `dialing`, within the cluster's time; counted.
async fn within<T>(
    worker: &Worker,
    timer: &Timer,
    cluster: &Cluster,
    dialing: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    let wait = cluster
        .limits
        .connect_timeout
        .unwrap_or(worker.limits().connect_timeout);
    let counters = &worker.setup.counters;
    Counters::count(&counters.upstream_connects);
    let deadline = worker.clock.after(wait);
    let result = worker
        .clock
        .limit(timer, deadline, dialing)
        .await
        .unwrap_or(Err(ConnectError::Timeout));
    if result.is_err() {
        Counters::count(&counters.upstream_connect_failures);
    }
    result
}
