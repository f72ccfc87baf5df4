//! Routes: where they are attached, what their rules lead to, what their status says.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use tidegate_routing::{Attachment, ClusterKey, Host, Rule};

use crate::{
    compiler::Compiler,
    condition::Wanted,
    graph::{Node, User},
    key::{Kind, ObjectKey},
    object::{reference::ParentRef, route::Route},
    resolve::Resolved,
    state::{Placed, RouteState},
    text,
};

/// One parent of a route, looked at.
struct Seat {
    parent: ParentRef,
    /// Listeners that take it, each with those of its hosts that it shares.
    listeners: Vec<(u32, Vec<Host>)>,
    /// Why none takes it.
    refusal: Option<(&'static str, Arc<str>)>,
}

impl Compiler {
    /// Works out one route.
    pub(crate) fn compile_route(&mut self, key: &ObjectKey) {
        self.dirty.statuses.insert((Kind::HttpRoute, key.clone()));
        let user = User {
            kind: Kind::HttpRoute,
            key: key.clone(),
        };
        let Some(mut state) = self.store.routes.remove(key) else {
            self.graph.set(&user, BTreeSet::new());
            return;
        };
        let mut uses = BTreeSet::new();
        match state.form.clone() {
            None => {
                self.clear_route(&mut state);
                state.verdicts = self.unreadable(&state);
                for parent in &state.parents_of_fault {
                    let named = parent.parent(&key.namespace);
                    uses.extend(named.map(|(kind, key)| Node::Object(kind, key)));
                }
            }
            Some(form) => self.settle_route(key, &form, &mut state, &mut uses),
        }
        self.graph.set(&user, uses);
        self.store.routes.insert(key.clone(), state);
    }

    /// Takes a route that is gone out of everything.
    pub(crate) fn forget_route(&mut self, key: &ObjectKey) {
        let Some(mut state) = self.store.routes.remove(key) else {
            return;
        };
        self.clear_route(&mut state);
        let user = User {
            kind: Kind::HttpRoute,
            key: key.clone(),
        };
        self.graph.set(&user, BTreeSet::new());
    }

    fn settle_route(
        &mut self,
        key: &ObjectKey,
        form: &Arc<Route>,
        state: &mut RouteState,
        uses: &mut BTreeSet<Node>,
    ) {
        let seats: Vec<Seat> = form
            .parents
            .iter()
            .filter_map(|parent| self.seat(key, form, parent, uses))
            .collect();
        let resolved = self.resolve_rules(&key.namespace, form, uses);
        let is_good = form.is_good();
        let mut wanted: BTreeMap<u32, Vec<Host>> = BTreeMap::new();
        if is_good {
            for (id, hosts) in seats.iter().flat_map(|seat| &seat.listeners) {
                wanted.entry(*id).or_insert_with(|| hosts.clone());
            }
        }
        self.attach(form, state, &wanted, &resolved);
        let mut verdicts = Vec::with_capacity(seats.len());
        for seat in seats {
            let mut verdict = verdict(form, state, &seat, &resolved);
            for one in &mut verdict {
                one.message = self.interner.get(&one.message);
            }
            verdicts.push((seat.parent, verdict.into()));
        }
        state.verdicts = verdicts.into();
    }

    /// `None` for a parent that isn't ours.
    fn seat(
        &self,
        key: &ObjectKey,
        form: &Route,
        parent: &ParentRef,
        uses: &mut BTreeSet<Node>,
    ) -> Option<Seat> {
        let (kind, owner) = parent.parent(&key.namespace)?;
        uses.insert(Node::Object(kind, owner.clone()));
        if !self.is_ours(kind, &owner) {
            return None;
        }
        let mut refusal = ("NoMatchingParent", "no listener has this name and port");
        let mut listeners = Vec::new();
        let sections = self.store.sections.get(&(kind, owner.clone()));
        let named = parent.section.as_ref();
        let one = named.and_then(|name| sections?.get(name));
        let all = sections.filter(|_| named.is_none());
        for id in one
            .into_iter()
            .chain(all.into_iter().flat_map(BTreeMap::values))
        {
            let Some(listener) = self.store.listeners.get(id) else {
                continue;
            };
            let view = &listener.decision.view;
            if parent.port.is_some_and(|port| port != view.port) {
                continue;
            }
            let is_allowed = view.takes_http_routes
                && self.allows(&view.allowed, &owner.namespace, &key.namespace, uses);
            if !is_allowed {
                if refusal.0 == "NoMatchingParent" {
                    refusal = (
                        "NotAllowedByListeners",
                        "no listener allows routes of this kind and namespace",
                    );
                }
                continue;
            }
            let hosts = shared_hosts(&view.host, &form.hosts);
            if hosts.is_empty() {
                refusal = (
                    "NoMatchingListenerHostname",
                    "no listener shares a hostname with the route",
                );
                continue;
            }
            listeners.push((*id, hosts));
        }
        Some(Seat {
            parent: parent.clone(),
            refusal: listeners.is_empty().then(|| (refusal.0, refusal.1.into())),
            listeners,
        })
    }

