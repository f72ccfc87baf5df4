//! HTTPRoutes: read once into templates of rules, in which only the backends are open.
//!
//! A rule that can't be read or served as written becomes a fault; the route's other rules stay.

mod filters;
mod matches;
mod raw;

use std::sync::Arc;

use serde_json::value::RawValue;
use tidegate_routing::{
    Action, FilterSet, Host, RequestFilters, RequestMatch, ResponseFilters, Retry, Rewrite,
    RouteIdentity, Rule, Sampling, Timeouts,
};

pub(crate) use self::matches::Regexes;
use self::raw::{RawBackendRef, RawRoute, RawRule};
use super::{
    Meta,
    reference::{ParentRef, Reference},
};
use crate::{intern::Interner, text};

/// What is used of a route.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) identity: Arc<RouteIdentity>,
    pub(crate) parents: Box<[ParentRef]>,
    /// Empty: every host.
    pub(crate) hosts: Box<[Host]>,
    pub(crate) rules: Box<[Template]>,
    /// What can't be used of it, in the order of rules.
    pub(crate) faults: Box<[Fault]>,
    /// What was overlooked on purpose.
    pub(crate) notes: Box<[Box<str>]>,
}

/// A rule whose backends aren't resolved yet.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// Its action is `Redirect`, or `Fail` as a stand-in for what `backends` resolve to.
    pub(crate) rule: Rule,
    pub(crate) matches: Box<[Arc<RequestMatch>]>,
    pub(crate) backends: Box<[BackendRef]>,
    pub(crate) mirrors: Box<[MirrorRef]>,
    /// It names an extension that isn't known: its requests are refused.
    pub(crate) extension: Option<Box<str>>,
}

#[derive(Clone, Debug)]
pub(crate) struct BackendRef {
    pub(crate) to: Reference,
    pub(crate) weight: u32,
    pub(crate) filters: Option<Box<BackendFilters>>,
}

/// Filters of one backend.
#[derive(Clone, Debug, Default)]
pub(crate) struct BackendFilters {
    pub(crate) request: RequestFilters,
    pub(crate) response: ResponseFilters,
    pub(crate) rewrite: Option<Rewrite>,
    pub(crate) mirrors: Box<[MirrorRef]>,
}

#[derive(Clone, Debug)]
pub(crate) struct MirrorRef {
    pub(crate) to: Reference,
    pub(crate) sampling: Sampling,
}

/// Why something of a route can't be served as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// `None` is the route as a whole.
    pub(crate) rule: Option<u32>,
    pub(crate) reason: &'static str,
    pub(crate) text: Box<str>,
}

impl Fault {
    pub(crate) fn value(text: impl Into<Box<str>>) -> Self {
        Self {
            rule: None,
            reason: "UnsupportedValue",
            text: text.into(),
        }
    }

    pub(crate) fn filters(text: impl Into<Box<str>>) -> Self {
        Self {
            reason: "IncompatibleFilters",
            ..Self::value(text)
        }
    }
}

/// Most rules and hostnames of a route that are read. The schemas allow 16 of each.
const RULES_MAX: usize = 64;
const HOSTS_MAX: usize = 64;

/// What reading needs beside the object.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) interner: &'a mut Interner,
    pub(crate) regexes: &'a mut Regexes,
}

