//! The proxy engine alone: one worker on a snapshot made by hand, with the same routes as the benchmark's contestants.
//!
//! It is what a profile should show: the request path with log and metrics, no API server, no informers.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use clap::Parser;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tidegate_proxy::{AccessLogOptions, Limits, Observability, ObserveOptions, Options, Proxy};
use tidegate_routing::{
    Action, Attachment, BackendChoice, Balance, Bind, BindProtocol, Certificate, Cluster,
    ClusterKey, Destination, Endpoint, Host, Listener, ListenerKey, Locality, Near, PathMatch,
    Protocol, RequestMatch, RouteIdentity, RouteTable, Rule, Snapshot, TlsListener,
    WeightedBackend,
};

#[derive(Parser)]
#[command(about = "The proxy engine alone, on a snapshot made by hand")]
struct Arguments {
    /// Listens without TLS; HTTP/2 is known by its preface.
    #[arg(long)]
    http: SocketAddr,
    /// Listens with TLS.
    #[arg(long, requires = "certificate")]
    https: Option<SocketAddr>,
    /// PEM of a chain.
    #[arg(long, requires = "key")]
    certificate: Option<PathBuf>,
    /// PEM of its key.
    #[arg(long)]
    key: Option<PathBuf>,
    /// Appends an access log of JSON lines.
    #[arg(long)]
    access_log: Option<PathBuf>,
    /// Hosts are h00000.bench.test and on.
    #[arg(long, default_value_t = 1)]
    hosts: usize,
    /// Paths of each host are /p0 and on.
    #[arg(long, default_value_t = 1)]
    paths: usize,
    /// Endpoints, each of which is a cluster; hosts take turns.
    #[arg(required = true)]
    backends: Vec<SocketAddr>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let limits = Limits {
        idle_timeout: std::time::Duration::from_secs(3600),
        ..Limits::default()
    };
    let access_log = match &arguments.access_log {
        Some(path) => {
            let file = std::fs::File::options()
                .append(true)
                .create(true)
                .open(path)?;
            Some(AccessLogOptions::to(Box::new(file)))
        }
        None => None,
    };
    let observability = Observability::start(ObserveOptions {
        access_log,
        ..ObserveOptions::default()
    })?;
    let options = Options {
        observers: Some(Arc::new(observability)),
        workers: 1,
        limits,
        ..Options::default()
    };
    let proxy = Proxy::start(options)?;
    let applied = proxy.apply_blocking(Arc::new(snapshot(&arguments)?))?;
    for bind in applied.binds {
        if let Err(why) = bind.result {
            anyhow::bail!("{}: {why}", bind.address);
        }
    }
    loop {
        std::thread::park();
    }
}

fn snapshot(arguments: &Arguments) -> anyhow::Result<Snapshot> {
    let clusters: Vec<Cluster> = arguments.backends.iter().map(cluster).collect();
    let mut routes = RouteTable::new();
    for number in 0..arguments.hosts {
        let backend = &clusters[number % clusters.len()].key;
        for attachment in attachments(number, arguments.paths, backend) {
            routes.insert(attachment);
        }
    }
    let mut binds = imbl::OrdMap::new();
    let plain = bind(arguments.http, BindProtocol::Http, None, routes.clone());
    binds.insert(arguments.http, Arc::new(plain));
    if let (Some(address), Some(chain), Some(key)) =
        (arguments.https, &arguments.certificate, &arguments.key)
    {
        let tls = Some(Arc::new(tls(chain, key)?));
        let secure = bind(address, BindProtocol::Https, tls, routes);
        binds.insert(address, Arc::new(secure));
    }
    Ok(Snapshot {
        generation: 1,
        binds,
        clusters: clusters.into_iter().map(Arc::new).collect(),
    })
}

fn bind(
    address: SocketAddr,
    protocol: BindProtocol,
    tls: Option<Arc<TlsListener>>,
    routes: RouteTable,
) -> Bind {
    let listener = Listener {
        key: ListenerKey {
            kind: "Gateway".into(),
            namespace: "bench".into(),
            name: "bench".into(),
            section: address.port().to_string().into(),
        },
        host: Host::Any,
        tls,
        routes,
    };
    Bind {
        address,
        protocol,
        listeners: imbl::OrdMap::unit(Host::Any, Arc::new(listener)),
    }
}

fn tls(chain: &PathBuf, key: &PathBuf) -> anyhow::Result<TlsListener> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(chain)?.collect();
    let certificate = Certificate {
        source: "bench/bench".into(),
        chain: chain?.into_iter().map(|one| one.to_vec()).collect(),
        key: PrivateKeyDer::from_pem_file(key)?.secret_der().to_vec(),
        names: vec![Host::Suffix("bench.test".into())],
    };
    Ok(TlsListener {
        certificates: vec![Arc::new(certificate)],
        client_validation: None,
    })
}

fn cluster(address: &SocketAddr) -> Cluster {
    Cluster {
        key: ClusterKey(format!("bench/{address}").into()),
        endpoints: Arc::new([Endpoint {
            destination: Destination::Address(*address),
            weight: 1,
            draining: false,
            locality: Locality::default(),
        }]),
        protocol: Protocol::Http1,
        tls: None,
        proxy_protocol: None,
        refused: None,
        balance: Balance::default(),
        near: Near::default(),
        slow_start: None,
        limits: tidegate_routing::Limits::default(),
        outliers: None,
        hedging: None,
        health: None,
    }
}

/// One route for each path of a host, as if each were an object of its own.
fn attachments(
    host: usize,
    paths: usize,
    backend: &ClusterKey,
) -> impl Iterator<Item = Attachment> {
    let host: Arc<str> = format!("h{host:05}.bench.test").into();
    (0..paths).map(move |path| {
        Attachment::new(
            Host::Exact(host.clone()),
            Arc::new(rule(format!("{host}-{path}").into(), backend)),
            0,
            Arc::new(RequestMatch::by_path(PathMatch::Prefix(
                format!("/p{path}").into(),
            ))),
        )
    })
}

fn rule(name: Arc<str>, backend: &ClusterKey) -> Rule {
    Rule::new(
        Arc::new(RouteIdentity {
            kind: "HTTPRoute".into(),
            namespace: "bench".into(),
            name,
            generation: 1,
            created_s: 0,
        }),
        0,
        Action::Forward(vec![WeightedBackend::new(
            1,
            BackendChoice::Cluster(backend.clone()),
        )]),
    )
}
