//! Clusters: the endpoints behind a Service's port or a Backend, with the TLS that policies ask for.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use tidegate_routing::{
    Balance, Certificate, Cluster, ClusterKey, Destination, Endpoint, Limits, Locality, Near,
    UpstreamTls,
};

use crate::{
    compiler::Compiler,
    graph::{Node, User},
    key::{Kind, ObjectKey},
    object::{policy::Trust, service::Service},
    resolve::cluster_key,
    small::SmallMap,
    state::{ClusterSource, ClusterState},
    trust::TrustOutcome,
};

/// Why a cluster must not be used: a status for all requests, and why.
type Refusal = (u16, Arc<str>);

impl Compiler {
    pub(crate) fn know_cluster(&mut self, source: ClusterSource) {
        let key = cluster_key(
            source.kind,
            &source.object,
            source.port,
            source.gateway.as_ref(),
        );
        if self.store.clusters.contains_key(&key) {
            return;
        }
        let of = (source.kind, source.object.clone());
        self.store
            .clusters_of
            .entry(of)
            .or_default()
            .insert(key.clone(), ());
        self.dirty.clusters.insert(key.clone());
        let state = ClusterState {
            source,
            users: 0,
            built: None,
        };
        self.store.clusters.insert(key, state);
    }

    /// Works out one cluster, or drops it if no route uses it any more.
    pub(crate) fn compile_cluster(&mut self, key: &ClusterKey) {
        let Some(state) = self.store.clusters.get(key) else {
            return;
        };
        let source = state.source.clone();
        if state.users == 0 {
            self.store.clusters.remove(key);
            let of = (source.kind, source.object);
            if let Some(all) = self.store.clusters_of.get_mut(&of) {
                all.remove(key);
                if all.is_empty() {
                    self.store.clusters_of.remove(&of);
                }
            }
            self.changed |= self.snapshot.clusters.remove(&key.0).is_some();
            return;
        }
        let built = match source.kind {
            Kind::Backend => self.backend_cluster(key, &source),
            _ => self.service_cluster(key, &source),
        };
        let Some(built) = built else {
            return;
        };
        let Some(state) = self.store.clusters.get_mut(key) else {
            return;
        };
        if state.built.as_deref() != Some(&built) {
            let built = Arc::new(built);
            state.built = Some(built.clone());
            self.snapshot.clusters.insert(built);
            self.changed = true;
        }
    }

    fn service_cluster(&self, key: &ClusterKey, source: &ClusterSource) -> Option<Cluster> {
        let service = self.store.services.get(&source.object)?;
        let port = service.port(source.port)?;
        let (tls, refused) = match self.policy_of(&source.object, &port.name) {
            Some(policy) => {
                let state = self.store.policies.get(&policy)?;
                let trust = state.form.as_ref().map(|form| &form.trust);
                self.upstream_tls(trust, &state.outcome, source)
            }
            None => (None, None),
        };
        let endpoints = self.endpoints(&source.object, service, &port.name);
        Some(Cluster {
            key: key.clone(),
            near: near(service, &endpoints),
            endpoints: endpoints.into_iter().map(|(one, _)| one).collect(),
            protocol: port.protocol,
            proxy_protocol: None,
            tls,
            refused,
            balance: Balance::default(),
            slow_start: None,
            limits: Limits::default(),
            outliers: None,
            hedging: None,
            health: None,
        })
    }

    fn backend_cluster(&self, key: &ClusterKey, source: &ClusterSource) -> Option<Cluster> {
        let state = self.store.backends.get(&source.object)?;
        let form = state.held.form.as_ref()?;
        let (tls, refused) = match &form.tls {
            Some(tls) => {
                let (shown, refused) = self.upstream_tls(Some(&tls.trust), &state.outcome, source);
                let shown = shown.map(|shown| match &tls.client_certificate {
                    // Its own certificate goes before the Gateway's.
                    Some(_) => Arc::new(UpstreamTls {
                        identity: state.identity.clone(),
                        ..UpstreamTls::clone(&shown)
                    }),
                    None => shown,
                });
                let lacks = tls.client_certificate.is_some() && state.identity.is_none();
                let why = || (502, Arc::from("its client certificate can't be used"));
                (shown, refused.or_else(|| lacks.then(why)))
            }
            None => (None, None),
        };
        Some(Cluster {
            key: key.clone(),
            endpoints: form.endpoints.clone(),
            protocol: form.protocol,
            proxy_protocol: form.proxy_protocol,
            tls,
            refused,
            balance: form.balance.clone(),
            // Whoever writes zones wants them.
            near: Near::SameZone,
            slow_start: form.slow_start,
            limits: form.limits,
            outliers: form.outliers,
            hedging: form.hedging,
            health: form.health.clone(),
        })
    }

    fn upstream_tls(
        &self,
        trust: Option<&Trust>,
        outcome: &TrustOutcome,
        source: &ClusterSource,
    ) -> (Option<Arc<UpstreamTls>>, Option<Refusal>) {
        let (Some(trust), Some(anchors)) = (trust, &outcome.anchors) else {
            let why = outcome.refusal.as_ref().or(outcome.unresolved.as_ref());
            let text = why.map_or("its TLS policy can't be read", |(_, text)| text);
            return (None, Some((500, text.into())));
        };
        let tls = UpstreamTls {
            hostname: trust.hostname.clone(),
            trust: anchors.clone(),
            names: trust.names.clone(),
            identity: self.gateway_identity(source),
        };
        (Some(Arc::new(tls)), None)
    }

