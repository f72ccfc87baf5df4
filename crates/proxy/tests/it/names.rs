//! Endpoints that are names: where they lead, as that changes, and what happens when nobody can say.

use std::{sync::Arc, time::Duration};

use tidegate_proxy::{Options, Proxy};
use tidegate_routing::{Cluster, Destination, Endpoint, HealthCheck, Locality, Probe};
use tokio::{net::TcpListener, time::sleep};

use crate::{
    dns::{Dns, Machine, Said},
    support::{Origin, PATIENCE, World, answer, body, get, status},
};

/// Origins at one port of several addresses, which answer with their addresses.
async fn origins(addresses: &[&str]) -> (u16, Vec<Origin>) {
    'port: loop {
        let mut origins: Vec<Origin> = Vec::new();
        for address in addresses {
            let port = origins.first().map_or(0, |first| first.address.port());
            let Ok(listener) = TcpListener::bind((*address, port)).await else {
                continue 'port;
            };
            let text = answer(200, "", address).into_bytes();
            let script = move |_: &str, _| crate::support::Script::Answer(text.clone());
            origins.push(Origin::on(listener, script));
        }
        return (origins[0].address.port(), origins);
    }
}

fn endpoint(host: &str, port: u16) -> Endpoint {
    Endpoint {
        destination: Destination::Name {
            host: Arc::from(host),
            port,
        },
        weight: 1,
        draining: false,
        locality: Locality::default(),
    }
}

async fn serve(
    machine: &Machine,
    allow_local: bool,
    change: impl Fn(&mut Cluster),
) -> (World, Proxy) {
    let mut world = World::new();
    world.route("/", &[], |_, cluster| change(cluster));
    let options = Options {
        allow_local,
        names: machine.names(),
        ..Options::default()
    };
    let proxy = world.serve_with(options).await;
    (world, proxy)
}

async fn serve_name(machine: &Machine, host: &str, port: u16) -> (World, Proxy) {
    serve(machine, true, |cluster| {
        cluster.endpoints = Arc::new([endpoint(host, port)]);
    })
    .await
}

