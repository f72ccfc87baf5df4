//! Filters of a rule or of one of its backends.

use std::{sync::Arc, time::Duration};

use tidegate_routing::{
    Cors, HeaderChange, Host, Origin, PathChange, Redirect, RequestFilters, ResponseFilters,
    Rewrite, Sampling,
};

use super::{
    Fault, MirrorRef, Reader,
    raw::{RawCors, RawFilter, RawHeaders, RawMirror, RawPathChange, RawRedirect, RawRewrite},
};
use crate::text;

/// All filters of one list.
#[derive(Debug, Default)]
pub(super) struct Filters {
    pub(super) request: RequestFilters,
    pub(super) response: ResponseFilters,
    pub(super) rewrite: Option<Rewrite>,
    pub(super) redirect: Option<Redirect>,
    pub(super) mirrors: Vec<MirrorRef>,
    pub(super) cors: Option<Cors>,
    pub(super) extension: Option<Box<str>>,
}

impl Filters {
    pub(super) fn replaces_prefix(&self) -> bool {
        let redirect = self.redirect.as_ref().and_then(|one| one.path.as_ref());
        matches!(redirect, Some(PathChange::PrefixMatch(_)))
            || replaces_prefix(self.rewrite.as_ref())
    }
}

pub(super) fn replaces_prefix(rewrite: Option<&Rewrite>) -> bool {
    let path = rewrite.and_then(|one| one.path.as_ref());
    matches!(path, Some(PathChange::PrefixMatch(_)))
}

/// Fields that say how a message is framed or who is asked: no filter may touch them.
const FRAMING: &[&str] = &[
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(super) fn read(
    raw: Vec<RawFilter>,
    home: &str,
    reader: &mut Reader<'_>,
) -> Result<Filters, Fault> {
    let mut filters = Filters::default();
    for one in raw {
        add(&mut filters, one, home, reader)?;
    }
    if filters.redirect.is_some() && filters.rewrite.is_some() {
        return Err(Fault::filters(
            "RequestRedirect and URLRewrite can't be in one rule",
        ));
    }
    Ok(filters)
}

fn add(
    filters: &mut Filters,
    raw: RawFilter,
    home: &str,
    reader: &mut Reader<'_>,
) -> Result<(), Fault> {
    let kind = raw.kind;
    let missing = || Fault::value(format!("filter of type {kind} without its settings"));
    let twice = || Fault::filters(format!("filter of type {kind} stands there twice"));
    match kind.as_str() {
        "RequestHeaderModifier" => {
            let changes = raw.request_header_modifier.ok_or_else(missing)?;
            headers(&mut filters.request.headers, changes, reader)
        }
        "ResponseHeaderModifier" => {
            let changes = raw.response_header_modifier.ok_or_else(missing)?;
            headers(&mut filters.response.headers, changes, reader)
        }
        "RequestMirror" => {
            let mirror = raw.request_mirror.ok_or_else(missing)?;
            filters.mirrors.push(mirror_of(mirror, home, reader)?);
            Ok(())
        }
        "RequestRedirect" => {
            let redirect = redirect_of(raw.request_redirect.ok_or_else(missing)?, reader)?;
            once(&mut filters.redirect, redirect, twice)
        }
        "URLRewrite" => {
            let rewrite = rewrite_of(raw.url_rewrite.ok_or_else(missing)?, reader)?;
            once(&mut filters.rewrite, rewrite, twice)
        }
        "CORS" => {
            let cors = cors_of(raw.cors.ok_or_else(missing)?, reader)?;
            once(&mut filters.cors, cors, twice)
        }
        "ExtensionRef" => {
            let to = raw.extension_ref.ok_or_else(missing)?;
            let (group, kind) = (to.group.unwrap_or_default(), to.kind.unwrap_or_default());
            filters.extension =
                Some(format!("{kind}.{group} {} is not a filter that is known", to.name).into());
            Ok(())
        }
        other => Err(Fault::value(format!(
            "filter of type {other:?} is not supported"
        ))),
    }
}

fn once<T>(place: &mut Option<T>, value: T, twice: impl Fn() -> Fault) -> Result<(), Fault> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(twice()),
    }
}

fn headers(
    to: &mut Vec<HeaderChange>,
    raw: RawHeaders,
    reader: &mut Reader<'_>,
) -> Result<(), Fault> {
    let mut seen: Vec<String> = Vec::new();
    for one in raw.set.into_iter().flatten() {
        let name = field(&one.name, &one.value, reader)?;
        let lower = name.to_ascii_lowercase();
        if !seen.contains(&lower) {
            seen.push(lower);
            to.push(HeaderChange::Set(name, reader.interner.get(&one.value)));
        }
    }
    for one in raw.add.into_iter().flatten() {
        let name = field(&one.name, &one.value, reader)?;
        to.push(HeaderChange::Add(name, reader.interner.get(&one.value)));
    }
    for one in raw.remove.into_iter().flatten() {
        to.push(HeaderChange::Remove(field(&one, "", reader)?));
    }
    Ok(())
}

