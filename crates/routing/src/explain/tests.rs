//! Explanations as lines of text.

use std::{sync::Arc, time::Duration};

use super::{Choice, Explanation, RuleOutcome};
use crate::{
    Attachment, BackendChoice, Balance, Bind, BindProtocol, Cluster, ClusterKey, Hedging, Host,
    Limits, Listener, ListenerKey, Near, Protocol, ProxyProtocol, RequestView, RouteTable,
    Snapshot, TrustAnchors, UpstreamTls,
    table::tests::{attachment, host},
};

/// A listener is `SECTION HOST`, its routes follow as the table's tests write them.
fn snapshot(protocol: BindProtocol, listeners: &[(&str, &str, &[&str])]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let address = "127.0.0.1:80".parse().expect("an address");
    let mut all = imbl::OrdMap::new();
    for (section, name, routes) in listeners {
        let mut table = RouteTable::new();
        let attachments: Vec<Attachment> = routes.iter().map(|line| attachment(line)).collect();
        for one in attachments {
            table.insert(one);
        }
        let host: Host = host(name);
        let key = ListenerKey {
            kind: "Gateway".into(),
            namespace: "infra".into(),
            name: "edge".into(),
            section: (*section).into(),
        };
        let listener = Listener {
            key,
            host: host.clone(),
            tls: None,
            routes: table,
        };
        all.insert(host, Arc::new(listener));
    }
    let bind = Bind {
        address,
        protocol,
        listeners: all,
    };
    snapshot.binds.insert(address, Arc::new(bind));
    snapshot
}

fn lines(explanation: &Explanation) -> Vec<String> {
    let choice = |choice: &Choice| match choice {
        Choice::Chosen => "chosen".to_owned(),
        Choice::Loses(why) => format!("loses: {why}"),
        Choice::NoMatch(why) => why.clone(),
    };
    let mut lines = Vec::new();
    for one in &explanation.listeners {
        lines.push(format!(
            "{} {} | {}",
            one.listener,
            one.host,
            choice(&one.choice)
        ));
    }
    for one in &explanation.candidates {
        lines.push(format!(
            "{} {} | {} | {}",
            one.route,
            one.host,
            one.demands,
            choice(&one.choice)
        ));
    }
    let outcome = match &explanation.outcome {
        RuleOutcome::Forward(backends) => {
            let each = backends.iter().map(|one| {
                let cluster = one.cluster.as_deref().unwrap_or("none");
                format!("{} {cluster}: {}", one.weight, one.says)
            });
            format!("forward {}", each.collect::<Vec<_>>().join(", "))
        }
        RuleOutcome::Redirect { status } => format!("redirect {status}"),
        RuleOutcome::Answer { status, reason } => format!("answer {status}: {reason}"),
    };
    lines.push(format!("{outcome} ({} unlisted)", explanation.unlisted));
    lines
}

fn explain(snapshot: &Snapshot, sni: Option<&str>, host: &str, path: &str) -> Vec<String> {
    let request = RequestView {
        host,
        path,
        query: "",
        method: "GET",
        headers: &(),
    };
    let all = snapshot.explain(80, sni, &request);
    assert_eq!(all.len(), 1);
    assert!(snapshot.explain(81, sni, &request).is_empty());
    lines(&all[0])
}

#[test]
fn patterns_say_why_they_come_first() {
    let snapshot = snapshot(
        BindProtocol::Http,
        &[(
            "all",
            "*",
            &[
                "* =/a -> exact",
                "* ~/a|/b -> long",
                "* ~/.* -> short",
                "* / -> root",
            ],
        )],
    );
    for (path, expect) in [
        (
            "/a",
            &[
                "HTTPRoute default/exact * | path /a | chosen",
                "HTTPRoute default/long * | path like ^(?:/a|/b)$ | loses: an exact path comes first",
                "HTTPRoute default/short * | path like ^(?:/.*)$ | loses: an exact path comes first",
                "HTTPRoute default/root * | any path | loses: an exact path comes first",
            ][..],
        ),
        (
            "/b",
            &[
                "HTTPRoute default/long * | path like ^(?:/a|/b)$ | chosen",
                "HTTPRoute default/short * | path like ^(?:/.*)$ | loses: its pattern is longer",
                "HTTPRoute default/root * | any path | loses: a pattern comes before a path's prefix",
            ][..],
        ),
    ] {
        let found = explain(&snapshot, None, "h", path);
        assert_eq!(found[1..=expect.len()], *expect, "{path}");
    }
}

