//! HTTP/2 with clients by TLS, where both sides agree on it by ALPN.

use std::{net::SocketAddr, sync::Arc};

use rustls::ClientConfig;
use tokio_rustls::TlsConnector;

use crate::{
    h2_support::{ask, request, speak},
    tls::{Authority, client, connect, listener, tls_world},
};

/// The status that a client gets that connects with this SNI and asks for this host.
async fn ask_for(authority: &Authority, address: SocketAddr, name: &str, host: &str) -> String {
    let mut config = ClientConfig::clone(client(authority, None).config());
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connect(&connector, address, name).await.expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let sender = speak(stream).await;
    let mut message = request("GET", "/");
    *message.uri_mut() = format!("https://{host}/").parse().expect("a target");
    let got = ask(&sender, message, b"", None).await;
    got.expect("an answer").line
}

#[tokio::test]
async fn hosts_stay_with_the_listener_of_the_connection() {
    let authority = Authority::new();
    let mut world = tls_world();
    for host in ["a.example", "b.example", "*.wild.example"] {
        listener(&mut world, &authority, host, None).await;
    }
    let _proxy = world.serve().await;
    for (name, host, expect) in [
        ("a.example", "a.example", "200"),
        ("a.example", "a.example:443", "200"),
        ("a.example", "b.example", "421"),
        ("a.example", "c.example", "404"),
        ("x.wild.example", "y.wild.example", "200"),
    ] {
        let got = ask_for(&authority, world.address, name, host).await;
        assert_eq!(got, expect, "{name} {host}");
    }
}
