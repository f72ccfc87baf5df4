//! The gateway's paths: heads in and out, the route among 5,000, and the record of a request. No sockets: what the kernel
//! does can't be counted.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use tidegate_http::{
    Framing, HeadLimits, Method, RequestHead, RequestLine, ResponseHead, StatusLine, parse_request,
    parse_response, write_request, write_response,
};
use tidegate_proxy::{
    AccessLogOptions, HttpVersion, Observability, ObserveOptions, Observer, Observers as _,
    RequestRecord,
};
use tidegate_routing::{
    Action, Attachment, BackendChoice, ClusterKey, Host, ListenerKey, PathMatch, RequestMatch,
    RequestView, RouteIdentity, RouteTable, Rule, WeightedBackend,
};

const MESSAGES: usize = 1_000;
const HOSTS: usize = 1_000;
const PATHS: usize = 5;

/// What the load generator of `bench/proxy` sends.
const REQUEST: &[u8] =
    b"GET /p2/1024 HTTP/1.1\r\nhost: h00007.bench.test\r\nuser-agent: proxy-bench/1\r\n\
    accept: */*\r\n\r\n";
/// What its origin answers.
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nserver: origin\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
    content-type: application/octet-stream\r\ncache-control: no-store\r\ncontent-length: 1024\r\n\r\n";
/// What a browser sends.
const BROWSER: &[u8] = b"GET /api/v1/orders/81723/items?page=2&sort=-created HTTP/1.1\r\n\
    Host: shop.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n\
    Accept: application/json, text/plain, */*\r\n\
    Accept-Language: en-GB,en;q=0.9\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Referer: https://shop.example.com/orders\r\n\
    Cookie: session=4f1c0b2a9d8e7f6a5b4c3d2e1f0a9b8c; theme=dark\r\n\
    X-Requested-With: XMLHttpRequest\r\n\
    Sec-Fetch-Mode: cors\r\n\
    Connection: keep-alive\r\n\r\n";

/// [`super::walk`] for the names that are the gateway's.
pub(super) fn walk(name: &str) -> Option<usize> {
    let limits = HeadLimits::default();
    Some(match name {
        "http-request" => measured_requests(REQUEST, &limits, &mut RequestHead::new()),
        "http-browser" => measured_requests(BROWSER, &limits, &mut RequestHead::new()),
        "http-response" => measured_responses(RESPONSE, &limits, &mut ResponseHead::new()),
        "http-write" => {
            let (mut request, mut response) = (RequestHead::new(), ResponseHead::new());
            parse_request(BROWSER, &limits, &mut request).ok()?;
            parse_response(RESPONSE, &Method::Get, &limits, &mut response).ok()?;
            measured_heads(&request, &response)
        }
        "route-find" => {
            let hosts: Vec<Arc<str>> = (0..HOSTS)
                .map(|host| format!("h{host:05}.bench.test").into())
                .collect();
            measured_routes(&table(&hosts), &hosts)
        }
        "record" => {
            let observability = Observability::start(ObserveOptions {
                access_log: Some(AccessLogOptions::to(Box::new(io::sink()))),
                ..ObserveOptions::default()
            });
            measured_records(&*observability.ok()?.observer(0), &listener(), &rule(0, 0))
        }
        _ => return None,
    })
}

/// Heads of requests, from bytes.
#[inline(never)]
fn measured_requests(bytes: &[u8], limits: &HeadLimits, head: &mut RequestHead) -> usize {
    (0..MESSAGES)
        .filter(|_| matches!(parse_request(bytes, limits, head), Ok(Some(_))))
        .count()
}

/// Heads of answers, from bytes.
#[inline(never)]
fn measured_responses(bytes: &[u8], limits: &HeadLimits, head: &mut ResponseHead) -> usize {
    (0..MESSAGES)
        .filter(|_| {
            matches!(
                parse_response(bytes, &Method::Get, limits, head),
                Ok(Some(_))
            )
        })
        .count()
}

/// Heads to bytes: one to an endpoint, one to a client.
#[inline(never)]
fn measured_heads(request: &RequestHead, response: &ResponseHead) -> usize {
    let (mut up, mut down) = (Vec::new(), Vec::new());
    let line = RequestLine {
        method: request.method.as_str(),
        target: [request.target.path(), "", "", request.target.question()],
        authority: request.target.authority(),
        framing: Framing::None,
        upgrade: None,
        te_trailers: false,
        expect_continue: false,
    };
    let status = StatusLine {
        status: response.status,
        date: b"",
        framing: response.framing,
        close: false,
        keep_alive: false,
        upgrade: None,
    };
    (0..MESSAGES)
        .filter(|_| {
            up.clear();
            down.clear();
            write_request(&line, &request.fields, &mut up);
            write_response(&status, &response.fields, &mut down);
            up.ends_with(b"\r\n\r\n") && down.ends_with(b"\r\n\r\n")
        })
        .count()
}

/// The rules of requests, one for each host.
#[inline(never)]
fn measured_routes(table: &RouteTable, hosts: &[Arc<str>]) -> usize {
    let found = hosts.iter().filter(|host| {
        let request = RequestView {
            host,
            path: "/p2/1024",
            query: "",
            method: "GET",
            headers: &(),
        };
        table.find(&request).is_some()
    });
    found.count()
}

/// Lines of the access log, and figures.
#[inline(never)]
fn measured_records(observer: &dyn Observer, listener: &ListenerKey, rule: &Rule) -> usize {
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
    let cluster = ClusterKey("bench/10.0.0.1:8080".into());
    for _ in 0..MESSAGES {
        observer.ended(&RequestRecord {
            local,
            peer: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 17), 54_321)),
            client: IpAddr::from([192, 0, 2, 17]),
            listener: Some(listener),
            rule: Some(rule),
            cluster: Some(&cluster),
            endpoint: Some(local),
            request_id: "0123456789abcdef0123456789abcdef",
            span: None,
            version: HttpVersion::Http11,
            secure: false,
            method: "GET",
            host: "h00007.bench.test",
            path: "/p2/1024",
            query: "",
            user_agent: b"proxy-bench/1",
            status: 200,
            reason: None,
            tries: 1,
            hedge: None,
            request_bytes: 0,
            answer_bytes: 1024,
            began: Instant::now(),
            duration: Duration::from_micros(1_234),
            upstream_wait: Some(Duration::from_micros(1_017)),
        });
    }
    MESSAGES
}

fn listener() -> ListenerKey {
    ListenerKey {
        kind: "Gateway".into(),
        namespace: "bench".into(),
        name: "bench".into(),
        section: "8080".into(),
    }
}

/// 5,000 routes, as the benchmark has them.
fn table(hosts: &[Arc<str>]) -> RouteTable {
    let mut table = RouteTable::new();
    for (number, host) in hosts.iter().enumerate() {
        for path in 0..PATHS {
            table.insert(Attachment::new(
                Host::Exact(host.clone()),
                Arc::new(rule(number, path)),
                0,
                Arc::new(RequestMatch::by_path(PathMatch::Prefix(
                    format!("/p{path}").into(),
                ))),
            ));
        }
    }
    table
}

fn rule(host: usize, path: usize) -> Rule {
    Rule::new(
        Arc::new(RouteIdentity {
            kind: "HTTPRoute".into(),
            namespace: "bench".into(),
            name: format!("{host}-{path}").into(),
            generation: 1,
            created_s: 0,
        }),
        0,
        Action::Forward(vec![WeightedBackend::new(
            1,
            BackendChoice::Cluster(ClusterKey("bench/bench".into())),
        )]),
    )
}
