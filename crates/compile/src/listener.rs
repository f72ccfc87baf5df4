//! A listener: what its owner wrote, what became of it, and the routes that are attached.

use std::{net::SocketAddr, sync::Arc};

use tidegate_routing::{BindProtocol, Host, ListenerKey, RouteTable, TlsListener};

use crate::{
    condition::Wanted,
    key::{GATEWAY_GROUP, Kind, ObjectKey},
    object::gateway::Allowed,
};

/// What routes see of a listener. While it stays the same, no route need be looked at again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    pub(crate) port: u16,
    pub(crate) host: Host,
    pub(crate) takes_http_routes: bool,
    pub(crate) allowed: Allowed,
    /// Whether its Gateway shows a client certificate to backends.
    pub(crate) has_identity: bool,
    pub(crate) gateway: ObjectKey,
}

/// What was decided of a listener from its Gateway's and ListenerSets' objects.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decision {
    pub(crate) view: View,
    /// `None`: a protocol that isn't served.
    pub(crate) protocol: Option<BindProtocol>,
    pub(crate) tls: Option<Arc<TlsListener>>,
    /// Reason and text.
    pub(crate) conflict: Option<(&'static str, Arc<str>)>,
    /// Why it isn't accepted, but for conflicts.
    pub(crate) refusal: Option<(&'static str, Arc<str>)>,
    /// What couldn't be resolved.
    pub(crate) unresolved: Option<(&'static str, Arc<str>)>,
    /// Whether it can serve in spite of what couldn't be resolved.
    pub(crate) is_complete: bool,
    /// Why a client may take another listener's connection for this one's: reason and text.
    pub(crate) overlaps: Option<(&'static str, Arc<str>)>,
    /// Whether this is an HTTPRoute's home: group and kind.
    pub(crate) kinds: Vec<(&'static str, &'static str)>,
}

impl Decision {
    /// Whether it could be served, as far as its Gateway is.
    pub(crate) fn is_good(&self) -> bool {
        self.conflict.is_none() && self.refusal.is_none() && self.is_complete
    }
}

/// A listener with its routes.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) key: ListenerKey,
    pub(crate) owner: (Kind, ObjectKey),
    /// When its Gateway was created, and its Gateway's name: whose listeners come first on a shared address.
    pub(crate) rank: (i64, Arc<str>),
    pub(crate) decision: Decision,
    pub(crate) table: RouteTable,
    pub(crate) attached: u32,
    /// Where it wants to be served.
    pub(crate) wanted_at: Vec<SocketAddr>,
    /// Where it is served.
    pub(crate) placed_at: Vec<SocketAddr>,
    pub(crate) built: Option<Arc<tidegate_routing::Listener>>,
}

impl Listener {
    /// One that is served nowhere yet.
    pub(crate) fn new(
        (kind, owner): (Kind, &ObjectKey),
        name: &Arc<str>,
        decision: Decision,
    ) -> Self {
        Self {
            key: ListenerKey {
                kind: kind.name().into(),
                namespace: owner.namespace.clone(),
                name: owner.name.clone(),
                section: name.clone(),
            },
            owner: (kind, owner.clone()),
            rank: (0, name.clone()),
            decision,
            table: RouteTable::new(),
            attached: 0,
            wanted_at: Vec::new(),
            placed_at: Vec::new(),
            built: None,
        }
    }

    /// What the proxy serves.
    pub(crate) fn build(&mut self) -> Arc<tidegate_routing::Listener> {
        let decision = &self.decision;
        self.built
            .get_or_insert_with(|| {
                Arc::new(tidegate_routing::Listener {
                    key: self.key.clone(),
                    host: decision.view.host.clone(),
                    tls: decision.tls.clone(),
                    routes: self.table.clone(),
                })
            })
            .clone()
    }

    /// Its conditions. `broken` says why an address of it can't be listened on.
    pub(crate) fn conditions(
        &self,
        broken: impl Fn(&SocketAddr) -> Option<Arc<str>>,
    ) -> Vec<Wanted> {
        let decision = &self.decision;
        let faults: Vec<Arc<str>> = self.placed_at.iter().filter_map(broken).collect();
        let is_shut = !faults.is_empty() && faults.len() == self.placed_at.len();
        let is_crowded_out =
            decision.is_good() && !self.wanted_at.is_empty() && self.placed_at.is_empty();
        let mut conditions = Vec::with_capacity(5);
        let refusal = decision.conflict.as_ref().or(decision.refusal.as_ref());
        conditions.push(match refusal {
            Some((reason, text)) => Wanted::no("Accepted", reason, text),
            None if is_crowded_out => Wanted::no(
                "Accepted",
                "PortUnavailable",
                "an older Gateway has this port, with this hostname or another protocol, on all addresses",
            ),
            None if is_shut => Wanted::no("Accepted", "PortUnavailable", &faults.join("; ")),
            None => Wanted::yes("Accepted", "Accepted", "the listener is accepted"),
        });
        conditions.push(match &decision.conflict {
            Some((reason, text)) => Wanted::yes("Conflicted", reason, text),
            None => Wanted::no(
                "Conflicted",
                "NoConflicts",
                "no other listener is in its way",
            ),
        });
        conditions.push(match &decision.unresolved {
            Some((reason, text)) => Wanted::no("ResolvedRefs", reason, text),
            None => Wanted::yes(
                "ResolvedRefs",
                "ResolvedRefs",
                "all references are resolved",
            ),
        });
        conditions.push(self.programmed(is_shut));
        if let Some((reason, text)) = &decision.overlaps {
            conditions.push(Wanted::yes("OverlappingTLSConfig", reason, text));
        }
        conditions
    }

    fn programmed(&self, is_shut: bool) -> Wanted {
        let decision = &self.decision;
        if let Some((reason, text)) = &decision.conflict {
            return Wanted::no("Programmed", reason, text);
        }
        if let Some((_, text)) = decision.refusal.as_ref() {
            return Wanted::no("Programmed", "Invalid", text);
        }
        if let Some((_, text)) = decision
            .unresolved
            .as_ref()
            .filter(|_| !decision.is_complete)
        {
            return Wanted::no("Programmed", "Invalid", text);
        }
        if self.placed_at.is_empty() || is_shut {
            return Wanted::no(
                "Programmed",
                "Invalid",
                "the listener is served on no address",
            );
        }
        Wanted::yes("Programmed", "Programmed", "the listener is served")
    }

    /// Whether it's served.
    pub(crate) fn is_programmed(&self, broken: impl Fn(&SocketAddr) -> bool) -> bool {
        self.placed_at.iter().any(|address| !broken(address))
    }
}

/// The kinds of routes that an HTTP listener takes.
pub(crate) const HTTP_KINDS: &[(&str, &str)] = &[(GATEWAY_GROUP, "HTTPRoute")];