/// Asks until the answer begins like this: `STATUS BODY`.
async fn until(world: &World, expect: &str) {
    let work = async {
        loop {
            let got = get(world.address, "/", "").await;
            if format!("{} {}", status(&got), body(&got)).starts_with(expect) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    let within = tokio::time::timeout(PATIENCE, work).await;
    within.unwrap_or_else(|_| panic!("never {expect}"));
}

async fn until_report(proxy: &Proxy, expect: &str) {
    let shown = || {
        let all = proxy.names();
        let each = all.iter().map(|one| {
            let fault = one.fault.as_deref().unwrap_or("well");
            format!("{} {:?}: {fault}", one.name, one.addresses)
        });
        each.collect::<Vec<String>>().join("\n")
    };
    let work = async {
        while shown() != expect {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let within = tokio::time::timeout(PATIENCE, work).await;
    within.unwrap_or_else(|_| panic!("{} is not {expect}", shown()));
}

#[tokio::test]
async fn names_lead_to_this_machine_only_where_that_is_allowed() {
    let (port, origins) = origins(&["127.0.0.1"]).await;
    let dns = Dns::start().await;
    dns.say_addresses("rebound.test", 60, &["127.0.0.1"]);
    dns.say_addresses(
        "metadata.test",
        60,
        &["169.254.169.254", "::ffff:127.0.0.1"],
    );
    let machine = Machine::new("local", &dns, "", "127.0.0.1 written.test\n");
    for (host, allow_local, expect) in [
        ("localhost", true, 200),
        ("a.localhost", true, 200),
        ("written.test", true, 200),
        ("rebound.test", true, 200),
        ("localhost", false, 502),
        ("a.localhost", false, 502),
        ("written.test", false, 502),
        ("rebound.test", false, 502),
        ("metadata.test", false, 502),
        ("127.0.0.1", false, 502),
    ] {
        let (world, proxy) = serve(&machine, allow_local, |cluster| {
            cluster.endpoints = Arc::new([endpoint(host, port)]);
        })
        .await;
        let got = get(world.address, "/", "").await;
        assert_eq!(status(&got), expect, "{host}: {got}");
        if expect == 502 {
            let words = format!("{host} []: {host} leads to no address that is allowed");
            until_report(&proxy, &words).await;
        }
    }
    assert_eq!(*origins[0].connections.lock().expect("unpoisoned"), 4);
    let asked = dns.asked();
    let local = |asked: &&String| asked.contains("localhost") || asked.contains("written");
    assert_eq!(asked.iter().find(local), None);
}

#[tokio::test]
async fn traffic_follows_an_answer_when_its_time_is_over() {
    let (port, origins) = origins(&["127.0.0.1", "127.0.0.2"]).await;
    let dns = Dns::start().await;
    dns.say_addresses("a.test", 1, &["127.0.0.1"]);
    let machine = Machine::new("ttl", &dns, "", "");
    let (world, _proxy) = serve_name(&machine, "a.test", port).await;
    until(&world, "200 127.0.0.1").await;
    let (first, _) = (&origins[0], get(world.address, "/", "").await);
    assert_eq!(*first.connections.lock().expect("unpoisoned"), 1, "kept");
    dns.say_addresses("a.test", 60, &["127.0.0.2"]);
    until(&world, "200 127.0.0.2").await;
    let seen = first.seen().len();
    for _ in 0..20 {
        let got = get(world.address, "/", "").await;
        assert_eq!(body(&got), "127.0.0.2");
    }
    assert_eq!(first.seen().len(), seen, "the address has left the name");
    // The connection that was kept to it is closed, though nobody asks.
    let closed = async {
        while first.open() > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, closed)
        .await
        .expect("closed");
    // Answers are asked for when their time is over, not for each request: two families, two or three times.
    assert!(dns.asked().len() <= 8, "{:?}", dns.asked());
}

#[tokio::test]
async fn requests_wait_for_the_first_answer_and_ask_once() {
    let (port, _origins) = origins(&["127.0.0.1"]).await;
    let dns = Dns::start().await;
    dns.say("a.test", Said::Nothing);
    let machine = Machine::new("first", &dns, "options attempts:5", "");
    let (world, _proxy) = serve_name(&machine, "a.test", port).await;
    let address = world.address;
    let waiting: Vec<_> = (0..20)
        .map(|_| tokio::spawn(async move { get(address, "/", "").await }))
        .collect();
    while dns.asked().len() < 2 {
        sleep(Duration::from_millis(10)).await;
    }
    dns.say_addresses("a.test", 60, &["127.0.0.1"]);
    for one in waiting {
        let got = one.await.expect("an answer");
        assert_eq!(status(&got), 200, "{got}");
    }
    assert_eq!(dns.asked().len(), 4, "{:?}", dns.asked());
}

#[tokio::test]
async fn a_name_that_leads_nowhere_fails_its_requests_and_comes_back() {
    let (port, _origins) = origins(&["127.0.0.1"]).await;
    let dns = Dns::start().await;
    let machine = Machine::new("gone", &dns, "", "");
    let (world, proxy) = serve_name(&machine, "a.test", port).await;
    let got = get(world.address, "/", "").await;
    assert_eq!(status(&got), 502, "{got}");
    until_report(&proxy, "a.test []: there is no name a.test").await;
    dns.say_addresses("a.test", 1, &[]);
    until_report(&proxy, "a.test []: a.test has no address").await;
    dns.say_addresses("a.test", 1, &["127.0.0.1"]);
    until(&world, "200 127.0.0.1").await;
    // What is gone for certain is not used any more.
    dns.say("a.test", Said::Code(3));
    until(&world, "502 ").await;
}

#[tokio::test]
async fn the_last_answer_serves_while_nobody_can_say() {
    let (port, _origins) = origins(&["127.0.0.1", "127.0.0.2"]).await;
    let dns = Dns::start().await;
    dns.say_addresses("a.test", 1, &["127.0.0.1"]);
    let machine = Machine::new("stale", &dns, "options attempts:1", "");
    let (world, proxy) = serve_name(&machine, "a.test", port).await;
    until(&world, "200 127.0.0.1").await;
    let server = dns.address;
    for (said, fault) in [
        (
            Said::Code(2),
            format!("the DNS server {server} can't say: SERVFAIL"),
        ),
        (
            Said::Code(5),
            format!("the DNS server {server} can't say: REFUSED"),
        ),
        (
            Said::Nothing,
            format!("no answer of the DNS server {server} in time"),
        ),
    ] {
        dns.say("a.test", said);
        let words = format!("a.test [127.0.0.1]: a.test: {fault}");
        until_report(&proxy, &words).await;
        let got = get(world.address, "/", "").await;
        assert_eq!(status(&got), 200, "{got}");
    }
    dns.say_addresses("a.test", 60, &["127.0.0.2"]);
    until(&world, "200 127.0.0.2").await;
    until_report(&proxy, "a.test [127.0.0.2]: well").await;
}

#[tokio::test]
async fn all_addresses_serve_and_a_dead_one_fails_no_request() {
    let (port, mut origins) = origins(&["127.0.0.1", "127.0.0.2"]).await;
    let dns = Dns::start().await;
    dns.say_addresses("a.test", 60, &["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    let machine = Machine::new("dead", &dns, "", "");
    let (world, proxy) = serve_name(&machine, "a.test", port).await;
    for _ in 0..60 {
        let got = get(world.address, "/", "").await;
        assert_eq!(status(&got), 200, "{got}");
    }
    for origin in &origins {
        let seen = origin.seen().len();
        assert!((25..=35).contains(&seen), "{seen}");
    }
    // It is left alone for a while after it was found dead.
    let failed = proxy.counters().upstream_connect_failures();
    assert!((1..=3).contains(&failed), "{failed}");
    // Many at once, none of which knows of it.
    origins.truncate(1);
    dns.say_addresses(
        "b.test",
        60,
        &["127.0.0.1", "127.0.0.3", "127.0.0.4", "127.0.0.5"],
    );
    let (world, _proxy) = serve_name(&machine, "b.test", port).await;
    let address = world.address;
    let all: Vec<_> = (0..100)
        .map(|_| tokio::spawn(async move { get(address, "/", "").await }))
        .collect();
    for one in all {
        let got = one.await.expect("an answer");
        assert_eq!((status(&got), body(&got)), (200, "127.0.0.1"));
    }
}

#[tokio::test]
async fn what_is_too_long_for_a_datagram_comes_by_tcp() {
    let (port, _origins) = origins(&["127.0.0.1"]).await;
    let dns = Dns::start().await;
    dns.say(
        "a.test",
        Said::Long(60, vec!["127.0.0.1".parse().expect("an address")]),
    );
    let machine = Machine::new("long", &dns, "", "");
    let (world, _proxy) = serve_name(&machine, "a.test", port).await;
    until(&world, "200 127.0.0.1").await;
    let asked = dns.asked();
    let tcp = asked.iter().filter(|one| one.starts_with("tcp"));
    assert_eq!(tcp.count(), 2, "{asked:?}");
}

#[tokio::test]
async fn names_are_looked_for_in_the_domains_of_the_machine() {
    let (port, _origins) = origins(&["127.0.0.1"]).await;
    let dns = Dns::start().await;
    dns.say_addresses("web.shop.svc.test", 60, &["127.0.0.1"]);
    let machine = Machine::new(
        "search",
        &dns,
        "search other.svc.test svc.test\noptions ndots:5",
        "",
    );
    let (world, _proxy) = serve_name(&machine, "web.shop", port).await;
    until(&world, "200 127.0.0.1").await;
    let asked = dns.asked().into_iter();
    let mut asked: Vec<String> = asked.filter(|one| !one.ends_with("AAAA")).collect();
    asked.dedup();
    assert_eq!(
        asked,
        ["udp web.shop.other.svc.test A", "udp web.shop.svc.test A"]
    );
}

#[tokio::test]
async fn each_address_is_probed_and_only_healthy_ones_serve() {
    let (port, origins) = origins(&["127.0.0.1", "127.0.0.2"]).await;
    let dns = Dns::start().await;
    dns.say_addresses("a.test", 1, &["127.0.0.1", "127.0.0.3"]);
    let machine = Machine::new("probes", &dns, "", "");
    let (world, proxy) = serve(&machine, true, |cluster| {
        cluster.endpoints = Arc::new([endpoint("a.test", port)]);
        cluster.health = Some(HealthCheck {
            probe: Probe::Connect,
            interval: Duration::from_millis(50),
            timeout: Duration::from_secs(1),
            healthy_after: 1,
            unhealthy_after: 1,
        });
    })
    .await;
    let until_health = async |expect: &[(&str, bool)]| {
        let shown = || {
            let all = proxy.endpoint_health().into_iter();
            let each = all.map(|one| (one.address.ip().to_string(), one.healthy == Some(true)));
            each.collect::<Vec<_>>()
        };
        let expect = expect
            .iter()
            .map(|(address, healthy)| ((*address).to_owned(), *healthy));
        let expect: Vec<_> = expect.collect();
        let work = async {
            while shown() != expect {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let within = tokio::time::timeout(PATIENCE, work).await;
        within.unwrap_or_else(|_| panic!("{:?} is not {expect:?}", shown()));
    };
    until_health(&[("127.0.0.1", true), ("127.0.0.3", false)]).await;
    until(&world, "200 127.0.0.1").await;
    dns.say_addresses("a.test", 1, &["127.0.0.2", "127.0.0.3"]);
    until_health(&[("127.0.0.2", true), ("127.0.0.3", false)]).await;
    until(&world, "200 127.0.0.2").await;
    let failed = proxy.counters().upstream_connect_failures();
    for _ in 0..10 {
        assert_eq!(body(&get(world.address, "/", "").await), "127.0.0.2");
    }
    assert_eq!(proxy.counters().upstream_connect_failures(), failed);
    drop(origins);
}
