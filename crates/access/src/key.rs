//! An ECDSA P-256 key, as PEM and for signing. Never printed.

use aws_lc_rs::{
    encoding::{AsDer, EcPrivateKeyRfc5915Der, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// Making a key, signing with it, or reading it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library refused")]
pub struct KeyError;

/// A key with the form of its signatures.
pub(crate) struct SecretKey(EcdsaKeyPair);

impl SecretKey {
    pub(crate) fn generate(form: &'static EcdsaSigningAlgorithm) -> Result<Self, KeyError> {
        EcdsaKeyPair::generate(form).map(Self).map_err(|_| KeyError)
    }

    /// Reads PKCS #8 in PEM.
    pub(crate) fn from_pem(
        pem: &SecretString,
        form: &'static EcdsaSigningAlgorithm,
    ) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose_secret().as_bytes());
        let der = der.map_err(|_| KeyError)?;
        let pair = EcdsaKeyPair::from_pkcs8(form, der.secret_pkcs8_der());
        pair.map(Self).map_err(|_| KeyError)
    }

    /// PKCS #8 in PEM.
    pub(crate) fn to_pem(&self) -> Result<SecretString, KeyError> {
        let der = self.0.to_pkcs8v1().map_err(|_| KeyError)?;
        Ok(pem("PRIVATE KEY", der.as_ref()).into())
    }

    /// RFC 5915 in PEM, which Go writes too: clients that take PKCS #8 for RSA's can read it.
    pub(crate) fn to_ec_pem(&self) -> Result<SecretString, KeyError> {
        let key = self.0.private_key();
        let der: EcPrivateKeyRfc5915Der<'_> = key.as_der().map_err(|_| KeyError)?;
        Ok(pem("EC PRIVATE KEY", der.as_ref()).into())
    }

    /// PKCS #8.
    pub(crate) fn to_der(&self) -> Result<PrivatePkcs8KeyDer<'static>, KeyError> {
        let der = self.0.to_pkcs8v1().map_err(|_| KeyError)?;
        Ok(PrivatePkcs8KeyDer::from(der.as_ref().to_vec()))
    }

    /// The DER of the public key with its algorithm.
    pub(crate) fn public_der(&self) -> Result<Vec<u8>, KeyError> {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().map_err(|_| KeyError)?;
        Ok(der.as_ref().to_vec())
    }

    /// The point on the curve: `4`, X, Y.
    pub(crate) fn public_point(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let signature = self.0.sign(&SystemRandom::new(), message);
        signature
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| KeyError)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey([redacted])")
    }
}

/// Random bytes that nobody can guess.
pub(crate) fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], KeyError> {
    let mut bytes = [0; LENGTH];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| KeyError)?;
    Ok(bytes)
}

/// DER as PEM.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}
