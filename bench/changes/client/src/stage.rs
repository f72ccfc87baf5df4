//! What both loads need: a Gateway that is programmed, and two backends.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, bail};
use tokio::time::{Instant, sleep};

use crate::{
    api::{Api, holds},
    changes::Place,
    load::{Target, Way},
    objects,
    origin::Origin,
    tls::{Authority, Trust},
};

/// How long a Gateway may take until it is programmed, and a route until it is served.
const PATIENCE: Duration = Duration::from_secs(60);
/// The backends that are always there; their origins answer with these names.
pub(crate) const BACKENDS: [&str; 2] = ["blue", "green"];
/// Where the certificate of the listener for HTTPS is.
pub(crate) const SECRET: &str = "changes-certificate";

/// Where the Gateway is created.
#[derive(Debug, Clone)]
pub struct Setting {
    pub namespace: String,
    pub class: String,
    /// Of the listener for HTTP; the one for HTTPS has the next.
    pub port: u16,
}

/// The route that is asked for with TLS.
pub(crate) const SECURE_ROUTE: &str = "still";

/// A Gateway that is programmed, with two backends.
#[derive(Debug)]
pub struct Stage {
    pub(crate) place: Place,
    pub(crate) address: SocketAddr,
    pub(crate) origins: [Origin; 2],
    pub(crate) authorities: [Authority; 2],
}

impl Stage {
    /// Creates it all, and waits for it.
    pub async fn set(api: &Api, setting: &Setting) -> anyhow::Result<Self> {
        let place = Place {
            namespace: setting.namespace.clone(),
            gateway: "changes".to_owned(),
        };
        let origins = [
            Origin::start(BACKENDS[0]).await?,
            Origin::start(BACKENDS[1]).await?,
        ];
        for (name, origin) in BACKENDS.iter().zip(&origins) {
            api.apply(&objects::backend(&place.namespace, name, &[origin.address]))
                .await?;
        }
        let authorities = [Authority::new()?, Authority::new()?];
        let identity = authorities[0].issue(&host(SECURE_ROUTE))?;
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
            origins,
            authorities,
        })
    }

    pub(crate) fn secure_address(&self) -> SocketAddr {
        SocketAddr::new(self.address.ip(), self.address.port() + 1)
    }

    /// Connections with TLS that trust both authorities.
    pub(crate) fn trusting(&self) -> anyhow::Result<Way> {
        Ok(Way::Tls(Trust::new(&self.authorities)?))
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

    /// Waits until a request gets 200.
    pub(crate) async fn until_served(&self, target: &Target) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut exchange = target.connect().await?;
            let answered = exchange.send(&target.ask).await;
            if answered.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{} is not served", target.ask.host);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The host of a route.
pub(crate) fn host(name: &str) -> String {
    format!("{name}.example.com")
}
