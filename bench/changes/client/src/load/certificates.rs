//! New TLS connections that trust only the authority whose certificate must be shown now.

use std::{net::SocketAddr, time::Duration};

use tokio::time::Instant;

use super::{Reporter, every};
use crate::{
    dial::Way,
    fault::{Failure, Fault},
    rotation::{Period, Rotation},
};

const PAUSE: Duration = Duration::from_millis(10);

/// Looks at one listener's certificate.
#[derive(Debug, Clone)]
pub(crate) struct Certificates {
    pub(crate) address: SocketAddr,
    /// What SNI says.
    pub(crate) name: String,
    /// Knows what must be shown, and since when.
    pub(crate) rotation: Rotation,
}

impl Certificates {
    pub(super) async fn run(self, reporter: Reporter) {
        let mut ticks = every(PAUSE);
        while reporter.goes_on() {
            ticks.tick().await;
            let Some(period) = self.rotation.period() else {
                continue;
            };
            let began = Instant::now();
            let shown = self.look(&period).await;
            // What comes next may have been shown meanwhile.
            if self.rotation.period().as_ref() == Some(&period) {
                reporter.report(began, shown);
            }
        }
    }

    async fn look(&self, period: &Period) -> Result<(), Failure> {
        let way = Way::Tls(period.trust.clone());
        let dialled = way.dial(self.address, &self.name).await?;
        match dialled.certificate.as_ref() == Some(&period.certificate) {
            true => Ok(()),
            false => Err(Failure::new(Fault::Tls, "an older certificate is shown")),
        }
    }
}
