//! Gateways: whose they are, which addresses they get, which listeners they have together with their ListenerSets.

mod decide;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tidegate_routing::BindProtocol;

use self::decide::Frame;
use crate::{
    compiler::Compiler,
    conflicts::Claims,
    graph::{Node, User},
    key::{Kind, ObjectKey},
    listener::{Decision, Listener},
    object::{
        gateway::{Allowed, Gateway},
        reference::Reference,
    },
    overlaps::{self, Secure},
    state::{LiveGateway, LiveSet},
    trust::Reason,
};

/// Decisions by the listeners' names, in order.
type Named = Vec<(Arc<str>, Decision)>;
/// A ListenerSet, what became of it, and its listeners.
type SetPlan = (ObjectKey, LiveSet, Named);

/// Everything that is decided of the listeners of one Gateway and its ListenerSets.
struct Plan {
    live: LiveGateway,
    own: Named,
    sets: Vec<SetPlan>,
    uses: BTreeSet<Node>,
}

impl Compiler {
    /// Works out one Gateway with its ListenerSets.
    pub(crate) fn compile_gateway(&mut self, key: &ObjectKey) {
        let user = User {
            kind: Kind::Gateway,
            key: key.clone(),
        };
        self.dirty.statuses.insert((Kind::Gateway, key.clone()));
        self.dirty.infrastructure.insert(key.clone());
        let form = self.managed_form(key);
        let Some(form) = form else {
            self.graph.set(&user, BTreeSet::new());
            self.release_addresses(key);
            self.drop_gateway(key);
            return;
        };
        let plan = self.plan(key, &form);
        self.graph.set(&user, plan.uses.clone());
        self.carry_out(key, plan);
    }

    /// The form of a Gateway, if its class is ours.
    pub(crate) fn managed_form(&self, key: &ObjectKey) -> Option<Arc<Gateway>> {
        let form = self.store.gateways.get(key)?.held.form.clone()?;
        let class = self.store.classes.get(&ObjectKey::new("", &form.class))?;
        let is_ours = class.form.as_ref()?.controller == self.options.controller_name;
        is_ours.then_some(form)
    }

    fn plan(&mut self, key: &ObjectKey, form: &Gateway) -> Plan {
        let mut uses = BTreeSet::new();
        let mut live = LiveGateway::default();
        self.assign_addresses(key, form, &mut live);
        if let Some(parameters) = &form.parameters {
            let text = format!(
                "infrastructure.parametersRef: {} is not known",
                parameters.text()
            );
            live.refusal = Some(("InvalidParameters", text.into()));
        }
        if let Some(reference) = &form.client_certificate {
            (live.identity, live.identity_fault) =
                self.client_certificate(key, reference, &mut uses);
        }
        let all = form
            .port_validations
            .values()
            .flatten()
            .chain(&form.validation);
        live.allows_insecure_clients = all.into_iter().any(|one| one.allow_insecure);
        let mut claims = Claims::default();
        let has_identity = form.client_certificate.is_some();
        let frame = Frame {
            gateway: key,
            form,
            has_identity,
        };
        let own = self.decide_all(
            (Kind::Gateway, key),
            &form.listeners,
            &frame,
            &mut claims,
            &mut uses,
        );
        let accepted = own
            .iter()
            .filter(|(_, one)| one.conflict.is_none() && one.refusal.is_none());
        if accepted.count() == 0 && live.refusal.is_none() {
            live.refusal = Some((
                "ListenersNotValid",
                "none of its listeners is accepted".into(),
            ));
        }
        let sets = self.plan_sets(&mut live, &frame, &mut claims, &mut uses);
        let mut plan = Plan {
            live,
            own,
            sets,
            uses,
        };
        note_overlaps(&mut plan);
        plan
    }

