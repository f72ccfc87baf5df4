//! What is known of one request while it is under way; becomes its record.

use std::{
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use tidegate_http::{KnownName, RequestHead, Version};
use tidegate_routing::{ClusterKey, ListenerKey, Rule};

use crate::{
    decide::Route,
    failure::Failure,
    fields,
    handle::Origin,
    ids::RequestId,
    observe::{self, Span},
    record::{Hedge, HttpVersion, Reason, RequestRecord},
};

/// The phases of a request, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Listener and rule are looked for.
    Match,
    /// Answered here, or by which backend?
    Decide,
    /// Tries at endpoints, and the reply.
    Forward,
}

/// One request so far.
#[derive(Debug)]
pub(crate) struct Journey<'c> {
    pub(crate) phase: Phase,
    pub(crate) id: RequestId,
    pub(crate) span: Option<Span>,
    pub(crate) began: Instant,
    /// The client's address, as far as it can be trusted.
    pub(crate) client: IpAddr,
    listener: Option<&'c ListenerKey>,
    rule: Option<&'c Rule>,
    pub(crate) cluster: Option<&'c ClusterKey>,
    pub(crate) endpoint: Option<SocketAddr>,
    /// What the client got; 0 before.
    pub(crate) status: u16,
    pub(crate) reason: Option<Reason>,
    pub(crate) tries: u32,
    pub(crate) hedge: Option<Hedge>,
    pub(crate) request_bytes: u64,
    pub(crate) answer_bytes: u64,
    /// By the try under way.
    answered: Option<Instant>,
    last_answered: Option<Instant>,
}

impl<'c> Journey<'c> {
    pub(crate) fn begin(origin: &Origin<'_>, head: &RequestHead) -> Self {
        let ids = &origin.worker.ids;
        let observer = origin.worker.observer.as_deref();
        let span = observer.and_then(|observer| {
            let random = [ids.random(), ids.random(), ids.random()];
            observer.span(observe::client_context(&head.fields), random)
        });
        Self {
            phase: Phase::Match,
            id: ids.request_id(),
            span,
            began: Instant::now(),
            client: fields::client_address(
                &head.fields,
                origin.connection.peer().ip(),
                origin.worker.setup.trusted_hops,
            ),
            listener: None,
            rule: None,
            cluster: None,
            endpoint: None,
            status: 0,
            reason: None,
            tries: 0,
            hedge: None,
            request_bytes: 0,
            answer_bytes: 0,
            answered: None,
            last_answered: None,
        }
    }

    pub(crate) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    pub(crate) fn matched(&mut self, route: &Route<'c>) {
        self.listener = Some(&route.listener.key);
        self.rule = Some(&route.attachment.rule);
    }

    /// The head of the upstream's answer is here.
    pub(crate) fn answered(&mut self) {
        self.answered = Some(Instant::now());
    }

    /// When that was, in the try that has just ended.
    pub(crate) fn take_answered(&mut self) -> Option<Instant> {
        if self.answered.is_some() {
            self.last_answered = self.answered;
        }
        self.answered.take()
    }

    pub(crate) fn failed(&mut self, failure: &Failure) {
        self.reason = Some(failure.reason());
        tracing::debug!(id = self.id.as_str(), phase = ?self.phase, %failure, "request failed");
    }

    /// Tells the observer.
    pub(crate) fn end(&self, origin: &Origin<'_>, head: &RequestHead) {
        let Some(observer) = &origin.worker.observer else {
            return;
        };
        observer.ended(&RequestRecord {
            local: origin.connection.local(),
            peer: origin.connection.peer(),
            client: self.client,
            listener: self.listener,
            rule: self.rule,
            cluster: self.cluster,
            endpoint: self.endpoint,
            request_id: self.id.as_str(),
            span: self.span,
            version: match head.version {
                Version::Http10 => HttpVersion::Http10,
                Version::Http11 => HttpVersion::Http11,
                Version::Http2 => HttpVersion::Http2,
            },
            secure: origin.secure.is_some(),
            method: head.method.as_str(),
            host: head.target.host(),
            path: head.target.path(),
            query: head.target.query(),
            user_agent: head.fields.known(KnownName::UserAgent).unwrap_or_default(),
            status: self.status,
            reason: self.reason,
            tries: self.tries,
            hedge: self.hedge,
            request_bytes: self.request_bytes,
            answer_bytes: self.answer_bytes,
            began: self.began,
            duration: self.began.elapsed(),
            upstream_wait: self.last_answered.map(|at| at - self.began),
        });
    }
}
