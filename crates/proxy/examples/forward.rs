//! Forwards everything that comes to one address to another, with one worker: for measurements and for trying things out.
//!
//! `cargo run --release -p tidegate-proxy --example forward -- 127.0.0.1:8080 127.0.0.1:9090 [ROUTES]`

use std::{net::SocketAddr, sync::Arc};

use tidegate_proxy::{Options, Proxy};
use tidegate_routing::{
    Action, Attachment, BackendChoice, Balance, Bind, BindProtocol, Cluster, ClusterKey,
    Destination, Endpoint, Host, Limits, Listener, ListenerKey, Locality, PathMatch, Protocol,
    RequestFilters, RequestMatch, ResponseFilters, RouteIdentity, RouteTable, Rule, Snapshot,
    Timeouts, WeightedBackend,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next();
    let address: SocketAddr = next().ok_or("an address to listen on")?.parse()?;
    let upstream: SocketAddr = next().ok_or("an address to forward to")?.parse()?;
    let routes: usize = next().map_or(Ok(0), |count| count.parse())?;
    let proxy = Proxy::start(Options {
        workers: 1,
        ..Options::default()
    })?;
    let applied = proxy.apply_blocking(Arc::new(snapshot(address, upstream, routes)))?;
    for bind in applied.binds {
        bind.result?;
    }
    loop {
        std::thread::park();
    }
}

fn snapshot(address: SocketAddr, upstream: SocketAddr, routes: usize) -> Snapshot {
    let key = ClusterKey(Arc::from("upstream"));
    let mut table = RouteTable::new();
    table.insert(attachment(Host::Any, "", &key));
    for number in 0..routes {
        let host = Host::Exact(Arc::from(format!("host-{}.example", number % 100)));
        table.insert(attachment(host, &format!("/path-{number}"), &key));
    }
    let listener = Listener {
        key: ListenerKey {
            kind: Arc::from("Gateway"),
            namespace: Arc::from("example"),
            name: Arc::from("example"),
            section: Arc::from("http"),
        },
        host: Host::Any,
        tls: None,
        routes: table,
    };
    let bind = Bind {
        address,
        protocol: BindProtocol::Http,
        listeners: [(Host::Any, Arc::new(listener))].into_iter().collect(),
    };
    let cluster = Arc::new(cluster(&key, upstream));
    Snapshot {
        generation: 1,
        binds: [(address, Arc::new(bind))].into_iter().collect(),
        clusters: [(key, cluster)].into_iter().collect(),
    }
}

fn cluster(key: &ClusterKey, upstream: SocketAddr) -> Cluster {
    Cluster {
        key: key.clone(),
        endpoints: Arc::from([Endpoint {
            destination: Destination::Address(upstream),
            weight: 1,
            draining: false,
            locality: Locality::default(),
        }]),
        protocol: Protocol::Http,
        tls: None,
        refused: None,
        balance: Balance::default(),
        slow_start: None,
        limits: Limits::default(),
        outliers: None,
        health: None,
    }
}

fn attachment(host: Host, prefix: &str, key: &ClusterKey) -> Attachment {
    let rule = Rule {
        route: Arc::new(RouteIdentity {
            kind: Arc::from("HTTPRoute"),
            namespace: Arc::from("example"),
            name: Arc::from(format!("route{prefix}")),
            generation: 1,
            created_s: 0,
        }),
        index: 0,
        name: None,
        request: RequestFilters::default(),
        response: ResponseFilters::default(),
        rewrite: None,
        mirrors: Vec::new(),
        cors: None,
        timeouts: Timeouts::default(),
        retry: None,
        action: Action::Forward(vec![WeightedBackend {
            weight: 1,
            choice: BackendChoice::Cluster(key.clone()),
            request: RequestFilters::default(),
            response: ResponseFilters::default(),
            rewrite: None,
            mirrors: Vec::new(),
        }]),
    };
    Attachment {
        host,
        rule: Arc::new(rule),
        entry: 0,
        when: Arc::new(RequestMatch {
            path: PathMatch::Prefix(Arc::from(prefix)),
            method: None,
            headers: Vec::new(),
            query: Vec::new(),
        }),
    }
}
