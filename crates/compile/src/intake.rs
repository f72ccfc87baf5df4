//! Intake: one change of one object goes into the store, and what it concerns is noted for the next build.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    change::ChangeError,
    compiler::Compiler,
    graph::Node,
    key::{Kind, ObjectKey},
    object::{
        self, Envelope, Meta,
        backend::Backend,
        gateway::{Class, Gateway, ListenerSet},
        grant::Grant,
        material::{ConfigMap, Secret},
        policy::Policy,
        route::{Reader, Route},
        service::{Service, Slice},
        status,
    },
    routes::faults_text,
    state::{BackendState, GatewayState, Held, PolicyState, RouteState, SetState},
    trust::TrustOutcome,
};

impl Compiler {
    pub(crate) fn upsert(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), ChangeError> {
        let envelope: Envelope<'_> = serde_json::from_slice(bytes)
            .map_err(|source| ChangeError::Metadata { kind, source })?;
        let meta = envelope.metadata.keep(&mut self.interner);
        match kind {
            Kind::Definition => {
                self.upsert_definition(meta.key, envelope.metadata.bundle_version())
            }
            Kind::GatewayClass => self.upsert_class(meta, &envelope),
            Kind::Gateway => self.upsert_gateway(meta, &envelope),
            Kind::ListenerSet => self.upsert_set(meta, &envelope),
            Kind::HttpRoute => self.upsert_route(meta, &envelope),
            Kind::ReferenceGrant => self.upsert_grant(&meta, &envelope),
            Kind::BackendTlsPolicy => self.upsert_policy(meta, &envelope),
            Kind::Service => self.upsert_service(&meta, &envelope),
            Kind::EndpointSlice => self.upsert_slice(&meta, &envelope),
            Kind::Secret => self.upsert_secret(meta.key, &envelope),
            Kind::ConfigMap => self.upsert_config_map(meta.key, &envelope),
            Kind::Namespace => self.upsert_namespace(&meta.key.name, envelope),
            Kind::Backend => self.upsert_backend(meta, &envelope),
        }
        Ok(())
    }

    pub(crate) fn delete(&mut self, kind: Kind, key: &ObjectKey) {
        let store = &mut self.store;
        let node = Node::Object(kind, key.clone());
        match kind {
            Kind::GatewayClass => {
                store.classes.remove(key);
                self.refer_to_definitions(key);
                self.touch_class(&key.name);
            }
            Kind::Gateway => {
                let state = store.gateways.get_mut(key);
                let old = state.and_then(|state| {
                    state.held.fault = None;
                    state.held.form.take()
                });
                if let Some(old) = old {
                    self.index_gateway(key, Some(&old.class), None);
                }
                self.dirty.gateways.insert(key.clone());
            }
            Kind::ListenerSet => {
                let old = store.sets.get(key).and_then(|one| one.held.form.clone());
                let parent = old.and_then(|one| one.parent.clone());
                self.drop_set(key);
                self.store.sets.remove(key);
                self.index_set(key, parent.as_ref(), None);
            }
            Kind::HttpRoute => {
                self.forget_route(key);
                self.dirty.routes.remove(key);
            }
            Kind::ReferenceGrant => {
                if let Some(grants) = store.grants.get_mut(&key.namespace) {
                    grants.remove(&key.name);
                }
                self.touch(&Node::GrantsIn(key.namespace.clone()));
            }
            Kind::BackendTlsPolicy => {
                let old = store.policies.remove(key);
                let form = old.and_then(|old| old.form);
                self.index_policy(key, form.as_deref(), false);
                self.dirty.policies.insert(key.clone());
            }
            Kind::Service => {
                store.services.remove(key);
                self.touch(&node);
                self.touch_policies_of(key);
            }
            Kind::EndpointSlice => self.remove_slice(key),
            Kind::Secret | Kind::ConfigMap | Kind::Definition => {
                store.remove_plain(kind, key);
                self.touch(&node);
            }
            Kind::Namespace => {
                store.namespaces.remove(&key.name);
                self.touch_namespace(&key.name);
            }
            Kind::Backend => {
                store.backends.remove(key);
                self.touch(&node);
                self.dirty.backends.insert(key.clone());
            }
        }
    }

