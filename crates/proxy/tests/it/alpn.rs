//! What is spoken to endpoints over TLS, where they may choose.

use std::{net::SocketAddr, time::Instant};

use http::HeaderValue;
use tidegate_routing::{BackendChoice, Mirror, Protocol, ProxyProtocol, Sampling};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    alpn_origin::{AlpnOrigin, Offers, upstream_tls},
    h2::trailers,
    h2_support::{H2Origin, ask, connect, request},
    support::{Origin, PATIENCE, World, answer, body, exchange, get, status},
    tls::Authority,
};

const BOTH: Offers = &["h2", "http/1.1"];
const H2: Offers = &["h2"];
const HTTP1: Offers = &["http/1.1"];

/// A world whose `/` leads to endpoints of this authority over TLS.
fn secure_world(authority: &Authority, endpoints: &[SocketAddr]) -> World {
    let mut world = World::new();
    world.route("/", endpoints, |_, cluster| {
        cluster.tls = upstream_tls(authority);
    });
    world
}

/// Asks so many times at once; what was spoken each time.
async fn ask_at_once(address: SocketAddr, count: usize) -> Vec<String> {
    let asking: Vec<_> = (0..count)
        .map(|_| tokio::spawn(async move { spoken(address).await }))
        .collect();
    let mut all = Vec::new();
    for task in asking {
        all.push(task.await.expect("an answer"));
    }
    all
}

