//! The server's own certificate authority: generated, kept in a directory or in memory, never printed.
//!
//! All keys are ECDSA P-256: they are generated in microseconds. On disk are only the authority's key and certificate;
//! the server's certificate is made anew at every start, and again before it ends.

mod certificate;
mod files;
mod issue;
mod kubeconfig;
mod serving;
#[cfg(test)]
mod tests;
mod time;
mod trust;

pub(crate) use self::files::{SecretDirectory, corrupt};
pub use self::{
    certificate::{CertificateError, user_of_certificate},
    files::{FileError, write_secret},
    trust::ClientTrust,
};

use self::{
    certificate::Certificate,
    issue::{Made, Purpose, Wanted, certificate},
    serving::{Issued, Serving, server_config},
};
use crate::key::{KeyError, SecretKey};
use aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1_SIGNING as FORM;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs as provider},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::{VerifierBuilderError, WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::CertifiedKey,
};
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, path::Path, sync::Arc};

const KEY_FILE: &str = "ca.key";
const CERTIFICATE_FILE: &str = "ca.crt";
const COMMON_NAME: &str = "tidegate-ca";

const DAY_SECONDS: i64 = 24 * 60 * 60;
/// Clocks differ: what is issued was already valid a little ago.
const BACKDATED_SECONDS: i64 = 5 * 60;
const AUTHORITY_SECONDS: i64 = 3650 * DAY_SECONDS;
const LEAF_SECONDS: i64 = 365 * DAY_SECONDS;
/// An authority that would end before what it issues is made anew.
const AUTHORITY_RENEWAL_SECONDS: i64 = LEAF_SECONDS + 30 * DAY_SECONDS;
/// A certificate is renewed when this much of its time is left.
const LEAF_RENEWAL_SECONDS: i64 = LEAF_SECONDS / 3;