    fn upsert_class(&mut self, meta: Meta, envelope: &Envelope<'_>) {
        let read = Class::read(envelope.spec, &mut self.interner);
        let status = status::top(envelope.status, &mut self.interner);
        let key = meta.key.clone();
        let old = self.store.classes.remove(&key);
        let before = old.as_ref().and_then(|old| old.form.clone());
        let held = held(meta, read, before.clone(), status);
        let is_changed = held.form != before;
        self.store.classes.insert(key.clone(), held);
        if is_changed {
            self.refer_to_definitions(&key);
            self.touch_class(&key.name);
        }
        self.dirty.statuses.insert((Kind::GatewayClass, key));
    }

    fn touch_class(&mut self, name: &Arc<str>) {
        if let Some(gateways) = self.store.gateways_of.get(name) {
            self.dirty.gateways.extend(gateways.iter().cloned());
        }
    }

    fn upsert_gateway(&mut self, meta: Meta, envelope: &Envelope<'_>) {
        let read = Gateway::read(envelope.spec, &meta.key.namespace, &mut self.interner);
        let status = status::top(envelope.status, &mut self.interner);
        let key = meta.key.clone();
        let old = self.store.gateways.remove(&key);
        let created = old.as_ref().map(|old| old.held.meta.created_s);
        let (before, live) = old.map_or((None, None), |old| (old.held.form, old.live));
        let held = held(meta, read, before.clone(), status);
        if held.form != before || created != Some(held.meta.created_s) {
            self.dirty.gateways.insert(key.clone());
        }
        let class = |form: &Option<Arc<Gateway>>| form.as_ref().map(|form| form.class.clone());
        let (was, is) = (class(&before), class(&held.form));
        self.store
            .gateways
            .insert(key.clone(), GatewayState { held, live });
        self.index_gateway(&key, was.as_ref(), is.as_ref());
        self.dirty.statuses.insert((Kind::Gateway, key.clone()));
        self.dirty.infrastructure.insert(key);
    }

    fn index_gateway(&mut self, key: &ObjectKey, was: Option<&Arc<str>>, is: Option<&Arc<str>>) {
        if was == is {
            return;
        }
        if let Some(class) = was
            && let Some(all) = self.store.gateways_of.get_mut(class)
        {
            all.remove(key);
        }
        if let Some(class) = is {
            let all = self.store.gateways_of.entry(class.clone()).or_default();
            all.insert(key.clone());
        }
    }

    fn upsert_set(&mut self, meta: Meta, envelope: &Envelope<'_>) {
        let read = ListenerSet::read(envelope.spec, &meta.key.namespace, &mut self.interner);
        let status = status::top(envelope.status, &mut self.interner);
        let key = meta.key.clone();
        let old = self.store.sets.remove(&key);
        let created = old.as_ref().map(|old| old.held.meta.created_s);
        let (before, live) = old.map_or((None, None), |old| (old.held.form, old.live));
        let held = held(meta, read, before.clone(), status);
        let is_changed = held.form != before || created != Some(held.meta.created_s);
        let parent =
            |form: &Option<Arc<ListenerSet>>| form.as_ref().and_then(|form| form.parent.clone());
        let (was, is) = (parent(&before), parent(&held.form));
        self.store.sets.insert(key.clone(), SetState { held, live });
        if was != is {
            self.drop_set(&key);
        }
        if is_changed {
            self.index_set(&key, was.as_ref(), is.as_ref());
        }
        self.dirty.statuses.insert((Kind::ListenerSet, key));
    }

    fn index_set(&mut self, key: &ObjectKey, was: Option<&ObjectKey>, is: Option<&ObjectKey>) {
        if let Some(gateway) = was.filter(|was| Some(*was) != is) {
            if let Some(all) = self.store.sets_of.get_mut(gateway) {
                all.remove(key);
            }
            self.dirty.gateways.insert(gateway.clone());
        }
        if let Some(gateway) = is {
            let all = self.store.sets_of.entry(gateway.clone()).or_default();
            all.insert(key.clone());
            self.dirty.gateways.insert(gateway.clone());
        }
    }