impl Route {
    /// Fails when nothing of it can be used.
    pub(crate) fn read(
        spec: Option<&RawValue>,
        meta: &Meta,
        reader: &mut Reader<'_>,
    ) -> Result<Self, Fault> {
        let raw: RawRoute<'_> = super::read(spec).map_err(Fault::value)?;
        let identity = Arc::new(RouteIdentity {
            kind: reader.interner.get("HTTPRoute"),
            namespace: meta.key.namespace.clone(),
            name: meta.key.name.clone(),
            generation: meta.generation,
            created_s: meta.created_s,
        });
        let parents = raw.parent_refs.unwrap_or_default();
        let parents = parents
            .iter()
            .map(|one| ParentRef::new(one, reader.interner))
            .collect();
        let mut faults = Vec::new();
        let hosts = hosts(&raw.hostnames.unwrap_or_default(), &mut faults, reader)?;
        let mut notes = Vec::new();
        let mut rules = Vec::new();
        let written = raw.rules.unwrap_or_default();
        for (at, part) in written.iter().take(RULES_MAX).enumerate() {
            let index = u32::try_from(at).unwrap_or(u32::MAX);
            let read = serde_json::from_str::<RawRule>(part.get())
                .map_err(|why| Fault::value(why.to_string()))
                .map(|raw| template(raw, index, &identity, reader, &mut notes));
            match read.and_then(|read| read) {
                Ok((template, fault)) => {
                    rules.push(template);
                    faults.extend(fault.map(|fault| Fault {
                        rule: Some(index),
                        ..fault
                    }));
                }
                Err(fault) => faults.push(Fault {
                    rule: Some(index),
                    ..fault
                }),
            }
        }
        if written.len() > RULES_MAX {
            faults.push(Fault::value(format!("more than {RULES_MAX} rules")));
        }
        Ok(Self {
            identity,
            parents,
            hosts,
            rules: rules.into(),
            faults: faults.into(),
            notes: notes.into(),
        })
    }

    /// Whether there is something of it to serve as written.
    pub(crate) fn is_good(&self) -> bool {
        let is_faulty = |index| self.faults.iter().any(|fault| fault.rule == Some(index));
        self.faults.is_empty() || self.rules.iter().any(|one| !is_faulty(one.rule.index))
    }

    /// The parents alone, of a spec that can't be read otherwise.
    pub(crate) fn parents(spec: Option<&RawValue>, interner: &mut Interner) -> Box<[ParentRef]> {
        let raw: Result<raw::RawParents, _> = super::read(spec);
        let parents = raw
            .map(|raw| raw.parent_refs.unwrap_or_default())
            .unwrap_or_default();
        parents
            .iter()
            .map(|one| ParentRef::new(one, interner))
            .collect()
    }
}

fn hosts(
    written: &[String],
    faults: &mut Vec<Fault>,
    reader: &mut Reader<'_>,
) -> Result<Box<[Host]>, Fault> {
    let mut hosts = Vec::new();
    if written.len() > HOSTS_MAX {
        return Err(Fault::value(format!("more than {HOSTS_MAX} hostnames")));
    }
    for name in written {
        match text::host(name) {
            Some(Host::Exact(host)) => hosts.push(Host::Exact(reader.interner.get(&host))),
            Some(Host::Suffix(host)) => hosts.push(Host::Suffix(reader.interner.get(&host))),
            _ => faults.push(Fault::value(format!("{name:?} is no hostname"))),
        }
    }
    if hosts.is_empty() && !written.is_empty() {
        return Err(Fault::value("none of its hostnames is one"));
    }
    hosts.sort();
    hosts.dedup();
    Ok(hosts.into())
}

/// A rule's template. Where its matches can be read but not the rest, the template refuses all its requests, so that
/// they don't fall to a rule that was not meant for them.
fn template(
    raw: RawRule,
    index: u32,
    identity: &Arc<RouteIdentity>,
    reader: &mut Reader<'_>,
    notes: &mut Vec<Box<str>>,
) -> Result<(Template, Option<Fault>), Fault> {
    let matches = matches::read(raw.matches.as_deref().unwrap_or_default(), reader)?;
    if raw.session_persistence.is_some() {
        notes.push(
            format!("rule {index}: sessionPersistence is not supported and has no effect").into(),
        );
    }
    let stand_in = Action::Fail {
        status: 500,
        reason: reader
            .interner
            .get("the rule can't be served as it is written"),
    };
    let mut rule = Rule::new(identity.clone(), index, stand_in);
    rule.name = raw.name.as_deref().map(|name| reader.interner.get(name));
    let mut template = Template {
        rule,
        matches,
        backends: Box::default(),
        mirrors: Box::default(),
        extension: None,
    };
    match fill(&mut template, raw, reader) {
        Ok(()) => Ok((template, None)),
        Err(fault) => {
            template.backends = Box::default();
            template.mirrors = Box::default();
            template.rule.cors = None;
            Ok((template, Some(fault)))
        }
    }
}

