//! Endpoints near the proxy come first, as long as there are enough that answer.

use std::net::SocketAddr;

use tidegate_proxy::Options;
use tidegate_routing::{Endpoint, Locality, Near};

use crate::support::{Origin, World, answer, body, free_address, get};

fn place(text: &str) -> Locality {
    let (zone, node) = text.split_once('/').unwrap_or((text, ""));
    let name = |text: &str| (!text.is_empty()).then(|| text.into());
    Locality {
        zone: name(zone),
        node: name(node),
    }
}

/// The answers of ten requests, each named once.
async fn who_answers(at: &str, near: Near, endpoints: [(SocketAddr, &str); 2]) -> String {
    let mut world = World::new();
    world.route("/", &endpoints.map(|(address, _)| address), |_, cluster| {
        cluster.near = near;
        let each = cluster.endpoints.iter().zip(endpoints);
        cluster.endpoints = each
            .map(|(endpoint, (_, locality))| Endpoint {
                locality: place(locality),
                ..endpoint.clone()
            })
            .collect();
    });
    let options = Options {
        here: place(at),
        ..Options::default()
    };
    let _proxy = world.serve_with(options).await;
    let mut got = Vec::new();
    for _ in 0..10 {
        got.push(body(&get(world.address, "/", "").await).to_owned());
    }
    got.sort();
    got.dedup();
    got.join(" ")
}

#[tokio::test]
async fn what_is_near_is_preferred_as_long_as_it_answers() {
    let here = Origin::always(&answer(200, "", "here")).await;
    let there = Origin::always(&answer(200, "", "there")).await;
    let (here, there) = (here.address, there.address);
    for (at, near, endpoints, expect) in [
        (
            "a/n",
            Near::Anywhere,
            [(here, "a/n"), (there, "b/m")],
            "here there",
        ),
        (
            "a/n",
            Near::SameZone,
            [(here, "a/n"), (there, "b/m")],
            "here",
        ),
        (
            "a/n",
            Near::SameNode,
            [(here, "a/n"), (there, "a/m")],
            "here",
        ),
        (
            "a/n",
            Near::SameZone,
            [(here, "a/n"), (there, "a/m")],
            "here there",
        ),
        (
            "b",
            Near::SameZone,
            [(here, "a/n"), (there, "b/m")],
            "there",
        ),
        (
            "",
            Near::SameNode,
            [(here, "a/n"), (there, "b/m")],
            "here there",
        ),
        (
            "c/o",
            Near::SameNode,
            [(here, "a/n"), (there, "b/m")],
            "here there",
        ),
        // Nobody is there.
        (
            "a",
            Near::SameZone,
            [(free_address(), "a"), (there, "b")],
            "there",
        ),
    ] {
        let got = who_answers(at, near, endpoints).await;
        assert_eq!(got, expect, "{near:?} at {at}: {endpoints:?}");
    }
}