    fn is_ours(&self, kind: Kind, owner: &ObjectKey) -> bool {
        match kind {
            Kind::Gateway => self
                .store
                .gateways
                .get(owner)
                .is_some_and(|one| one.live.is_some()),
            _ => self
                .store
                .sets
                .get(owner)
                .is_some_and(|one| one.live.is_some()),
        }
    }

    /// Brings the tables of listeners, the clusters and the counts to what is wanted.
    fn attach(
        &mut self,
        form: &Arc<Route>,
        state: &mut RouteState,
        wanted: &BTreeMap<u32, Vec<Host>>,
        resolved: &Resolved,
    ) {
        let mut variants: BTreeMap<Option<ObjectKey>, Vec<Arc<Rule>>> = BTreeMap::new();
        let mut clusters: BTreeSet<ClusterKey> = BTreeSet::new();
        let mut ancestors = BTreeSet::new();
        let mut listeners = Vec::new();
        for (id, hosts) in wanted {
            let Some(listener) = self.store.listeners.get(id) else {
                continue;
            };
            let view = &listener.decision.view;
            let variant = view.has_identity.then(|| view.gateway.clone());
            for service in resolved.services() {
                ancestors.insert((service.clone(), view.gateway.clone()));
            }
            listeners.push((*id, hosts.clone(), variant));
        }
        let signature = signature(state.serial, &listeners, resolved);
        if signature == state.signature {
            return;
        }
        let mut placed = Vec::new();
        for (id, hosts, variant) in listeners {
            let rules = variants
                .entry(variant.clone())
                .or_insert_with(|| resolved.rules(form, variant.as_ref(), &mut clusters));
            for (rule, template) in rules.iter().zip(&form.rules) {
                for (entry, when) in template.matches.iter().enumerate() {
                    for host in &hosts {
                        placed.push(Placed {
                            listener: id,
                            attachment: Arc::new(Attachment::new(
                                host.clone(),
                                rule.clone(),
                                u32::try_from(entry).unwrap_or(u32::MAX),
                                when.clone(),
                            )),
                        });
                    }
                }
            }
        }
        for variant in variants.keys() {
            self.know_clusters(resolved, variant.as_ref());
        }
        state.signature = signature;
        self.swap(state, placed.into(), wanted.keys().copied().collect());
        self.swap_uses(
            state,
            clusters.into_iter().collect(),
            ancestors.into_iter().collect(),
        );
    }

    /// Puts in what is to be placed, and takes out what was and has not been replaced by it.
    fn swap(&mut self, state: &mut RouteState, placed: Box<[Placed]>, attached: Box<[u32]>) {
        for one in &placed {
            if let Some(listener) = self.store.listeners.get_mut(&one.listener) {
                listener.table.insert(one.attachment.clone());
                self.dirty.listeners.insert(one.listener);
            }
        }
        for one in &std::mem::replace(&mut state.placed, placed) {
            if let Some(listener) = self.store.listeners.get_mut(&one.listener) {
                listener.table.remove(&one.attachment);
                self.dirty.listeners.insert(one.listener);
            }
        }
        let gone = state.attached.iter().filter(|id| !attached.contains(id));
        for (id, delta) in gone.map(|id| (*id, -1)).chain(
            attached
                .iter()
                .filter(|id| !state.attached.contains(id))
                .map(|id| (*id, 1)),
        ) {
            if let Some(listener) = self.store.listeners.get_mut(&id) {
                listener.attached = listener.attached.saturating_add_signed(delta);
                self.dirty.statuses.insert(listener.owner.clone());
            }
        }
        state.attached = attached;
    }

    fn swap_uses(
        &mut self,
        state: &mut RouteState,
        clusters: Box<[ClusterKey]>,
        ancestors: Box<[(ObjectKey, ObjectKey)]>,
    ) {
        for cluster in &clusters {
            if let Some(held) = self.store.clusters.get_mut(cluster) {
                held.users += 1;
            }
        }
        for cluster in &std::mem::replace(&mut state.clusters, clusters) {
            if let Some(held) = self.store.clusters.get_mut(cluster) {
                held.users = held.users.saturating_sub(1);
                if held.users == 0 {
                    self.dirty.clusters.insert(cluster.clone());
                }
            }
        }
        for (service, gateway) in ancestors
            .iter()
            .filter(|one| !state.ancestors.contains(one))
        {
            let counts = self.store.ancestors.entry(service.clone()).or_default();
            if let Some(count) = counts.get_mut(gateway) {
                *count += 1;
            } else {
                counts.insert(gateway.clone(), 1);
                self.touch_policies_of(service);
            }
        }
        let old = std::mem::replace(&mut state.ancestors, ancestors);
        for (service, gateway) in old.iter().filter(|one| !state.ancestors.contains(one)) {
            self.leave_ancestor(service, gateway);
        }
    }