fn fill(template: &mut Template, raw: RawRule, reader: &mut Reader<'_>) -> Result<(), Fault> {
    let home = template.rule.route.namespace.clone();
    let filters = filters::read(raw.filters.unwrap_or_default(), &home, reader)?;
    if filters.replaces_prefix() && !matches::are_prefixes(&template.matches) {
        return Err(Fault::filters(
            "ReplacePrefixMatch needs matches that are all of type PathPrefix",
        ));
    }
    template.rule.timeouts = timeouts(raw.timeouts.as_ref())?;
    template.rule.retry = raw
        .retry
        .map(|retry| retry.keep().map(Box::new))
        .transpose()?;
    let backends = raw.backend_refs.unwrap_or_default();
    template.backends = backends
        .into_iter()
        .map(|one| backend(one, &home, reader))
        .collect::<Result<_, _>>()?;
    if template.backends.iter().any(|one| {
        one.filters
            .as_ref()
            .is_some_and(|filters| filters::replaces_prefix(filters.rewrite.as_ref()))
    }) && !matches::are_prefixes(&template.matches)
    {
        return Err(Fault::filters(
            "ReplacePrefixMatch needs matches that are all of type PathPrefix",
        ));
    }
    template.rule.filters = tidegate_routing::Filters::from(FilterSet {
        request: filters.request,
        response: filters.response,
        rewrite: filters.rewrite,
        mirrors: Vec::new(),
    });
    template.rule.cors = filters.cors.map(Arc::new);
    template.mirrors = filters.mirrors.into();
    template.extension = filters.extension;
    template.rule.action = Action::Fail {
        status: 500,
        reason: reader.interner.get("the rule has no backends"),
    };
    if let Some(redirect) = filters.redirect {
        template.rule.action = Action::Redirect(Box::new(redirect));
        template.backends = Box::default();
    }
    Ok(())
}

fn backend(raw: RawBackendRef, home: &str, reader: &mut Reader<'_>) -> Result<BackendRef, Fault> {
    let filters = filters::read(raw.filters.unwrap_or_default(), home, reader)?;
    if filters.redirect.is_some() || filters.cors.is_some() || filters.extension.is_some() {
        return Err(Fault::filters(
            "filters of a backend may be RequestHeaderModifier, ResponseHeaderModifier, URLRewrite and RequestMirror",
        ));
    }
    let filters = BackendFilters {
        request: filters.request,
        response: filters.response,
        rewrite: filters.rewrite,
        mirrors: filters.mirrors.into(),
    };
    let is_plain = filters.request.headers.is_empty()
        && filters.response.headers.is_empty()
        && filters.rewrite.is_none()
        && filters.mirrors.is_empty();
    Ok(BackendRef {
        to: raw.to.keep("", "Service", home, reader.interner),
        weight: raw.weight.unwrap_or(1).min(1_000_000),
        filters: (!is_plain).then(|| Box::new(filters)),
    })
}

fn timeouts(raw: Option<&raw::RawTimeouts>) -> Result<Timeouts, Fault> {
    let read = |written: Option<&String>, what: &str| match written {
        None => Ok(None),
        Some(written) => text::duration(written)
            .map(|time| Some(time).filter(|time| !time.is_zero()))
            .ok_or_else(|| Fault::value(format!("timeouts.{what}: {written:?} is no duration"))),
    };
    let Some(raw) = raw else {
        return Ok(Timeouts::default());
    };
    Ok(Timeouts {
        request: read(raw.request.as_ref(), "request")?,
        backend_request: read(raw.backend_request.as_ref(), "backendRequest")?,
    })
}

impl raw::RawRetry {
    fn keep(self) -> Result<Retry, Fault> {
        let codes = self.codes.unwrap_or_default();
        if let Some(code) = codes.iter().find(|code| !(400..=599).contains(*code)) {
            return Err(Fault::value(format!("retry.codes: {code} is no error")));
        }
        let backoff = self.backoff.as_deref().unwrap_or("25ms");
        let attempts = self.attempts.unwrap_or(1);
        Ok(Retry {
            attempts: u32::try_from(attempts.clamp(0, 100)).unwrap_or(0),
            backoff: text::duration(backoff).ok_or_else(|| {
                Fault::value(format!("retry.backoff: {backoff:?} is no duration"))
            })?,
            codes,
        })
    }
}