fn field(name: &str, value: &str, reader: &mut Reader<'_>) -> Result<Arc<str>, Fault> {
    if !text::is_token(name) {
        return Err(Fault::value(format!("{name:?} is no name of a header")));
    }
    if FRAMING.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(Fault::value(format!(
            "header {name} can't be changed by a filter"
        )));
    }
    if !text::is_field_value(value) {
        return Err(Fault::value(format!("header {name} can't have this value")));
    }
    Ok(reader.interner.get(name))
}

fn mirror_of(raw: RawMirror, home: &str, reader: &mut Reader<'_>) -> Result<MirrorRef, Fault> {
    let (numerator, denominator) = match (raw.percent, raw.fraction) {
        (None, None) => (1, 1),
        (Some(percent), None) => (percent, 100),
        (None, Some(fraction)) => (fraction.numerator, fraction.denominator.unwrap_or(100)),
        (Some(_), Some(_)) => {
            return Err(Fault::value(
                "a mirror may have percent or fraction, not both",
            ));
        }
    };
    if denominator == 0 || numerator > denominator {
        return Err(Fault::value("a mirror's share is between nothing and all"));
    }
    Ok(MirrorRef {
        to: raw.backend_ref.keep("", "Service", home, reader.interner),
        sampling: Sampling {
            numerator,
            denominator,
        },
    })
}

fn redirect_of(raw: RawRedirect, reader: &mut Reader<'_>) -> Result<Redirect, Fault> {
    let scheme = match raw.scheme.as_deref() {
        None => None,
        Some(scheme @ ("http" | "https")) => Some(reader.interner.get(scheme)),
        Some(other) => return Err(Fault::value(format!("scheme {other:?} is not known"))),
    };
    let status = raw.status_code.unwrap_or(302);
    if ![301, 302, 303, 307, 308].contains(&status) {
        return Err(Fault::value(format!("status {status} is no redirect")));
    }
    if raw.port == Some(0) {
        return Err(Fault::value("port 0 can't be used"));
    }
    Ok(Redirect {
        scheme,
        hostname: hostname(raw.hostname.as_deref(), reader)?,
        port: raw.port,
        path: raw.path.map(|path| path_change(path, reader)).transpose()?,
        status,
    })
}

fn rewrite_of(raw: RawRewrite, reader: &mut Reader<'_>) -> Result<Rewrite, Fault> {
    Ok(Rewrite {
        hostname: hostname(raw.hostname.as_deref(), reader)?,
        path: raw.path.map(|path| path_change(path, reader)).transpose()?,
    })
}

fn hostname(raw: Option<&str>, reader: &mut Reader<'_>) -> Result<Option<Arc<str>>, Fault> {
    match raw {
        None => Ok(None),
        Some(name) if text::is_dns_name(name) => Ok(Some(reader.interner.get(name))),
        Some(name) => Err(Fault::value(format!("{name:?} is no hostname"))),
    }
}

fn path_change(raw: RawPathChange, reader: &mut Reader<'_>) -> Result<PathChange, Fault> {
    let (value, change): (_, fn(Arc<str>) -> PathChange) = match raw.kind.as_str() {
        "ReplaceFullPath" => (raw.replace_full_path, PathChange::Full),
        "ReplacePrefixMatch" => (raw.replace_prefix_match, PathChange::PrefixMatch),
        other => {
            return Err(Fault::value(format!(
                "path change of type {other:?} is not known"
            )));
        }
    };
    let value = value.ok_or_else(|| Fault::value(format!("{} without a value", raw.kind)))?;
    let is_good = value.is_empty() || text::is_path(&value);
    if !is_good {
        return Err(Fault::value(format!("{value:?} is no path")));
    }
    Ok(change(reader.interner.get(&value)))
}

fn cors_of(raw: RawCors, reader: &mut Reader<'_>) -> Result<Cors, Fault> {
    let origins = raw.allow_origins.unwrap_or_default();
    let mut texts = |written: Option<Vec<String>>| -> Result<Vec<Arc<str>>, Fault> {
        written
            .unwrap_or_default()
            .iter()
            .map(|one| match text::is_token(one) {
                true => Ok(reader.interner.get(one)),
                false => Err(Fault::value(format!(
                    "cors: {one:?} is neither `*` nor a name"
                ))),
            })
            .collect()
    };
    Ok(Cors {
        allow_methods: texts(raw.allow_methods)?,
        allow_headers: texts(raw.allow_headers)?,
        expose_headers: texts(raw.expose_headers)?,
        allow_origins: origins
            .iter()
            .map(|one| origin(one))
            .collect::<Result<_, _>>()?,
        allow_credentials: raw.allow_credentials.unwrap_or(false),
        max_age: Duration::from_secs(u64::try_from(raw.max_age.unwrap_or(5)).unwrap_or(5)),
    })
}

fn origin(written: &str) -> Result<Origin, Fault> {
    if written == "*" {
        return Ok(Origin::Any);
    }
    let wrong = || Fault::value(format!("cors: {written:?} is no origin"));
    let (scheme, rest) = written.split_once("://").ok_or_else(wrong)?;
    if !["http", "https"].contains(&scheme) {
        return Err(wrong());
    }
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().map_err(|_| wrong())?)),
        None => (rest, None),
    };
    let host = match host {
        "*" => Host::Any,
        "" => return Err(wrong()),
        name => text::host(name).ok_or_else(wrong)?,
    };
    Ok(Origin::Of {
        scheme: scheme.into(),
        host,
        port,
    })
}