    fn leave_ancestor(&mut self, service: &ObjectKey, gateway: &ObjectKey) {
        let Some(counts) = self.store.ancestors.get_mut(service) else {
            return;
        };
        let Some(count) = counts.get_mut(gateway) else {
            return;
        };
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(gateway);
            if counts.is_empty() {
                self.store.ancestors.remove(service);
            }
            self.touch_policies_of(service);
        }
    }

    fn clear_route(&mut self, state: &mut RouteState) {
        self.swap(state, Box::default(), Box::default());
        self.swap_uses(state, Box::default(), Box::default());
        state.signature = 0;
    }

    /// What is said of a route of which nothing was ever good, at the parents that it had a status for.
    fn unreadable(&self, state: &RouteState) -> Box<[(ParentRef, Box<[Wanted]>)]> {
        let text = state.fault.as_deref().unwrap_or("the spec can't be read");
        let wanted = Wanted::no("Accepted", "UnsupportedValue", text);
        state
            .parents_of_fault
            .iter()
            .filter(|parent| {
                parent
                    .parent(&state.meta.key.namespace)
                    .is_some_and(|(kind, owner)| self.is_ours(kind, &owner))
            })
            .map(|parent| {
                let verdict: Box<[Wanted]> = Box::new([wanted.clone()]);
                (parent.clone(), verdict)
            })
            .collect()
    }
}

/// The route's hosts that the listener's host meets, as the route writes them: the more exact route wins, even where
/// the listener has one host. A route without hosts is for all.
fn shared_hosts(listener: &Host, hosts: &[Host]) -> Vec<Host> {
    if hosts.is_empty() {
        return vec![Host::Any];
    }
    hosts
        .iter()
        .filter(|host| text::hosts_meet(listener, host))
        .cloned()
        .collect()
}

/// All that decides what is placed.
fn signature(
    serial: u64,
    listeners: &[(u32, Vec<Host>, Option<ObjectKey>)],
    resolved: &Resolved,
) -> u64 {
    let mut hasher = DefaultHasher::new();
    serial.hash(&mut hasher);
    listeners.hash(&mut hasher);
    resolved.hash(&mut hasher);
    hasher.finish().max(1)
}

fn verdict(form: &Route, state: &RouteState, seat: &Seat, resolved: &Resolved) -> Vec<Wanted> {
    let mut wanted = Vec::with_capacity(3);
    let is_good = form.is_good();
    let first = form.faults.first();
    wanted.push(match (&seat.refusal, first) {
        (Some((reason, text)), _) => Wanted::no("Accepted", reason, text),
        (None, Some(fault)) if !is_good => Wanted::no("Accepted", fault.reason, &faults_text(form)),
        _ if form.notes.is_empty() => Wanted::yes("Accepted", "Accepted", "the route is accepted"),
        _ => Wanted::yes("Accepted", "Accepted", &form.notes.join("; ")),
    });
    wanted.push(match resolved.fault() {
        Some((reason, text)) => Wanted::no("ResolvedRefs", reason, text),
        None => Wanted::yes(
            "ResolvedRefs",
            "ResolvedRefs",
            "all references are resolved",
        ),
    });
    if let Some(fault) = &state.fault {
        wanted[0].generation = Some(form.identity.generation);
        let text = format!(
            "Fall Back: generation {} is served: {fault}",
            form.identity.generation
        );
        wanted.push(Wanted::yes("PartiallyInvalid", "UnsupportedValue", &text));
    } else if let Some(fault) = first.filter(|_| is_good) {
        let text = format!("Dropped Rule: {}", faults_text(form));
        wanted.push(Wanted::yes("PartiallyInvalid", fault.reason, &text));
    }
    wanted
}

/// What is wrong with a route, in one line.
pub(crate) fn faults_text(form: &Route) -> String {
    let texts: Vec<String> = form
        .faults
        .iter()
        .map(|fault| match fault.rule {
            Some(rule) => format!("rule {rule}: {}", fault.text),
            None => fault.text.to_string(),
        })
        .collect();
    texts.join("; ")
}
