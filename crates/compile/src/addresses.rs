//! Addresses of Gateways: what they ask for, what they had, and what is free.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use foldhash::HashMap;

use crate::{
    compiler::Compiler,
    key::ObjectKey,
    object::gateway::Gateway,
    options::{Addresses, Pool},
    state::LiveGateway,
    text,
};

/// Which Gateway has which address of the pool.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    holders: HashMap<IpAddr, ObjectKey>,
    held: HashMap<ObjectKey, BTreeSet<IpAddr>>,
}

impl Leases {
    /// Whether the Gateway has the address then.
    fn take(&mut self, address: IpAddr, gateway: &ObjectKey) -> bool {
        let holder = self
            .holders
            .entry(address)
            .or_insert_with(|| gateway.clone());
        let is_ours = holder == gateway;
        if is_ours {
            self.held
                .entry(gateway.clone())
                .or_default()
                .insert(address);
        }
        is_ours
    }

    /// Gives back what the Gateway has, but for these.
    fn keep_only(&mut self, gateway: &ObjectKey, kept: &[IpAddr]) {
        let Some(held) = self.held.get_mut(gateway) else {
            return;
        };
        held.retain(|address| {
            let stays = kept.contains(address);
            if !stays {
                self.holders.remove(address);
            }
            stays
        });
        if held.is_empty() {
            self.held.remove(gateway);
        }
    }
}

/// Most addresses that are tried before the pool counts as used up.
const TRIES_MAX: u64 = 1 << 16;

/// A Gateway's address as it is asked for.
enum Wish {
    Value(IpAddr),
    Any,
}

impl Compiler {
    /// Reserves what Gateways ask for by value, then what they had before a restart, so that the order of events
    /// doesn't decide.
    pub(crate) fn reserve_addresses(&mut self) {
        let Addresses::Pool(pool) = self.options.addresses else {
            return;
        };
        let mut gateways: Vec<(i64, ObjectKey, Arc<Gateway>, Option<IpAddr>)> = Vec::new();
        for key in &self.dirty.gateways {
            let Some(form) = self.managed_form(key) else {
                continue;
            };
            if let Some(state) = self.store.gateways.get(key) {
                let had = state.held.status.addresses.first();
                let had = had.and_then(|(_, value)| value.parse().ok());
                gateways.push((state.held.meta.created_s, key.clone(), form, had));
            }
        }
        gateways.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        for (_, key, form, _) in &gateways {
            for wish in wishes(form).0 {
                if let Wish::Value(address) = wish
                    && pool.contains(address)
                {
                    self.leases.take(address, key);
                }
            }
        }
        for (_, key, form, had) in &gateways {
            let wants_any = wishes(form).0.iter().any(|wish| matches!(wish, Wish::Any));
            if let Some(address) = had.filter(|address| wants_any && pool.contains(*address)) {
                self.leases.take(address, key);
            }
        }
    }

    /// Gives a Gateway its addresses.
    pub(crate) fn assign_addresses(
        &mut self,
        key: &ObjectKey,
        form: &Gateway,
        live: &mut LiveGateway,
    ) {
        let (wishes, unsupported, unassigned) = wishes(form);
        if let Some(text) = unsupported {
            live.refusal = Some(("UnsupportedAddress", text));
        }
        if let Some(fault) = unassigned {
            live.address_fault = Some(fault);
        }
        let mut given: Vec<IpAddr> = Vec::new();
        for wish in wishes {
            let found = match (&self.options.addresses, wish) {
                (Addresses::Fixed(all), Wish::Any) => Ok(all.clone()),
                (Addresses::Fixed(all), Wish::Value(value)) if all.contains(&value) => {
                    Ok(vec![value])
                }
                (Addresses::Pool(pool), Wish::Value(value))
                    if pool.contains(value) && self.leases.take(value, key) =>
                {
                    Ok(vec![value])
                }
                (_, Wish::Value(value)) => {
                    let text = format!("address {value} is not available here");
                    Err(("AddressNotUsable", text.into()))
                }
                (Addresses::Pool(pool), Wish::Any) => {
                    let pool = *pool;
                    match self.lease(pool, key, &given) {
                        Some(address) => Ok(vec![address]),
                        None => Err((
                            "AddressNotAssigned",
                            "the pool of addresses is used up".into(),
                        )),
                    }
                }
            };
            match found {
                Ok(addresses) => given.extend(addresses),
                Err(fault) => live.address_fault = Some(fault),
            }
        }
        let mut seen = BTreeSet::new();
        given.retain(|address| seen.insert(*address));
        self.leases.keep_only(key, &given);
        live.addresses = given;
    }

    /// Gives back a Gateway's addresses.
    pub(crate) fn release_addresses(&mut self, key: &ObjectKey) {
        self.leases.keep_only(key, &[]);
    }

    /// What the Gateway has already, else the first that is free from a place that its name decides.
    fn lease(&mut self, pool: Pool, key: &ObjectKey, given: &[IpAddr]) -> Option<IpAddr> {
        let held = self.leases.held.get(key).into_iter().flatten();
        if let Some(address) = held.copied().find(|address| !given.contains(address)) {
            return Some(address);
        }
        let usable = pool.usable();
        let start = text::hash(key.to_string().as_bytes()) % usable;
        (0..usable.min(TRIES_MAX))
            .map(|step| pool.nth((start + step) % usable + 1))
            .find(|address| !self.leases.holders.contains_key(address))
            .filter(|address| self.leases.take(*address, key))
    }
}

type Unassigned = (&'static str, Arc<str>);

/// What a Gateway asks for; which of it is of a type that isn't supported; which can't be assigned.
fn wishes(form: &Gateway) -> (Vec<Wish>, Option<Arc<str>>, Option<Unassigned>) {
    let mut wishes = Vec::new();
    let mut unsupported = None;
    let mut unassigned = None;
    for one in &form.addresses {
        match (&*one.kind, one.value.as_deref()) {
            ("IPAddress", None) => wishes.push(Wish::Any),
            ("IPAddress", Some(value)) => match value.parse() {
                Ok(address) => wishes.push(Wish::Value(address)),
                Err(_) => {
                    let text = format!("{value:?} is no IP address");
                    unassigned = Some(("AddressNotUsable", text.into()));
                }
            },
            ("Hostname", None) => {
                let text = "hostnames can't be assigned here";
                unassigned = Some(("AddressNotAssigned", text.into()));
            }
            ("Hostname", Some(value)) => {
                let text = format!("hostname {value:?} can't be used as an address here");
                unassigned = Some(("AddressNotUsable", text.into()));
            }
            (kind, _) => {
                let text = format!("addresses of type {kind:?} are not supported");
                unsupported = Some(text.into());
            }
        }
    }
    if form.addresses.is_empty() {
        wishes.push(Wish::Any);
    }
    (wishes, unsupported, unassigned)
}
