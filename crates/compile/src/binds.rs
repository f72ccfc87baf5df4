//! Local addresses: which listeners share one, and who has it when they can't.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
};

use tidegate_routing::{Bind, Host};

use crate::{compiler::Compiler, key::Kind};

/// Listeners that want an address, the oldest Gateway's first.
pub(crate) type Members = BTreeSet<(i64, Arc<str>, u32)>;

impl Compiler {
    /// Says where a listener wants to be served.
    pub(crate) fn place(&mut self, id: u32, wanted_at: Vec<SocketAddr>, rank: (i64, Arc<str>)) {
        let Some(listener) = self.store.listeners.get_mut(&id) else {
            return;
        };
        if listener.wanted_at == wanted_at && (listener.rank == rank || wanted_at.is_empty()) {
            return;
        }
        let old_rank = (listener.rank.0, listener.rank.1.clone(), id);
        let new_rank = (rank.0, rank.1.clone(), id);
        listener.rank = rank;
        let old = std::mem::replace(&mut listener.wanted_at, wanted_at.clone());
        listener
            .placed_at
            .retain(|address| wanted_at.contains(address));
        for address in old {
            if let Some(members) = self.members.get_mut(&address) {
                members.remove(&old_rank);
            }
            self.dirty.binds.insert(address);
        }
        for address in wanted_at {
            self.members
                .entry(address)
                .or_default()
                .insert(new_rank.clone());
            self.dirty.binds.insert(address);
        }
    }

    /// Settles who is served on an address, and puts it into the snapshot.
    pub(crate) fn compile_bind(&mut self, address: SocketAddr) {
        let members = match self.members.get(&address) {
            Some(members) if !members.is_empty() => members.clone(),
            _ => {
                self.members.remove(&address);
                if self.snapshot.binds.remove(&address).is_some() {
                    self.changed = true;
                }
                self.store.bind_errors.remove(&address);
                return;
            }
        };
        let mut protocol = None;
        let mut served: BTreeMap<Host, u32> = BTreeMap::new();
        for (.., id) in &members {
            let Some(listener) = self.store.listeners.get_mut(id) else {
                continue;
            };
            let decision = &listener.decision;
            let fits = decision.protocol.is_some()
                && (protocol.is_none() || protocol == decision.protocol)
                && !served.contains_key(&decision.view.host);
            if fits {
                protocol = decision.protocol;
                served.insert(decision.view.host.clone(), *id);
            }
            let was = listener.placed_at.contains(&address);
            if fits == was {
                continue;
            }
            if fits {
                listener.placed_at.push(address);
                listener.placed_at.sort();
            } else {
                listener.placed_at.retain(|one| *one != address);
            }
            let (owner, gateway) = (
                listener.owner.clone(),
                listener.decision.view.gateway.clone(),
            );
            self.dirty.statuses.insert(owner);
            self.dirty.statuses.insert((Kind::Gateway, gateway.clone()));
            self.dirty.infrastructure.insert(gateway);
        }
        let Some(protocol) = protocol else {
            return;
        };
        let mut listeners = imbl::OrdMap::new();
        for (host, id) in served {
            if let Some(listener) = self.store.listeners.get_mut(&id) {
                listeners.insert(host, listener.build());
            }
        }
        let bind = Bind {
            address,
            protocol,
            listeners,
        };
        self.snapshot.binds.insert(address, Arc::new(bind));
        self.changed = true;
    }

    /// Puts a listener whose routes changed into the snapshot, where it's served.
    pub(crate) fn refresh_listener(&mut self, id: u32) {
        let Some(listener) = self.store.listeners.get_mut(&id) else {
            return;
        };
        listener.built = None;
        let addresses = listener.placed_at.clone();
        if addresses.is_empty() {
            return;
        }
        let host = listener.decision.view.host.clone();
        let built = listener.build();
        for address in addresses {
            if let Some(bind) = self.snapshot.binds.get(&address) {
                let mut bind = Bind::clone(bind);
                bind.listeners.insert(host.clone(), built.clone());
                self.snapshot.binds.insert(address, Arc::new(bind));
                self.changed = true;
            }
        }
    }

    /// Takes news of a listening socket.
    pub(crate) fn note_bind(&mut self, address: SocketAddr, error: Option<&str>) {
        let before = self.store.bind_errors.get(&address).map(|text| &**text);
        if before == error {
            return;
        }
        match error {
            Some(error) => {
                self.store.bind_errors.insert(address, error.into());
            }
            None => {
                self.store.bind_errors.remove(&address);
            }
        }
        for (.., id) in self.members.get(&address).into_iter().flatten() {
            if let Some(listener) = self.store.listeners.get(id) {
                self.dirty.statuses.insert(listener.owner.clone());
                let gateway = listener.decision.view.gateway.clone();
                self.dirty.statuses.insert((Kind::Gateway, gateway));
            }
        }
    }
}
