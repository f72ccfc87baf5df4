//! The server's side: one configuration per listener, chosen by SNI before the handshake goes on.

use std::{cell::RefCell, collections::HashMap, fmt, sync::Arc};

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::CertificateDer,
    server::{
        ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert,
        WebPkiClientVerifier,
    },
    sign::CertifiedKey,
};
use tidegate_routing::{Certificate, ClientValidation, Host, TlsListener};

use super::{TlsError, certified, provider, verify::AnyClient};

/// What clients may choose, best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Keys of session tickets, shared by all workers: a client may come back to another one.
#[derive(Clone)]
pub(crate) struct Tickets(Option<Arc<dyn ProducesTickets>>);

/// What was made of an object of the snapshot, by the object's address. Holding it keeps the address from being used
/// again.
type Made<Object, Result> = RefCell<HashMap<*const Object, (Arc<Object>, Arc<Result>)>>;

/// One worker's server configurations and keys.
#[derive(Debug)]
pub(crate) struct Servers {
    tickets: Tickets,
    listeners: Made<TlsListener, ServerConfig>,
    keys: Made<Certificate, CertifiedKey>,
}

/// The certificates of one listener, in order.
#[derive(Debug)]
struct Resolver(Vec<(Arc<Certificate>, Arc<CertifiedKey>)>);

impl Tickets {
    pub(crate) fn new() -> Self {
        match rustls::crypto::aws_lc_rs::Ticketer::new() {
            Ok(tickets) => Self(Some(tickets)),
            Err(error) => {
                tracing::warn!(%error, "no randomness for session tickets: sessions won't resume");
                Self(None)
            }
        }
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").finish_non_exhaustive()
    }
}

impl Servers {
    pub(crate) fn new(tickets: Tickets) -> Self {
        Self {
            tickets,
            listeners: RefCell::default(),
            keys: RefCell::default(),
        }
    }

    /// The configuration for a listener, made the first time that it is asked for.
    pub(crate) fn config(
        &self,
        listener: &Arc<TlsListener>,
    ) -> Result<Arc<ServerConfig>, TlsError> {
        let known = Arc::as_ptr(listener);
        if let Some((_, config)) = self.listeners.borrow().get(&known) {
            return Ok(config.clone());
        }
        let config = Arc::new(self.make(listener)?);
        self.listeners
            .borrow_mut()
            .insert(known, (listener.clone(), config.clone()));
        Ok(config)
    }

    fn make(&self, listener: &TlsListener) -> Result<ServerConfig, TlsError> {
        let resolver = self.resolver(listener)?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?;
        let mut config = match &listener.client_validation {
            None => builder.with_no_client_auth(),
            Some(validation) => builder.with_client_cert_verifier(verifier(validation)?),
        }
        .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
        config.session_storage = Arc::new(NoServerSessionStorage {});
        match (&self.tickets.0, &listener.client_validation) {
            (Some(tickets), None) => config.ticketer = tickets.clone(),
            _ => config.send_tls13_tickets = 0,
        }
        Ok(config)
    }

    fn resolver(&self, listener: &TlsListener) -> Result<Resolver, TlsError> {
        let mut usable = Vec::new();
        for certificate in &listener.certificates {
            match self.key(certificate) {
                Ok(key) => usable.push((certificate.clone(), key)),
                Err(error) => {
                    tracing::warn!(source = %certificate.source, %error, "a certificate can't be used");
                }
            }
        }
        if usable.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        Ok(Resolver(usable))
    }

    fn key(&self, certificate: &Arc<Certificate>) -> Result<Arc<CertifiedKey>, TlsError> {
        let known = Arc::as_ptr(certificate);
        if let Some((_, key)) = self.keys.borrow().get(&known) {
            return Ok(key.clone());
        }
        let key = Arc::new(certified(certificate)?);
        self.keys
            .borrow_mut()
            .insert(known, (certificate.clone(), key.clone()));
        Ok(key)
    }

    /// Forgets what no snapshot holds any more.
    pub(crate) fn sweep(&self) {
        self.listeners
            .borrow_mut()
            .retain(|_, (listener, _)| Arc::strong_count(listener) > 1);
        // Beside this map a resolver may hold it: connections under way still need that one, not this map's.
        self.keys
            .borrow_mut()
            .retain(|_, (certificate, _)| Arc::strong_count(certificate) > 1);
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let covering = hello.server_name().and_then(|name| {
            self.0
                .iter()
                .find(|(certificate, _)| certificate.names.iter().any(|own| covers(own, name)))
        });
        covering
            .or_else(|| self.0.first())
            .map(|(_, key)| key.clone())
    }
}

/// Whether a certificate's name stands for this one. A star is one label there.
fn covers(own: &Host, name: &str) -> bool {
    match own {
        Host::Exact(own) => own.eq_ignore_ascii_case(name),
        Host::Suffix(own) => name
            .split_once('.')
            .is_some_and(|(_, rest)| own.eq_ignore_ascii_case(rest)),
        Host::Any => true,
    }
}

fn verifier(
    validation: &ClientValidation,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    if validation.allow_insecure {
        return Ok(Arc::new(AnyClient::new(provider())));
    }
    let mut roots = RootCertStore::empty();
    for authority in &validation.authorities {
        roots.add(CertificateDer::from(authority.clone()))?;
    }
    Ok(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build()?)
}

#[cfg(test)]
mod tests {
    use tidegate_routing::Host;

    use super::covers;

    fn check(own: &str, name: &str, expect: bool) {
        let host = match own.strip_prefix("*.") {
            Some(rest) => Host::Suffix(rest.into()),
            None => Host::Exact(own.into()),
        };
        assert_eq!(covers(&host, name), expect, "{own} {name}");
    }

    #[test]
    fn a_star_is_one_label() {
        check("a.example", "a.example", true);
        check("a.example", "A.Example", true);
        check("a.example", "b.example", false);
        check("*.example", "a.example", true);
        check("*.example", "b.a.example", false);
        check("*.example", "example", false);
    }
}
