//! Statuses with conditions at their top: GatewayClass, Gateway, ListenerSet, Backend.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{OURS, Written, update};
use crate::{
    compiler::Compiler,
    condition::{Moment, Wanted, render},
    features::SUPPORTED_FEATURES,
    key::{Kind, ObjectKey},
    object::status::{ListenerStatus, TopStatus},
    output::StatusUpdate,
    state::{GatewayState, LiveGateway},
};

impl Compiler {
    pub(super) fn report_class(&mut self, key: &ObjectKey, now_s: i64) -> Option<StatusUpdate> {
        let held = self.store.classes.get(key)?;
        let form = held.form.as_ref()?;
        if form.controller != self.options.controller_name {
            return None;
        }
        let wanted = if let Some(fault) = &held.fault {
            Wanted::no("Accepted", "Unsupported", fault)
        } else if form.has_parameters {
            let text =
                "parametersRef: no kind of parameters is known; Gateways are served without them";
            Wanted::no("Accepted", "InvalidParameters", text)
        } else {
            Wanted::yes(
                "Accepted",
                "Accepted",
                "the class is handled by this controller",
            )
        };
        let wanted = [wanted, self.supported_version()];
        let (meta, stored) = (held.meta.clone(), held.status.clone());
        let moment = Moment {
            now_s,
            generation: meta.generation,
        };
        let new = TopStatus {
            conditions: self.merged(&stored.conditions, &wanted, moment)?,
            features: SUPPORTED_FEATURES
                .iter()
                .map(|name| self.interner.get(name))
                .collect(),
            ..TopStatus::default()
        };
        (new != stored).then(|| update(Kind::GatewayClass, key, &meta, class_status(&new)))
    }

    pub(super) fn report_gateway(&mut self, key: &ObjectKey, now_s: i64) -> Option<StatusUpdate> {
        let state = self.store.gateways.get(key)?;
        let live = state.live.as_ref()?;
        let wanted = self.gateway_conditions(state, live);
        let addresses: Vec<String> = match live.refusal {
            None => live.addresses.iter().map(ToString::to_string).collect(),
            Some(_) => Vec::new(),
        };
        let (meta, stored) = (state.held.meta.clone(), state.held.status.clone());
        let (listeners, sets) = (live.listeners.clone(), live.sets);
        let moment = Moment {
            now_s,
            generation: meta.generation,
        };
        let kind = self.interner.get("IPAddress");
        let new = TopStatus {
            conditions: self.merged(&stored.conditions, &wanted, moment)?,
            addresses: addresses
                .iter()
                .map(|one| (kind.clone(), self.interner.get(one)))
                .collect(),
            listeners: self.listener_statuses(&listeners, &stored.listeners, moment)?,
            attached_sets: Some(i64::from(sets)),
            features: Vec::new(),
        };
        (new != stored).then(|| update(Kind::Gateway, key, &meta, gateway_status(&new)))
    }

    fn gateway_conditions(&self, state: &GatewayState, live: &LiveGateway) -> Vec<Wanted> {
        let own = || {
            live.listeners
                .iter()
                .filter_map(|id| self.store.listeners.get(id))
        };
        let conditions = |id: &crate::listener::Listener| {
            id.conditions(|address| self.store.bind_errors.get(address).cloned())
        };
        let is_false = |all: &[Wanted], kind: &str| {
            all.iter()
                .any(|one| one.kind == kind && one.truth == Some(false))
        };
        let all: Vec<(Arc<str>, Vec<Wanted>)> = own()
            .map(|one| (one.key.section.clone(), conditions(one)))
            .collect();
        let lacking = |kind: &str| -> Vec<&str> {
            let lacking = all
                .iter()
                .filter(|(_, conditions)| is_false(conditions, kind));
            lacking.map(|(name, _)| &**name).collect()
        };
        let mut wanted = Vec::with_capacity(4);
        let refused = lacking("Accepted");
        wanted.push(if let Some(fault) = &state.held.fault {
            let text = format!("{fault}; what was read before is served");
            Wanted::no("Accepted", "Invalid", &text)
        } else if let Some((reason, text)) = &live.refusal {
            Wanted::no("Accepted", reason, text)
        } else if refused.is_empty() {
            Wanted::yes("Accepted", "Accepted", "the Gateway is accepted")
        } else {
            let text = format!("listeners that are not accepted: {}", refused.join(", "));
            Wanted::new(
                "Accepted",
                Some(refused.len() < all.len()),
                "ListenersNotValid",
                &text,
            )
        });
        wanted.push(self.gateway_programmed(state, live));
        let unresolved = lacking("ResolvedRefs");
        wanted.push(if let Some((reason, text)) = &live.identity_fault {
            Wanted::no("ResolvedRefs", reason, text)
        } else if unresolved.is_empty() {
            Wanted::yes(
                "ResolvedRefs",
                "ResolvedRefs",
                "all references are resolved",
            )
        } else {
            let text = format!(
                "listeners with unresolved references: {}",
                unresolved.join(", ")
            );
            Wanted::no("ResolvedRefs", "ListenersNotResolved", &text)
        });
        if live.allows_insecure_clients {
            let text = "clients without a valid certificate are served (AllowInsecureFallback)";
            wanted.push(Wanted::yes(
                "InsecureFrontendValidationMode",
                "ConfigurationChanged",
                text,
            ));
        }
        wanted
    }

