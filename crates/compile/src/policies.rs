//! BackendTLSPolicies: which one holds for a Service's port, and what is said of it.

use std::collections::BTreeSet;

use crate::{
    compiler::Compiler,
    condition::Wanted,
    graph::User,
    key::{GATEWAY_GROUP, Kind, ObjectKey},
    object::{
        policy::Policy,
        reference::{ParentRef, Reference},
    },
    state::PolicyState,
};

/// Most ancestors that a policy's status may have.
const ANCESTORS_MAX: usize = 16;

impl Compiler {
    /// Works out what one policy's references lead to.
    pub(crate) fn compile_policy(&mut self, key: &ObjectKey) {
        self.dirty
            .statuses
            .insert((Kind::BackendTlsPolicy, key.clone()));
        let user = User {
            kind: Kind::BackendTlsPolicy,
            key: key.clone(),
        };
        let mut uses = BTreeSet::new();
        let form = self
            .store
            .policies
            .get(key)
            .and_then(|state| state.form.clone());
        if let Some(form) = &form {
            let outcome = self.store.trust(&form.trust, &mut uses);
            if let Some(state) = self.store.policies.get_mut(key) {
                state.outcome = outcome;
            }
            for service in targets(form) {
                self.touch_clusters(Kind::Service, service);
            }
        }
        self.graph.set(&user, uses);
    }

    /// Puts a policy into the index of what it targets, or takes it out. Others with the same targets are looked at
    /// again, as it may win or lose against them.
    pub(crate) fn index_policy(&mut self, key: &ObjectKey, form: Option<&Policy>, is_there: bool) {
        for service in form.map(targets).into_iter().flatten() {
            let all = self.store.policies_of.entry(service.clone()).or_default();
            if is_there {
                all.insert(key.clone());
            } else {
                all.remove(key);
                if all.is_empty() {
                    self.store.policies_of.remove(service);
                }
            }
            self.touch_policies_of(service);
            self.touch_clusters(Kind::Service, service);
        }
    }

    /// Has policies of a Service looked at again.
    pub(crate) fn touch_policies_of(&mut self, service: &ObjectKey) {
        if let Some(policies) = self.store.policies_of.get(service) {
            self.dirty.policies.extend(policies.iter().cloned());
        }
    }

    /// The policy that holds for a port of a Service: one for the port before one for all, then the oldest, then by name.
    pub(crate) fn policy_of(&self, service: &ObjectKey, port: &str) -> Option<ObjectKey> {
        self.winner(service, Some(port))
            .or_else(|| self.winner(service, None))
    }

    fn winner(&self, service: &ObjectKey, section: Option<&str>) -> Option<ObjectKey> {
        let policies = self.store.policies_of.get(service)?;
        policies
            .iter()
            .filter_map(|key| self.store.policies.get(key))
            .filter(|state| {
                let form = state.form.as_ref();
                form.is_some_and(|form| {
                    form.targets.iter().any(|(target, of)| {
                        target.key == *service && is_service(target) && of.as_deref() == section
                    })
                })
            })
            .min_by_key(|state| (state.meta.created_s, state.meta.key.to_string()))
            .map(|state| state.meta.key.clone())
    }

    /// What is said of a policy, for each Gateway from which routes lead to what it targets.
    pub(crate) fn policy_verdicts(
        &self,
        key: &ObjectKey,
        state: &PolicyState,
    ) -> Vec<(ParentRef, Vec<Wanted>)> {
        let Some(form) = &state.form else {
            return Vec::new();
        };
        let mut gateways = BTreeSet::new();
        for service in targets(form) {
            gateways.extend(
                self.store
                    .ancestors
                    .get(service)
                    .into_iter()
                    .flat_map(|all| all.keys()),
            );
        }
        let wanted = self.policy_conditions(key, form, state);
        gateways
            .into_iter()
            .take(ANCESTORS_MAX)
            .map(|gateway| {
                let parent = ParentRef {
                    group: GATEWAY_GROUP.into(),
                    kind: Kind::Gateway.name().into(),
                    namespace: Some(gateway.namespace.clone()),
                    name: gateway.name.clone(),
                    section: None,
                    port: None,
                };
                (parent, wanted.clone())
            })
            .collect()
    }

    fn policy_conditions(
        &self,
        key: &ObjectKey,
        form: &Policy,
        state: &PolicyState,
    ) -> Vec<Wanted> {
        let lost = form.targets.iter().find(|(target, section)| {
            is_service(target) && self.winner(&target.key, section.as_deref()).as_ref() != Some(key)
        });
        let strange = form.targets.iter().find(|(target, section)| {
            let service = self.store.services.get(&target.key);
            is_service(target)
                && section.as_ref().is_some_and(|section| {
                    service.is_some_and(|one| !one.ports.iter().any(|port| port.name == *section))
                })
        });
        let accepted = if let Some(fault) = &state.fault {
            Wanted::no("Accepted", "Invalid", fault)
        } else if let Some((target, _)) = lost {
            let text = format!("an older policy targets {}", target.text());
            Wanted::no("Accepted", "Conflicted", &text)
        } else if let Some((reason, text)) = &state.outcome.refusal {
            Wanted::no("Accepted", reason, text)
        } else if let Some((target, section)) = strange {
            let section = section.as_deref().unwrap_or_default();
            let text = format!("{} has no port named {section}", target.text());
            Wanted::no("Accepted", "TargetNotFound", &text)
        } else {
            Wanted::yes("Accepted", "Accepted", "the policy is in force")
        };
        let resolved = match &state.outcome.unresolved {
            Some((reason, text)) => Wanted::no("ResolvedRefs", reason, text),
            None => Wanted::yes(
                "ResolvedRefs",
                "ResolvedRefs",
                "all references are resolved",
            ),
        };
        vec![accepted, resolved]
    }
}

fn is_service(reference: &Reference) -> bool {
    reference.known(&[Kind::Service]).is_some()
}

fn targets(form: &Policy) -> impl Iterator<Item = &ObjectKey> {
    form.targets
        .iter()
        .filter(|(target, _)| is_service(target))
        .map(|(target, _)| &target.key)
}
