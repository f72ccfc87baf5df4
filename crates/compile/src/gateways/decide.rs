//! What becomes of one listener: its protocol, its certificates, its clients' validation, the routes it takes.

use std::{collections::BTreeSet, sync::Arc};

use foldhash::{HashMap, HashSet};
use tidegate_routing::{BindProtocol, ClientValidation, Host, TlsListener};

use super::Named;
use crate::{
    compiler::Compiler,
    conflicts::{Claims, Entrant},
    graph::Node,
    key::{Kind, ObjectKey},
    listener::{Decision, HTTP_KINDS, View},
    object::gateway::{Entry, Gateway, Validation},
    trust::{AuthorityReasons, Reason},
};

impl Compiler {
    pub(super) fn decide_all(
        &self,
        owner: (Kind, &ObjectKey),
        entries: &[Entry],
        frame: &Frame<'_>,
        claims: &mut Claims,
        uses: &mut BTreeSet<Node>,
    ) -> Named {
        let entrants: Vec<Entrant<'_>> = entries.iter().map(Entrant::new).collect();
        let conflicts = claims.admit(&entrants);
        let mut seen = HashSet::default();
        let mut decided = Vec::with_capacity(entries.len());
        for (entry, conflict) in entries.iter().zip(conflicts) {
            // Names are unique by schema; a second one has no status of its own.
            if seen.insert(entry.name.clone()) {
                let decision = self.decide(owner, entry, conflict, frame, uses);
                decided.push((entry.name.clone(), decision));
            }
        }
        decided
    }

    fn decide(
        &self,
        owner: (Kind, &ObjectKey),
        entry: &Entry,
        conflict: Option<Reason>,
        frame: &Frame<'_>,
        uses: &mut BTreeSet<Node>,
    ) -> Decision {
        let protocol = protocol(&entry.protocol);
        let (kinds, has_strange_kinds) = match protocol {
            Some(_) => kinds(&entry.kinds),
            None => (Vec::new(), !entry.kinds.is_empty()),
        };
        let mut decision = Decision {
            view: View {
                port: entry.port,
                host: entry.host.clone().unwrap_or(Host::Any),
                takes_http_routes: !kinds.is_empty(),
                allowed: entry.allowed.clone(),
                has_identity: frame.has_identity,
                gateway: frame.gateway.clone(),
            },
            protocol,
            tls: None,
            conflict,
            refusal: None,
            unresolved: None,
            is_complete: protocol.is_some() && !kinds.is_empty(),
            overlaps: None,
            kinds,
        };
        if protocol.is_none() {
            let text = format!("protocol {} is not supported", entry.protocol);
            decision.refusal = Some(("UnsupportedProtocol", text.into()));
        } else if entry.host.is_none() {
            decision.refusal = Some(("UnsupportedValue", "its hostname is none".into()));
        } else if entry.port == 0 {
            let text = "a listener needs a port of its own choice";
            decision.refusal = Some(("PortUnavailable", text.into()));
        }
        if protocol == Some(BindProtocol::Https) {
            self.decide_tls(owner, entry, frame, &mut decision, uses);
        }
        if has_strange_kinds {
            let text = "allowedRoutes.kinds has kinds that the protocol doesn't take";
            let reason: Reason = ("InvalidRouteKinds", text.into());
            decision.unresolved = decision.unresolved.or(Some(reason));
        }
        decision
    }

    fn decide_tls(
        &self,
        (kind, owner): (Kind, &ObjectKey),
        entry: &Entry,
        frame: &Frame<'_>,
        decision: &mut Decision,
        uses: &mut BTreeSet<Node>,
    ) {
        if &*entry.mode != "Terminate" {
            let text = format!("TLS mode {} is not supported for HTTPS", entry.mode);
            decision.refusal = Some(("UnsupportedValue", text.into()));
        }
        let mut certificates = Vec::new();
        let mut fault: Option<Reason> = None;
        for reference in &entry.certificates {
            if !self
                .store
                .is_permitted(kind, &owner.namespace, reference, uses)
            {
                let text = format!("no ReferenceGrant allows to refer to {}", reference.text());
                fault = fault.or(Some(("RefNotPermitted", text.into())));
                continue;
            }
            let (good, why) = self.store.certificate(reference, uses);
            certificates.extend(good);
            fault = fault.or(why.map(|text| ("InvalidCertificateRef", text)));
        }
        if entry.certificates.is_empty() {
            let text = "tls.certificateRefs is empty";
            fault = Some(("InvalidCertificateRef", text.into()));
        }
        if certificates.is_empty() {
            decision.is_complete = false;
        }
        decision.unresolved = fault;
        let port = frame.form.port_validations.get(&entry.port);
        let validation = port.map_or(frame.form.validation.as_ref(), Option::as_ref);
        let client_validation =
            validation.and_then(|one| self.client_validation(one, frame, decision, uses));
        if decision.is_complete {
            decision.tls = Some(Arc::new(TlsListener {
                certificates,
                client_validation,
            }));
        }
    }

    fn client_validation(
        &self,
        validation: &Validation,
        frame: &Frame<'_>,
        decision: &mut Decision,
        uses: &mut BTreeSet<Node>,
    ) -> Option<ClientValidation> {
        let home = &frame.gateway.namespace;
        let mut grants = BTreeSet::new();
        let permitted: HashMap<&ObjectKey, bool> = validation
            .authorities
            .iter()
            .map(|one| {
                let allowed = self
                    .store
                    .is_permitted(Kind::Gateway, home, one, &mut grants);
                (&one.key, allowed)
            })
            .collect();
        uses.append(&mut grants);
        let (authorities, fault) = self.store.authorities(
            &validation.authorities,
            AuthorityReasons {
                kind: "InvalidCACertificateKind",
            },
            |one| permitted.get(&one.key).copied().unwrap_or(false),
            uses,
        );
        decision.unresolved = decision.unresolved.take().or(fault);
        if authorities.is_empty() {
            let text = "clients can't be validated: no authority can be used";
            let reason: Reason = ("NoValidCACertificate", text.into());
            decision.refusal = decision.refusal.take().or(Some(reason));
            return None;
        }
        Some(ClientValidation {
            authorities,
            allow_insecure: validation.allow_insecure,
        })
    }
}

/// What is the same for all listeners of one Gateway.
pub(super) struct Frame<'a> {
    pub(super) gateway: &'a ObjectKey,
    pub(super) form: &'a Gateway,
    pub(super) has_identity: bool,
}

fn protocol(name: &str) -> Option<BindProtocol> {
    match name {
        "HTTP" => Some(BindProtocol::Http),
        "HTTPS" => Some(BindProtocol::Https),
        _ => None,
    }
}

/// The kinds that a listener takes, of those that are written, and whether there are others.
fn kinds(written: &[(Arc<str>, Arc<str>)]) -> (Vec<(&'static str, &'static str)>, bool) {
    if written.is_empty() {
        return (HTTP_KINDS.to_vec(), false);
    }
    let is_written = |(group, kind): &(&str, &str)| {
        written
            .iter()
            .any(|(of, name)| &**of == *group && &**name == *kind)
    };
    let known: Vec<_> = HTTP_KINDS
        .iter()
        .copied()
        .filter(|one| is_written(one))
        .collect();
    let strange = written
        .iter()
        .any(|(group, kind)| !HTTP_KINDS.contains(&(&**group, &**kind)));
    (known, strange)
}
