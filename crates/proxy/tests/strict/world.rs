//! A proxy whose routes lead to one origin: all paths as they are, `/rewrite` to `/new`; `/redirect` and `/gone` are
//! answered without it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tidegate_proxy::{Options, Proxy};
use tidegate_routing::{
    Action, Attachment, BackendChoice, Balance, Bind, BindProtocol, Cluster, ClusterKey,
    Destination, Endpoint, Host, Limits, Listener, ListenerKey, Locality, Near, PathChange,
    PathMatch, Protocol, Redirect, RequestMatch, Rewrite, RouteIdentity, RouteTable, Rule,
    Snapshot, WeightedBackend,
};

/// Where the proxy listens, and what keeps it running.
pub(crate) async fn proxy(origin: SocketAddr) -> (SocketAddr, Proxy) {
    start(origin, Protocol::Http, tidegate_proxy::Limits::default()).await
}

/// One whose origin speaks HTTP/2.
pub(crate) async fn proxy_to_h2(origin: SocketAddr) -> (SocketAddr, Proxy) {
    start(origin, Protocol::Http2, tidegate_proxy::Limits::default()).await
}

/// One that waits for nobody.
pub(crate) async fn impatient(origin: SocketAddr) -> (SocketAddr, Proxy) {
    let limits = tidegate_proxy::Limits {
        answer_timeout: SOON,
        ..limits_of_clients()
    };
    start(origin, Protocol::Http, limits).await
}

/// One that waits for no client. Origins have their time: on a busy machine they need it.
pub(crate) async fn impatient_with_clients(origin: SocketAddr) -> (SocketAddr, Proxy) {
    start(origin, Protocol::Http, limits_of_clients()).await
}

const SOON: Duration = Duration::from_secs(1);

fn limits_of_clients() -> tidegate_proxy::Limits {
    tidegate_proxy::Limits {
        head_timeout: SOON,
        request_body_timeout: SOON,
        write_timeout: SOON,
        idle_timeout: SOON * 3,
        ..tidegate_proxy::Limits::default()
    }
}

async fn start(
    origin: SocketAddr,
    protocol: Protocol,
    limits: tidegate_proxy::Limits,
) -> (SocketAddr, Proxy) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    drop(listener);
    let options = Options {
        workers: 1,
        limits: tidegate_proxy::Limits {
            // What the tables say of 100 is what the origin says, on a busy machine too.
            continue_timeout: Duration::from_secs(3600),
            ..limits
        },
        ..Options::default()
    };
    let proxy = Proxy::start(options).expect("a proxy");
    let applied = proxy.apply(snapshot(address, origin, protocol)).await;
    assert_eq!(applied.expect("applied").binds[0].result, Ok(()));
    (address, proxy)
}

fn snapshot(address: SocketAddr, origin: SocketAddr, protocol: Protocol) -> Arc<Snapshot> {
    let key = ClusterKey(Arc::from("origin"));
    let mut routes = RouteTable::new();
    for (prefix, rule) in rules(&key) {
        routes.insert(Attachment::new(
            Host::Any,
            Arc::new(rule),
            0,
            Arc::new(RequestMatch::by_path(PathMatch::Prefix(Arc::from(prefix)))),
        ));
    }
    let listener = Listener {
        key: ListenerKey {
            kind: Arc::from("Gateway"),
            namespace: Arc::from("test"),
            name: Arc::from("gateway"),
            section: Arc::from("http"),
        },
        host: Host::Any,
        tls: None,
        routes,
    };
    let bind = Bind {
        address,
        protocol: BindProtocol::Http,
        listeners: [(Host::Any, Arc::new(listener))].into_iter().collect(),
    };
    Arc::new(Snapshot {
        generation: 1,
        binds: [(address, Arc::new(bind))].into_iter().collect(),
        clusters: [Arc::new(cluster(key, origin, protocol))]
            .into_iter()
            .collect(),
    })
}

fn cluster(key: ClusterKey, origin: SocketAddr, protocol: Protocol) -> Cluster {
    Cluster {
        key,
        endpoints: [Endpoint {
            destination: Destination::Address(origin),
            weight: 1,
            draining: false,
            locality: Locality::default(),
        }]
        .into_iter()
        .collect(),
        protocol,
        tls: None,
        proxy_protocol: None,
        refused: None,
        balance: Balance::RoundRobin,
        near: Near::default(),
        slow_start: None,
        limits: Limits::default(),
        outliers: None,
        hedging: None,
        health: None,
    }
}

fn rules(key: &ClusterKey) -> [(&'static str, Rule); 4] {
    let new = || Some(PathChange::PrefixMatch(Arc::from("/new")));
    let forward = || {
        Action::Forward(vec![WeightedBackend::new(
            1,
            BackendChoice::Cluster(key.clone()),
        )])
    };
    let redirect = Redirect {
        scheme: None,
        hostname: None,
        port: None,
        path: new(),
        status: 302,
    };
    let gone = Action::Fail {
        status: 404,
        reason: Arc::from("gone"),
    };
    let mut rewritten = rule(forward());
    rewritten.filters.set().rewrite = Some(Rewrite {
        hostname: None,
        path: new(),
    });
    [
        ("", rule(forward())),
        ("/rewrite", rewritten),
        ("/redirect", rule(Action::Redirect(Box::new(redirect)))),
        ("/gone", rule(gone)),
    ]
}

fn rule(action: Action) -> Rule {
    Rule::new(
        Arc::new(RouteIdentity {
            kind: Arc::from("HTTPRoute"),
            namespace: Arc::from("test"),
            name: Arc::from("all"),
            generation: 1,
            created_s: 0,
        }),
        0,
        action,
    )
}
