//! What a gateway tells of requests, whom it believes about clients, and which paths it takes: flags that `up` and
//! `gateway` share.
//!
//! Figures are always kept, and are to be had from the admin listener. The access log holds neither fields of requests
//! (cookies, credentials) nor queries, unless `query` is asked for.

mod sink;

use crate::failure::Failure;
use clap::{Args, ValueEnum};
use std::{io, path::PathBuf, sync::Arc};
use tidegate_http::{EscapedSlashes, HeadLimits, PathPolicy, Slashes};
use tidegate_proxy::{
    AccessLogOptions, AddressBlock, Field, Limits, LogFormat, NameOptions, Observability,
    ObserveOptions, Observers, TraceOptions,
};
use tidegate_routing::Locality;

/// `service.name` of spans.
const SERVICE: &str = "tidegate";

/// The form of the access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccessLog {
    /// None
    Off,
    /// One JSON object a line
    Json,
    /// `key=value`
    Text,
}

/// Flags about logs, traces and proxies in front.
#[derive(Debug, Args)]
pub(crate) struct ObserveArgs {
    /// A line for each request; `json` by default with `tidegate gateway`, `off` with `tidegate up`
    #[arg(long, value_name = "FORM", value_enum)]
    access_log: Option<AccessLog>,
    /// Where its lines are appended; on standard output by default
    ///
    /// A file that is moved away or deleted is made anew, so that it can be rotated.
    #[arg(long, value_name = "FILE")]
    access_log_file: Option<PathBuf>,
    /// Its fields, in this order, with commas between them; all but query and local by default
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = field)]
    access_log_fields: Vec<Field>,
    /// Of requests that went well, log one in N; those that failed are all logged
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    access_log_one_in: u32,
    /// The collector that spans go to, by OTLP over HTTP, as in http://localhost:4318
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// Of requests that come without a trace, one in N begins one; 0: none
    ///
    /// What a client says of its own trace is kept.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        requires = "otlp_endpoint"
    )]
    otlp_one_in: u32,
    /// How many proxies in front are believed what they say of clients (X-Forwarded-For and others)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) trusted_hops: u32,
    /// A balancer in front, or a block of them as in 10.0.0.0/8, whose connections begin with a header of the PROXY
    /// protocol (version 1 or 2); may be repeated
    ///
    /// The header says who the client is. Connections from there must have one; others' must not.
    #[arg(long, value_name = "CIDR")]
    pub(crate) proxy_protocol: Vec<AddressBlock>,
    /// Keep several slashes in a row in paths, for servers that give each a meaning, as object stores do
    ///
    /// They become one otherwise, because to most servers `//admin` is `/admin`.
    #[arg(long)]
    keep_slashes: bool,
    /// Let paths with encoded slashes (%2F, %5C) pass, for servers that have names with slashes, as package registries do
    ///
    /// They are refused otherwise, because many servers decode them before they look for segments. Beside dot segments
    /// they are always refused.
    #[arg(long)]
    keep_escaped_slashes: bool,
    /// Which DNS servers resolve the names in a Backend; /etc/resolv.conf by default
    ///
    /// In the form of that file; a server may have a port, as in 192.0.2.1:5353. Read again when it changes.
    #[arg(long, value_name = "FILE")]
    resolv_conf: Option<PathBuf>,
    /// The zone that this runs in: Services that prefer it are asked for endpoints there first
    #[arg(long, value_name = "NAME", env = "ZONE")]
    zone: Option<String>,
    /// The node that this runs on, for Services that prefer the same node
    #[arg(long, value_name = "NAME", env = "NODE_NAME")]
    node: Option<String>,
}

impl ObserveArgs {
    /// Where this is.
    pub(crate) fn here(&self) -> Locality {
        let name = |given: &Option<String>| {
            let given = given.as_deref().filter(|name| !name.is_empty());
            given.map(Arc::from)
        };
        Locality {
            zone: name(&self.zone),
            node: name(&self.node),
        }
    }

    /// What of requests is refused, and how paths are normalised.
    pub(crate) fn limits(&self) -> Limits {
        let path = PathPolicy {
            slashes: match self.keep_slashes {
                true => Slashes::Keep,
                false => Slashes::Merge,
            },
            escaped_slashes: match self.keep_escaped_slashes {
                true => EscapedSlashes::Keep,
                false => EscapedSlashes::Refuse,
            },
        };
        Limits {
            head: HeadLimits {
                path,
                ..HeadLimits::default()
            },
            ..Limits::default()
        }
    }

    /// How names are resolved.
    pub(crate) fn names(&self) -> NameOptions {
        let default = NameOptions::default();
        NameOptions {
            resolv_conf: self.resolv_conf.clone().unwrap_or(default.resolv_conf),
            ..default
        }
    }

    /// Starts what is asked for. `default` is the access log's form where none is.
    pub(crate) fn observers(&self, default: AccessLog) -> Result<Arc<dyn Observers>, Failure> {
        let options = ObserveOptions {
            access_log: self.log(default)?,
            traces: self.otlp_endpoint.as_ref().map(|collector| TraceOptions {
                collector: collector.clone(),
                service: SERVICE.to_owned(),
                one_in: self.otlp_one_in,
            }),
            ..ObserveOptions::default()
        };
        let started = Observability::start(options)
            .map_err(|error| Failure::error(format!("cannot start: {error}")))?;
        Ok(Arc::new(started))
    }

    fn log(&self, default: AccessLog) -> Result<Option<AccessLogOptions>, Failure> {
        // Whoever names a file wants lines in it.
        let unsaid = match (&self.access_log_file, default) {
            (Some(_), AccessLog::Off) => AccessLog::Json,
            _ => default,
        };
        let format = match self.access_log.unwrap_or(unsaid) {
            AccessLog::Off => return Ok(None),
            AccessLog::Json => LogFormat::Json,
            AccessLog::Text => LogFormat::Text,
        };
        let sink: Box<dyn io::Write + Send> = match &self.access_log_file {
            None => Box::new(io::stdout()),
            Some(path) => Box::new(sink::File::open(path).map_err(|error| {
                Failure::error(format!("--access-log-file {}: {error}", path.display()))
            })?),
        };
        let mut options = AccessLogOptions::to(sink);
        options.format = format;
        options.one_in = self.access_log_one_in;
        if !self.access_log_fields.is_empty() {
            options.fields.clone_from(&self.access_log_fields);
        }
        Ok(Some(options))
    }
}

/// A field by its name, or all names there are.
fn field(name: &str) -> Result<Field, String> {
    Field::named(name).ok_or_else(|| {
        let names: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
        format!("the fields are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::ObserveArgs;
    use clap::Parser;
    use tidegate_http::normalize_path;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        observe: ObserveArgs,
    }

    #[track_caller]
    fn check(flags: &[&str], path: &str, expected: Option<&str>) {
        let line = Line::parse_from([&["x"], flags].concat());
        let policy = line.observe.limits().head.path;
        let found = normalize_path(path.as_bytes(), policy);
        assert_eq!(found.ok().as_deref(), expected, "{flags:?} {path}");
    }

    #[test]
    fn slashes_are_kept_if_asked_for() {
        check(&[], "/a//b", Some("/a/b"));
        check(&["--keep-slashes"], "/a//b", Some("/a//b"));
        check(&[], "/a%2fb", None);
        check(&["--keep-slashes"], "/a%2fb", None);
        check(&["--keep-escaped-slashes"], "/a%2fb", Some("/a%2Fb"));
        check(&["--keep-escaped-slashes"], "/a//b", Some("/a/b"));
    }
}
