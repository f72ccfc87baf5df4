//! Simulations of a balancer, replayed from seeds, and tables of its rules.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tidegate_routing::{
    Balance, ConsistentHash, Destination, Endpoint, Locality, Near, OutlierEjection,
};

use super::{Balancer, EndpointId, Outcome, PickRequest, Settings};
use crate::random::Draws;

mod histories;
mod rules;
mod shares;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

fn balances() -> [Balance; 5] {
    [
        Balance::RoundRobin,
        Balance::LeastRequest,
        Balance::PeakEwma,
        Balance::Random,
        Balance::ConsistentHash(ConsistentHash::SourceAddress),
    ]
}

fn settings(balance: Balance) -> Settings {
    Settings {
        balance,
        outliers: None,
        slow_start_ns: 0,
        panic_percent: 50,
        here: Locality::default(),
        near: Near::default(),
    }
}

fn outliers(consecutive_failures: u32, max_ejected_percent: u8) -> OutlierEjection {
    OutlierEjection {
        consecutive_failures,
        base_ejection: Duration::from_secs(10),
        max_ejected_percent,
    }
}

/// `NUMBER[*WEIGHT][@ZONE[/NODE]][-]`, where `-` is draining.
fn endpoint(text: &str) -> Endpoint {
    let (text, draining) = match text.strip_suffix('-') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (text, place) = text.split_once('@').unwrap_or((text, ""));
    let (number, weight) = text.split_once('*').unwrap_or((text, "1"));
    let (zone, node) = place.split_once('/').unwrap_or((place, ""));
    let name = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
    let number: u16 = number.parse().expect("a number");
    Endpoint {
        destination: Destination::Address(
            format!("10.0.0.1:{number}").parse().expect("an address"),
        ),
        weight: weight.parse().expect("a weight"),
        draining,
        locality: Locality {
            zone: name(zone),
            node: name(node),
        },
    }
}

fn endpoints(text: &str) -> Vec<Endpoint> {
    text.split_whitespace().map(endpoint).collect()
}

fn numbered(count: u16) -> Vec<Endpoint> {
    (1..=count).map(|at| endpoint(&at.to_string())).collect()
}

/// The number by which the tests know an endpoint.
fn number(balancer: &Balancer, id: EndpointId) -> u16 {
    match &balancer.endpoint(id).expect("picked just now").destination {
        Destination::Address(address) => address.port(),
        Destination::Name { .. } => panic!("no names here"),
    }
}

fn id_of(balancer: &Balancer, wanted: u16) -> EndpointId {
    let mut ids = balancer.endpoints().map(|(id, _)| id);
    ids.find(|id| number(balancer, *id) == wanted)
        .expect("an endpoint of that number")
}

fn pick(balancer: &mut Balancer, draws: &mut Draws, now_ns: u64) -> Option<EndpointId> {
    let request = PickRequest {
        hash: Some(draws.next()),
        random: draws.next(),
        tried: &[],
    };
    balancer.pick(&request, now_ns).ok()
}

/// How many of so many requests, one after the other, each endpoint gets.
fn count(
    balancer: &mut Balancer,
    draws: &mut Draws,
    requests: u32,
    now_ns: u64,
) -> BTreeMap<u16, u32> {
    let mut counts = BTreeMap::new();
    for _ in 0..requests {
        let id = pick(balancer, draws, now_ns).expect("an endpoint");
        *counts.entry(number(balancer, id)).or_default() += 1;
        balancer.finish(id, Outcome::Success, Some(MS), now_ns);
    }
    counts
}
