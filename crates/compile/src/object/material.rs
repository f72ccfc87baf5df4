//! Secrets and ConfigMaps: certificates with their keys, and certificates of authorities.

use std::{collections::BTreeMap, sync::Arc};

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rsa,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
        ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
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
    let leaf =
        webpki::EndEntityCert::try_from(&found[0]).map_err(|why| Fault::broken("tls.crt", why))?;
    let public = public_key(&key)
        .ok_or_else(|| Fault::broken("tls.key", "it's of no kind that is known"))?;
    if *public != *leaf.subject_public_key_info() {
        return Err(Fault::broken("tls.key", "it doesn't belong to tls.crt"));
    }
    let names = leaf
        .valid_dns_names()
        .filter_map(text::host)
        .filter(|name| *name != Host::Any)
        .collect();
    Ok(Certificate {
        source: source.into(),
        key: key.secret_der().to_vec(),
        names,
        chain: found.into_iter().map(|one| one.to_vec()).collect(),
    })
}

/// The public half of a key, as certificates bear it.
fn public_key(key: &PrivateKeyDer<'_>) -> Option<Vec<u8>> {
    let der = key.secret_der();
    let x509 = |key: &dyn AsDer<PublicKeyX509Der<'static>>| {
        let encoded = key.as_der().ok()?;
        Some(encoded.as_ref().to_vec())
    };
    let rsa = || match key {
        PrivateKeyDer::Pkcs1(_) => rsa::KeyPair::from_der(der).ok(),
        _ => rsa::KeyPair::from_pkcs8(der).ok(),
    };
    if let Some(pair) = rsa() {
        return x509(pair.public_key());
    }
    let curves = [
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &ECDSA_P384_SHA384_ASN1_SIGNING,
        &ECDSA_P521_SHA512_ASN1_SIGNING,
    ];
    let mut pairs = curves
        .into_iter()
        .filter_map(|curve| EcdsaKeyPair::from_private_key_der(curve, der).ok());
    if let Some(pair) = pairs.next() {
        return x509(pair.public_key());
    }
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok()?;
    x509(pair.public_key())
}
