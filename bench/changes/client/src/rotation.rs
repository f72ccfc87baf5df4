//! Which certificate a listener must show, and certificates that replace each other.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::bail;
use rustls::pki_types::CertificateDer;
use tokio::time::{Instant, sleep};

use crate::{
    api::Api,
    dial::Way,
    fault::Failure,
    objects,
    stage::{CERTIFIED, SECRET, Stage, host},
    tls::{Authority, Trust},
};

/// A certificate that no client has seen by then is a failure.
const PATIENCE: Duration = Duration::from_secs(60);
/// Once it was shown, nobody may see another one after so long: workers change one after the other.
const SPREAD: Duration = Duration::from_millis(250);
/// How long it stays after that, at least.
const STAYS: Duration = Duration::from_millis(100);

/// What is shown now, for who looks at it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rotation(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    period: Option<Period>,
    longest: Duration,
}

/// A time in which one certificate must be shown, and no other.
#[derive(Debug, Clone)]
pub(crate) struct Period {
    pub(crate) certificate: CertificateDer<'static>,
    /// In the authority that has signed it, and in no other.
    pub(crate) trust: Trust,
}

impl PartialEq for Period {
    fn eq(&self, other: &Self) -> bool {
        self.certificate == other.certificate
    }
}

impl Rotation {
    /// None while certificates change.
    pub(crate) fn period(&self) -> Option<Period> {
        self.state().period.clone()
    }

    /// The longest that it took from an acknowledgement until a certificate was shown.
    pub(crate) fn longest(&self) -> Duration {
        self.state().longest
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replaces the certificate of the listener for HTTPS again and again, by turns from two authorities.
pub(crate) async fn rotate(
    stage: &Stage,
    api: &Api,
    turns: impl Iterator<Item = usize>,
) -> anyhow::Result<()> {
    for turn in turns {
        let authority = &stage.authorities[(turn + 1) % stage.authorities.len()];
        replace(stage, api, authority).await?;
        sleep(STAYS).await;
    }
    Ok(())
}

async fn replace(stage: &Stage, api: &Api, authority: &Authority) -> anyhow::Result<()> {
    let identity = authority.issue(CERTIFIED)?;
    stage.rotation.state().period = None;
    api.apply(&objects::secret(&stage.place.namespace, SECRET, &identity))
        .await?;
    let acknowledged = Instant::now();
    let looks = Way::Tls(Trust::new(&stage.authorities)?);
    while !is_shown(stage, &looks, &identity.certificate).await? {
        if acknowledged.elapsed() > PATIENCE {
            bail!("a new certificate is not shown after {PATIENCE:?}");
        }
        sleep(Duration::from_millis(1)).await;
    }
    let took = acknowledged.elapsed();
    sleep(SPREAD).await;
    let mut state = stage.rotation.state();
    state.longest = state.longest.max(took);
    state.period = Some(Period {
        certificate: identity.certificate,
        trust: Trust::new(std::slice::from_ref(authority))?,
    });
    Ok(())
}

async fn is_shown(
    stage: &Stage,
    looks: &Way,
    certificate: &CertificateDer<'static>,
) -> Result<bool, Failure> {
    let name = host("still");
    let dialled = looks.dial(stage.secure_address(), &name).await?;
    Ok(dialled.certificate.as_ref() == Some(certificate))
}
