//! Secrets and ConfigMaps: certificates with their keys, and certificates of authorities.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use serde_json::value::RawValue;
use tidegate_routing::{Certificate, Host};

use super::Envelope;
use crate::text;

/// Certificates of authorities, in DER.
pub(crate) type Authorities = Arc<[Vec<u8>]>;

/// What is used of a Secret.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Secret {
    pub(crate) certificate: Kept<Arc<Certificate>>,
    pub(crate) authorities: Kept<Authorities>,
}

/// What is used of a ConfigMap.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ConfigMap {
    pub(crate) authorities: Kept<Authorities>,
}

/// Something that may be good, or not, or broken now but good before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept<T> {
    pub(crate) good: Option<T>,
    /// What is wrong with the latest.
    pub(crate) fault: Option<Fault>,
}

impl<T: Clone> Kept<T> {
    fn new(read: Result<T, Fault>) -> Self {
        match read {
            Ok(good) => Self {
                good: Some(good),
                fault: None,
            },
            Err(fault) => Self {
                good: None,
                fault: Some(fault),
            },
        }
    }

    /// With what was good before, where the latest is broken. (Where it's gone, it's gone.)
    pub(crate) fn after(mut self, old: &Self) -> Self {
        if matches!(self.fault, Some(Fault::Broken(_))) {
            self.good = old.good.clone();
        }
        self
    }
}

/// Why something can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It isn't there.
    Missing(Arc<str>),
    /// It's there, but broken. What was good before stays in use, and is told with it.
    Broken(Arc<str>),
}

impl Fault {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Missing(text) | Self::Broken(text) => text,
        }
    }

    fn missing(name: &str) -> Self {
        Self::Missing(format!("it has no {name}").into())
    }

    fn broken(name: &str, why: impl std::fmt::Display) -> Self {
        Self::Broken(format!("its {name} can't be used: {why}").into())
    }
}

/// At most so many certificates in one chain or bundle.
const CERTIFICATES_MAX: usize = 1000;

impl Secret {
    pub(crate) fn read(envelope: &Envelope<'_>, source: &str) -> Result<Self, String> {
        let data: Option<BTreeMap<String, &RawValue>> = super::read(envelope.data)?;
        let data = data.unwrap_or_default();
        let bytes = |name: &str| -> Result<Vec<u8>, Fault> {
            let raw = data.get(name).ok_or_else(|| Fault::missing(name))?;
            let text: String =
                serde_json::from_str(raw.get()).map_err(|why| Fault::broken(name, why))?;
            STANDARD
                .decode(text)
                .map_err(|why| Fault::broken(name, why))
        };
        let certificate = bytes("tls.crt")
            .and_then(|chain| bytes("tls.key").map(|key| (chain, key)))
            .and_then(|(chain, key)| certificate(source, &chain, &key));
        Ok(Self {
            certificate: Kept::new(certificate.map(Arc::new)),
            authorities: Kept::new(bytes("ca.crt").and_then(|pem| authorities(&pem))),
        })
    }
}

impl ConfigMap {
    pub(crate) fn read(envelope: &Envelope<'_>) -> Result<Self, String> {
        let data: Option<BTreeMap<String, &RawValue>> = super::read(envelope.data)?;
        let data = data.unwrap_or_default();
        let authorities = data
            .get("ca.crt")
            .ok_or_else(|| Fault::missing("ca.crt"))
            .and_then(|raw| {
                serde_json::from_str::<String>(raw.get())
                    .map_err(|why| Fault::broken("ca.crt", why))
            })
            .and_then(|pem| authorities(pem.as_bytes()));
        Ok(Self {
            authorities: Kept::new(authorities),
        })
    }
}

fn authorities(pem: &[u8]) -> Result<Authorities, Fault> {
    let found = chain("ca.crt", pem)?;
    for one in &found {
        webpki::anchor_from_trusted_cert(one).map_err(|why| Fault::broken("ca.crt", why))?;
    }
    Ok(found.into_iter().map(|one| one.to_vec()).collect())
}

fn chain(name: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let found: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
        .take(CERTIFICATES_MAX)
        .collect::<Result<_, _>>()
        .map_err(|why| Fault::broken(name, why))?;
    if found.is_empty() {
        return Err(Fault::broken(name, "there is no certificate in it"));
    }
    Ok(found)
}

fn certificate(source: &str, chain_pem: &[u8], key_pem: &[u8]) -> Result<Certificate, Fault> {
    let found = chain("tls.crt", chain_pem)?;
    let key =
        PrivateKeyDer::from_pem_slice(key_pem).map_err(|why| Fault::broken("tls.key", why))?;
    let der = key.secret_der().to_vec();
    let names = names(&found[0])?;
    CertifiedKey::from_der(found.clone(), key, &aws_lc_rs::default_provider())
        .map_err(|why| Fault::broken("tls.key", why))?;
    Ok(Certificate {
        source: source.into(),
        chain: found.into_iter().map(|one| one.to_vec()).collect(),
        key: der,
        names,
    })
}

fn names(leaf: &CertificateDer<'_>) -> Result<Vec<Host>, Fault> {
    let leaf =
        webpki::EndEntityCert::try_from(leaf).map_err(|why| Fault::broken("tls.crt", why))?;
    Ok(leaf
        .valid_dns_names()
        .filter_map(text::host)
        .filter(|name| *name != Host::Any)
        .collect())
}
