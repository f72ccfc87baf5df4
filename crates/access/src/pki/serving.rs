//! The server's own certificate, and whom it takes as a client.
//!
//! A client's certificate is asked for, not demanded, and a bad one does not end the handshake: as at kube-apiserver, it
//! is the request that gets a 401, or goes on with a token. The handshake only makes sure that the client has the key.

use super::PkiError;
use arc_swap::ArcSwapOption;
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, UnixTime},
    server::{
        ClientHello, ResolvesServerCert,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
};
use std::sync::Arc;

/// The server's certificate, which may be renewed while connections are open.
#[derive(Debug, Default)]
pub(crate) struct Serving {
    current: ArcSwapOption<Issued>,
}

/// A certificate in use.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) key: Arc<CertifiedKey>,
    /// What the certificate is for, to make the next one.
    pub(crate) names: Vec<String>,
    /// Unix seconds.
    pub(crate) made_at: i64,
    pub(crate) renew_at: i64,
}

impl Issued {
    /// Whether it need not be renewed.
    pub(crate) fn serves_at(&self, now: i64) -> bool {
        (self.made_at..self.renew_at).contains(&now)
    }
}

impl Serving {
    pub(crate) fn set(&self, issued: Issued) {
        self.current.store(Some(Arc::new(issued)));
    }

    pub(crate) fn get(&self) -> Option<Arc<Issued>> {
        self.current.load_full()
    }
}

impl ResolvesServerCert for Serving {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current
            .load()
            .as_ref()
            .map(|issued| Arc::clone(&issued.key))
    }
}

/// Takes any client certificate whose key the client has. See the top of this file.
#[derive(Debug)]
struct AskedFor(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for AskedFor {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

pub(crate) fn server_config(
    serving: Arc<Serving>,
    verifier: Arc<dyn ClientCertVerifier>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<ServerConfig>, PkiError> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(AskedFor(verifier)))
        .with_cert_resolver(serving);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