    fn gateway_identity(&self, source: &ClusterSource) -> Option<Arc<Certificate>> {
        let gateway = self.store.gateways.get(source.gateway.as_ref()?)?;
        gateway.live.as_ref()?.identity.clone()
    }

    /// Endpoints of the Service's first IP family that has any, in a stable order, each once; and whether there is a hint
    /// who should use them.
    fn endpoints(&self, key: &ObjectKey, service: &Service, port: &str) -> Vec<(Endpoint, bool)> {
        let mut families: [BTreeMap<(IpAddr, u16), (Endpoint, bool)>; 2] = Default::default();
        for slice in self
            .store
            .slices
            .get(key)
            .into_iter()
            .flat_map(SmallMap::values)
        {
            let Some((_, number)) = slice.ports.iter().find(|(name, _)| &**name == port) else {
                continue;
            };
            for one in &slice.endpoints {
                let endpoint = Endpoint {
                    destination: Destination::Address((one.address, *number).into()),
                    weight: 1,
                    draining: one.draining,
                    locality: Locality {
                        zone: one.zone.clone(),
                        node: one.node.clone(),
                    },
                };
                let family = &mut families[usize::from(one.address.is_ipv6())];
                // Slices may overlap for a moment: who is ready in one of them is ready.
                family
                    .entry((one.address, *number))
                    .and_modify(|known| {
                        if !one.draining {
                            *known = (endpoint.clone(), one.hinted);
                        }
                    })
                    .or_insert((endpoint, one.hinted));
            }
        }
        let [v4, v6] = families;
        let (first, second) = if service.prefers_v6 {
            (v6, v4)
        } else {
            (v4, v6)
        };
        let has_ready = first.values().any(|(one, _)| !one.draining);
        let chosen = if has_ready || second.is_empty() {
            first
        } else {
            second
        };
        chosen.into_values().collect()
    }

    /// Works out what a Backend's references lead to.
    pub(crate) fn compile_backend(&mut self, key: &ObjectKey) {
        self.dirty.statuses.insert((Kind::Backend, key.clone()));
        let user = User {
            kind: Kind::Backend,
            key: key.clone(),
        };
        let mut uses = BTreeSet::new();
        let form = self
            .store
            .backends
            .get(key)
            .and_then(|state| state.held.form.clone());
        let tls = form.as_ref().and_then(|form| form.tls.as_ref());
        let (mut outcome, mut identity) = (TrustOutcome::default(), None);
        if let Some(tls) = tls {
            if tls.skip_verify {
                outcome.anchors = Some(tidegate_routing::TrustAnchors::Insecure);
            } else {
                outcome = self.store.trust(&tls.trust, &mut uses);
            }
            if let Some(reference) = &tls.client_certificate {
                let (good, fault) = self.store.certificate(reference, &mut uses);
                identity = good;
                let fault = fault.map(|text| ("InvalidClientCertificateRef", text));
                outcome.unresolved = outcome.unresolved.take().or(fault);
            }
        }
        self.graph.set(&user, uses);
        if let Some(state) = self.store.backends.get_mut(key) {
            state.outcome = outcome;
            state.identity = identity;
        }
        self.touch_clusters(Kind::Backend, key);
    }

    /// Has all clusters of an object looked at again.
    pub(crate) fn touch_clusters(&mut self, kind: Kind, key: &ObjectKey) {
        if let Some(clusters) = self.store.clusters_of.get(&(kind, key.clone())) {
            self.dirty.clusters.extend(clusters.keys().cloned());
        }
    }

    /// Has users of a node looked at again.
    pub(crate) fn touch(&mut self, node: &Node) {
        for user in self.graph.users(node) {
            match user.kind {
                Kind::GatewayClass => self.dirty.statuses.insert((user.kind, user.key)),
                Kind::Gateway => self.dirty.gateways.insert(user.key),
                Kind::HttpRoute => self.dirty.routes.insert(user.key),
                Kind::BackendTlsPolicy => self.dirty.policies.insert(user.key),
                Kind::Backend => self.dirty.backends.insert(user.key),
                _ => false,
            };
        }
    }

    /// Has routes that use a node looked at again.
    pub(crate) fn touch_routes(&mut self, node: &Node) {
        for user in self.graph.users(node) {
            if user.kind == Kind::HttpRoute {
                self.dirty.routes.insert(user.key);
            }
        }
    }
}

/// As the Service says; else what hints at all of its endpoints say, as with `topology-mode: Auto`.
fn near(service: &Service, endpoints: &[(Endpoint, bool)]) -> Near {
    let mut ready = endpoints.iter().filter(|(one, _)| !one.draining);
    match service.near {
        Near::Anywhere if !endpoints.is_empty() && ready.all(|(_, hinted)| *hinted) => {
            Near::SameZone
        }
        near => near,
    }
}
