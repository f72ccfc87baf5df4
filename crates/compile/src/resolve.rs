//! What the backends of a route's rules lead to, and the rules that follow.

use std::{collections::BTreeSet, sync::Arc};

use foldhash::HashMap;
use tidegate_routing::{
    Action, BackendChoice, ClusterKey, FilterSet, Filters, Mirror, Rule, WeightedBackend,
};

use crate::{
    compiler::Compiler,
    graph::Node,
    key::{Kind, ObjectKey},
    object::{
        reference::Reference,
        route::{BackendRef, MirrorRef, Route, Template},
    },
    state::ClusterSource,
    trust::Reason,
};

/// Where one reference leads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Target {
    Found {
        kind: Kind,
        object: ObjectKey,
        port: u16,
    },
    Wrong {
        reason: &'static str,
        text: Arc<str>,
    },
}

/// Where all references of a route lead.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    targets: HashMap<Reference, Target>,
    /// In the order of the route.
    order: Vec<Target>,
    extension: Option<Arc<str>>,
}

impl std::hash::Hash for Resolved {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.order.hash(state);
    }
}

impl Compiler {
    /// Resolves all references of a route's rules.
    pub(crate) fn resolve_rules(
        &self,
        home: &Arc<str>,
        form: &Route,
        uses: &mut BTreeSet<Node>,
    ) -> Resolved {
        let mut resolved = Resolved::default();
        for template in &form.rules {
            let of_backends = template.backends.iter().flat_map(|one| {
                let mirrors = one.filters.iter().flat_map(|filters| &filters.mirrors);
                std::iter::once(&one.to).chain(mirrors.map(|mirror| &mirror.to))
            });
            for reference in of_backends.chain(template.mirrors.iter().map(|mirror| &mirror.to)) {
                if resolved.targets.contains_key(reference) {
                    continue;
                }
                let target = match self.resolve(home, reference, uses) {
                    Ok(target) => target,
                    Err((reason, text)) => Target::Wrong { reason, text },
                };
                resolved.order.push(target.clone());
                resolved.targets.insert(reference.clone(), target);
            }
            if let Some(text) = &template.extension {
                resolved.extension.get_or_insert_with(|| (&**text).into());
            }
        }
        resolved
    }

    fn resolve(
        &self,
        home: &Arc<str>,
        reference: &Reference,
        uses: &mut BTreeSet<Node>,
    ) -> Result<Target, Reason> {
        let kind = reference
            .known(&[Kind::Service, Kind::Backend])
            .ok_or_else(|| {
                let text = format!("{} is of a kind that can't be a backend", reference.text());
                ("InvalidKind", text.into())
            })?;
        if !self
            .store
            .is_permitted(Kind::HttpRoute, home, reference, uses)
        {
            let text = format!("no ReferenceGrant allows to refer to {}", reference.text());
            return Err(("RefNotPermitted", text.into()));
        }
        uses.insert(Node::Object(kind, reference.key.clone()));
        let missing = |what: String| -> Reason { ("BackendNotFound", what.into()) };
        let found = |port| Target::Found {
            kind,
            object: reference.key.clone(),
            port,
        };
        if kind == Kind::Backend {
            let backend = self.store.backends.get(&reference.key);
            let form = backend.and_then(|one| one.held.form.as_ref());
            return match (backend, form) {
                (None, _) => Err(missing(format!("{} doesn't exist", reference.text()))),
                (Some(state), None) => {
                    let why = state.held.fault.as_deref().unwrap_or("it can't be read");
                    Err(missing(format!("{} is not valid: {why}", reference.text())))
                }
                (Some(_), Some(_)) => Ok(found(0)),
            };
        }
        let service = self
            .store
            .services
            .get(&reference.key)
            .ok_or_else(|| missing(format!("{} doesn't exist", reference.text())))?;
        if service.is_external {
            let text = format!(
                "{} is of type ExternalName, which is not supported: use a Backend of tidegate.dev",
                reference.text()
            );
            return Err(("UnsupportedProtocol", text.into()));
        }
        let port = reference
            .port
            .ok_or_else(|| missing(format!("{} without a port", reference.text())))?;
        match service.port(port) {
            Some(_) => Ok(found(port)),
            None => Err(missing(format!(
                "{} has no TCP port {port}",
                reference.text()
            ))),
        }
    }

    /// Has the clusters that a route needs known, for the Gateway whose client certificate they show.
    pub(crate) fn know_clusters(&mut self, resolved: &Resolved, gateway: Option<&ObjectKey>) {
        for target in &resolved.order {
            if let Target::Found { kind, object, port } = target {
                self.know_cluster(ClusterSource {
                    kind: *kind,
                    object: object.clone(),
                    port: *port,
                    gateway: gateway.cloned(),
                });
            }
        }
    }
}

