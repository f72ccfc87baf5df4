//! A proxy with hand-made snapshots, origins that answer by a script, and clients that send bytes.

use std::{
    net::{SocketAddr, TcpListener as StdListener},
    sync::{Arc, Mutex},
    time::Duration,
};

use tidegate_proxy::{Options, Proxy};
use tidegate_routing::{
    Action, Attachment, BackendChoice, Balance, Bind, BindProtocol, Cluster, ClusterKey,
    Destination, Endpoint, Host, Limits, Listener, ListenerKey, Locality, Near, PathMatch,
    Protocol, RequestMatch, RouteIdentity, RouteTable, Rule, Snapshot, TlsListener,
    WeightedBackend,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Everything ends within this time, or the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What a snapshot is made of.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) protocol: BindProtocol,
    pub(crate) listeners: Vec<(Host, Option<Arc<TlsListener>>, RouteTable)>,
    pub(crate) clusters: Vec<Cluster>,
    generation: u64,
}

impl World {
    /// One listener for all hosts, without routes.
    pub(crate) fn new() -> Self {
        Self {
            address: free_address(),
            protocol: BindProtocol::Http,
            listeners: vec![(Host::Any, None, RouteTable::new())],
            clusters: Vec::new(),
            generation: 0,
        }
    }

    /// A cluster of these endpoints, and a rule for all paths below `prefix` that leads there.
    pub(crate) fn route(
        &mut self,
        prefix: &str,
        endpoints: &[SocketAddr],
        change: impl FnOnce(&mut Rule, &mut Cluster),
    ) {
        let key = ClusterKey(Arc::from(format!("cluster{prefix}")));
        let mut cluster = cluster(&key, endpoints);
        let mut rule = rule(prefix, Action::Forward(vec![backend(&key, 1)]));
        change(&mut rule, &mut cluster);
        self.clusters.retain(|other| other.key != cluster.key);
        self.clusters.push(cluster);
        self.attach(prefix, rule);
    }

    /// A rule for all paths below `prefix`.
    pub(crate) fn attach(&mut self, prefix: &str, rule: Rule) {
        self.listeners[0].2.insert(attachment(prefix, rule));
    }

    pub(crate) fn snapshot(&mut self) -> Arc<Snapshot> {
        self.generation += 1;
        let listeners = self.listeners.iter().map(|(host, tls, routes)| {
            let listener = Listener {
                key: ListenerKey {
                    kind: Arc::from("Gateway"),
                    namespace: Arc::from("test"),
                    name: Arc::from("gateway"),
                    section: Arc::from(format!("{host:?}")),
                },
                host: host.clone(),
                tls: tls.clone(),
                routes: routes.clone(),
            };
            (host.clone(), Arc::new(listener))
        });
        let bind = Bind {
            address: self.address,
            protocol: self.protocol,
            listeners: listeners.collect(),
        };
        Arc::new(Snapshot {
            generation: self.generation,
            binds: [(self.address, Arc::new(bind))].into_iter().collect(),
            clusters: self.clusters.iter().cloned().map(Arc::new).collect(),
        })
    }

    /// A proxy with one worker that serves this.
    pub(crate) async fn serve(&mut self) -> Proxy {
        self.serve_with(Options::default()).await
    }

    pub(crate) async fn serve_with(&mut self, options: Options) -> Proxy {
        let proxy = Proxy::start(Options {
            workers: 1,
            ..options
        })
        .expect("a proxy");
        let applied = proxy.apply(self.snapshot()).await.expect("applied");
        assert_eq!(applied.binds[0].result, Ok(()));
        proxy
    }
}

