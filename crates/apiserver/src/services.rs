//! The virtual addresses of services.

mod allocate;

pub(crate) use self::allocate::allocate;

use crate::ids;
use serde::Deserialize;
use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Mutex, PoisonError},
};

/// The range that addresses are taken from: 10.96.0.0/12, of which the first is the server's own.
const FIRST: u32 = u32::from_be_bytes([10, 96, 0, 1]);
const LAST: u32 = u32::from_be_bytes([10, 111, 255, 254]);
/// The ports that are opened on every node.
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

/// Which service has which address and which node port.
#[derive(Debug, Default)]
pub(crate) struct Addresses(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    by_key: HashMap<String, (Vec<Ipv4Addr>, Vec<u16>)>,
    addresses: HashMap<Ipv4Addr, String>,
    ports: HashMap<u16, String>,
}

#[derive(Deserialize)]
struct Sketch {
    spec: Option<SketchSpec>,
}

#[derive(Deserialize)]
struct SketchSpec {
    #[serde(default, rename = "clusterIPs")]
    cluster_ips: Vec<String>,
    #[serde(default)]
    ports: Vec<SketchPort>,
    #[serde(default, rename = "healthCheckNodePort")]
    health_port: u16,
}

#[derive(Deserialize)]
struct SketchPort {
    #[serde(default, rename = "nodePort")]
    node_port: u16,
}

impl Addresses {
    /// The address of the server itself, for its own service.
    pub(crate) fn of_server() -> Ipv4Addr {
        Ipv4Addr::from(FIRST)
    }

    /// The address of the whole range.
    pub(crate) fn network() -> Ipv4Addr {
        Ipv4Addr::from(FIRST - 1)
    }

    /// A service has come, changed or gone.
    pub(crate) fn set(&self, key: &str, bytes: Option<&[u8]>) {
        let spec = bytes
            .and_then(|bytes| serde_json::from_slice::<Sketch>(bytes).ok())
            .and_then(|sketch| sketch.spec);
        let (addresses, ports) = spec.map_or_else(Default::default, |spec| {
            let addresses: Vec<Ipv4Addr> = spec
                .cluster_ips
                .iter()
                .filter_map(|text| text.parse().ok())
                .collect();
            let ports = spec
                .ports
                .iter()
                .map(|port| port.node_port)
                .chain([spec.health_port]);
            let ports: Vec<u16> = ports.filter(|port| *port != 0).collect();
            (addresses, ports)
        });
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((addresses, ports)) = taken.by_key.remove(key) {
            addresses
                .iter()
                .for_each(|address| drop(taken.addresses.remove(address)));
            ports.iter().for_each(|port| drop(taken.ports.remove(port)));
        }
        if addresses.is_empty() && ports.is_empty() {
            return;
        }
        for address in &addresses {
            taken.addresses.insert(*address, key.to_owned());
        }
        for port in &ports {
            taken.ports.insert(*port, key.to_owned());
        }
        taken.by_key.insert(key.to_owned(), (addresses, ports));
    }

    /// An address that no service has.
    pub(crate) fn free_address(&self) -> Option<Ipv4Addr> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let size = LAST - FIRST;
        let start = u32::try_from(ids::below(u64::from(size))).unwrap_or_default();
        let candidates =
            (0..size).map(|offset| Ipv4Addr::from(FIRST + 1 + (start + offset) % size));
        candidates
            .into_iter()
            .find(|address| !taken.addresses.contains_key(address))
    }

    /// A node port that no service has.
    pub(crate) fn free_port(&self, besides: &[u16]) -> Option<u16> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let size = NODE_PORTS.end() - NODE_PORTS.start() + 1;
        let start = u16::try_from(ids::below(u64::from(size))).unwrap_or_default();
        let candidates = (0..size).map(|offset| NODE_PORTS.start() + (start + offset) % size);
        candidates
            .into_iter()
            .find(|port| !taken.ports.contains_key(port) && !besides.contains(port))
    }

    /// Who has an address, if it isn't `key`.
    pub(crate) fn holder(&self, address: Ipv4Addr, key: &str) -> bool {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken
            .addresses
            .get(&address)
            .is_some_and(|holder| holder != key)
    }

    /// Whether another service has a node port.
    pub(crate) fn port_taken(&self, port: u16, key: &str) -> bool {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.ports.get(&port).is_some_and(|holder| holder != key)
    }

    /// Whether a node port is one of the range.
    pub(crate) fn port_in_range(port: i64) -> bool {
        NODE_PORTS.contains(&u16::try_from(port).unwrap_or_default())
    }

    /// Whether an address is one of the range.
    pub(crate) fn in_range(address: Ipv4Addr) -> bool {
        (FIRST..=LAST).contains(&u32::from(address))
    }
}