impl Resolved {
    /// What is wrong with the first reference that leads nowhere.
    pub(crate) fn fault(&self) -> Option<(&'static str, &str)> {
        let wrong = self.order.iter().find_map(|target| match target {
            Target::Wrong { reason, text } => Some((*reason, &**text)),
            Target::Found { .. } => None,
        });
        wrong.or_else(|| self.extension.as_deref().map(|text| ("InvalidKind", text)))
    }

    /// Services that are led to.
    pub(crate) fn services(&self) -> impl Iterator<Item = &ObjectKey> {
        self.order.iter().filter_map(|target| match target {
            Target::Found {
                kind: Kind::Service,
                object,
                ..
            } => Some(object),
            _ => None,
        })
    }

    /// The rules of a route, for Gateways without a client certificate or for the one with this.
    pub(crate) fn rules(
        &self,
        form: &Route,
        gateway: Option<&ObjectKey>,
        clusters: &mut BTreeSet<ClusterKey>,
    ) -> Vec<Arc<Rule>> {
        form.rules
            .iter()
            .map(|template| Arc::new(self.rule(template, gateway, clusters)))
            .collect()
    }

    fn rule(
        &self,
        template: &Template,
        gateway: Option<&ObjectKey>,
        clusters: &mut BTreeSet<ClusterKey>,
    ) -> Rule {
        let mut rule = template.rule.clone();
        if !template.mirrors.is_empty() {
            rule.filters.set().mirrors = self.mirrors(&template.mirrors, gateway, clusters);
        }
        if let Some(text) = &template.extension {
            rule.action = Action::Fail {
                status: 500,
                reason: (&**text).into(),
            };
            return rule;
        }
        if template.backends.is_empty() {
            return rule;
        }
        if template.backends.iter().all(|one| one.weight == 0) {
            rule.action = Action::Fail {
                status: 500,
                reason: "all backends have weight 0".into(),
            };
            return rule;
        }
        let backends = template.backends.iter();
        rule.action = Action::Forward(
            backends
                .map(|one| self.backend(one, gateway, clusters))
                .collect(),
        );
        rule
    }

    fn backend(
        &self,
        backend: &BackendRef,
        gateway: Option<&ObjectKey>,
        clusters: &mut BTreeSet<ClusterKey>,
    ) -> WeightedBackend {
        let filters = backend.filters.as_ref().map(|one| FilterSet {
            request: one.request.clone(),
            response: one.response.clone(),
            rewrite: one.rewrite.clone(),
            mirrors: self.mirrors(&one.mirrors, gateway, clusters),
        });
        WeightedBackend {
            weight: backend.weight,
            choice: self.choice(&backend.to, gateway, clusters),
            filters: filters.map(Filters::from).unwrap_or_default(),
        }
    }

    /// Mirrors that lead somewhere. Others are left out: a mirror's failure must not be seen.
    fn mirrors(
        &self,
        mirrors: &[MirrorRef],
        gateway: Option<&ObjectKey>,
        clusters: &mut BTreeSet<ClusterKey>,
    ) -> Vec<Mirror> {
        mirrors
            .iter()
            .map(|one| Mirror {
                backend: self.choice(&one.to, gateway, clusters),
                sampling: one.sampling,
            })
            .filter(|one| matches!(one.backend, BackendChoice::Cluster(_)))
            .collect()
    }

    fn choice(
        &self,
        reference: &Reference,
        gateway: Option<&ObjectKey>,
        clusters: &mut BTreeSet<ClusterKey>,
    ) -> BackendChoice {
        match self.targets.get(reference) {
            Some(Target::Found { kind, object, port }) => {
                let key = cluster_key(*kind, object, *port, gateway);
                let key = clusters.get(&key).cloned().unwrap_or(key);
                clusters.insert(key.clone());
                BackendChoice::Cluster(key)
            }
            Some(Target::Wrong { text, .. }) => BackendChoice::Invalid {
                status: 500,
                reason: text.clone(),
            },
            None => BackendChoice::Invalid {
                status: 500,
                reason: "the reference was not resolved".into(),
            },
        }
    }
}

/// The name of a cluster: `namespace/service:port` or `backend:namespace/name`, with `@namespace/gateway` where that
/// Gateway's client certificate is shown.
pub(crate) fn cluster_key(
    kind: Kind,
    object: &ObjectKey,
    port: u16,
    gateway: Option<&ObjectKey>,
) -> ClusterKey {
    let mut name = match kind {
        Kind::Backend => format!("backend:{object}"),
        _ => format!("{object}:{port}"),
    };
    if let Some(gateway) = gateway {
        name.push('@');
        name.push_str(&gateway.to_string());
    }
    ClusterKey(name.into())
}
