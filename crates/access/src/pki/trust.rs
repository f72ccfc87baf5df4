//! Which client certificates are believed: those that the authority signed for clients, while they are valid.
//!
//! A certificate's signature is checked once and remembered by its digest; its time is checked at every request.

use super::certificate::{Certificate, CertificateError};
use crate::{digest::Digest, user::User};
use rustls::{
    pki_types::{CertificateDer, UnixTime},
    server::danger::ClientCertVerifier,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How many certificates are remembered.
const KNOWN_MAX: usize = 1024;

/// Tells the user of a client certificate.
#[derive(Debug)]
pub struct ClientTrust {
    verifier: Arc<dyn ClientCertVerifier>,
    known: Mutex<HashMap<Digest, Known>>,
}

#[derive(Debug)]
struct Known {
    user: Option<User>,
    not_before: i64,
    not_after: i64,
}

impl ClientTrust {
    pub(crate) fn new(verifier: Arc<dyn ClientCertVerifier>) -> Self {
        Self {
            verifier,
            known: Mutex::default(),
        }
    }

    /// The user that a certificate names, or that it names nobody. `now` is Unix seconds.
    pub(crate) fn user(&self, der: &[u8], now: i64) -> Result<Option<User>, CertificateError> {
        let digest = Digest::of(der);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&digest) {
            if now < found.not_before || now > found.not_after {
                return Err(CertificateError::Untrusted);
            }
            return Ok(found.user.clone());
        }
        drop(known);
        let since = Duration::from_secs(u64::try_from(now).unwrap_or_default());
        self.verifier
            .verify_client_cert(
                &CertificateDer::from(der),
                &[],
                UnixTime::since_unix_epoch(since),
            )
            .map_err(|_| CertificateError::Untrusted)?;
        let certificate = Certificate::parse(der)?;
        let user = certificate.user(der)?;
        known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        let remembered = Known {
            user: user.clone(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
        };
        known.insert(digest, remembered);
        Ok(user)
    }
}
