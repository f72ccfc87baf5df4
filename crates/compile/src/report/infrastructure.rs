//! What objects that stand for a Gateway must carry.

use std::collections::BTreeSet;

use crate::{
    compiler::Compiler,
    key::ObjectKey,
    output::{Infrastructure, InfrastructureChange},
};

/// Labels of Gateway API for objects that stand for a Gateway.
const GATEWAY_LABEL: &str = "gateway.networking.k8s.io/gateway-name";
const CLASS_LABEL: &str = "gateway.networking.k8s.io/gateway-class-name";
/// Longest value of a label.
const LABEL_BYTES_MAX: usize = 63;

impl Compiler {
    /// Gateways whose infrastructure changed.
    pub(crate) fn report_infrastructure(&mut self) -> Vec<InfrastructureChange> {
        let mut changes = Vec::new();
        for key in std::mem::take(&mut self.dirty.infrastructure) {
            match self.infrastructure_of(&key) {
                Some(now) if self.infrastructure.get(&key) != Some(&now) => {
                    self.infrastructure.insert(key, now.clone());
                    changes.push(InfrastructureChange::Set(now));
                }
                None if self.infrastructure.remove(&key).is_some() => {
                    changes.push(InfrastructureChange::Gone(key));
                }
                _ => {}
            }
        }
        changes
    }

    fn infrastructure_of(&self, key: &ObjectKey) -> Option<Infrastructure> {
        let state = self.store.gateways.get(key)?;
        let live = state.live.as_ref()?;
        let form = state.held.form.as_ref()?;
        if live.refusal.is_some() {
            return None;
        }
        let mut labels = form.labels.clone();
        for (label, value) in [(GATEWAY_LABEL, &key.name), (CLASS_LABEL, &form.class)] {
            if value.len() <= LABEL_BYTES_MAX {
                labels.insert(label.to_owned(), value.to_string());
            }
        }
        let sets = self.store.sets_of.get(key).into_iter().flatten();
        let live_sets = sets.filter_map(|set| self.store.sets.get(set)?.live.as_ref());
        let all = live
            .listeners
            .iter()
            .chain(live_sets.flat_map(|set| &set.listeners));
        let addresses: BTreeSet<_> = all
            .filter_map(|id| self.store.listeners.get(id))
            .flat_map(|one| one.placed_at.iter().copied())
            .collect();
        Some(Infrastructure {
            gateway: key.clone(),
            uid: state.held.meta.uid.clone(),
            labels,
            annotations: form.annotations.clone(),
            addresses: addresses.into_iter().collect(),
        })
    }
}
