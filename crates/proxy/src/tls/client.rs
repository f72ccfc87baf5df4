//! The client's side: one configuration per cluster, with what its policy trusts and shows.

use std::sync::{Arc, LazyLock};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use tidegate_routing::{Offer, TrustAnchors, UpstreamTls};
use tokio_rustls::TlsConnector;

use super::{
    TlsError, chain, key, provider,
    verify::{AnyServer, NamedServer},
};

/// The machine's authorities, read once. Empty where there are none.
static SYSTEM: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    let (_, bad) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if bad > 0 {
        tracing::warn!(bad, "certificates of the machine's store are left out");
    }
    Arc::new(roots)
});

/// Connects as a cluster's policy says, for what is offered to speak.
///
/// # Errors
/// What the policy names can't be used.
pub(crate) fn connector(tls: &UpstreamTls, offer: Offer) -> Result<TlsConnector, TlsError> {
    let builder =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = match &tls.trust {
        TrustAnchors::Insecure => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyServer {
                provider: provider(),
            })),
        anchors if tls.names.is_empty() => builder.with_root_certificates(roots(anchors)?),
        anchors => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(NamedServer {
                provider: provider(),
                roots: roots(anchors)?,
                names: tls.names.clone(),
            })),
    };
    let mut config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder.with_client_auth_cert(chain(identity), key(identity)?)?,
    };
    config.alpn_protocols = alpn(offer);
    Ok(Arc::new(config).into())
}

/// The name that a cluster's endpoints are asked for.
///
/// # Errors
/// It is no name.
pub(crate) fn connector_name(tls: &UpstreamTls) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(tls.hostname.to_string())
        .map_err(|_form| TlsError::Name(tls.hostname.clone()))
}

fn alpn(offer: Offer) -> Vec<Vec<u8>> {
    let (h2, http1) = (b"h2".to_vec(), b"http/1.1".to_vec());
    match offer {
        Offer::Http1 => vec![http1],
        Offer::Http2 => vec![h2],
        Offer::Either => vec![h2, http1],
    }
}

fn roots(anchors: &TrustAnchors) -> Result<Arc<RootCertStore>, TlsError> {
    let TrustAnchors::Given(authorities) = anchors else {
        let system = SYSTEM.clone();
        return if system.is_empty() {
            Err(TlsError::NoSystemTrust)
        } else {
            Ok(system)
        };
    };
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(CertificateDer::from(authority.clone()))?;
    }
    Ok(Arc::new(roots))
}