    fn gateway_programmed(&self, state: &GatewayState, live: &LiveGateway) -> Wanted {
        if let Some((_, text)) = &live.refusal {
            return Wanted::no("Programmed", "Invalid", text);
        }
        if let Some((reason, text)) = &live.address_fault {
            return Wanted::no("Programmed", reason, text);
        }
        if live.addresses.is_empty() {
            return Wanted::no(
                "Programmed",
                "AddressNotAssigned",
                "there is no address for it",
            );
        }
        let key = &state.held.meta.key;
        let sets = self.store.sets_of.get(key).into_iter().flatten();
        let live_sets = sets.filter_map(|set| self.store.sets.get(set)?.live.as_ref());
        let of_sets = live_sets.flat_map(|set| &set.listeners);
        let all = live.listeners.iter().chain(of_sets);
        let mut placed = all
            .filter_map(|id| self.store.listeners.get(id))
            .filter(|one| !one.placed_at.is_empty())
            .peekable();
        if placed.peek().is_none() {
            return Wanted::no(
                "Programmed",
                "Invalid",
                "none of its listeners can be served",
            );
        }
        let errors = &self.store.bind_errors;
        if placed.any(|one| one.is_programmed(|address| errors.contains_key(address))) {
            return Wanted::yes("Programmed", "Programmed", "the Gateway is served");
        }
        Wanted::no(
            "Programmed",
            "AddressNotUsable",
            "none of its addresses can be listened on",
        )
    }

