//! Active health checks: who is probed, how often, and who gets requests then.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tidegate_proxy::{Options, Proxy};
use tidegate_routing::{
    Destination, HealthCheck, HttpProbe, Probe, Protocol, TrustAnchors, UpstreamTls,
};
use tokio::{net::TcpListener, time::sleep};

use crate::{
    h2_support::H2Origin,
    support::{Origin, PATIENCE, Script, World, answer, body, free_address, get, status},
    tls::{Authority, Identity, tls_origin},
};

const INTERVAL: Duration = Duration::from_millis(50);

fn by_http() -> Probe {
    Probe::Http(HttpProbe {
        path: Arc::from("/health"),
        host: None,
        statuses: Arc::new([200..=299]),
    })
}

fn check_by(probe: Probe) -> Option<HealthCheck> {
    Some(HealthCheck {
        probe,
        interval: INTERVAL,
        timeout: Duration::from_millis(500),
        healthy_after: 1,
        unhealthy_after: 2,
    })
}

/// An origin that answers its name, and that is healthy while the switch says so.
async fn origin(name: &'static str) -> (Origin, Arc<AtomicBool>) {
    let healthy = Arc::new(AtomicBool::new(true));
    let switch = healthy.clone();
    let origin = Origin::start(move |request, _| {
        let status = match request.starts_with("GET /health ") && !switch.load(Ordering::SeqCst) {
            true => 503,
            false => 200,
        };
        Script::Answer(answer(status, "", name).into_bytes())
    });
    (origin.await, healthy)
}

/// Waits until the proxy says this of its endpoints, in the order of their addresses.
async fn until(proxy: &Proxy, mut expect: Vec<(SocketAddr, Option<bool>)>) {
    expect.sort();
    let states = || -> Vec<_> {
        let all = proxy.endpoint_health();
        all.into_iter()
            .map(|one| match one.destination {
                Destination::Address(address) => (address, one.healthy),
                Destination::Name { .. } => panic!("no name was given"),
            })
            .collect()
    };
    let reached = async {
        while states() != expect {
            sleep(Duration::from_millis(5)).await;
        }
        // The workers have been told; let them hear it.
        sleep(Duration::from_millis(100)).await;
    };
    if tokio::time::timeout(PATIENCE, reached).await.is_err() {
        panic!("{:?} and not {expect:?}", proxy.endpoint_health());
    }
}

/// Who answers so many requests.
async fn answers(address: SocketAddr, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..count {
        let got = get(address, "/", "").await;
        assert_eq!(status(&got), 200, "{got}");
        all.push(body(&got).to_owned());
    }
    all.sort();
    all.dedup();
    all
}

fn probes(origin: &Origin) -> usize {
    let seen = origin.seen();
    seen.iter()
        .filter(|request| request.starts_with("GET /health "))
        .count()
}

#[tokio::test]
async fn the_unhealthy_get_nothing_until_they_are_well_or_all_are_ill() {
    let ((a, a_switch), (b, b_switch)) = (origin("a").await, origin("b").await);
    b_switch.store(false, Ordering::SeqCst);
    let mut world = World::new();
    world.route("/", &[a.address, b.address], |_, cluster| {
        cluster.health = check_by(by_http());
    });
    let proxy = world.serve().await;
    for (a_is, b_is, who) in [
        (true, false, ["a"].as_slice()),
        (true, true, &["a", "b"]),
        (false, true, &["b"]),
        // None can be well: more likely the check is wrong.
        (false, false, &["a", "b"]),
        (true, false, &["a"]),
    ] {
        a_switch.store(a_is, Ordering::SeqCst);
        b_switch.store(b_is, Ordering::SeqCst);
        until(
            &proxy,
            vec![(a.address, Some(a_is)), (b.address, Some(b_is))],
        )
        .await;
        assert_eq!(answers(world.address, 12).await, who, "{a_is} {b_is}");
    }
    let fault = |address| {
        let all = proxy.endpoint_health().into_iter();
        let mut of_it = all.filter(|one| one.destination == Destination::Address(address));
        of_it.next().and_then(|one| one.fault)
    };
    assert_eq!(fault(a.address), None);
    assert_eq!(fault(b.address).as_deref(), Some("it answered 503"));
    let counts = proxy.probe_counts();
    assert!(counts.passed > 0 && counts.failed > 0, "{counts:?}");
    let probe = a
        .seen()
        .into_iter()
        .find(|request| request.starts_with("GET /health "));
    let expect = format!(
        "GET /health HTTP/1.1\r\nhost: {}\r\nuser-agent: tidegate-health-check\r\naccept: */*\r\nconnection: close\r\n\r\n",
        a.address
    );
    assert_eq!(probe, Some(expect));
}

