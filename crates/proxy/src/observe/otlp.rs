//! Spans to a collector, by OTLP over HTTP with JSON.
//!
//! One span for each sampled request. Batches go out about once a second, on a thread of their own; what the collector
//! doesn't take is dropped and counted. Plain HTTP only: collectors stand beside the gateway, and carry on by TLS.

use std::{
    io::{self, Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    time::{Duration, SystemTime},
};

use super::{
    escape,
    outbox::{Lane, Outbox},
    trace::{Span, digits},
};
use crate::{date, record::RequestRecord};

/// For connecting, sending and answering, each.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of an answer, more is not read.
const ANSWER_MAX: u64 = 64 << 10;

/// Which requests are traced, and where spans go.
#[derive(Clone, Debug)]
pub struct TraceOptions {
    /// `http://HOST:PORT`, with `/v1/traces` unless another path is given.
    pub collector: String,
    /// `service.name` of the spans.
    pub service: String,
    /// Of requests that come without a trace, one in this many begins one. 0: none. A client's own decision is kept.
    pub one_in: u32,
}

pub(super) struct Traces {
    outbox: Outbox,
    one_in: u32,
}

/// One worker's.
pub(super) struct Writer {
    lane: Lane,
    one_in: u32,
}

#[derive(Debug)]
struct Collector {
    authority: String,
    path: String,
    service: String,
}

impl Collector {
    fn parse(options: &TraceOptions) -> io::Result<Self> {
        let wrong = || {
            let text = format!("{}: not http://HOST:PORT", options.collector);
            io::Error::new(io::ErrorKind::InvalidInput, text)
        };
        let rest = options
            .collector
            .strip_prefix("http://")
            .ok_or_else(wrong)?;
        let at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let plain = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'@')
        };
        if authority.is_empty() || !plain(authority) || !plain(path) {
            return Err(wrong());
        }
        let has_port = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Ok(Self {
            authority: if has_port {
                authority.to_owned()
            } else {
                format!("{authority}:4318")
            },
            path: if path.len() > 1 {
                path.to_owned()
            } else {
                "/v1/traces".to_owned()
            },
            service: options.service.clone(),
        })
    }

    /// `spans` are JSON objects, each with a line of its own.
    fn send(&self, spans: &[u8]) -> io::Result<()> {
        let body = self.body(spans);
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in self.authority.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => return self.exchange(stream, &body),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn body(&self, spans: &[u8]) -> Vec<u8> {
        let mut body = Vec::with_capacity(spans.len() + 256);
        body.extend_from_slice(
            br#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"#,
        );
        escape::json(self.service.as_bytes(), &mut body);
        body.extend_from_slice(br#"}}]},"scopeSpans":[{"scope":{"name":"tidegate"},"spans":["#);
        let spans = spans.strip_suffix(b"\n").unwrap_or(spans);
        body.extend(
            spans
                .iter()
                .map(|byte| if *byte == b'\n' { b',' } else { *byte }),
        );
        body.extend_from_slice(b"]}]}]}");
        body
    }

    fn exchange(&self, mut stream: TcpStream, body: &[u8]) -> io::Result<()> {
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (path, authority, length) = (&self.path, &self.authority, body.len());
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n"
        )
        .into_bytes();
        request.extend_from_slice(body);
        stream.write_all(&request)?;
        let mut answer = Vec::new();
        stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
        match answer.strip_prefix(b"HTTP/1.1 2").is_some() {
            true => Ok(()),
            false => Err(io::Error::other("the collector refuses spans")),
        }
    }
}

impl Traces {
    pub(super) fn start(options: TraceOptions) -> io::Result<Self> {
        let collector = Collector::parse(&options)?;
        let mut failing = false;
        let outbox = Outbox::start("traces", Duration::from_secs(1), move |spans| {
            let sent = collector.send(spans);
            if let (Err(error), false) = (&sent, failing) {
                tracing::warn!(collector = collector.authority, %error, "spans are dropped");
            }
            failing = sent.is_err();
            match failing {
                true => spans.iter().filter(|byte| **byte == b'\n').count() as u64,
                false => 0,
            }
        })?;
        Ok(Self {
            outbox,
            one_in: options.one_in,
        })
    }

