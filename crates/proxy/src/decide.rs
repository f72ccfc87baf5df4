//! Which rule serves a request, and what it wants done. Pure: reads the snapshot and the request's head, does no IO.

use std::{rc::Rc, sync::Arc};

use tidegate_http::{Fields, KnownName, RequestHead};
use tidegate_routing::{
    Action, Attachment, BackendChoice, Cors, HostError, Listener, Redirect, RedirectSource,
    RequestView, Rule, WeightedBackend, is_preflight,
};

use crate::{
    failure::Failure, fields::Lookup, handle::Origin, record::Reason, upstream::ClusterState,
    worker::Config,
};

/// The rule that serves a request.
pub(crate) struct Route<'c> {
    pub(crate) listener: &'c Arc<Listener>,
    pub(crate) attachment: &'c Attachment,
}

/// What a rule wants.
pub(crate) enum Decision<'c> {
    Answer(Answer),
    Forward(Plan<'c>),
}

/// An answer of our own that is no failure.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: Reason,
    pub(crate) fields: Fields,
}

/// How a request is forwarded.
pub(crate) struct Plan<'c> {
    pub(crate) rule: &'c Arc<Rule>,
    pub(crate) attachment: &'c Attachment,
    pub(crate) backend: &'c WeightedBackend,
    pub(crate) cluster: Rc<ClusterState>,
    /// Who gets a copy.
    pub(crate) mirrors: Vec<Rc<ClusterState>>,
}

/// The listener by address and host, then its rule.
pub(crate) fn find<'c>(
    config: &'c Config,
    origin: &Origin<'_>,
    head: &RequestHead,
) -> Result<Route<'c>, Failure> {
    let bind = config
        .bind(origin.connection.local())
        .ok_or(Failure::NoRoute)?;
    if let Some(connection) = origin.secure {
        bind.admit(connection, head.target.host())
            .map_err(|error| match error {
                HostError::NotServed => Failure::NoRoute,
                HostError::Misdirected => Failure::Misdirected,
            })?;
    }
    let listener = bind
        .listener(Some(head.target.host()))
        .ok_or(Failure::NoRoute)?;
    if let Some(connection) = origin.secure
        && !validates_alike(connection, listener)
    {
        // Its client was let in by rules that are no longer in force: it must come again.
        return Err(Failure::Misdirected);
    }
    let attachment = listener
        .routes
        .find(&RequestView {
            host: head.target.host(),
            path: head.target.path(),
            query: head.target.query(),
            method: head.method.as_str(),
            headers: &Lookup(&head.fields),
        })
        .ok_or(Failure::NoRoute)?;
    Ok(Route {
        listener,
        attachment,
    })
}

/// Whether a listener still asks of clients what it asked when a connection was made.
fn validates_alike(then: &Arc<Listener>, now: &Arc<Listener>) -> bool {
    let (Some(then), Some(now)) = (&then.tls, &now.tls) else {
        return false;
    };
    Arc::ptr_eq(then, now) || then.client_validation == now.client_validation
}

/// What the rule wants for this request.
pub(crate) fn decide<'c>(
    origin: &Origin<'_>,
    config: &Config,
    route: &Route<'c>,
    head: &RequestHead,
) -> Result<Decision<'c>, Failure> {
    let rule = &route.attachment.rule;
    if let Some(answer) = rule.cors.as_deref().and_then(|cors| preflight(cors, head)) {
        return Ok(Decision::Answer(answer));
    }
    match &rule.action {
        Action::Fail { status, .. } => Err(Failure::RuleFails(*status)),
        Action::Redirect(redirect) => Ok(Decision::Answer(redirected(
            redirect,
            origin,
            route.attachment,
            head,
        ))),
        Action::Forward(backends) => {
            let index = origin
                .worker
                .weights
                .choose(rule, backends)
                .ok_or(Failure::RuleFails(500))?;
            let backend = &backends[index];
            let cluster = match &backend.choice {
                BackendChoice::Invalid { status, .. } => {
                    return Err(Failure::BackendInvalid(*status));
                }
                BackendChoice::Cluster(key) => origin
                    .worker
                    .clusters
                    .get(config, key, origin.worker.clock.coarse_ns())
                    .ok_or(Failure::BackendInvalid(500))?,
            };
            if let Some(status) = cluster.refused() {
                return Err(Failure::BackendInvalid(status));
            }
            Ok(Decision::Forward(Plan {
                rule,
                attachment: route.attachment,
                backend,
                cluster,
                mirrors: mirrors(origin, config, rule, backend),
            }))
        }
    }
}

/// The rule's mirrors and the backend's, those whose turn it is.
fn mirrors(
    origin: &Origin<'_>,
    config: &Config,
    rule: &Arc<Rule>,
    backend: &WeightedBackend,
) -> Vec<Rc<ClusterState>> {
    let all = rule
        .filters
        .mirrors()
        .iter()
        .chain(backend.filters.mirrors());
    let all = all.enumerate();
    all.filter(|(index, mirror)| {
        let weights = &origin.worker.weights;
        weights.sample(rule, *index, mirror.sampling)
    })
    .filter_map(|(_, mirror)| match &mirror.backend {
        BackendChoice::Cluster(key) => {
            let now = origin.worker.clock.coarse_ns();
            origin.worker.clusters.get(config, key, now)
        }
        BackendChoice::Invalid { .. } => None,
    })
    .collect()
}

fn preflight(cors: &Cors, head: &RequestHead) -> Option<Answer> {
    let text = |name| std::str::from_utf8(head.fields.known(name)?).ok();
    let origin = text(KnownName::Origin);
    let method = text(KnownName::AccessControlRequestMethod);
    if !is_preflight(head.method.as_str(), origin, method) {
        return None;
    }
    let headers = text(KnownName::AccessControlRequestHeaders);
    let mut fields = Fields::new();
    for (name, value) in cors.preflight(origin?, method?, headers) {
        // What the client sent was valid as a field, so it is here.
        let _ = fields.push(name.as_bytes(), value.as_bytes());
    }
    Some(Answer {
        status: 204,
        reason: Reason::Preflight,
        fields,
    })
}

fn redirected(
    redirect: &Redirect,
    origin: &Origin<'_>,
    attachment: &Attachment,
    head: &RequestHead,
) -> Answer {
    let target = &head.target;
    let location = redirect.location(&RedirectSource {
        secure: origin.secure.is_some(),
        host: target.host(),
        port: origin.connection.local().port(),
        path: target.path(),
        query: target.query(),
        matched: &attachment.when.path,
    });
    let mut fields = Fields::new();
    // Only texts that the compiler or the parser have checked went into it.
    let _ = fields.push_known(KnownName::Location, location.as_bytes());
    Answer {
        status: redirect.status,
        reason: Reason::Redirect,
        fields,
    }
}
