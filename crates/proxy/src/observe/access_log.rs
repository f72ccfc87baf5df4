//! The access log: one line for each request, as JSON or as `key=value` text.

use std::{
    cell::Cell,
    fmt, io,
    io::Write as _,
    time::{Duration, SystemTime},
};

use super::{
    escape,
    outbox::{Lane, Outbox},
    time,
};
use crate::record::{HttpVersion, RequestRecord};

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
            format: self.format,
            fields: self.fields.clone(),
            one_in: self.one_in,
            passed: Cell::new(0),
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.outbox.dropped()
    }
}

/// One worker's.
pub(super) struct Writer {
    lane: Lane,
    format: LogFormat,
    fields: Vec<Field>,
    one_in: u32,
    /// Requests that went well since the last one that was logged.
    passed: Cell<u32>,
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
        let now = SystemTime::now();
        self.lane.append(|out| {
            let mut line = Line {
                out,
                json: self.format == LogFormat::Json,
                first: true,
            };
            for field in &self.fields {
                line.field(*field, record, now);
            }
            line.end();
        });
    }
}

/// One line under way.
struct Line<'a> {
    out: &'a mut Vec<u8>,
    json: bool,
    first: bool,
}

impl Line<'_> {
    fn field(&mut self, field: Field, record: &RequestRecord<'_>, now: SystemTime) {
        match field {
            Field::Time => {
                self.key(field);
                self.quote();
                time::rfc3339(time::unix_ns(now), self.out);
                self.quote();
            }
            Field::RequestId => self.text(field, record.request_id.as_bytes()),
            Field::TraceId => {
                if let Some(span) = &record.span {
                    self.text(field, &span.trace_id_text());
                }
            }
            Field::Client => self.show(field, Some(record.client)),
            Field::Peer => self.show(field, Some(record.peer)),
            Field::Local => self.show(field, Some(record.local)),
            Field::Scheme => self.text(field, if record.secure { b"https" } else { b"http" }),
            Field::Version => {
                let version: &[u8] = match record.version {
                    HttpVersion::Http10 => b"1.0",
                    HttpVersion::Http11 => b"1.1",
                    HttpVersion::Http2 => b"2",
                };
                self.text(field, version);
            }
            Field::Method => self.text(field, record.method.as_bytes()),
            Field::Host => self.text(field, record.host.as_bytes()),
            Field::Path => self.text(field, record.path.as_bytes()),
            Field::Query => self.text(field, record.query.as_bytes()),
            Field::UserAgent => self.text(field, record.user_agent),
            Field::Status => self.number(field, u64::from(record.status)),
            Field::Tries => self.number(field, u64::from(record.tries)),
            Field::RequestBytes => self.number(field, record.request_bytes),
            Field::AnswerBytes => self.number(field, record.answer_bytes),
            Field::DurationMs => self.milliseconds(field, Some(record.duration)),
            Field::UpstreamMs => self.milliseconds(field, record.upstream_wait),
            Field::Reason
            | Field::Listener
            | Field::Route
            | Field::Rule
            | Field::Cluster
            | Field::Endpoint => self.place(field, record),
        }
    }

    /// Where the request went, as far as it came.
    fn place(&mut self, field: Field, record: &RequestRecord<'_>) {
        match field {
            Field::Reason => {
                if let Some(reason) = record.reason {
                    self.text(field, reason.as_str().as_bytes());
                }
            }
            Field::Listener => {
                if let Some(key) = record.listener {
                    self.texts(field, [&key.namespace, "/", &key.name, "/", &key.section]);
                }
            }
            Field::Route => {
                if let Some(rule) = record.rule {
                    self.texts(
                        field,
                        [&rule.route.namespace, "/", &rule.route.name, "", ""],
                    );
                }
            }
            Field::Rule => {
                if let Some(rule) = record.rule {
                    match &rule.name {
                        Some(name) => self.text(field, name.as_bytes()),
                        None => self.number(field, u64::from(rule.index)),
                    }
                }
            }
            Field::Cluster => {
                if let Some(cluster) = record.cluster {
                    self.text(field, cluster.0.as_bytes());
                }
            }
            _ => self.show(field, record.endpoint),
        }
    }

    fn key(&mut self, field: Field) {
        let (open, next) = if self.json {
            (&b"{\""[..], &b",\""[..])
        } else {
            (&b""[..], &b" "[..])
        };
        self.out
            .extend_from_slice(if self.first { open } else { next });
        self.first = false;
        self.out.extend_from_slice(field.name().as_bytes());
        self.out
            .extend_from_slice(if self.json { b"\":" } else { b"=" });
    }

    fn quote(&mut self) {
        if self.json {
            self.out.push(b'"');
        }
    }

    fn text(&mut self, field: Field, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        self.key(field);
        match self.json {
            true => escape::json(text, self.out),
            false => escape::word(text, self.out),
        }
    }

    /// Names of objects, which need no escapes.
    fn texts(&mut self, field: Field, texts: [&str; 5]) {
        self.key(field);
        self.quote();
        for text in texts {
            escape::json_inner(text.as_bytes(), self.out);
        }
        self.quote();
    }

    fn show(&mut self, field: Field, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.key(field);
            self.quote();
            // Writing to memory can't fail.
            let _ = write!(self.out, "{value}");
            self.quote();
        }
    }

    fn number(&mut self, field: Field, number: u64) {
        self.key(field);
        let _ = write!(self.out, "{number}");
    }

    fn milliseconds(&mut self, field: Field, time: Option<Duration>) {
        if let Some(time) = time {
            self.key(field);
            let _ = write!(
                self.out,
                "{}.{:03}",
                time.as_millis(),
                time.as_micros() % 1_000
            );
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
