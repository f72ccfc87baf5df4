//! Opens connections to endpoints, TLS included.

use std::{future::Future, io, net::SocketAddr, sync::Arc};

use rustls::AlertDescription;
use tidegate_balance::Tripped;
use tidegate_routing::{Cluster, Offer, UpstreamTls};
use tokio_rustls::TlsConnector;

use super::{ClusterState, Endpoint, Link, announce, dial, endpoint::Counted, h2::NewShare};
use crate::{
    buffer::Buffer,
    clock::{Deadline, Timer},
    connections::Connection,
    counters::Counters,
    h2_socket::Socket,
    stream::Whole,
    tls,
    worker::Worker,
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
    /// By TLS, the endpoint did not agree to HTTP/2, which all requests of the cluster want.
    #[error("the endpoint does not speak HTTP/2")]
    Unspoken,
    /// The same of HTTP/1.1, which only this request needs: others may do well.
    #[error("the endpoint does not speak HTTP/1.1")]
    OnlyHttp2,
    /// The policy can't be used. Other endpoints of the cluster fail alike.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
}

/// A connection that was just made.
pub(super) enum New {
    Wire(Link),
    Share(Box<NewShare>),
}

impl ClusterState {
    /// A connection to `endpoint` that offers this, before `deadline`. `client`: whom it is for, where that is to be said.
    pub(super) async fn connect(
        &self,
        worker: &Worker,
        timer: &Timer,
        endpoint: &Endpoint,
        offer: Offer,
        client: Option<&Connection>,
        deadline: Deadline,
    ) -> Result<New, ConnectError> {
        let counted = Counted::new(&self.breakers)?;
        let cluster = self.current.borrow().cluster.clone();
        let connecting = async {
            let address = endpoint.address();
            let stream = self.dial(&cluster, address, offer, client).await?;
            let is_h2 = match offer {
                Offer::Http1 => false,
                Offer::Either => stream.agreed_on_h2(),
                Offer::Http2 if cluster.tls.is_none() || stream.agreed_on_h2() => true,
                Offer::Http2 => return Err(ConnectError::Unspoken),
            };
            if is_h2 {
                let idle = cluster.limits.idle_timeout;
                let idle = idle.unwrap_or(worker.limits().upstream_idle_timeout);
                let socket = Socket::new(stream, Buffer::default(), None);
                let new = NewShare::handshake(worker, socket, address, idle, counted);
                return new.await.map(|new| New::Share(Box::new(new)));
            }
            let (read, write) = stream.split();
            Ok(New::Wire(Link {
                read,
                write,
                buffer: Buffer::default(),
                address,
                reused: false,
                single: cluster.proxy_protocol.is_some(),
                _counted: counted,
            }))
        };
        within(worker, timer, deadline, connecting).await
    }

    async fn dial(
        &self,
        cluster: &Arc<Cluster>,
        address: SocketAddr,
        offer: Offer,
        client: Option<&Connection>,
    ) -> Result<Whole, ConnectError> {
        let secure = match &cluster.tls {
            None => None,
            Some(policy) => Some((self.connector(policy, offer)?, tls::connector_name(policy)?)),
        };
        let mut tcp = dial::dial(address).await?;
        if let Some(version) = cluster.proxy_protocol {
            announce::announce(&mut tcp, version, announce::whom(client)).await?;
        }
        let Some((connector, name)) = secure else {
            return Ok(Whole::Plain(tcp));
        };
        match connector.connect(name, tcp).await {
            Ok(stream) => Ok(Whole::Tls(Box::new(stream.into()))),
            Err(error) if offer != cluster.offer() && is_unspoken(&error) => {
                Err(ConnectError::OnlyHttp2)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Made when first needed.
    fn connector(&self, policy: &UpstreamTls, offer: Offer) -> Result<TlsConnector, tls::TlsError> {
        let known = self.current.borrow().connectors.get(&offer).cloned();
        if let Some(connector) = known {
            return Ok(connector);
        }
        let connector = tls::connector(policy, offer)?;
        let mut current = self.current.borrow_mut();
        current.connectors.insert(offer, connector.clone());
        Ok(connector)
    }
}

/// Whether the endpoint speaks nothing of what was offered.
fn is_unspoken(error: &io::Error) -> bool {
    let source = error.get_ref().and_then(|source| source.downcast_ref());
    let none = AlertDescription::NoApplicationProtocol;
    matches!(source, Some(rustls::Error::AlertReceived(alert)) if *alert == none)
}

/// `connecting`, before `deadline`; counted.
async fn within<T>(
    worker: &Worker,
    timer: &Timer,
    deadline: Deadline,
    connecting: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    let counters = &worker.setup.counters;
    Counters::count(&counters.upstream_connects);
    let result = worker
        .clock
        .limit(timer, deadline, connecting)
        .await
        .unwrap_or(Err(ConnectError::Timeout));
    if result.is_err() {
        Counters::count(&counters.upstream_connect_failures);
    }
    result
}
