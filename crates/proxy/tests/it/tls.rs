//! TLS with clients and with upstreams.

use std::{net::SocketAddr, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    server::WebPkiClientVerifier,
};
use tidegate_proxy::Options;
use tidegate_routing::{
    BindProtocol, Certificate, ClientValidation, Host, RouteTable, TlsListener, TrustAnchors,
    UpstreamTls,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

use crate::support::{Origin, World, answer, attachment, body, get, rule, status};

/// An authority of our own.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: CertificateDer<'static>,
}

/// A chain and its key.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("signed").der().clone();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    pub(crate) fn identity(&self, names: &[&str]) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.subject_alt_names = names
            .iter()
            .map(|name| match name.contains(':') {
                true => SanType::URI((*name).try_into().expect("text")),
                false => SanType::DnsName((*name).try_into().expect("text")),
            })
            .collect();
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        Identity {
            chain: vec![certificate.der().clone()],
            key: key.serialize_der(),
        }
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a root");
        Arc::new(roots)
    }
}

impl Identity {
    fn certificate(&self, names: &[Host]) -> Arc<Certificate> {
        Arc::new(Certificate {
            source: Arc::from("test/secret"),
            chain: self.chain.iter().map(|der| der.to_vec()).collect(),
            key: self.key.clone(),
            names: names.to_vec(),
        })
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.clone()).expect("a key")
    }
}

fn exact(name: &str) -> Host {
    Host::Exact(Arc::from(name))
}

pub(crate) fn client(authority: &Authority, identity: Option<&Identity>) -> TlsConnector {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(authority.roots());
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_auth_cert(identity.chain.clone(), identity.key())
            .expect("an identity"),
    };
    Arc::new(config).into()
}

pub(crate) async fn connect(
    connector: &TlsConnector,
    address: SocketAddr,
    name: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    connector.connect(name, stream).await
}

/// Connects with this SNI and asks for this host; the answer's status, 0 where there is no connection.
async fn ask(connector: &TlsConnector, address: SocketAddr, name: &str, host: &str) -> u16 {
    let Ok(mut stream) = connect(connector, address, name).await else {
        return 0;
    };
    let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    let mut text = Vec::new();
    let sent = stream.write_all(request.as_bytes()).await;
    let read = stream.read_to_end(&mut text).await;
    match (sent, read) {
        (Ok(()), _) => status(&String::from_utf8_lossy(&text)),
        _ => 0,
    }
}

/// A listener with a certificate for its host, and a route to an origin of its own.
pub(crate) async fn listener(
    world: &mut World,
    authority: &Authority,
    host: &str,
    validation: Option<ClientValidation>,
) {
    let origin = Origin::always(&answer(200, "", host)).await;
    listener_to(world, authority, host, validation, origin.address);
}

/// The same, to an origin that is there.
pub(crate) fn listener_to(
    world: &mut World,
    authority: &Authority,
    host: &str,
    validation: Option<ClientValidation>,
    origin: SocketAddr,
) {
    let mut other = World::new();
    other.route(&format!("/{host}"), &[origin], |_, _| {});
    let cluster = other.clusters.remove(0);
    let backends = vec![crate::support::backend(&cluster.key, 1)];
    let mut routes = RouteTable::new();
    let action = tidegate_routing::Action::Forward(backends);
    routes.insert(attachment("/", rule(host, action)));
    world.clusters.push(cluster);
    let (host, name) = match host.strip_prefix("*.") {
        Some(rest) => (Host::Suffix(Arc::from(rest)), host),
        None => (exact(host), host),
    };
    let identity = authority.identity(&[name]);
    let tls = TlsListener {
        certificates: vec![identity.certificate(std::slice::from_ref(&host))],
        client_validation: validation,
    };
    world.listeners.push((host, Some(Arc::new(tls)), routes));
}

pub(crate) fn tls_world() -> World {
    let mut world = World::new();
    world.protocol = BindProtocol::Https;
    world.listeners.clear();
    world
}