    /// ListenerSets in order of precedence: the older first, then by name.
    fn plan_sets(
        &mut self,
        live: &mut LiveGateway,
        frame: &Frame<'_>,
        claims: &mut Claims,
        uses: &mut BTreeSet<Node>,
    ) -> Vec<SetPlan> {
        let mut order: Vec<(i64, String, ObjectKey)> = Vec::new();
        for key in self.store.sets_of.get(frame.gateway).into_iter().flatten() {
            if let Some(set) = self.store.sets.get(key) {
                order.push((set.held.meta.created_s, key.to_string(), key.clone()));
            }
        }
        order.sort();
        let mut planned = Vec::new();
        let mut left = self
            .options
            .max_listeners
            .saturating_sub(frame.form.listeners.len());
        for (.., key) in order {
            let form = self
                .store
                .sets
                .get(&key)
                .and_then(|set| set.held.form.clone());
            let Some(form) = form else { continue };
            let mut set = LiveSet::default();
            let home = &frame.gateway.namespace;
            if !self.allows(&frame.form.allowed_sets, home, &key.namespace, uses) {
                let text = "the Gateway doesn't allow ListenerSets of this namespace";
                set.refusal = Some(("NotAllowed", "NotAllowed", text.into()));
                planned.push((key, set, Vec::new()));
                continue;
            }
            let mut decisions = self.decide_all(
                (Kind::ListenerSet, &key),
                &form.listeners,
                frame,
                claims,
                uses,
            );
            for (_, decision) in decisions.iter_mut().skip(left) {
                let text = "the Gateway has too many listeners";
                decision.refusal = Some(("TooManyListeners", text.into()));
            }
            left = left.saturating_sub(decisions.len());
            if live.refusal.is_some() {
                let text = "the Gateway is not accepted";
                set.refusal = Some(("ParentNotAccepted", "ParentNotProgrammed", text.into()));
            } else if !decisions.iter().any(|(_, one)| one.is_good()) {
                let text = "none of its listeners is valid";
                set.refusal = Some(("ListenersNotValid", "ListenersNotValid", text.into()));
            } else {
                live.sets += 1;
            }
            planned.push((key, set, decisions));
        }
        planned
    }

    fn client_certificate(
        &self,
        key: &ObjectKey,
        reference: &Reference,
        uses: &mut BTreeSet<Node>,
    ) -> (Option<Arc<tidegate_routing::Certificate>>, Option<Reason>) {
        if !self
            .store
            .is_permitted(Kind::Gateway, &key.namespace, reference, uses)
        {
            let text = format!("no ReferenceGrant allows to refer to {}", reference.text());
            return (None, Some(("RefNotPermitted", text.into())));
        }
        let (good, fault) = self.store.certificate(reference, uses);
        (
            good,
            fault.map(|text| ("InvalidClientCertificateRef", text)),
        )
    }

    /// Whether a namespace is among those that are allowed.
    pub(crate) fn allows(
        &self,
        allowed: &Allowed,
        home: &str,
        namespace: &Arc<str>,
        uses: &mut BTreeSet<Node>,
    ) -> bool {
        match allowed {
            Allowed::All => true,
            Allowed::Same => *home == **namespace,
            Allowed::None => false,
            Allowed::Selector(selector) => {
                let key = ObjectKey {
                    namespace: self.nothing.clone(),
                    name: namespace.clone(),
                };
                uses.insert(Node::Object(Kind::Namespace, key));
                self.store
                    .namespaces
                    .get(namespace)
                    .is_some_and(|labels| selector.matches(labels))
            }
        }
    }

    fn carry_out(&mut self, key: &ObjectKey, plan: Plan) {
        let mut live = plan.live;
        let is_open = live.refusal.is_none();
        let addresses = if is_open {
            live.addresses.clone()
        } else {
            Vec::new()
        };
        live.listeners = self.set_listeners((Kind::Gateway, key), plan.own, &addresses);
        for (set, mut state, decisions) in plan.sets {
            let is_open = state.refusal.is_none();
            let addresses = if is_open { addresses.as_slice() } else { &[] };
            state.listeners = self.set_listeners((Kind::ListenerSet, &set), decisions, addresses);
            self.dirty.statuses.insert((Kind::ListenerSet, set.clone()));
            self.set_live(&set, Some(state));
        }
        let changed = self.store.gateways.get_mut(key).map(|state| {
            let before = state.live.replace(live);
            let now = state.live.as_ref().and_then(|live| live.identity.clone());
            let was = before.as_ref().and_then(|live| live.identity.clone());
            (before.is_none(), now != was)
        });
        let Some((is_new, has_new_identity)) = changed else {
            return;
        };
        if is_new {
            self.touch_routes(&Node::Object(Kind::Gateway, key.clone()));
        }
        if has_new_identity {
            let of_gateway = self
                .store
                .clusters
                .iter()
                .filter(|(_, cluster)| cluster.source.gateway.as_ref() == Some(key));
            self.dirty
                .clusters
                .extend(of_gateway.map(|(name, _)| name.clone()));
        }
    }