    fn upsert_route(&mut self, meta: Meta, envelope: &Envelope<'_>) {
        let controller = self.options.controller_name.clone();
        let status = status::shared(envelope.status, &controller, &mut self.interner);
        let key = meta.key.clone();
        let hash = object::hash(envelope.spec) ^ meta.generation.cast_unsigned();
        self.dirty.statuses.insert((Kind::HttpRoute, key.clone()));
        let old = self.store.routes.get_mut(&key);
        if let Some(old) = old
            && old.hash == hash
            && old.meta.created_s == meta.created_s
        {
            old.meta = meta;
            old.status = status;
            return;
        }
        let mut reader = Reader {
            interner: &mut self.interner,
            regexes: &mut self.regexes,
        };
        let read = Route::read(envelope.spec, &meta, &mut reader);
        let (latest, fault) = match read {
            Ok(form) if form.faults.is_empty() => (Some(Arc::new(form)), None),
            Ok(form) => {
                let text = faults_text(&form);
                (Some(Arc::new(form)), Some(Arc::<str>::from(text)))
            }
            Err(fault) => (None, Some(Arc::from(&*fault.text))),
        };
        let parents_of_fault = match latest {
            Some(_) => Box::default(),
            None => Route::parents(envelope.spec, &mut self.interner),
        };
        self.serial += 1;
        let state = self
            .store
            .routes
            .entry(key.clone())
            .or_insert_with(|| RouteState::new(meta.clone()));
        let good = state
            .form
            .as_ref()
            .filter(|form| form.faults.is_empty())
            .cloned();
        (state.form, state.fault) = match (fault, good) {
            (Some(fault), Some(good)) => (Some(good), Some(fault)),
            (Some(fault), None) if latest.is_none() => (None, Some(fault)),
            _ => (latest, None),
        };
        state.meta = meta;
        state.status = status;
        state.hash = hash;
        state.serial = self.serial;
        state.parents_of_fault = parents_of_fault;
        self.dirty.routes.insert(key);
    }

    fn upsert_grant(&mut self, meta: &Meta, envelope: &Envelope<'_>) {
        let (namespace, name) = (meta.key.namespace.clone(), meta.key.name.clone());
        let grants = self.store.grants.entry(namespace.clone()).or_default();
        let old = grants.remove(&name);
        // One that can't be read grants nothing: what it granted before may have been taken back.
        let new = Grant::read(envelope.spec, &mut self.interner).ok();
        let is_changed = old != new;
        if let Some(new) = new {
            grants.insert(name, new);
        }
        if is_changed {
            self.touch(&Node::GrantsIn(namespace));
        }
    }

    fn upsert_policy(&mut self, meta: Meta, envelope: &Envelope<'_>) {
        let controller = self.options.controller_name.clone();
        let status = status::shared(envelope.status, &controller, &mut self.interner);
        let read = Policy::read(envelope.spec, &meta.key.namespace, &mut self.interner);
        let key = meta.key.clone();
        self.dirty
            .statuses
            .insert((Kind::BackendTlsPolicy, key.clone()));
        let old = self.store.policies.remove(&key);
        let created = old.as_ref().map(|old| old.meta.created_s);
        let (before, outcome) = old.map_or((None, TrustOutcome::default()), |old| {
            (old.form, old.outcome)
        });
        let (form, fault) = match read {
            Ok(form) => (Some(Arc::new(form)), None),
            Err(text) => (before.clone(), Some(text.into())),
        };
        let is_changed = form != before || created != Some(meta.created_s);
        let state = PolicyState {
            meta,
            form: form.clone(),
            fault,
            status,
            outcome,
        };
        self.store.policies.insert(key.clone(), state);
        if is_changed {
            self.index_policy(&key, before.as_deref(), false);
            self.index_policy(&key, form.as_deref(), true);
            self.dirty.policies.insert(key);
        }
    }

    fn upsert_service(&mut self, meta: &Meta, envelope: &Envelope<'_>) {
        let key = &meta.key;
        // One that can't be read stays as it was: the API server's schema allows none such.
        let Ok(service) = Service::read(envelope.spec, &mut self.interner) else {
            return;
        };
        if self.store.services.get(key) == Some(&service) {
            return;
        }
        self.store.services.insert(key.clone(), service);
        self.touch(&Node::Object(Kind::Service, key.clone()));
        self.touch_clusters(Kind::Service, key);
        self.touch_policies_of(key);
    }

    fn upsert_slice(&mut self, meta: &Meta, envelope: &Envelope<'_>) {
        let key = &meta.key;
        let Ok(slice) = Slice::read(envelope, &mut self.interner) else {
            return;
        };
        let Some(slice) = slice else {
            self.remove_slice(key);
            return;
        };
        let service = ObjectKey {
            namespace: key.namespace.clone(),
            name: slice.service.clone(),
        };
        if self
            .store
            .slice_services
            .get(key)
            .is_some_and(|was| *was != service)
        {
            self.remove_slice(key);
        }
        self.store
            .slice_services
            .insert(key.clone(), service.clone());
        let slices = self.store.slices.entry(service.clone()).or_default();
        if slices.get(&key.name) == Some(&slice) {
            return;
        }
        slices.insert(key.name.clone(), slice);
        self.touch_clusters(Kind::Service, &service);
    }