/// What was spoken for one request, or the status of an answer that is not the endpoint's.
async fn spoken(address: SocketAddr) -> String {
    let text = get(address, "/", "").await;
    match status(&text) {
        200 => body(&text).to_owned(),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn connections_speak_what_the_endpoint_chose() {
    let authority = Authority::new();
    for (offers, protocol, expect) in [
        (BOTH, Protocol::Http, "h2"),
        (H2, Protocol::Http, "h2"),
        (HTTP1, Protocol::Http, "http/1.1"),
        (&["http/1.1", "h2"], Protocol::Http, "http/1.1"),
        (&[], Protocol::Http, "http/1.1"),
        (BOTH, Protocol::Http1, "http/1.1"),
        (H2, Protocol::Http1, "502"),
        (BOTH, Protocol::Http2, "h2"),
        (HTTP1, Protocol::Http2, "502"),
        (&[], Protocol::Http2, "502"),
    ] {
        let origin = AlpnOrigin::start(&authority, offers).await;
        let mut world = secure_world(&authority, &[origin.address]);
        world.clusters[0].protocol = protocol;
        let _proxy = world.serve().await;
        for _ in 0..3 {
            let got = spoken(world.address).await;
            assert_eq!(got, expect, "{protocol:?} to {offers:?}");
        }
        let agreed = origin.agreed().len();
        assert!(agreed == 1 || expect == "502", "{offers:?}: {agreed}");
    }
}

/// What is said of one client must not be believed of another.
#[tokio::test]
async fn announced_clients_have_connections_of_their_own() {
    let authority = Authority::new();
    let origin = AlpnOrigin::announced(&authority, BOTH).await;
    let mut world = secure_world(&authority, &[origin.address]);
    world.clusters[0].proxy_protocol = Some(ProxyProtocol::V1);
    let _proxy = world.serve().await;
    for _ in 0..2 {
        assert_eq!(spoken(world.address).await, "http/1.1");
    }
    assert_eq!(origin.agreed(), ["http/1.1", "http/1.1"]);
}

#[tokio::test]
async fn endpoints_of_one_cluster_may_differ() {
    let authority = Authority::new();
    let new = AlpnOrigin::start(&authority, BOTH).await;
    let old = AlpnOrigin::start(&authority, HTTP1).await;
    let mut world = secure_world(&authority, &[new.address, old.address]);
    let _proxy = world.serve().await;
    for round in 0..3 {
        let mut all = ask_at_once(world.address, 20).await;
        all.sort();
        let expect: Vec<_> = [["h2"; 10], ["http/1.1"; 10]].concat();
        assert_eq!(all, expect, "round {round}");
    }
    assert!(new.agreed().iter().all(|one| one == "h2"));
    assert!(old.agreed().iter().all(|one| one == "http/1.1"));
}

/// Many requests at once are no storm of connections, neither before nor after it is known what the endpoint speaks.
#[tokio::test]
async fn requests_wait_for_the_first_handshake() {
    let authority = Authority::new();
    let origin = AlpnOrigin::start(&authority, BOTH).await;
    let mut world = secure_world(&authority, &[origin.address]);
    let _proxy = world.serve().await;
    let begun = Instant::now();
    for _ in 0..2 {
        assert_eq!(ask_at_once(world.address, 50).await, ["h2"; 50]);
    }
    // One more each time that a handshake took long.
    let most = 1 + begun.elapsed().as_millis() / 100;
    assert!(origin.agreed().len() as u128 <= most, "of {most}");
}

/// Once it is known that they can't share a connection, all connect at the same time.
#[tokio::test]
async fn requests_do_not_wait_in_line_for_http1() {
    let authority = Authority::new();
    let origin = AlpnOrigin::gated(&authority, HTTP1, 0).await;
    let mut world = secure_world(&authority, &[origin.address]);
    let _proxy = world.serve().await;
    let asking = tokio::spawn(ask_at_once(world.address, 20));
    origin.came(1).await;
    // The others must come while the one that is let in is all that is known.
    origin.admit(1);
    let came = tokio::time::timeout(PATIENCE, origin.came(20));
    came.await.expect("all connect at once");
    origin.admit(usize::MAX);
    assert_eq!(asking.await.expect("answers"), ["http/1.1"; 20]);
}

/// One handshake that hangs holds nobody else up.
#[tokio::test]
async fn requests_do_not_wait_for_a_handshake_that_hangs() {
    let authority = Authority::new();
    for offers in [BOTH, HTTP1] {
        let origin = AlpnOrigin::start(&authority, offers).await;
        // Takes a connection, and says nothing.
        let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut world = secure_world(&authority, &[mute.local_addr().expect("its address")]);
        let _proxy = world.serve().await;
        let first = tokio::spawn(get(world.address, "/", ""));
        let taken = tokio::task::spawn_blocking(move || (mute.accept().expect("taken"), mute));
        let (_held, mute) = taken.await.expect("taken");
        let second = tokio::spawn(spoken(world.address));
        // The second one's connection leads to the origin.
        let pass = tokio::task::spawn_blocking(move || mute.accept().expect("taken").0);
        let mut from = from_std(pass.await.expect("taken"));
        let mut to = TcpStream::connect(origin.address).await.expect("connected");
        tokio::spawn(async move { tokio::io::copy_bidirectional(&mut from, &mut to).await });
        assert_eq!(second.await.expect("an answer"), offers[0]);
        assert!(!first.is_finished(), "{offers:?}");
        first.abort();
    }
}

fn from_std(stream: std::net::TcpStream) -> TcpStream {
    stream.set_nonblocking(true).expect("set");
    TcpStream::from_std(stream).expect("a stream")
}

/// A restart with other offers costs no request.
#[tokio::test]
async fn endpoints_may_choose_otherwise_later() {
    let authority = Authority::new();
    let origin = AlpnOrigin::start(&authority, BOTH).await;
    let mut world = secure_world(&authority, &[origin.address]);
    let _proxy = world.serve().await;
    for (offers, expect) in [
        (BOTH, "h2"),
        (HTTP1, "http/1.1"),
        (H2, "h2"),
        (&[], "http/1.1"),
        (BOTH, "h2"),
    ] {
        origin.restart(offers);
        let got = ask_at_once(world.address, 5).await;
        assert_eq!(got, [expect; 5], "{offers:?}");
    }
}

/// Asks for a WebSocket, and has something echoed on it; the status where there is none.
async fn websocket(address: SocketAddr) -> String {
    let ask = "GET / HTTP/1.1\r\nhost: test.example\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(ask.as_bytes()).await.expect("sent");
    let mut bytes = vec![0; 4096];
    let count = stream.read(&mut bytes).await.expect("an answer");
    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
    if status(&text) != 101 {
        return status(&text).to_string();
    }
    stream.write_all(b"hello").await.expect("sent");
    let mut echo = [0; 5];
    stream.read_exact(&mut echo).await.expect("an echo");
    String::from_utf8_lossy(&echo).into_owned()
}

#[tokio::test]
async fn websockets_have_connections_of_http1() {
    let authority = Authority::new();
    let origin = AlpnOrigin::start(&authority, BOTH).await;
    let mut world = secure_world(&authority, &[origin.address]);
    let _proxy = world.serve().await;
    for _ in 0..2 {
        assert_eq!(websocket(world.address).await, "hello");
        assert_eq!(spoken(world.address).await, "h2");
    }
    let mut agreed = origin.agreed();
    agreed.sort();
    assert_eq!(agreed, ["h2", "http/1.1", "http/1.1"]);
}

/// An endpoint that can't serve a WebSocket is no bad endpoint.
#[tokio::test]
async fn websockets_do_not_harm_endpoints_of_h2() {
    let authority = Authority::new();
    let new = AlpnOrigin::start(&authority, H2).await;
    let old = AlpnOrigin::start(&authority, HTTP1).await;
    let mut world = secure_world(&authority, &[new.address]);
    let proxy = world.serve().await;
    assert_eq!(websocket(world.address).await, "502");
    assert_eq!(spoken(world.address).await, "h2");
    world.route("/", &[new.address, old.address], |_, cluster| {
        cluster.tls = upstream_tls(&authority);
    });
    proxy.apply(world.snapshot()).await.expect("applied");
    for _ in 0..4 {
        assert_eq!(websocket(world.address).await, "hello");
    }
    let all = ask_at_once(world.address, 20).await;
    let h2 = all.iter().filter(|one| *one == "h2").count();
    assert_eq!(h2, 10, "{all:?}");
}

#[tokio::test]
async fn calls_and_mirrors_go_by_what_was_chosen() {
    let authority = Authority::new();
    let identity = authority.identity(&["up.example"]);
    let calls = H2Origin::secure(&identity).await;
    let copies = AlpnOrigin::start(&authority, BOTH).await;
    let plain = Origin::always(&answer(200, "", "")).await;
    let mut world = secure_world(&authority, &[calls.address]);
    world.route("/copied", &[copies.address], |_, cluster| {
        cluster.tls = upstream_tls(&authority);
    });
    let copied = world.clusters[1].key.clone();
    world.route("/plain", &[plain.address], |rule, _| {
        rule.filters.set().mirrors = vec![Mirror {
            backend: BackendChoice::Cluster(copied),
            sampling: Sampling {
                numerator: 1,
                denominator: 1,
            },
        }];
    });
    let _proxy = world.serve().await;
    let sender = connect(world.address).await;
    let mut message = request("POST", "/pkg.Service/Method");
    let te = HeaderValue::from_static("trailers");
    message.headers_mut().insert("te", te);
    let end = trailers("grpc-status", "0");
    let got = ask(&sender, message, b"hello", Some(end)).await;
    let got = got.expect("an answer");
    assert_eq!(
        (got.trailer("grpc-status"), &got.body[..]),
        (Some("0"), &b"hello"[..])
    );
    let post =
        "POST /plain HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello";
    assert_eq!(status(&exchange(world.address, post).await), 200);
    let came = tokio::time::timeout(PATIENCE, async {
        while copies.agreed() != ["h2"] {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    });
    came.await.expect("a copy came by h2");
}