    fn listener_statuses(
        &mut self,
        ids: &[u32],
        stored: &[ListenerStatus],
        moment: Moment,
    ) -> Option<Vec<ListenerStatus>> {
        let mut statuses = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(listener) = self.store.listeners.get(id) else {
                continue;
            };
            let errors = &self.store.bind_errors;
            let wanted = listener.conditions(|address| errors.get(address).cloned());
            let name = listener.key.section.clone();
            let attached = i64::from(listener.attached);
            let kinds = listener.decision.kinds.clone();
            let old = stored.iter().find(|one| one.name == name);
            let conditions = old.map_or(&[][..], |one| &one.conditions);
            statuses.push(ListenerStatus {
                conditions: self.merged(conditions, &wanted, moment)?,
                name,
                attached,
                kinds: kinds
                    .iter()
                    .map(|(group, kind)| (self.interner.get(group), self.interner.get(kind)))
                    .collect(),
            });
        }
        Some(statuses)
    }

    pub(super) fn report_set(&mut self, key: &ObjectKey, now_s: i64) -> Option<StatusUpdate> {
        let state = self.store.sets.get(key)?;
        let live = state.live.as_ref()?;
        let listeners = live.listeners.clone();
        let wanted = self.set_conditions(state.held.fault.as_ref(), live);
        let (meta, stored) = (state.held.meta.clone(), state.held.status.clone());
        let moment = Moment {
            now_s,
            generation: meta.generation,
        };
        let new = TopStatus {
            conditions: self.merged(&stored.conditions, &wanted, moment)?,
            listeners: self.listener_statuses(&listeners, &stored.listeners, moment)?,
            ..TopStatus::default()
        };
        (new != stored).then(|| update(Kind::ListenerSet, key, &meta, set_status(&new)))
    }

    fn set_conditions(
        &self,
        fault: Option<&Arc<str>>,
        live: &crate::state::LiveSet,
    ) -> Vec<Wanted> {
        let (accepted, programmed) = match (&live.refusal, fault) {
            (Some((accepted, programmed, text)), _) => (
                Wanted::no("Accepted", accepted, text),
                Wanted::no("Programmed", programmed, text),
            ),
            (None, fault) => {
                let all: Vec<_> = live
                    .listeners
                    .iter()
                    .filter_map(|id| self.store.listeners.get(id))
                    .collect();
                let bad: Vec<&str> = all
                    .iter()
                    .filter(|one| !one.decision.is_good())
                    .map(|one| &*one.key.section)
                    .collect();
                let accepted = if let Some(fault) = fault {
                    let text = format!("{fault}; what was read before is served");
                    Wanted::no("Accepted", "Invalid", &text)
                } else if bad.is_empty() {
                    Wanted::yes("Accepted", "Accepted", "the ListenerSet is accepted")
                } else {
                    let text = format!("listeners that are not valid: {}", bad.join(", "));
                    Wanted::yes("Accepted", "ListenersNotValid", &text)
                };
                let errors = &self.store.bind_errors;
                let is_served = all
                    .iter()
                    .any(|one| one.is_programmed(|address| errors.contains_key(address)));
                let programmed = match is_served {
                    true => Wanted::yes("Programmed", "Programmed", "the ListenerSet is served"),
                    false => Wanted::no("Programmed", "Invalid", "none of its listeners is served"),
                };
                (accepted, programmed)
            }
        };
        vec![accepted, programmed]
    }

    pub(super) fn report_backend(&mut self, key: &ObjectKey, now_s: i64) -> Option<StatusUpdate> {
        let state = self.store.backends.get(key)?;
        let accepted = match (&state.held.fault, &state.outcome.refusal) {
            (Some(fault), _) => Wanted::no("Accepted", "Invalid", fault),
            (None, Some((reason, text))) => Wanted::no("Accepted", reason, text),
            (None, None) => Wanted::yes("Accepted", "Accepted", "the Backend is accepted"),
        };
        let resolved = match &state.outcome.unresolved {
            Some((reason, text)) => Wanted::no("ResolvedRefs", reason, text),
            None => Wanted::yes(
                "ResolvedRefs",
                "ResolvedRefs",
                "all references are resolved",
            ),
        };
        let (meta, stored) = (state.held.meta.clone(), state.held.status.clone());
        let moment = Moment {
            now_s,
            generation: meta.generation,
        };
        let new = TopStatus {
            conditions: self.merged(&stored.conditions, &[accepted, resolved], moment)?,
            ..TopStatus::default()
        };
        (new != stored).then(|| {
            let written = whole(&|only| json!({ "conditions": render(&new.conditions, only) }));
            update(Kind::Backend, key, &meta, written)
        })
    }
}

/// The same status twice: with all conditions, and with ours alone.
fn whole(render: &dyn Fn(Option<&[&str]>) -> Value) -> Written {
    Written::new(&render(None), &render(Some(OURS)))
}

fn class_status(new: &TopStatus) -> Written {
    whole(&|only| {
        let features: Vec<Value> = new
            .features
            .iter()
            .map(|name| json!({ "name": &**name }))
            .collect();
        json!({
            "conditions": render(&new.conditions, only),
            "supportedFeatures": features,
        })
    })
}

fn gateway_status(new: &TopStatus) -> Written {
    whole(&|only| {
        let addresses: Vec<Value> = new
            .addresses
            .iter()
            .map(|(kind, value)| json!({ "type": &**kind, "value": &**value }))
            .collect();
        json!({
            "addresses": addresses,
            "conditions": render(&new.conditions, only),
            "listeners": listeners(new, only),
            "attachedListenerSets": new.attached_sets,
        })
    })
}

fn set_status(new: &TopStatus) -> Written {
    whole(&|only| {
        json!({
            "conditions": render(&new.conditions, only),
            "listeners": listeners(new, only),
        })
    })
}

fn listeners(new: &TopStatus, only: Option<&[&str]>) -> Value {
    new.listeners
        .iter()
        .map(|one| {
            let kinds: Vec<Value> = one
                .kinds
                .iter()
                .map(|(group, kind)| json!({ "group": &**group, "kind": &**kind }))
                .collect();
            json!({
                "name": &*one.name,
                "attachedRoutes": one.attached,
                "supportedKinds": kinds,
                "conditions": render(&one.conditions, only),
            })
        })
        .collect()
}
