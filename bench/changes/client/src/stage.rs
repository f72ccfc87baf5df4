//! What both loads need: a Gateway that is programmed, and its backends.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, bail};
use tokio::time::{Instant, sleep};

use crate::{
    api::{Api, holds},
    changes::{Place, ROLLING},
    exchange::{Ask, Exchange},
    lives::Lives,
    objects,
    origin::{Origin, Speaks},
    rotation::Rotation,
    runner::Runner,
    tls::Authority,
};

/// How long a Gateway may take until it is programmed, and a route until it is served.
const PATIENCE: Duration = Duration::from_secs(60);
/// The backends that are always there; their origins answer with these names.
pub(crate) const BACKENDS: [&str; 2] = ["blue", "green"];
/// The backend for gRPC.
pub(crate) const CALLED: &str = "called";
/// Where the certificate of the listener for HTTPS is, and whom it is for.
pub(crate) const SECRET: &str = "changes-certificate";
pub(crate) const CERTIFIED: &str = "*.example.com";

/// Where the Gateway is created.
#[derive(Debug, Clone)]
pub struct Setting {
    pub namespace: String,
    pub class: String,
    /// Of the listener for HTTP; the one for HTTPS has the next.
    pub port: u16,
    /// What a process gives connections when another one takes over.
    pub grace: Duration,
}

/// A Gateway that is programmed, with its backends; and what everybody must know of what is done to it.
#[derive(Debug)]
pub struct Stage {
    pub(crate) place: Place,
    pub(crate) address: SocketAddr,
    pub(crate) authorities: [Authority; 2],
    pub(crate) rotation: Rotation,
    pub(crate) lives: Lives,
    pub(crate) runner: Runner,
    /// They answer as long as they are here.
    _origins: Vec<Origin>,
}

impl Stage {
    /// Creates it all, and waits for it.
    pub async fn set(api: &Api, setting: &Setting) -> anyhow::Result<Self> {
        let place = Place {
            namespace: setting.namespace.clone(),
            gateway: "changes".to_owned(),
        };
        let origins = backends(api, &place).await?;
        let authorities = [Authority::new()?, Authority::new()?];
        let identity = authorities[0].issue(CERTIFIED)?;
        api.apply(&objects::secret(&place.namespace, SECRET, &identity))
            .await?;
        let gateway = objects::gateway(
            &place.namespace,
            &place.gateway,
            &setting.class,
            setting.port,
            SECRET,
        );
        api.apply(&gateway).await?;
        let ready = api
            .wait(&gateway, PATIENCE, |found| holds(found, "Programmed"))
            .await?;
        let ip = ready["status"]["addresses"][0]["value"]
            .as_str()
            .context("a Gateway without an address")?;
        Ok(Self {
            place,
            address: SocketAddr::new(ip.parse()?, setting.port),
            authorities,
            rotation: Rotation::default(),
            lives: Lives::new(setting.grace),
            runner: Runner::default(),
            _origins: origins,
        })
    }

    pub(crate) fn secure_address(&self) -> SocketAddr {
        SocketAddr::new(self.address.ip(), self.address.port() + 1)
    }

    /// The first endpoint of the backend whose endpoints roll.
    pub(crate) async fn roll_out(&self, api: &Api) -> anyhow::Result<Origin> {
        let origin = Origin::start(ROLLING, Speaks::Http1).await?;
        let backend = objects::backend(&self.place.namespace, ROLLING, &[origin.address]);
        api.apply(&backend).await?;
        Ok(origin)
    }

    /// A route from `NAME.example.com` to a backend.
    pub(crate) async fn route(&self, api: &Api, name: &str, backend: &str) -> anyhow::Result<()> {
        let route = objects::route(
            &self.place.namespace,
            name,
            &self.place.gateway,
            &host(name),
            backend,
        );
        api.apply(&route).await.map(drop)
    }

    /// A route that was not there before, and is served.
    pub(crate) async fn new_route(&self, api: &Api, name: &str) -> anyhow::Result<()> {
        self.route(api, name, BACKENDS[0]).await?;
        self.until_served(name).await
    }

    /// Waits until a route's host gets 200.
    pub(crate) async fn until_served(&self, name: &str) -> anyhow::Result<()> {
        let ask = Ask::get(&host(name), "/");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut exchange = Exchange::clear(self.address).await?;
            let answered = exchange.send(&ask).await;
            if answered.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{name} is not served");
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn backends(api: &Api, place: &Place) -> anyhow::Result<Vec<Origin>> {
    let mut origins = Vec::new();
    for name in BACKENDS {
        let origin = Origin::start(name, Speaks::Http1).await?;
        let backend = objects::backend(&place.namespace, name, &[origin.address]);
        api.apply(&backend).await?;
        origins.push(origin);
    }
    let called = Origin::start(CALLED, Speaks::Grpc).await?;
    let backend = objects::http2_backend(&place.namespace, CALLED, called.address);
    api.apply(&backend).await?;
    origins.push(called);
    Ok(origins)
}

/// The host of a route.
pub(crate) fn host(name: &str) -> String {
    format!("{name}.example.com")
}
