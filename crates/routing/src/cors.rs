//! Cross-origin resource sharing: which fields tell a browser that a page of another origin may read an answer.
//!
//! By Gateway API's `HTTPCORSFilter` and the Fetch standard. Pure: takes the request's fields, yields fields for the
//! answer. An origin that isn't allowed gets none of them, and the browser refuses by itself.

use std::borrow::Cow;

use crate::{Cors, Host, Origin};

/// Fields of answers that only the gateway may set where a rule has CORS: an upstream's own are removed.
pub const CORS_FIELDS: [&str; 6] = [
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-expose-headers",
    "access-control-max-age",
];

/// Fields for an answer, in order. `vary` is to be added beside those there.
pub type CorsFields<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// Whether a request asks for leave only: its answer is 204 with [`Cors::preflight`]'s fields, and no backend sees it.
pub fn is_preflight(method: &str, origin: Option<&str>, requested_method: Option<&str>) -> bool {
    method == "OPTIONS" && origin.is_some() && requested_method.is_some()
}

impl Cors {
    /// Fields of the answer to a preflight, given the values of `Origin`, `Access-Control-Request-Method` and
    /// `Access-Control-Request-Headers`.
    pub fn preflight<'a>(
        &'a self,
        origin: &'a str,
        requested_method: &'a str,
        requested_headers: Option<&'a str>,
    ) -> CorsFields<'a> {
        let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        let mut fields: CorsFields<'a> = vec![("vary", Cow::Borrowed(vary))];
        let Some(allowed) = self.allowed(origin) else {
            return fields;
        };
        self.common(allowed, &mut fields);
        let methods = self.list(&self.allow_methods, Some(requested_method));
        let headers = self.list(&self.allow_headers, requested_headers);
        for (name, value) in [
            ("access-control-allow-methods", methods),
            ("access-control-allow-headers", headers),
        ] {
            fields.extend(value.map(|value| (name, value)));
        }
        let seconds = self.max_age.as_secs().to_string();
        fields.push(("access-control-max-age", Cow::Owned(seconds)));
        fields
    }

    /// Fields to add to the answer of an actual request, given the value of its `Origin` if it has one.
    pub fn actual<'a>(&'a self, origin: Option<&'a str>) -> CorsFields<'a> {
        let mut fields = CorsFields::new();
        if !self.same_for_all() {
            fields.push(("vary", Cow::Borrowed("Origin")));
        }
        if let Some(allowed) = origin.and_then(|origin| self.allowed(origin)) {
            self.common(allowed, &mut fields);
        }
        fields
    }

    fn common<'a>(&'a self, allowed: &'a str, fields: &mut CorsFields<'a>) {
        fields.push(("access-control-allow-origin", Cow::Borrowed(allowed)));
        if self.allow_credentials {
            let value = Cow::Borrowed("true");
            fields.push(("access-control-allow-credentials", value));
        }
        // `*` beside credentials would be taken for a header of that name.
        let useless = self.allow_credentials && has_star(&self.expose_headers);
        if !self.expose_headers.is_empty() && !useless {
            let value = join(&self.expose_headers);
            fields.push(("access-control-expose-headers", value));
        }
    }

    /// Whether every origin gets the same answer.
    fn same_for_all(&self) -> bool {
        !self.allow_credentials && self.allow_origins.contains(&Origin::Any)
    }

    /// What to say to this origin, if it is allowed.
    fn allowed<'a>(&'a self, origin: &'a str) -> Option<&'a str> {
        if self.same_for_all() {
            return Some("*");
        }
        let matches = self.allow_origins.iter().any(|own| own.matches(origin));
        matches.then_some(origin)
    }

    /// A list as it is; where it is `*` beside credentials, which `*` can't stand for, what was asked for.
    fn list<'a>(
        &'a self,
        list: &'a [std::sync::Arc<str>],
        requested: Option<&'a str>,
    ) -> Option<Cow<'a, str>> {
        if list.is_empty() {
            return None;
        }
        if !has_star(list) {
            return Some(join(list));
        }
        if self.allow_credentials {
            return requested.filter(|text| !text.is_empty()).map(Cow::Borrowed);
        }
        Some(Cow::Borrowed("*"))
    }
}

fn has_star(list: &[std::sync::Arc<str>]) -> bool {
    list.iter().any(|one| &**one == "*")
}

fn join(list: &[std::sync::Arc<str>]) -> Cow<'_, str> {
    match list {
        [one] => Cow::Borrowed(one),
        more => Cow::Owned(more.join(", ")),
    }
}

impl Origin {
    /// Whether the value of an `Origin` field is this one, or one of these.
    pub fn matches(&self, origin: &str) -> bool {
        let Self::Of { scheme, host, port } = self else {
            return true;
        };
        let Some((own_scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        let usual = |scheme: &str| match scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        let (name, own_port) = match authority.rsplit_once(':') {
            // The colon is one of an IPv6 address.
            Some((_, after)) if after.ends_with(']') => (authority, None),
            Some((name, digits)) => match digits.parse::<u16>() {
                Ok(port) => (name, Some(port)),
                Err(_) => return false,
            },
            None => (authority, None),
        };
        own_scheme.eq_ignore_ascii_case(scheme)
            && own_port.or(usual(scheme)) == port.or(usual(scheme))
            && host_matches(host, name)
    }
}

/// Without case: configuration is in lower case, and browsers send it so.
fn host_matches(host: &Host, name: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if name.is_empty() || !name.bytes().all(valid) {
        return false;
    }
    match host {
        Host::Exact(exact) => exact.eq_ignore_ascii_case(name),
        Host::Suffix(_) => host.covers(&name.to_ascii_lowercase()),
        Host::Any => true,
    }
}

#[cfg(test)]
mod tests;