    fn remove_slice(&mut self, key: &ObjectKey) {
        let Some(service) = self.store.slice_services.remove(key) else {
            return;
        };
        if let Some(slices) = self.store.slices.get_mut(&service) {
            slices.remove(&key.name);
            if slices.is_empty() {
                self.store.slices.remove(&service);
            }
        }
        self.touch_clusters(Kind::Service, &service);
    }

    fn upsert_secret(&mut self, key: ObjectKey, envelope: &Envelope<'_>) {
        let Ok(mut secret) = Secret::read(envelope, &key.to_string()) else {
            return;
        };
        if let Some(old) = self.store.secrets.get(&key) {
            secret.certificate = secret.certificate.after(&old.certificate);
            secret.authorities = secret.authorities.after(&old.authorities);
            if *old == secret {
                return;
            }
        }
        self.store.secrets.insert(key.clone(), secret);
        self.touch(&Node::Object(Kind::Secret, key));
    }

    fn upsert_config_map(&mut self, key: ObjectKey, envelope: &Envelope<'_>) {
        let Ok(mut map) = ConfigMap::read(envelope) else {
            return;
        };
        if let Some(old) = self.store.config_maps.get(&key) {
            map.authorities = map.authorities.after(&old.authorities);
            if *old == map {
                return;
            }
        }
        self.store.config_maps.insert(key.clone(), map);
        self.touch(&Node::Object(Kind::ConfigMap, key));
    }

    fn upsert_namespace(&mut self, name: &Arc<str>, envelope: Envelope<'_>) {
        let labels: BTreeMap<String, String> = envelope.metadata.labels.unwrap_or_default();
        if self.store.namespaces.get(name) == Some(&labels) {
            return;
        }
        self.store.namespaces.insert(name.clone(), labels);
        self.touch_namespace(name);
    }

    fn touch_namespace(&mut self, name: &Arc<str>) {
        let key = ObjectKey {
            namespace: self.nothing.clone(),
            name: name.clone(),
        };
        self.touch(&Node::Object(Kind::Namespace, key));
    }

    fn upsert_backend(&mut self, meta: Meta, envelope: &Envelope<'_>) {
        let local = self.options.allow_local_backends;
        let read = Backend::read(
            envelope.spec,
            &meta.key.namespace,
            local,
            &mut self.interner,
        );
        let status = status::top(envelope.status, &mut self.interner);
        let key = meta.key.clone();
        let old = self.store.backends.remove(&key);
        let (before, outcome, identity) = old
            .map_or((None, TrustOutcome::default(), None), |old| {
                (old.held.form, old.outcome, old.identity)
            });
        let held = held(meta, read, before.clone(), status);
        // While there is no good form, routes tell why.
        let (is_changed, is_new) = (held.form != before, before.is_none());
        let state = BackendState {
            held,
            outcome,
            identity,
        };
        self.store.backends.insert(key.clone(), state);
        if is_new {
            self.touch(&Node::Object(Kind::Backend, key.clone()));
        }
        if is_changed {
            self.dirty.backends.insert(key.clone());
        }
        self.dirty.statuses.insert((Kind::Backend, key));
    }
}

/// The latest that could be read, or what was before with why the latest can't be.
fn held<T>(
    meta: Meta,
    read: Result<T, String>,
    before: Option<Arc<T>>,
    status: status::TopStatus,
) -> Held<T> {
    let (form, fault) = match read {
        Ok(form) => (Some(Arc::new(form)), None),
        Err(text) => (before, Some(text.into())),
    };
    Held {
        meta,
        form,
        fault,
        status,
    }
}

impl RouteState {
    fn new(meta: Meta) -> Self {
        Self {
            meta,
            form: None,
            fault: None,
            hash: 0,
            serial: 0,
            parents_of_fault: Box::default(),
            status: Box::default(),
            signature: 0,
            placed: Box::default(),
            attached: Box::default(),
            verdicts: Box::default(),
            clusters: Box::default(),
            ancestors: Box::default(),
        }
    }
}