#[tokio::test]
async fn listeners_are_chosen_by_name_and_hosts_stay_with_them() {
    let authority = Authority::new();
    let mut world = tls_world();
    for host in [
        "a.example",
        "b.example",
        "*.wild.example",
        "in.wild.example",
    ] {
        listener(&mut world, &authority, host, None).await;
    }
    let _proxy = world.serve().await;
    let connector = client(&authority, None);
    for (name, host, expect) in [
        ("a.example", "a.example", 200),
        ("a.example", "A.EXAMPLE", 200),
        ("b.example", "b.example", 200),
        ("x.wild.example", "x.wild.example", 200),
        ("x.wild.example", "y.wild.example", 200),
        ("x.wild.example", "in.wild.example", 421),
        ("in.wild.example", "x.wild.example", 421),
        ("a.example", "b.example", 421),
        ("a.example", "c.example", 404),
        ("c.example", "c.example", 0),
    ] {
        let got = ask(&connector, world.address, name, host).await;
        assert_eq!(got, expect, "{name} {host}");
    }
    // A client whose name nobody serves is told so: a connection that just breaks says nothing.
    let refused = connect(&connector, world.address, "c.example").await;
    let error = refused.expect_err("no listener").to_string();
    assert!(
        error.contains("UnrecognizedName") || error.contains("UnrecognisedName"),
        "{error}"
    );
}

#[tokio::test]
async fn sessions_resume_at_any_worker() {
    let authority = Authority::new();
    let mut world = tls_world();
    listener(&mut world, &authority, "a.example", None).await;
    let proxy = tidegate_proxy::Proxy::start(Options {
        workers: 4,
        ..Options::default()
    })
    .expect("a proxy");
    proxy.apply(world.snapshot()).await.expect("applied");
    let connector = client(&authority, None);
    let mut kinds = Vec::new();
    for _ in 0..12 {
        let mut stream = connect(&connector, world.address, "a.example")
            .await
            .expect("TLS");
        let request = b"GET / HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.expect("sent");
        let mut text = Vec::new();
        stream.read_to_end(&mut text).await.expect("an answer");
        kinds.push(stream.get_ref().1.handshake_kind());
    }
    assert_eq!(kinds[0], Some(HandshakeKind::Full));
    assert!(
        kinds[1..]
            .iter()
            .all(|kind| *kind == Some(HandshakeKind::Resumed)),
        "{kinds:?}"
    );
}

#[tokio::test]
async fn clients_are_validated_as_the_listener_says() {
    let (authority, other) = (Authority::new(), Authority::new());
    let mut world = tls_world();
    let validation = |allow_insecure| {
        Some(ClientValidation {
            authorities: vec![authority.certificate.to_vec()],
            allow_insecure,
        })
    };
    listener(&mut world, &authority, "strict.example", validation(false)).await;
    listener(&mut world, &authority, "lax.example", validation(true)).await;
    let _proxy = world.serve().await;
    let good = authority.identity(&["client.example"]);
    let bad = other.identity(&["client.example"]);
    for (name, identity, expect) in [
        ("strict.example", Some(&good), 200),
        ("strict.example", Some(&bad), 0),
        ("strict.example", None, 0),
        ("lax.example", Some(&good), 200),
        ("lax.example", Some(&bad), 200),
        ("lax.example", None, 200),
    ] {
        let connector = client(&authority, identity);
        let got = ask(&connector, world.address, name, name).await;
        assert_eq!(got, expect, "{name} {}", identity.is_some());
    }
}

/// A new certificate is shown to the next connection; the old one's connections go on.
#[tokio::test]
async fn certificates_are_swapped_without_a_pause() {
    let authority = Authority::new();
    let mut world = tls_world();
    listener(&mut world, &authority, "a.example", None).await;
    let proxy = world.serve().await;
    let mut shown = Vec::new();
    for _ in 0..2 {
        let connector = client(&authority, None);
        let stream = connect(&connector, world.address, "a.example")
            .await
            .expect("TLS");
        let chain = stream.get_ref().1.peer_certificates().expect("a chain");
        shown.push(chain[0].to_vec());
        let identity = authority.identity(&["a.example"]);
        world.listeners[0].1 = Some(Arc::new(TlsListener {
            certificates: vec![identity.certificate(&[exact("a.example")])],
            client_validation: None,
        }));
        proxy.apply(world.snapshot()).await.expect("applied");
    }
    assert_ne!(shown[0], shown[1]);
}

