//! Forwards everything that comes to one address to another, with one worker: for measurements and for trying things out.
//!
//! `cargo run --release -p tidegate-proxy --example forward -- 127.0.0.1:8080 127.0.0.1:9090 [ROUTES] [--h2] [--tls]`
//!
//! `--h2`: HTTP/2 is spoken to the endpoint. `--tls`: TLS with clients, by a certificate of its own making. `hello` for an
//! endpoint: one that answers every request with a text.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
};

use tidegate_proxy::{Options, Proxy};
use tidegate_routing::{
    Action, Attachment, BackendChoice, Balance, Bind, BindProtocol, Certificate, Cluster,
    ClusterKey, Destination, Endpoint, Host, Limits, Listener, ListenerKey, Locality, Near,
    PathMatch, Protocol, RequestMatch, RouteIdentity, RouteTable, Rule, Snapshot, TlsListener,
    WeightedBackend,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (flags, words): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|word| word.starts_with("--"));
    let mut words = words.into_iter();
    let mut next = || words.next();
    let address: SocketAddr = next().ok_or("an address to listen on")?.parse()?;
    let upstream = match next().ok_or("an address to forward to")?.as_str() {
        "hello" => hello()?,
        upstream => upstream.parse()?,
    };
    let routes: usize = next().map_or(Ok(0), |count| count.parse())?;
    let proxy = Proxy::start(Options {
        workers: 1,
        ..Options::default()
    })?;
    let applied = proxy.apply_blocking(Arc::new(snapshot(address, upstream, routes, &flags)?))?;
    for bind in applied.binds {
        bind.result?;
    }
    loop {
        std::thread::park();
    }
}

/// An endpoint that reads a request's head, answers, and closes.
fn hello() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || greet(stream));
        }
    });
    Ok(address)
}

fn greet(mut stream: TcpStream) -> std::io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    let text = "Hello. ".repeat(100);
    let length = text.len();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(text.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    std::io::copy(&mut stream, &mut std::io::sink())?;
    Ok(())
}

fn tls() -> Result<Arc<TlsListener>, rcgen::Error> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    Ok(Arc::new(TlsListener {
        certificates: vec![Arc::new(Certificate {
            source: Arc::from("example"),
            chain: vec![made.cert.der().to_vec()],
            key: made.signing_key.serialize_der(),
            names: vec![Host::Any],
        })],
        client_validation: None,
    }))
}

fn snapshot(
    address: SocketAddr,
    upstream: SocketAddr,
    routes: usize,
    flags: &[String],
) -> Result<Snapshot, rcgen::Error> {
    let has = |flag: &str| flags.iter().any(|own| own == flag);
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
        tls: has("--tls").then(tls).transpose()?,
        routes: table,
    };
    let bind = Bind {
        address,
        protocol: match has("--tls") {
            true => BindProtocol::Https,
            false => BindProtocol::Http,
        },
        listeners: [(Host::Any, Arc::new(listener))].into_iter().collect(),
    };
    let mut cluster = cluster(&key, upstream);
    if has("--h2") {
        cluster.protocol = Protocol::Http2;
    }
    let cluster = Arc::new(cluster);
    Ok(Snapshot {
        generation: 1,
        binds: [(address, Arc::new(bind))].into_iter().collect(),
        clusters: [cluster].into_iter().collect(),
    })
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

fn attachment(host: Host, prefix: &str, key: &ClusterKey) -> Attachment {
    let rule = Rule::new(
        Arc::new(RouteIdentity {
            kind: Arc::from("HTTPRoute"),
            namespace: Arc::from("example"),
            name: Arc::from(format!("route{prefix}")),
            generation: 1,
            created_s: 0,
        }),
        0,
        Action::Forward(vec![WeightedBackend::new(
            1,
            BackendChoice::Cluster(key.clone()),
        )]),
    );
    Attachment::new(
        host,
        Arc::new(rule),
        0,
        Arc::new(RequestMatch::by_path(PathMatch::Prefix(Arc::from(prefix)))),
    )
}
