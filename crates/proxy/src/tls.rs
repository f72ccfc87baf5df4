//! TLS on both sides, from what the snapshot says. Configurations are made once per worker and listener or cluster, and
//! kept as long as the snapshot holds the same object.
//!
//! Invariant: a session ticket is only good where no client certificate is asked for, so that resuming one can't go
//! round a validation.

mod client;
mod server;
mod verify;

pub(crate) use self::{
    client::{connector, connector_name},
    server::{Servers, Tickets},
};

use std::sync::{Arc, LazyLock};

use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer},
    sign::CertifiedKey,
};
use tidegate_routing::Certificate;

/// Why a TLS configuration can't be made. The compiler has checked the same: this harms one listener or cluster only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("no certificate of the listener can be used")]
    NoCertificate,
    #[error("a private key is in no known form")]
    Key,
    #[error("the machine has no trusted authorities")]
    NoSystemTrust,
    #[error("the server's name {0} is not valid")]
    Name(Arc<str>),
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
    #[error("client certificates can't be validated")]
    ClientValidation(#[from] rustls::server::VerifierBuilderError),
}

/// The one provider of cryptography.
static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));

fn provider() -> Arc<CryptoProvider> {
    PROVIDER.clone()
}

/// A number that nobody can guess. `None`: the machine has none.
pub(crate) fn random() -> Option<u16> {
    let mut bytes = [0; 2];
    PROVIDER.secure_random.fill(&mut bytes).ok()?;
    Some(u16::from_be_bytes(bytes))
}

fn chain(certificate: &Certificate) -> Vec<CertificateDer<'static>> {
    certificate
        .chain
        .iter()
        .map(|der| CertificateDer::from(der.clone()))
        .collect()
}

fn key(certificate: &Certificate) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::try_from(certificate.key.clone()).map_err(|_text| TlsError::Key)
}

fn certified(certificate: &Certificate) -> Result<CertifiedKey, TlsError> {
    Ok(CertifiedKey::from_der(
        chain(certificate),
        key(certificate)?,
        &provider(),
    )?)
}