/// Why there is no authority, or no certificate.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file is not usable. It says which.
    #[error(transparent)]
    File(#[from] FileError),
    /// The key or certificate could not be made: the machine's randomness failed, or the time is out of range.
    #[error("can't make a certificate: {0}")]
    Generate(#[from] KeyError),
    /// Nothing can be served under this name: it is no DNS name and no IP address.
    #[error("{0:?} is no DNS name and no IP address")]
    Name(String),
    /// The TLS library refused what was made.
    #[error("can't set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The TLS library refused the authority.
    #[error("can't set up the check of client certificates: {0}")]
    Verifier(#[from] VerifierBuilderError),
}

/// The certificate authority of one server.
pub struct Authority {
    key: SecretKey,
    certificate_pem: String,
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ClientCertVerifier>,
    serving: Arc<Serving>,
}

/// A certificate and its key, for a client.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub cert_pem: String,
    /// Its private key.
    pub key_pem: SecretString,
    /// When it ends, in Unix seconds.
    pub not_after: i64,
}

impl Authority {
    /// A new authority that lives as long as this value. `now` is Unix seconds, here and below.
    pub fn in_memory(now: i64) -> Result<Self, PkiError> {
        let key = SecretKey::generate(&FORM)?;
        let made = self_signed(&key, now)?;
        Self::new(key, made)
    }

    /// The authority of a directory, which is made where it is not there (its parent has to be). An authority whose
    /// time is nearly over is made anew, with its key: clients then need its new certificate.
    pub fn open_or_create(directory: &Path, now: i64) -> Result<Self, PkiError> {
        let directory = SecretDirectory::open(directory)?;
        let certificate_path = directory.path_of(CERTIFICATE_FILE);
        let corrupt = |why| corrupt(&certificate_path, why);
        let key = directory.read(KEY_FILE)?;
        let certificate = directory.read(CERTIFICATE_FILE)?;
        let key = match (key, &certificate) {
            (Some(pem), _) => read_key(&directory, &pem)?,
            (None, Some(_)) => return Err(corrupt("the key beside it, ca.key, is gone").into()),
            (None, None) => {
                let key = SecretKey::generate(&FORM)?;
                directory.write(KEY_FILE, &key.to_pem()?)?;
                key
            }
        };
        if let Some(pem) = certificate {
            let pem = pem.expose_secret();
            let der = CertificateDer::from_pem_slice(pem.as_bytes())
                .map_err(|_| corrupt("not a certificate in PEM"))?;
            let read = Certificate::parse(&der).map_err(|_| corrupt("not a certificate"))?;
            if read.public_key != key.public_der()? || read.common_name != COMMON_NAME {
                return Err(corrupt("not the certificate of the key beside it").into());
            }
            if read.not_after - now > AUTHORITY_RENEWAL_SECONDS {
                let pem = pem.to_owned();
                return Self::new(key, Made { der, pem });
            }
        }
        let made = self_signed(&key, now)?;
        directory.write(CERTIFICATE_FILE, &made.pem.clone().into())?;
        Self::new(key, made)
    }

    fn new(key: SecretKey, made: Made) -> Result<Self, PkiError> {
        let provider = Arc::new(provider::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(made.der)?;
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
        Ok(Self {
            key,
            certificate_pem: made.pem,
            provider,
            verifier: verifier.build()?,
            serving: Arc::default(),
        })
    }

    /// The authority's certificate, for clients to trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// What a listener needs to serve under these DNS names and IP addresses: HTTP/2 and HTTP/1.1, client certificates
    /// asked for. What is known to be the loopback interface, and the names of the service `kubernetes`, are added.
    pub fn server_config(&self, names: &[&str], now: i64) -> Result<Arc<ServerConfig>, PkiError> {
        const ALWAYS: [&str; 7] = [
            "localhost",
            "127.0.0.1",
            "::1",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ];
        let mut all: Vec<String> = ALWAYS.map(str::to_owned).to_vec();
        for &name in names {
            if ServerName::try_from(name).is_err() {
                return Err(PkiError::Name(name.to_owned()));
            }
            if !ALWAYS.contains(&name) {
                all.push(name.to_owned());
            }
        }
        self.serve(all, now)?;
        server_config(
            Arc::clone(&self.serving),
            Arc::clone(&self.verifier),
            Arc::clone(&self.provider),
        )
    }

    /// Makes the server's certificate anew when it is time, or when the clock was set back before its beginning; open
    /// connections stay. To be called often: clocks may be set.
    pub fn renew(&self, now: i64) -> Result<bool, PkiError> {
        match self.serving.get() {
            Some(issued) if !issued.serves_at(now) => {
                self.serve(issued.names.clone(), now)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// A certificate for a client: `cn` is the user, `orgs` are the groups. It is valid for a year.
    pub fn client(&self, cn: &str, orgs: &[&str], now: i64) -> Result<Identity, PkiError> {
        let (key, made) = self.leaf(cn, orgs, Purpose::Client, now)?;
        Ok(Identity {
            cert_pem: made.pem,
            key_pem: key.to_ec_pem()?,
            not_after: now + LEAF_SECONDS,
        })
    }

    /// Whom the authority's client certificates name.
    #[must_use]
    pub fn client_trust(&self) -> ClientTrust {
        ClientTrust::new(Arc::clone(&self.verifier))
    }

    fn serve(&self, names: Vec<String>, now: i64) -> Result<(), PkiError> {
        let (key, made) = self.leaf("tidegate-apiserver", &[], Purpose::Server(&names), now)?;
        let key = PrivateKeyDer::Pkcs8(key.to_der()?);
        let key = CertifiedKey::from_der(vec![made.der], key, &self.provider)?;
        self.serving.set(Issued {
            key: Arc::new(key),
            names,
            made_at: now,
            renew_at: now + LEAF_SECONDS - LEAF_RENEWAL_SECONDS,
        });
        Ok(())
    }

    fn leaf(
        &self,
        common_name: &str,
        organizations: &[&str],
        purpose: Purpose<'_>,
        now: i64,
    ) -> Result<(SecretKey, Made), KeyError> {
        let key = SecretKey::generate(&FORM)?;
        let wanted = Wanted {
            common_name,
            organizations,
            purpose,
            not_before: now - BACKDATED_SECONDS,
            not_after: now + LEAF_SECONDS,
        };
        let made = certificate(&wanted, &key, COMMON_NAME, &self.key)?;
        Ok((key, made))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

fn self_signed(key: &SecretKey, now: i64) -> Result<Made, KeyError> {
    let wanted = Wanted {
        common_name: COMMON_NAME,
        organizations: &[],
        purpose: Purpose::Authority,
        not_before: now - BACKDATED_SECONDS,
        not_after: now + AUTHORITY_SECONDS,
    };
    certificate(&wanted, key, COMMON_NAME, key)
}

fn read_key(directory: &SecretDirectory, pem: &SecretString) -> Result<SecretKey, FileError> {
    let path = directory.path_of(KEY_FILE);
    SecretKey::from_pem(pem, &FORM).map_err(|_| corrupt(&path, "not an ECDSA P-256 key in PEM"))
}
