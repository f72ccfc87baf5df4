//! The PROXY protocol: what balancers in front say of clients, and what happens where they say it badly.

use std::{sync::Arc, time::Duration};

use tidegate_proxy::{AddressBlock, Options};
use tidegate_routing::{HealthCheck, HttpProbe, Probe, ProxyProtocol};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Origin, PATIENCE, Script, World, body, field, status};

const V1: &[u8] = b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 80\r\n";
const V1_UNKNOWN: &[u8] = b"PROXY UNKNOWN\r\n";
const V2_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A header of version 2, for this command, family and rest.
fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).expect("short").to_be_bytes();
    [V2_SIGNATURE, &[command, family], &length, rest].concat()
}

fn v2_from_6() -> Vec<u8> {
    let mut rest = vec![0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    rest.extend([0; 16]);
    rest.extend([0x12, 0x34, 0, 80]);
    v2(0x21, 0x21, &rest)
}

/// Sends `parts` with pauses between them; the answer.
async fn say(address: std::net::SocketAddr, parts: &[&[u8]]) -> String {
    let work = async {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.set_nodelay(true).expect("an option");
        for part in parts {
            // Who is refused early is closed on.
            let _ = stream.write_all(part).await;
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        String::from_utf8_lossy(&bytes).into_owned()
    };
    tokio::time::timeout(PATIENCE, work).await.expect("an end")
}

fn blocks(texts: &[&str]) -> Vec<AddressBlock> {
    texts
        .iter()
        .map(|text| text.parse().expect("a block"))
        .collect()
}

async fn world(sources: &[&str], head_timeout: Duration) -> (World, tidegate_proxy::Proxy) {
    let origin = Origin::start(|_, _| Script::Echo).await;
    let mut world = World::new();
    world.route("/", &[origin.address], |_, _| {});
    let mut options = Options {
        proxy_protocol: blocks(sources),
        ..Options::default()
    };
    options.limits.head_timeout = head_timeout;
    let proxy = world.serve_with(options).await;
    (world, proxy)
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: test.example\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn clients_are_who_their_balancer_says() {
    let (world, proxy) = world(&["127.0.0.0/8"], PATIENCE).await;
    let from_6 = v2_from_6();
    let local = v2(0x20, 0, &[]);
    for (header, expect) in [
        (V1, "203.0.113.7"),
        (V1_UNKNOWN, "127.0.0.1"),
        (from_6.as_slice(), "2001:db8::7"),
        (local.as_slice(), "127.0.0.1"),
    ] {
        let whole = [header, GET].concat();
        let bytes: Vec<&[u8]> = header.chunks(1).chain([GET]).collect();
        let halves = [&whole[..header.len() / 2], &whole[header.len() / 2..]];
        for parts in [&[whole.as_slice()][..], &bytes, &halves, &[header, GET]] {
            let got = say(world.address, parts).await;
            assert_eq!(status(&got), 200, "{got}");
            assert_eq!(field(body(&got), "x-forwarded-for"), Some(expect), "{got}");
        }
    }
    assert_eq!(proxy.counters().proxy_headers_refused(), 0);
}

#[tokio::test]
async fn what_cannot_be_believed_is_closed_on() {
    let (world, proxy) = world(&["127.0.0.1"], Duration::from_millis(300)).await;
    let newer = v2(0x31, 0x11, &[0; 12]);
    let short = v2(0x21, 0x11, &[0; 11]);
    let cases: [&[&[u8]]; 8] = [
        &[GET],
        &[b"PROXY TCP4 203.0.113.7 192.0.2.1 4711\r\n", GET],
        &[b"PROXY TCP4 203.0.113.007 192.0.2.1 4711 80\r\n", GET],
        &[b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 80\n", GET],
        &[&newer, GET],
        &[&short, GET],
        // Never whole.
        &[b"PROXY TCP4 203.0.113.7"],
        &[],
    ];
    for (count, parts) in (1..).zip(cases) {
        let got = say(world.address, parts).await;
        assert_eq!(got, "", "{count}");
        assert_eq!(proxy.counters().proxy_headers_refused(), count);
    }
    // A second header is no request.
    let got = say(world.address, &[V1, V1, GET]).await;
    assert_eq!(status(&got), 400, "{got}");
    let none_left = async {
        while proxy.counters().open() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let ended = tokio::time::timeout(PATIENCE, none_left).await;
    ended.expect("places are given back");
}

/// An origin that is another gateway's listener: it says whom it was told of.
#[tokio::test]
async fn endpoints_are_told_who_the_client_is() {
    let (inner, _inner) = world(&["127.0.0.1"], PATIENCE).await;
    for version in [ProxyProtocol::V1, ProxyProtocol::V2] {
        let mut outer = World::new();
        outer.route("/", &[inner.address], |_, cluster| {
            cluster.proxy_protocol = Some(version);
            cluster.health = Some(HealthCheck {
                probe: Probe::Http(HttpProbe {
                    path: "/".into(),
                    host: None,
                    statuses: Arc::new([200..=200]),
                }),
                interval: Duration::from_secs(10),
                timeout: Duration::from_secs(5),
                healthy_after: 1,
                unhealthy_after: 1,
            });
        });
        let options = Options {
            proxy_protocol: blocks(&["127.0.0.1"]),
            ..Options::default()
        };
        let proxy = outer.serve_with(options).await;
        // Two clients by the balancer, one after the other: each its own connection.
        for client in ["203.0.113.7", "203.0.113.8"] {
            let header = format!("PROXY TCP4 {client} 192.0.2.1 4711 80\r\n");
            let got = say(outer.address, &[header.as_bytes(), GET]).await;
            assert_eq!(status(&got), 200, "{got}");
            // The inner one trusts no hops: what it says is whom the header named.
            assert_eq!(field(body(&got), "x-forwarded-for"), Some(client), "{got}");
        }
        let probed = async {
            while proxy.endpoint_health()[0].healthy != Some(true) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let probed = tokio::time::timeout(PATIENCE, probed).await;
        probed.expect("probes announce themselves, too");
    }
}

#[tokio::test]
async fn others_may_not_say_who_they_are() {
    for sources in [&[][..], &["192.0.2.0/24", "::1"]] {
        let (world, _proxy) = world(sources, PATIENCE).await;
        let got = say(world.address, &[V1, GET]).await;
        assert_eq!(status(&got), 400, "{got}");
        let got = say(world.address, &[GET]).await;
        assert_eq!(
            field(body(&got), "x-forwarded-for"),
            Some("127.0.0.1"),
            "{got}"
        );
    }
}
