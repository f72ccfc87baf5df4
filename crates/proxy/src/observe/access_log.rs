//! The access log: one line for each request, as JSON or as `key=value` text.

use std::{
    cell::{Cell, RefCell},
    fmt, io,
    time::{Duration, SystemTime},
};

use tidegate_routing::ListenerKey;

use super::{
    escape, is_same, numbers,
    outbox::{Lane, Outbox},
};
use crate::{
    date::{self, Moments},
    record::{HttpVersion, RequestRecord},
};

/// A line is written about this long after its request.
const PAUSE: Duration = Duration::from_millis(100);

/// What is written, and where to.
pub struct AccessLogOptions {
    pub format: LogFormat,
    /// In this order.
    pub fields: Vec<Field>,
    /// Of requests that went well, one in this many is logged; all that failed are. 0 and 1: all.
    pub one_in: u32,
    /// Takes the lines, on a thread of its own. It may block: then lines are dropped, and requests go on.
    pub sink: Box<dyn io::Write + Send>,
}

impl AccessLogOptions {
    /// Everything but the query, which may hold secrets, to a sink.
    pub fn to(sink: Box<dyn io::Write + Send>) -> Self {
        Self {
            format: LogFormat::Json,
            fields: Field::usual(),
            one_in: 1,
            sink,
        }
    }
}

impl fmt::Debug for AccessLogOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLogOptions")
            .field("format", &self.format)
            .field("fields", &self.fields)
            .field("one_in", &self.one_in)
            .finish_non_exhaustive()
    }
}

