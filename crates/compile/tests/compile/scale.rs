//! What one change costs, and what a route weighs, at growing numbers of routes.

use std::{fs, hint::black_box, time::Instant};

use tidegate_compile::{Addresses, Change, Compiler, Kind, Options};

use crate::lab::CONTROLLER;

fn tell(compiler: &mut Compiler, kind: Kind, json: &str) {
    let change = Change::Upsert {
        kind,
        object: json.as_bytes(),
    };
    compiler.apply(change).expect("metadata");
}

fn route(number: usize, generation: usize, path: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"route-{number}","namespace":"team-{team}","generation":{generation},"resourceVersion":"{number}",
"uid":"0c6ae0b2-73a8-4ab1-8b4b-{number:012}","creationTimestamp":"2026-01-01T00:00:00Z"}},
"spec":{{"parentRefs":[{{"group":"gateway.networking.k8s.io","kind":"Gateway","name":"gate","namespace":"default"}}],
"hostnames":["host-{number}.example.com"],"rules":[{{"matches":[{{"path":{{"type":"PathPrefix","value":"{path}"}}}}],
"backendRefs":[{{"group":"","kind":"Service","name":"service-{number}","port":80,"weight":1}}]}}]}},
"status":{{"parents":[{{"controllerName":"{CONTROLLER}","parentRef":{{"group":"gateway.networking.k8s.io","kind":"Gateway","name":"gate","namespace":"default"}},
"conditions":[{{"type":"Accepted","status":"True","reason":"Accepted","message":"the route is accepted","observedGeneration":{generation},"lastTransitionTime":"2026-01-01T00:00:00Z"}},
{{"type":"ResolvedRefs","status":"True","reason":"ResolvedRefs","message":"all references are resolved","observedGeneration":{generation},"lastTransitionTime":"2026-01-01T00:00:00Z"}}]}}]}}}}"#,
        team = number % 50,
    )
}

fn service(number: usize, address: usize) -> [(Kind, String); 2] {
    let team = number % 50;
    let slice = format!(
        r#"{{"metadata":{{"name":"service-{number}-abc","namespace":"team-{team}","labels":{{"kubernetes.io/service-name":"service-{number}"}}}},
"addressType":"IPv4","ports":[{{"name":"http","port":8080,"protocol":"TCP"}}],
"endpoints":[{{"addresses":["10.{}.{}.{}"],"conditions":{{"ready":true}},"nodeName":"node-{}","zone":"a"}}]}}"#,
        address >> 16 & 255,
        address >> 8 & 255,
        address & 255,
        number % 100,
    );
    let service = format!(
        r#"{{"metadata":{{"name":"service-{number}","namespace":"team-{team}"}},"spec":{{"ports":[{{"name":"http","port":80,"targetPort":8080}}]}}}}"#
    );
    [(Kind::Service, service), (Kind::EndpointSlice, slice)]
}

fn with_routes(count: usize) -> Compiler {
    let addresses = Addresses::Fixed(vec!["192.0.2.1".parse().expect("an address")]);
    let mut compiler = Compiler::new(Options::new(CONTROLLER, addresses));
    tell(
        &mut compiler,
        Kind::GatewayClass,
        &format!(
            r#"{{"metadata":{{"name":"tidegate"}},"spec":{{"controllerName":"{CONTROLLER}"}}}}"#
        ),
    );
    tell(
        &mut compiler,
        Kind::Gateway,
        r#"{"metadata":{"name":"gate","namespace":"default","generation":1},"spec":{"gatewayClassName":"tidegate",
"listeners":[{"name":"http","port":80,"protocol":"HTTP","allowedRoutes":{"namespaces":{"from":"All"}}}]}}"#,
    );
    for number in 0..count {
        for (kind, json) in service(number, number) {
            tell(&mut compiler, kind, &json);
        }
        tell(&mut compiler, Kind::HttpRoute, &route(number, 1, "/"));
    }
    compiler
}

/// CPU of one turn of each kind of change, as the least of several batches, in microseconds.
fn costs(compiler: &mut Compiler, count: usize) -> [f64; 3] {
    const TURNS: usize = 200;
    const BATCHES: usize = 7;
    let mut least = [f64::MAX; 3];
    // Held as the proxy holds the snapshot that it serves from.
    let mut held = compiler.build(0).snapshot;
    for batch in 0..BATCHES {
        let generation = batch + 2;
        let numbers: Vec<usize> = (0..TURNS)
            .map(|turn| (turn * 7919 + batch) % count)
            .collect();
        let edits: Vec<String> = numbers
            .iter()
            .map(|number| {
                route(
                    *number,
                    generation,
                    if batch % 2 == 0 { "/a" } else { "/b" },
                )
            })
            .collect();
        let slices: Vec<String> = numbers
            .iter()
            .map(|number| service(*number, number + generation * 131)[1].1.clone())
            .collect();
        for (at, kind, changes) in [
            (0, Kind::HttpRoute, &edits),
            // The same again: what the echo of a status that was written costs.
            (1, Kind::HttpRoute, &edits),
            (2, Kind::EndpointSlice, &slices),
        ] {
            let start = Instant::now();
            for json in changes {
                tell(compiler, kind, json);
                held = black_box(compiler.build(1)).snapshot;
            }
            let each = start.elapsed().as_secs_f64() * 1e6 / TURNS as f64;
            least[at] = least[at].min(each);
        }
    }
    black_box(held);
    least
}

fn resident_bytes() -> usize {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text
        .split_whitespace()
        .nth(1)
        .and_then(|word| word.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

/// Run with `--release --ignored --nocapture`; the numbers are for a quiet machine.
#[test]
#[ignore = "a benchmark: run it alone, optimised"]
#[expect(clippy::print_stderr, reason = "a benchmark tells its numbers")]
fn one_change_costs_the_same_at_any_size() {
    let mut all = Vec::new();
    for count in [100, 5_000, 50_000] {
        let before = resident_bytes();
        let start = Instant::now();
        let mut compiler = with_routes(count);
        let output = compiler.build(0);
        let whole = start.elapsed();
        let bytes = (resident_bytes() - before) / count;
        drop(output);
        let costs = costs(&mut compiler, count);
        eprintln!(
            "{count} routes: first build {whole:?}, {bytes} bytes a route with its Service; \
             a route's edit {:.1} µs, its echo {:.1} µs, a slice's change {:.1} µs",
            costs[0], costs[1], costs[2]
        );
        all.push(costs);
    }
    for costs in &all {
        for (cost, base) in costs.iter().zip(all[0]) {
            assert!(
                *cost <= base * 1.5 + 2.0,
                "{cost:.1} µs beside {base:.1} µs at 100 routes"
            );
        }
    }
}