pub(crate) fn cluster(key: &ClusterKey, endpoints: &[SocketAddr]) -> Cluster {
    let endpoints = endpoints.iter().map(|address| Endpoint {
        destination: Destination::Address(*address),
        weight: 1,
        draining: false,
        locality: Locality::default(),
    });
    Cluster {
        key: key.clone(),
        endpoints: endpoints.collect(),
        protocol: Protocol::Http,
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

pub(crate) fn backend(key: &ClusterKey, weight: u32) -> WeightedBackend {
    WeightedBackend::new(weight, BackendChoice::Cluster(key.clone()))
}

pub(crate) fn rule(name: &str, action: Action) -> Rule {
    Rule::new(
        Arc::new(RouteIdentity {
            kind: Arc::from("HTTPRoute"),
            namespace: Arc::from("test"),
            name: Arc::from(name),
            generation: 1,
            created_s: 0,
        }),
        0,
        action,
    )
}

pub(crate) fn attachment(prefix: &str, rule: Rule) -> Attachment {
    Attachment::new(
        Host::Any,
        Arc::new(rule),
        0,
        Arc::new(RequestMatch::by_path(PathMatch::Prefix(Arc::from(
            prefix.trim_end_matches('/'),
        )))),
    )
}

pub(crate) fn free_address() -> SocketAddr {
    let listener = StdListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

/// What an origin does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    Answer(Vec<u8>),
    /// Then closes.
    Last(Vec<u8>),
    /// Answers nothing.
    Close,
    /// Waits before it answers.
    Late(Duration, Vec<u8>),
    /// Waits before it sends the answer's last byte.
    Slow(Duration, Vec<u8>),
    /// Answers with what it got, as text.
    Echo,
}

/// A server that does as it is told, and remembers what it was asked.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
    pub(crate) connections: Arc<Mutex<u32>>,
    open: Arc<Mutex<u32>>,
}

impl Origin {
    /// `script` is asked with the request's text and its number, from 0.
    pub(crate) async fn start(
        script: impl Fn(&str, usize) -> Script + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::on(listener, script)
    }

    /// On a socket of one's own.
    pub(crate) fn on(
        listener: TcpListener,
        script: impl Fn(&str, usize) -> Script + Send + Sync + 'static,
    ) -> Self {
        let origin = Self {
            address: listener.local_addr().expect("its address"),
            seen: Arc::default(),
            connections: Arc::default(),
            open: Arc::default(),
        };
        let (own, script) = (origin.clone(), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *own.connections.lock().expect("unpoisoned") += 1;
                *own.open.lock().expect("unpoisoned") += 1;
                let (own, script) = (own.clone(), script.clone());
                tokio::spawn(async move {
                    own.clone().serve(stream, script).await;
                    *own.open.lock().expect("unpoisoned") -= 1;
                });
            }
        });
        origin
    }

    /// Always the same answer.
    pub(crate) async fn always(answer: &str) -> Self {
        let answer = answer.as_bytes().to_vec();
        Self::start(move |_, _| Script::Answer(answer.clone())).await
    }

    async fn serve(
        self,
        mut stream: TcpStream,
        script: Arc<impl Fn(&str, usize) -> Script + Send + Sync>,
    ) {
        let mut rest = Vec::new();
        while let Some(request) = read_message(&mut stream, &mut rest).await {
            let number = {
                let mut seen = self.seen.lock().expect("unpoisoned");
                seen.push(request.clone());
                seen.len() - 1
            };
            let (answer, last) = match script(&request, number) {
                Script::Answer(answer) => (answer, false),
                Script::Last(answer) => (answer, true),
                Script::Close => (Vec::new(), true),
                Script::Late(wait, answer) => {
                    tokio::time::sleep(wait).await;
                    (answer, false)
                }
                Script::Slow(wait, mut answer) => {
                    let last = answer.split_off(answer.len() - 1);
                    if stream.write_all(&answer).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(wait).await;
                    (last, false)
                }
                Script::Echo => (answer(200, "", &request).into_bytes(), false),
            };
            if stream.write_all(&answer).await.is_err() || last {
                return;
            }
        }
    }

    /// Connections that are open now.
    pub(crate) fn open(&self) -> u32 {
        *self.open.lock().expect("unpoisoned")
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("unpoisoned").clone()
    }
}

/// An answer's text.
pub(crate) fn answer(status: u16, fields: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\n{fields}content-length: {length}\r\n\r\n{body}")
}

/// A whole message: head, and body by `content-length` or chunks.
pub(crate) async fn read_message(
    stream: &mut (impl AsyncRead + Unpin),
    rest: &mut Vec<u8>,
) -> Option<String> {
    loop {
        if let Some(length) = message_length(rest) {
            let message: Vec<u8> = rest.drain(..length).collect();
            return Some(String::from_utf8_lossy(&message).into_owned());
        }
        let mut part = [0; 16 * 1024];
        match stream.read(&mut part).await {
            Ok(count @ 1..) => rest.extend_from_slice(&part[..count]),
            _ => return None,
        }
    }
}

fn message_length(bytes: &[u8]) -> Option<usize> {
    let find = |needle: &[u8], from: usize| {
        bytes[from..]
            .windows(needle.len())
            .position(|window| window == needle)
            .map(|at| from + at + needle.len())
    };
    let head = find(b"\r\n\r\n", 0)?;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    if text.contains("transfer-encoding: chunked") {
        return match bytes[head..].starts_with(b"0\r\n") {
            true => find(b"\r\n\r\n", head),
            false => find(b"\r\n0\r\n", head).and_then(|at| find(b"\r\n\r\n", at - 2)),
        };
    }
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|value| value.trim().parse::<usize>().ok())
        .unwrap_or(0);
    (bytes.len() >= head + length).then_some(head + length)
}

/// Sends bytes and reads until the proxy closes.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> String {
    let work = async {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        // A proxy that has refused already may have closed.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        String::from_utf8_lossy(&bytes).into_owned()
    };
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| panic!("no end of the answer to {request}"))
}

/// A GET that closes.
pub(crate) async fn get(address: SocketAddr, path: &str, fields: &str) -> String {
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: test.example\r\nconnection: close\r\n{fields}\r\n");
    exchange(address, &request).await
}

/// The status of an answer's text.
pub(crate) fn status(text: &str) -> u16 {
    let digits = text.get(9..12).unwrap_or_default();
    digits.parse().unwrap_or(0)
}

/// The value of a field in a message's text.
pub(crate) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let head = text.split("\r\n\r\n").next()?;
    head.split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .find(|(own, _)| own.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// What follows the head.
pub(crate) fn body(text: &str) -> &str {
    text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}