/// The form of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Json,
    /// `key=value`, quoted where need be.
    Text,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A field of a line. Absent where it isn't known.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Field { $($(#[$doc])* $name,)* }

        impl Field {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in a line.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

fields! {
    /// When the request ended.
    Time = "time",
    RequestId = "request_id",
    TraceId = "trace_id",
    /// The client, by what trusted proxies in front say of it.
    Client = "client",
    /// The other end of the connection.
    Peer = "peer",
    Local = "local",
    Scheme = "scheme",
    Version = "version",
    Method = "method",
    Host = "host",
    Path = "path",
    /// It may hold secrets.
    Query = "query",
    UserAgent = "user_agent",
    Status = "status",
    Reason = "reason",
    Listener = "listener",
    Route = "route",
    Rule = "rule",
    Cluster = "cluster",
    Endpoint = "endpoint",
    Tries = "tries",
    /// What became of a second try beside the first: `won` or `lost`.
    Hedge = "hedge",
    RequestBytes = "request_bytes",
    AnswerBytes = "answer_bytes",
    DurationMs = "duration_ms",
    UpstreamMs = "upstream_ms",
}

impl Field {
    /// All but the query and the local address.
    #[must_use]
    pub fn usual() -> Vec<Self> {
        let unusual = |field: &&Self| !matches!(field, Self::Query | Self::Local);
        Self::ALL.iter().filter(unusual).copied().collect()
    }

    /// By its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }
}

pub(super) struct AccessLog {
    outbox: Outbox,
    format: LogFormat,
    fields: Vec<Field>,
    one_in: u32,
}

impl AccessLog {
    pub(super) fn start(options: AccessLogOptions) -> io::Result<Self> {
        let mut sink = options.sink;
        let outbox = Outbox::start("access-log", PAUSE, move |lines| {
            match sink.write_all(lines).and_then(|()| sink.flush()) {
                Ok(()) => 0,
                Err(_) => lines.iter().filter(|byte| **byte == b'\n').count() as u64,
            }
        })?;
        Ok(Self {
            outbox,
            format: options.format,
            fields: options.fields,
            one_in: options.one_in.max(1),
        })
    }

    pub(super) fn writer(&self) -> Writer {
        Writer {
            lane: self.outbox.lane(),
            json: self.format == LogFormat::Json,
            keys: self
                .fields
                .iter()
                .map(|field| Key::new(*field, self.format))
                .collect(),
            one_in: self.one_in,
            passed: Cell::new(0),
            moments: RefCell::default(),
            last_listener: RefCell::default(),
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.outbox.dropped()
    }
}

/// One worker's.
pub(super) struct Writer {
    lane: Lane,
    json: bool,
    keys: Vec<Key>,
    one_in: u32,
    /// Requests that went well since the last one that was logged.
    passed: Cell<u32>,
    moments: RefCell<Moments>,
    /// The listener of the line before, nearly always the next one's too, and its name as it stands in lines.
    last_listener: RefCell<Option<(ListenerKey, Vec<u8>)>>,
}

impl Writer {
    pub(super) fn write(&self, record: &RequestRecord<'_>) {
        let failed = record.status == 0 || record.status >= 500;
        if !failed {
            let passed = self.passed.get() + 1;
            self.passed.set(passed % self.one_in);
            if passed < self.one_in {
                return;
            }
        }
        self.lane.append(|out| {
            let mut line = Line {
                out,
                json: self.json,
                first: true,
            };
            for key in &self.keys {
                match key.field {
                    Field::Time => {
                        let now = date::unix_ns(SystemTime::now());
                        let mut moments = self.moments.borrow_mut();
                        line.value(key, |out| out.extend_from_slice(moments.text(now)));
                    }
                    Field::Listener => self.listener(key, record, &mut line),
                    _ => line.field(key, record),
                }
            }
            line.end();
        });
    }

    fn listener(&self, key: &Key, record: &RequestRecord<'_>, line: &mut Line<'_>) {
        let Some(listener) = record.listener else {
            return;
        };
        let mut last = self.last_listener.borrow_mut();
        let (_, text) = match last.take() {
            Some(last_one) if is_same(&last_one.0, listener) => last.insert(last_one),
            _ => last.insert((listener.clone(), name(listener, self.json))),
        };
        line.value(key, |out| out.extend_from_slice(text));
    }
}

/// A listener's name as it stands between quotes.
fn name(listener: &ListenerKey, json: bool) -> Vec<u8> {
    let name = format!(
        "{}/{}/{}",
        listener.namespace, listener.name, listener.section
    );
    let mut text = Vec::new();
    match json {
        true => escape::json_inner(name.as_bytes(), &mut text),
        false => escape::word(name.as_bytes(), &mut text),
    }
    text
}

/// A field with what stands before its value, made once.
struct Key {
    field: Field,
    /// As it follows another field: `,"status":` or ` status=`.
    text: Box<[u8]>,
}

impl Key {
    fn new(field: Field, format: LogFormat) -> Self {
        let text = match format {
            LogFormat::Json => format!(",\"{}\":", field.name()),
            LogFormat::Text => format!(" {}=", field.name()),
        };
        Self {
            field,
            text: text.into_bytes().into(),
        }
    }
}

/// One line under way.
struct Line<'a> {
    out: &'a mut Vec<u8>,
    json: bool,
    first: bool,
}

impl Line<'_> {
    fn field(&mut self, key: &Key, record: &RequestRecord<'_>) {
        match key.field {
            Field::RequestId => self.text(key, record.request_id.as_bytes()),
            Field::TraceId => {
                if let Some(span) = &record.span {
                    self.text(key, &span.trace_id_text());
                }
            }
            Field::Client => self.value(key, |out| numbers::ip(record.client, out)),
            Field::Peer => self.value(key, |out| numbers::socket(record.peer, out)),
            Field::Local => self.value(key, |out| numbers::socket(record.local, out)),
            Field::Scheme => self.text(key, if record.secure { b"https" } else { b"http" }),
            Field::Version => {
                let version: &[u8] = match record.version {
                    HttpVersion::Http10 => b"1.0",
                    HttpVersion::Http11 => b"1.1",
                    HttpVersion::Http2 => b"2",
                };
                self.text(key, version);
            }
            Field::Method => self.text(key, record.method.as_bytes()),
            Field::Host => self.text(key, record.host.as_bytes()),
            Field::Path => self.text(key, record.path.as_bytes()),
            Field::Query => self.text(key, record.query.as_bytes()),
            Field::UserAgent => self.text(key, record.user_agent),
            Field::Status => self.number(key, u64::from(record.status)),
            Field::Tries => self.number(key, u64::from(record.tries)),
            Field::Hedge => {
                if let Some(hedge) = record.hedge {
                    self.text(key, hedge.as_str().as_bytes());
                }
            }
            Field::RequestBytes => self.number(key, record.request_bytes),
            Field::AnswerBytes => self.number(key, record.answer_bytes),
            Field::DurationMs => self.milliseconds(key, Some(record.duration)),
            Field::UpstreamMs => self.milliseconds(key, record.upstream_wait),
            // The writer does these.
            Field::Time | Field::Listener => {}
            Field::Reason | Field::Route | Field::Rule | Field::Cluster | Field::Endpoint => {
                self.place(key, record)
            }
        }
    }

    /// Where the request went, as far as it came.
    fn place(&mut self, key: &Key, record: &RequestRecord<'_>) {
        match key.field {
            Field::Reason => {
                if let Some(reason) = record.reason {
                    self.text(key, reason.as_str().as_bytes());
                }
            }
            Field::Route => {
                if let Some(rule) = record.rule {
                    self.texts(key, &rule.route.namespace, &rule.route.name);
                }
            }
            Field::Rule => {
                if let Some(rule) = record.rule {
                    match &rule.name {
                        Some(name) => self.text(key, name.as_bytes()),
                        None => self.number(key, u64::from(rule.index)),
                    }
                }
            }
            Field::Cluster => {
                if let Some(cluster) = record.cluster {
                    self.text(key, cluster.0.as_bytes());
                }
            }
            _ => {
                if let Some(endpoint) = record.endpoint {
                    self.value(key, |out| numbers::socket(endpoint, out));
                }
            }
        }
    }

    fn key(&mut self, key: &Key) {
        let text = match (self.first, self.json) {
            (false, _) => &key.text[..],
            (true, false) => &key.text[1..],
            (true, true) => {
                self.out.push(b'{');
                &key.text[1..]
            }
        };
        self.out.extend_from_slice(text);
        self.first = false;
    }

    fn quote(&mut self) {
        if self.json {
            self.out.push(b'"');
        }
    }

    fn text(&mut self, key: &Key, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        self.key(key);
        match self.json {
            true => escape::json(text, self.out),
            false => escape::word(text, self.out),
        }
    }

    /// An object's namespace and name, which need no escapes.
    fn texts(&mut self, key: &Key, namespace: &str, name: &str) {
        self.key(key);
        self.quote();
        escape::json_inner(namespace.as_bytes(), self.out);
        self.out.push(b'/');
        escape::json_inner(name.as_bytes(), self.out);
        self.quote();
    }

    /// What needs no escapes.
    fn value(&mut self, key: &Key, write: impl FnOnce(&mut Vec<u8>)) {
        self.key(key);
        self.quote();
        write(self.out);
        self.quote();
    }

    fn number(&mut self, key: &Key, number: u64) {
        self.key(key);
        numbers::number(number, self.out);
    }

    fn milliseconds(&mut self, key: &Key, time: Option<Duration>) {
        if let Some(time) = time {
            self.key(key);
            numbers::milliseconds(time, self.out);
        }
    }

    fn end(self) {
        if self.json {
            self.out
                .extend_from_slice(if self.first { b"{}" } else { b"}" });
        }
        self.out.push(b'\n');
    }
}