#[test]
fn each_candidate_says_why_it_lost() {
    let snapshot = snapshot(
        BindProtocol::Http,
        &[
            (
                "all",
                "*",
                &[
                    "shop.example.com /cart -> exact-host",
                    "shop.example.com /cart POST -> post",
                    "shop.example.com /cart h:v=1 -> header",
                    "shop.example.com / -> root",
                    "*.example.com / -> star",
                    "* ~/.* -> pattern",
                    "shop.example.com /other -> elsewhere",
                    "other.example.com /cart -> other-host",
                ],
            ),
            ("internal", "*.internal", &[]),
        ],
    );
    let expect = [
        "Gateway infra/edge all * | chosen",
        "Gateway infra/edge internal *.internal | its host is not that of shop.example.com",
        "HTTPRoute default/post shop.example.com | path /cart and below, method POST | not met: method POST",
        "HTTPRoute default/header shop.example.com | path /cart and below, header v is 1 | not met: header v is 1",
        "HTTPRoute default/exact-host shop.example.com | path /cart and below | chosen",
        "HTTPRoute default/root shop.example.com | any path | loses: the prefix /cart is longer",
        "HTTPRoute default/star *.example.com | any path | loses: host shop.example.com is more specific than \
         *.example.com",
        "HTTPRoute default/pattern * | path like ^(?:/.*)$ | loses: host shop.example.com is more specific than *",
        "HTTPRoute default/elsewhere shop.example.com | path /other and below | not met: path /other and below",
        "forward  (1 unlisted)",
    ];
    assert_eq!(
        explain(&snapshot, None, "shop.example.com", "/cart/1"),
        expect
    );
}

#[test]
fn hosts_that_nobody_serves() {
    let snapshot = snapshot(BindProtocol::Http, &[("one", "a.b", &["* / -> r"])]);
    let expect = [
        "Gateway infra/edge one a.b | its host is not that of c.d",
        "answer 404: no listener serves this host (0 unlisted)",
    ];
    assert_eq!(explain(&snapshot, None, "c.d", "/"), expect);
}

#[test]
fn connections_of_another_listener() {
    let snapshot = snapshot(
        BindProtocol::Https,
        &[("one", "a.b", &["* / -> r"]), ("two", "*", &["* / -> s"])],
    );
    let got = explain(&snapshot, Some("c.d"), "a.b", "/");
    assert_eq!(
        got.last().map(String::as_str),
        Some("answer 421: the host belongs to another listener than the connection (0 unlisted)")
    );
    let got = explain(&snapshot, Some("a.b"), "a.b", "/");
    assert_eq!(
        got.last().map(String::as_str),
        Some("forward  (0 unlisted)")
    );
}

/// Ten thousand rules make no longer an explanation than fifty, and the winner is in it.
#[test]
fn explanations_are_bounded() {
    let routes: Vec<String> = (0..10_000)
        .map(|at| format!("* /a h:x-{at}=1 -> r{at}"))
        .chain(["* /a -> winner".to_owned()])
        .collect();
    let routes: Vec<&str> = routes.iter().map(String::as_str).collect();
    let snapshot = snapshot(BindProtocol::Http, &[("all", "*", &routes)]);
    let got = explain(&snapshot, None, "h", "/a");
    assert!(got.len() <= 60, "{} lines", got.len());
    assert!(
        got.iter()
            .any(|line| line.contains("/winner ") && line.ends_with("chosen"))
    );
    assert!(
        got.last()
            .is_some_and(|line| line.ends_with("(9950 unlisted)")),
        "{:?}",
        got.last()
    );
}

/// A group of no endpoints that nothing is said of.
fn cluster(key: &ClusterKey) -> Cluster {
    Cluster {
        key: key.clone(),
        endpoints: Arc::new([]),
        protocol: Protocol::Http,
        tls: None,
        proxy_protocol: None,
        refused: None,
        balance: Balance::default(),
        near: Near::default(),
        slow_start: None,
        limits: Limits::default(),
        outliers: None,
        hedging: None,
        health: None,
    }
}

#[test]
fn backends_say_what_is_spoken_to_them() {
    let tls = Arc::new(UpstreamTls {
        hostname: "up.example".into(),
        trust: TrustAnchors::System,
        names: Vec::new(),
        identity: None,
    });
    let key = ClusterKey("one".into());
    for (protocol, secure, announced, hedged, expect) in [
        (Protocol::Http, false, false, 0, ""),
        (Protocol::Http1, false, false, 0, ""),
        (Protocol::Http2, false, false, 0, ", h2 in the clear"),
        (Protocol::Http, true, false, 0, ", h2 or http/1.1 over TLS"),
        (Protocol::Http, true, true, 0, ", http/1.1 over TLS"),
        (Protocol::Http1, true, false, 0, ", http/1.1 over TLS"),
        (Protocol::Http2, true, false, 0, ", h2 over TLS"),
        (Protocol::Http, false, false, 150, ", hedged after 150ms"),
    ] {
        let mut snapshot = Snapshot::default();
        let mut one = cluster(&key);
        one.protocol = protocol;
        one.tls = secure.then(|| tls.clone());
        one.proxy_protocol = announced.then_some(ProxyProtocol::V1);
        one.hedging = (hedged > 0).then(|| Hedging {
            delay: Duration::from_millis(hedged),
        });
        snapshot.clusters.insert(Arc::new(one));
        let share = snapshot.share(1, &BackendChoice::Cluster(key.clone()));
        assert_eq!(share.says, format!("0 endpoints{expect}"));
    }
}
