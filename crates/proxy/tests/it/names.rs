//! Endpoints that are names: resolved for each connection, and not followed everywhere.

use std::sync::Arc;

use tidegate_proxy::Options;
use tidegate_routing::{Destination, Endpoint, Locality};

use crate::support::{Origin, World, answer, get, status};

#[tokio::test]
async fn names_lead_to_this_machine_only_where_that_is_allowed() {
    let origin = Origin::always(&answer(200, "", "")).await;
    for (allow_local, expect) in [(true, 200), (false, 502)] {
        let mut world = World::new();
        world.route("/", &[], |_, cluster| {
            cluster.endpoints = Arc::new([Endpoint {
                destination: Destination::Name {
                    host: Arc::from("localhost"),
                    port: origin.address.port(),
                },
                weight: 1,
                draining: false,
                locality: Locality::default(),
            }]);
        });
        let options = Options {
            allow_local,
            ..Options::default()
        };
        let _proxy = world.serve_with(options).await;
        let got = get(world.address, "/", "").await;
        assert_eq!(status(&got), expect, "{got}");
    }
    assert_eq!(*origin.connections.lock().expect("unpoisoned"), 1);
}
