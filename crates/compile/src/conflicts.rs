//! Conflicts between listeners of one Gateway and its ListenerSets.
//!
//! Owners come in order of precedence: what an earlier one has, a later one can't have. Within one owner nobody wins:
//! all listeners that are in each other's way lose.

use foldhash::{HashMap, HashSet};
use tidegate_routing::Host;

use crate::{object::gateway::Entry, trust::Reason};

/// What of a listener can be in another's way.
#[derive(Debug)]
pub(crate) struct Entrant<'a> {
    port: u16,
    protocol: &'a str,
    host: Option<&'a Host>,
}

impl<'a> Entrant<'a> {
    pub(crate) fn new(entry: &'a Entry) -> Self {
        Self {
            port: entry.port,
            protocol: &entry.protocol,
            host: entry.host.as_ref(),
        }
    }

    /// Protocols that are served. Others take no part among listeners of the same owner: they are refused anyway.
    fn is_served(&self) -> bool {
        matches!(self.protocol, "HTTP" | "HTTPS")
    }

    /// Protocols that want a TCP port, and can't share one with what is served.
    fn needs_port(&self) -> bool {
        self.is_served() || self.protocol == "TCP"
    }
}

/// What was given to earlier owners: by port, the protocol and the hosts.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    ports: HashMap<u16, (String, HashSet<Host>)>,
}

impl Claims {
    /// Admits the listeners of one owner. For each, why it's in conflict, if it is.
    pub(crate) fn admit(&mut self, entrants: &[Entrant<'_>]) -> Vec<Option<Reason>> {
        let mut conflicts: Vec<Option<Reason>> =
            entrants.iter().map(|one| self.conflict(one)).collect();
        let mut protocols: HashMap<u16, HashSet<&str>> = HashMap::default();
        let mut hosts: HashMap<(u16, &Host), u32> = HashMap::default();
        let open = |at: usize, conflicts: &[Option<Reason>]| {
            conflicts[at].is_none() && entrants[at].is_served()
        };
        for (at, one) in entrants.iter().enumerate() {
            if open(at, &conflicts) {
                protocols.entry(one.port).or_default().insert(one.protocol);
                if let Some(host) = one.host {
                    *hosts.entry((one.port, host)).or_default() += 1;
                }
            }
        }
        for (at, one) in entrants.iter().enumerate() {
            if !open(at, &conflicts) {
                continue;
            }
            let is_mixed = protocols.get(&one.port).is_some_and(|all| all.len() > 1);
            let twice = one
                .host
                .and_then(|host| hosts.get(&(one.port, host)))
                .is_some_and(|count| *count > 1);
            if is_mixed {
                conflicts[at] = Some(protocol_conflict(one.port));
            } else if twice {
                conflicts[at] = Some(hostname_conflict(one.port));
            }
        }
        for (at, one) in entrants.iter().enumerate() {
            if open(at, &conflicts) {
                let claim = self.ports.entry(one.port).or_default();
                one.protocol.clone_into(&mut claim.0);
                claim.1.extend(one.host.cloned());
            }
        }
        conflicts
    }

    fn conflict(&self, one: &Entrant<'_>) -> Option<Reason> {
        let (protocol, hosts) = self.ports.get(&one.port)?;
        if one.needs_port() && protocol != one.protocol {
            return Some(protocol_conflict(one.port));
        }
        let is_taken =
            protocol == one.protocol && one.host.is_some_and(|host| hosts.contains(host));
        is_taken.then(|| hostname_conflict(one.port))
    }
}

fn protocol_conflict(port: u16) -> Reason {
    let text = format!("port {port} is used with another protocol");
    ("ProtocolConflict", text.into())
}

fn hostname_conflict(port: u16) -> Reason {
    let text = format!("port {port} has this hostname already");
    ("HostnameConflict", text.into())
}