#[tokio::test]
async fn an_endpoint_is_probed_once_and_no_longer_than_it_is_used() {
    let (origin, _switch) = origin("a").await;
    let mut world = World::new();
    for prefix in ["/a", "/b", "/c"] {
        world.route(prefix, &[origin.address], |_, cluster| {
            cluster.health = check_by(by_http());
        });
    }
    let proxy = Proxy::start(Options {
        workers: 4,
        ..Options::default()
    })
    .expect("a proxy");
    proxy.apply(world.snapshot()).await.expect("applied");
    until(&proxy, vec![(origin.address, Some(true)); 3]).await;
    let (before, begun) = (probes(&origin), std::time::Instant::now());
    sleep(INTERVAL * 10).await;
    let most = begun.elapsed().as_millis() / (INTERVAL.as_millis() * 9 / 10) + 1;
    let count = probes(&origin) - before;
    assert!(
        count >= 3 && count as u128 <= most,
        "{count} probes, of {most}"
    );
    // A draining endpoint, and then none.
    for draining in [true, false] {
        for cluster in &mut world.clusters {
            let endpoints = cluster.endpoints.iter().cloned().map(|mut endpoint| {
                endpoint.draining = true;
                endpoint
            });
            cluster.endpoints = endpoints.filter(|_| draining).collect();
        }
        proxy.apply(world.snapshot()).await.expect("applied");
        until(&proxy, vec![]).await;
        let before = probes(&origin);
        sleep(INTERVAL * 4).await;
        assert_eq!(probes(&origin), before);
    }
}

/// What is asked of which origin, by which protocol, by TLS for which name, and what is found.
const PROBES: &str = "
    plain      http  Http   -          | ok
    early      http  Http1  -          | ok
    moved      http  Http   -          | it answered 301
    malformed  http  Http   -          | the answer is malformed
    mute       http  Http   -          | no answer in time
    mute       tcp   Http   -          | ok
    gone       tcp   Http   -          | no connection
    secure     http  Http   up.example | ok
    secure     tcp   Http   up.example | ok
    secure     tcp   Http   no.example | TLS:
    secure     http  Http2  up.example | it does not speak HTTP/2
    secure-h2  http  Http2  up.example | ok
    secure-h2  http  Http   up.example | ok
    secure-h2  tcp   Http1  up.example | TLS:
    plain      http  Http2  -          | HTTP/2:
    plain      http  Http   up.example | no answer in time
";

/// Origins by the names of the table.
async fn origins(identity: &Identity) -> Vec<(&'static str, SocketAddr)> {
    let early = format!("HTTP/1.1 103 X\r\n\r\n{}", answer(204, "", ""));
    let malformed = "HTTP/1.1 200 X\r\ncontent-length: 1, 2\r\n\r\n";
    vec![
        ("plain", Origin::always(&answer(200, "", "")).await.address),
        ("early", Origin::always(&early).await.address),
        ("moved", Origin::always(&answer(301, "", "")).await.address),
        ("malformed", Origin::always(malformed).await.address),
        ("secure", tls_origin(identity, None).await),
        ("secure-h2", H2Origin::secure(identity).await.address),
        ("gone", free_address()),
    ]
}

#[tokio::test]
async fn probes_speak_what_the_cluster_speaks() {
    let authority = Authority::new();
    let identity = authority.identity(&["up.example"]);
    let mut origins = origins(&identity).await;
    // The kernel takes connections, and nobody answers.
    let mute = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    origins.push(("mute", mute.local_addr().expect("its address")));
    for line in PROBES.lines().filter(|line| !line.is_empty()) {
        let (what, found) = line.split_once(" | ").expect("a case");
        let words: Vec<&str> = what.split_whitespace().collect();
        let [origin, probe, protocol, name] = words[..] else {
            panic!("no case: {line}");
        };
        let address = origins.iter().find(|(name, _)| *name == origin);
        let (_, address) = *address.expect("an origin");
        let mut world = World::new();
        world.route("/", &[address], |_, cluster| {
            cluster.health = check_by(match probe {
                "tcp" => Probe::Connect,
                _ => by_http(),
            });
            cluster.protocol = match protocol {
                "Http1" => Protocol::Http1,
                "Http2" => Protocol::Http2,
                _ => Protocol::Http,
            };
            cluster.tls = (name != "-").then(|| tls(&authority, name));
        });
        let proxy = world.serve().await;
        until(&proxy, vec![(address, Some(found == "ok"))]).await;
        let fault = proxy.endpoint_health()[0].fault.clone();
        let fault = fault.as_deref().unwrap_or("ok");
        assert!(fault.starts_with(found), "{line}: {fault}");
    }
}

fn tls(authority: &Authority, name: &str) -> Arc<UpstreamTls> {
    Arc::new(UpstreamTls {
        hostname: Arc::from(name),
        trust: TrustAnchors::Given(vec![authority.certificate.to_vec()]),
        names: Vec::new(),
        identity: None,
    })
}