/// Who was let in without a certificate is not let through once one is asked for.
#[tokio::test]
async fn connections_do_not_outlive_the_validation_they_passed() {
    let authority = Authority::new();
    let mut world = tls_world();
    listener(&mut world, &authority, "a.example", None).await;
    let proxy = world.serve().await;
    let connector = client(&authority, None);
    let mut stream = connect(&connector, world.address, "a.example")
        .await
        .expect("TLS");
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let request = b"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n";
        stream.write_all(request).await.expect("sent");
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).await.expect("an answer");
        statuses.push(status(&String::from_utf8_lossy(&bytes[..count])));
        let mut tls = TlsListener::clone(world.listeners[0].1.as_ref().expect("TLS"));
        tls.client_validation = Some(ClientValidation {
            authorities: vec![authority.certificate.to_vec()],
            allow_insecure: false,
        });
        world.listeners[0].1 = Some(Arc::new(tls));
        proxy.apply(world.snapshot()).await.expect("applied");
    }
    assert_eq!(statuses, [200, 421]);
}

/// An origin that ends TLS and answers one request for each connection with 200.
pub(crate) async fn tls_origin(identity: &Identity, clients: Option<&Authority>) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(authority.roots(), provider)
                .build()
                .expect("a verifier"),
        ),
    };
    let config = builder
        .with_single_cert(identity.chain.clone(), identity.key())
        .expect("an identity");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let name = stream
                    .get_ref()
                    .1
                    .server_name()
                    .unwrap_or_default()
                    .to_owned();
                let mut bytes = [0; 4096];
                if let Ok(1..) = stream.read(&mut bytes).await {
                    let answer = answer(200, "", &name);
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
                let _ = stream.read(&mut bytes).await;
            });
        }
    });
    address
}

/// Whether the origin wants a certificate, the policy's hostname, whom it trusts, the names it takes, whether the gateway
/// has a certificate, and the answer.
type Verified = (
    bool,
    &'static str,
    &'static str,
    &'static [&'static str],
    bool,
    u16,
);

const VERIFIED: &[Verified] = &[
    (false, "up.example", "authority", &[], false, 200),
    (false, "no.example", "authority", &[], false, 502),
    (false, "up.example", "other", &[], false, 502),
    (false, "no.example", "nobody", &[], false, 200),
    (
        false,
        "no.example",
        "authority",
        &["up.example"],
        false,
        200,
    ),
    (
        false,
        "no.example",
        "authority",
        &["x.example", "spiffe://cluster/service"],
        false,
        200,
    ),
    (false, "up.example", "authority", &["x.example"], false, 502),
    (
        false,
        "up.example",
        "authority",
        &["spiffe://other"],
        false,
        502,
    ),
    (false, "up.example", "other", &["up.example"], false, 502),
    (true, "up.example", "authority", &[], true, 200),
    (true, "up.example", "authority", &[], false, 502),
];

#[tokio::test]
async fn upstreams_are_verified_as_their_policy_says() {
    let (authority, other) = (Authority::new(), Authority::new());
    let named = authority.identity(&["up.example", "spiffe://cluster/service"]);
    let own = authority.identity(&["gateway.example"]);
    let plain = tls_origin(&named, None).await;
    let mutual = tls_origin(&named, Some(&authority)).await;
    let given = |from: &Authority| TrustAnchors::Given(vec![from.certificate.to_vec()]);
    for case in VERIFIED {
        let (asks, hostname, trust, names, shows, expect) = *case;
        let mut world = World::new();
        let policy = UpstreamTls {
            hostname: Arc::from(hostname),
            trust: match trust {
                "authority" => given(&authority),
                "other" => given(&other),
                _ => TrustAnchors::Insecure,
            },
            names: names.iter().map(|name| Arc::from(*name)).collect(),
            identity: shows.then(|| own.certificate(&[exact("gateway.example")])),
        };
        let address = if asks { mutual } else { plain };
        world.route("/", &[address], |_, cluster| {
            cluster.tls = Some(Arc::new(policy));
        });
        let _proxy = world.serve().await;
        let answer = get(world.address, "/", "").await;
        assert_eq!(status(&answer), expect, "{case:?} {answer}");
        assert!(expect != 200 || body(&answer) == hostname);
    }
}