    /// What is known of a ListenerSet. Its routes are looked at again when it comes to be ours, or ceases to.
    pub(crate) fn set_live(&mut self, key: &ObjectKey, live: Option<LiveSet>) {
        let Some(set) = self.store.sets.get_mut(key) else {
            return;
        };
        let was = set.live.is_some();
        set.live = live;
        if was != set.live.is_some() {
            self.touch_routes(&Node::Object(Kind::ListenerSet, key.clone()));
        }
    }

    /// Forgets what was made of a Gateway that is gone or not ours any more.
    fn drop_gateway(&mut self, key: &ObjectKey) {
        self.set_listeners((Kind::Gateway, key), Vec::new(), &[]);
        let was_ours = match self.store.gateways.get_mut(key) {
            Some(state) => state.live.take().is_some(),
            None => true,
        };
        if was_ours {
            self.touch_routes(&Node::Object(Kind::Gateway, key.clone()));
        }
        let sets = self.store.sets_of.get(key).cloned().unwrap_or_default();
        for set in sets {
            self.drop_set(&set);
        }
    }

    /// Forgets what was made of a ListenerSet.
    pub(crate) fn drop_set(&mut self, key: &ObjectKey) {
        self.set_listeners((Kind::ListenerSet, key), Vec::new(), &[]);
        self.set_live(key, None);
    }

    fn rank(&self, gateway: &ObjectKey) -> (i64, Arc<str>) {
        let created = self
            .store
            .gateways
            .get(gateway)
            .map_or(0, |one| one.held.meta.created_s);
        (created, gateway.to_string().into())
    }

    /// Brings an owner's listeners to what was decided, keeping the routes of those that routes see no change of.
    fn set_listeners(
        &mut self,
        (kind, owner): (Kind, &ObjectKey),
        decisions: Named,
        addresses: &[std::net::IpAddr],
    ) -> Vec<u32> {
        let old = self
            .store
            .sections
            .remove(&(kind, owner.clone()))
            .unwrap_or_default();
        let mut sections = BTreeMap::new();
        let mut ids = Vec::with_capacity(decisions.len());
        let mut routes_see = false;
        for (name, decision) in decisions {
            let wanted_at: Vec<_> = match decision.is_good() {
                true => addresses
                    .iter()
                    .map(|one| (*one, decision.view.port).into())
                    .collect(),
                false => Vec::new(),
            };
            let id = old.get(&name).copied();
            let id = id.unwrap_or_else(|| {
                self.store.next_listener += 1;
                self.store.next_listener
            });
            let rank = self.rank(&decision.view.gateway);
            let listener = self.store.listeners.entry(id).or_insert_with(|| {
                routes_see = true;
                Listener::new((kind, owner), &name, decision.clone())
            });
            if listener.decision != decision {
                routes_see |= listener.decision.view != decision.view;
                listener.decision = decision;
                listener.built = None;
                self.dirty.binds.extend(&listener.wanted_at);
            }
            self.place(id, wanted_at, rank);
            sections.insert(name, id);
            ids.push(id);
        }
        for (name, id) in &old {
            if !sections.contains_key(name) {
                self.place(*id, Vec::new(), (0, name.clone()));
                self.store.listeners.remove(id);
                routes_see = true;
            }
        }
        if !sections.is_empty() {
            self.store.sections.insert((kind, owner.clone()), sections);
        }
        if routes_see {
            self.touch_routes(&Node::Object(kind, owner.clone()));
        }
        ids
    }
}

/// Tells listeners with TLS on the same port that overlap of one another.
fn note_overlaps(plan: &mut Plan) {
    let sets = plan.sets.iter_mut().flat_map(|(.., decisions)| decisions);
    let mut all: Vec<&mut (Arc<str>, Decision)> = plan
        .own
        .iter_mut()
        .chain(sets)
        .filter(|(_, one)| one.protocol == Some(BindProtocol::Https) && one.conflict.is_none())
        .collect();
    let secure: Vec<Secure<'_>> = all
        .iter()
        .map(|(name, one)| Secure {
            port: one.view.port,
            name,
            host: &one.view.host,
            certificates: one.tls.as_ref().map_or(&[], |tls| &tls.certificates),
        })
        .collect();
    let found = overlaps::find(&secure);
    for ((_, decision), overlaps) in all.iter_mut().zip(found) {
        decision.overlaps = overlaps;
    }
}