    pub(super) fn writer(&self) -> Writer {
        Writer {
            lane: self.outbox.lane(),
            one_in: self.one_in,
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.outbox.dropped()
    }
}

impl Writer {
    /// Whether a request that comes without a trace begins one.
    pub(super) fn sample(&self, random: u64) -> bool {
        self.one_in > 0 && random.is_multiple_of(u64::from(self.one_in))
    }

    pub(super) fn write(&self, record: &RequestRecord<'_>) {
        let Some(span) = record.span.filter(|span| span.sampled) else {
            return;
        };
        let end_ns = date::unix_ns(SystemTime::now());
        self.lane.append(|out| span_json(span, record, end_ns, out));
    }
}

fn span_json(span: Span, record: &RequestRecord<'_>, end_ns: u64, out: &mut Vec<u8>) {
    let id = |id: u64| {
        let mut text = [0; 16];
        digits(u128::from(id), &mut text);
        text
    };
    let put = |out: &mut Vec<u8>, text: &str| out.extend_from_slice(text.as_bytes());
    put(out, "{\"traceId\":");
    escape::json(&span.trace_id_text(), out);
    put(out, ",\"spanId\":");
    escape::json(&id(span.id), out);
    if let Some(parent) = span.parent_id {
        put(out, ",\"parentSpanId\":");
        escape::json(&id(parent), out);
    }
    put(out, ",\"name\":\"");
    escape::json_inner(known_method(record.method).as_bytes(), out);
    if let Some(rule) = record.rule {
        let name = format!(" {}/{}", rule.route.namespace, rule.route.name);
        escape::json_inner(name.as_bytes(), out);
    }
    let duration_ns = u64::try_from(record.duration.as_nanos()).unwrap_or(u64::MAX);
    let start_ns = end_ns.saturating_sub(duration_ns);
    put(
        out,
        &format!(
            "\",\"kind\":2,\"startTimeUnixNano\":\"{start_ns}\",\"endTimeUnixNano\":\"{end_ns}\",\"attributes\":["
        ),
    );
    attributes(record, out);
    put(
        out,
        if record.status >= 500 || record.status == 0 {
            "],\"status\":{\"code\":2}}\n"
        } else {
            "]}\n"
        },
    );
}

/// Names are those of OpenTelemetry's conventions, where there is one.
fn attributes(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    let mut first = true;
    let mut text = |name: &str, value: &[u8], out: &mut Vec<u8>| {
        if value.is_empty() {
            return;
        }
        let comma = if first { "" } else { "," };
        first = false;
        let start = format!("{comma}{{\"key\":\"{name}\",\"value\":{{\"stringValue\":");
        out.extend_from_slice(start.as_bytes());
        escape::json(value, out);
        out.extend_from_slice(b"}}");
    };
    text("http.request.method", record.method.as_bytes(), out);
    text(
        "url.scheme",
        if record.secure { b"https" } else { b"http" },
        out,
    );
    text("server.address", record.host.as_bytes(), out);
    text("url.path", record.path.as_bytes(), out);
    text("user_agent.original", record.user_agent, out);
    text(
        "network.peer.address",
        record.peer.ip().to_string().as_bytes(),
        out,
    );
    text("tidegate.request_id", record.request_id.as_bytes(), out);
    if let Some(reason) = record.reason {
        text("error.type", reason.as_str().as_bytes(), out);
    }
    if let Some(cluster) = record.cluster {
        text("tidegate.cluster", cluster.0.as_bytes(), out);
    }
    if let Some(endpoint) = record.endpoint {
        text("tidegate.endpoint", endpoint.to_string().as_bytes(), out);
    }
    for (name, value) in [
        ("http.response.status_code", u64::from(record.status)),
        ("http.request.body.size", record.request_bytes),
        ("http.response.body.size", record.answer_bytes),
        (
            "http.request.resend_count",
            u64::from(record.tries.saturating_sub(1)),
        ),
    ] {
        let line = format!(",{{\"key\":\"{name}\",\"value\":{{\"intValue\":\"{value}\"}}}}");
        out.extend_from_slice(line.as_bytes());
    }
}

/// A span's name has few values.
fn known_method(method: &str) -> &str {
    let known = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
    ];
    if known.contains(&method) {
        method
    } else {
        "HTTP"
    }
}
