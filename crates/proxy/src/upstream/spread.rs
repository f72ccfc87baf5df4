//! A cluster's endpoints as the balancer sees them: instead of a name, each of its addresses. Does no IO.
//!
//! So load is spread over a name's addresses, one that is dead rests while the others serve, and one that has left the
//! name is gone like any endpoint that leaves.

use std::{net::SocketAddr, sync::Arc};

use tidegate_routing::{Destination, Endpoint};

use crate::names::Known;

/// Parts that a weight is cut into are no smaller than one of this many.
const PARTS_MAX: u64 = 5040;

#[derive(Debug)]
pub(super) struct Spread {
    pub(super) endpoints: Arc<[Endpoint]>,
    /// Whether there are names.
    pub(super) named: bool,
    /// Whether there is no endpoint, but will be when the names have been answered.
    pub(super) waits: bool,
}

/// Names' addresses share their weight.
pub(super) fn spread(endpoints: &Arc<[Endpoint]>, known: &Known) -> Spread {
    let is_name = |one: &Endpoint| matches!(one.destination, Destination::Name { .. });
    if !endpoints.iter().any(is_name) {
        return Spread {
            endpoints: endpoints.clone(),
            named: false,
            waits: false,
        };
    }
    let each = endpoints.iter();
    let all: Vec<(&Endpoint, Option<Vec<SocketAddr>>)> = each
        .map(|one| (one, known.addresses(&one.destination)))
        .collect();
    let waits = all.iter().any(|(_, addresses)| addresses.is_none());
    let counts = all.iter().flat_map(|(_, addresses)| addresses);
    let parts = counts
        .map(|addresses| addresses.len().max(1) as u64)
        .fold(1, |parts, count| parts / gcd(parts, count) * count)
        .min(PARTS_MAX);
    let mut spread = Vec::new();
    for (endpoint, addresses) in &all {
        let addresses = addresses.as_deref().unwrap_or_default();
        let weight = u64::from(endpoint.weight) * parts / addresses.len().max(1) as u64;
        spread.extend(
            addresses
                .iter()
                .map(|address| (*endpoint, *address, weight.max(1))),
        );
    }
    let common = spread
        .iter()
        .fold(0, |common, (_, _, weight)| gcd(common, *weight));
    let endpoints: Arc<[Endpoint]> = spread
        .into_iter()
        .map(|(endpoint, address, weight)| Endpoint {
            destination: Destination::Address(address),
            weight: u32::try_from(weight / common.max(1)).unwrap_or(u32::MAX),
            ..endpoint.clone()
        })
        .collect();
    Spread {
        waits: waits && endpoints.is_empty(),
        named: true,
        endpoints,
    }
}

fn gcd(one: u64, other: u64) -> u64 {
    let (mut one, mut other) = (one, other);
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_routing::{Destination, Endpoint, Locality};

    use super::spread;
    use crate::names::Known;

    /// `HOST*WEIGHT`
    fn endpoint(text: &str) -> Endpoint {
        let (host, weight) = text.split_once('*').expect("a weight");
        let destination = match host.parse::<std::net::IpAddr>() {
            Ok(ip) => Destination::Address((ip, 80).into()),
            Err(_) => Destination::Name {
                host: Arc::from(host),
                port: 80,
            },
        };
        Endpoint {
            destination,
            weight: weight.parse().expect("a weight"),
            draining: false,
            locality: Locality::default(),
        }
    }

    #[test]
    fn addresses_share_the_weight_of_their_name() {
        let known = Known::of(&[
            ("one", "192.0.2.1"),
            ("two", "192.0.2.1 192.0.2.2"),
            ("three", "192.0.2.3 192.0.2.4 2001:db8::3"),
            ("none", ""),
        ]);
        for (endpoints, expect, waits) in [
            (
                "10.0.0.1*7 10.0.0.2*7",
                "10.0.0.1:80*7 10.0.0.2:80*7",
                false,
            ),
            ("one*5", "192.0.2.1:80*1", false),
            ("two*1", "192.0.2.1:80*1 192.0.2.2:80*1", false),
            (
                "two*1 10.0.0.1*1",
                "192.0.2.1:80*1 192.0.2.2:80*1 10.0.0.1:80*2",
                false,
            ),
            (
                "two*1 three*2",
                "192.0.2.1:80*3 192.0.2.2:80*3 192.0.2.3:80*4 192.0.2.4:80*4 [2001:db8::3]:80*4",
                false,
            ),
            ("none*1", "", false),
            ("none*1 10.0.0.1*3", "10.0.0.1:80*1", false),
            ("later*1", "", true),
            ("later*1 none*1", "", true),
            ("later*1 10.0.0.1*1", "10.0.0.1:80*1", false),
            (
                "two*1000000 10.0.0.1*1",
                "192.0.2.1:80*500000 192.0.2.2:80*500000 10.0.0.1:80*1",
                false,
            ),
        ] {
            let given: Arc<[Endpoint]> = endpoints.split_whitespace().map(endpoint).collect();
            let got = spread(&given, &known);
            let each = got.endpoints.iter();
            let text: Vec<String> = each
                .map(|one| format!("{}*{}", one.destination, one.weight))
                .collect();
            assert_eq!(
                (text.join(" ").as_str(), got.waits),
                (expect, waits),
                "{endpoints}"
            );
        }
    }
}
