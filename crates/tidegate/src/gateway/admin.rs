//! The admin listener: liveness, readiness, figures, what is served, and explanations. For operators, on loopback.
//!
//! Reads only; nothing can be changed through it. It stays up while requests end.

mod config;
mod explain;
mod figures;

use crate::{
    failure::Failure,
    side_http::{self, JSON, METRICS, TEXT, reply},
};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use std::{
    net::SocketAddr,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tidegate_control::Gateway;
use tidegate_http::PathPolicy;
use tidegate_informer::InformerFactory;
use tidegate_proxy::{EndpointHealth, Proxy};
use tidegate_routing::Snapshot;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    time::sleep,
};

/// How long an older process may keep the port.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The socket, before there is anything to tell.
#[derive(Debug)]
pub(crate) struct Admin {
    listener: TcpListener,
    address: SocketAddr,
}

/// An admin listener that answers.
#[derive(Debug)]
pub(crate) struct Serving {
    address: SocketAddr,
    switch: Switch,
}

/// What an admin listener is told while it runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Switch(Arc<Turns>);

#[derive(Debug, Default)]
struct Turns {
    draining: AtomicBool,
    closed: Notify,
}

impl Switch {
    /// From now on it is not ready: load balancers shall send nothing more.
    pub(crate) fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    /// Gives the port free.
    pub(crate) fn close(&self) {
        self.0.closed.notify_one();
    }
}

/// What answers are made from.
struct Sight {
    serving: watch::Receiver<Option<Arc<Snapshot>>>,
    /// Its end is the gateway's affair, however long a question takes.
    proxy: Weak<Proxy>,
    informers: InformerFactory,
    switch: Switch,
}

impl Admin {
    /// Binds, so that a port that is taken is an error at the start.
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, Failure> {
        let failed = |error| Failure::error(format!("--admin {address}: {error}"));
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// As [`Admin::bind`], where an older process that has the port is about to go.
    pub(crate) async fn bind_patiently(address: SocketAddr) -> Result<Self, Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Self::bind(address).await {
                Err(_) if Instant::now() < deadline => sleep(LOOK_EVERY).await,
                bound => return bound,
            }
        }
    }

    /// Answers from now on.
    pub(crate) fn serve(self, gateway: &Gateway, switch: Switch) -> Serving {
        let sight = Sight {
            serving: gateway.serving(),
            proxy: Arc::downgrade(gateway.proxy()),
            informers: gateway.informers().clone(),
            switch: switch.clone(),
        };
        tokio::spawn(serve(self.listener, sight));
        Serving {
            address: self.address,
            switch,
        }
    }
}

impl Serving {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it is not ready: load balancers shall send nothing more.
    pub(crate) fn drain(&self) {
        self.switch.drain();
    }
}

impl Sight {
    /// How requests' paths are normalised.
    fn paths(&self) -> PathPolicy {
        let proxy = self.proxy.upgrade();
        proxy.map_or_else(PathPolicy::default, |proxy| proxy.paths())
    }

    /// How the endpoints do that are probed.
    fn health(&self) -> Vec<EndpointHealth> {
        let proxy = self.proxy.upgrade();
        proxy.map_or_else(Vec::new, |proxy| proxy.endpoint_health())
    }
}

async fn serve(listener: TcpListener, sight: Sight) {
    let switch = sight.switch.clone();
    tokio::select! {
        () = side_http::serve(listener, move |request| answer(request, &sight)) => {}
        () = switch.0.closed.notified() => {}
    }
}

fn answer(request: &Request<Incoming>, sight: &Sight) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return reply(StatusCode::METHOD_NOT_ALLOWED, TEXT, String::new());
    }
    let snapshot = sight.serving.borrow().clone();
    match request.uri().path() {
        "/livez" => reply(StatusCode::OK, TEXT, "ok\n".to_owned()),
        "/readyz" if sight.switch.0.draining.load(Ordering::Acquire) => reply(
            StatusCode::SERVICE_UNAVAILABLE,
            TEXT,
            "stopping\n".to_owned(),
        ),
        "/readyz" if snapshot.is_none() => reply(
            StatusCode::SERVICE_UNAVAILABLE,
            TEXT,
            "the configuration is not loaded yet\n".to_owned(),
        ),
        "/readyz" => reply(StatusCode::OK, TEXT, "ok\n".to_owned()),
        "/metrics" => reply(
            StatusCode::OK,
            METRICS,
            figures::render(
                sight.proxy.upgrade().as_deref(),
                &sight.informers,
                snapshot.as_deref(),
            ),
        ),
        "/config" => {
            let snapshot = snapshot.unwrap_or_default();
            let proxy = sight.proxy.upgrade();
            let names = proxy.map_or_else(Vec::new, |proxy| proxy.names());
            let shown = config::render(&snapshot, &sight.health(), &names);
            reply(StatusCode::OK, JSON, shown.to_string())
        }
        "/explain" => {
            let snapshot = snapshot.unwrap_or_default();
            let query = request.uri().query().unwrap_or_default();
            match explain::answer(&snapshot, &sight.health(), sight.paths(), query) {
                Ok(explanation) => reply(StatusCode::OK, JSON, explanation.to_string()),
                Err(why) => reply(StatusCode::BAD_REQUEST, TEXT, format!("{why}\n")),
            }
        }
        _ => reply(
            StatusCode::NOT_FOUND,
            TEXT,
            "see /livez, /readyz, /metrics, /config and /explain?url=…\n".to_owned(),
        ),
    }
}
