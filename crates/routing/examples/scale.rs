//! What a table of routes costs: `cargo run --release -p tidegate-routing --example scale [ROUTES…]`.
//!
//! For each number of routes: resident memory of an attachment with its rule and match as the compiler makes them, time
//! to insert, to look up, to replace one in a shared table. Times are medians of batches; they say little on a busy
//! machine, where `bench/instructions` counts instead.
#![expect(
    clippy::print_stdout,
    reason = "a command line tool answers on standard output"
)]

use std::{hint::black_box, sync::Arc, time::Instant};

use tidegate_routing::{
    Action, Attachment, BackendChoice, ClusterKey, Host, PathMatch, RequestMatch, RequestView,
    RouteIdentity, RouteTable, Rule, WeightedBackend,
};

fn main() {
    let mut numbers: Vec<usize> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    if numbers.is_empty() {
        numbers = vec![1, 100, 5_000, 40_000, 50_000];
    }
    println!(
        "{:>8} {:>20} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "routes", "shape", "B/route", "insert", "find", "miss", "replace"
    );
    for number in numbers {
        for shape in [Shape::Hosts, Shape::Paths] {
            measure(number, shape);
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    /// A host for each route.
    Hosts,
    /// One host, a path for each route.
    Paths,
}

fn attachment(shape: Shape, at: usize) -> Attachment {
    let (host, path) = match shape {
        Shape::Hosts => (format!("shop-{at}.example.com"), "/api".to_owned()),
        Shape::Paths => (
            "shop.example.com".to_owned(),
            format!("/team-{}/service-{at}", at % 50),
        ),
    };
    let backend = WeightedBackend::new(
        1,
        BackendChoice::Cluster(ClusterKey(format!("default/service-{at}:8080").into())),
    );
    let route = RouteIdentity {
        kind: "HTTPRoute".into(),
        namespace: "default".into(),
        name: format!("route-{at}").into(),
        generation: 1,
        created_s: 1_700_000_000,
    };
    let rule = Rule::new(Arc::new(route), 0, Action::Forward(vec![backend]));
    let when = RequestMatch::by_path(PathMatch::Prefix(path.into()));
    Attachment::new(Host::Exact(host.into()), Arc::new(rule), 0, Arc::new(when))
}

fn measure(number: usize, shape: Shape) {
    let before = resident_bytes();
    let started = Instant::now();
    let mut table = RouteTable::new();
    let attachments: Vec<_> = (0..number)
        .map(|at| Arc::new(attachment(shape, at)))
        .inspect(|one| table.insert(one.clone()))
        .collect();
    let insert_ns = started.elapsed().as_nanos() / number as u128;
    let bytes = resident_bytes().saturating_sub(before) / number;
    let requests: Vec<(String, String)> = (0..number.min(4_096))
        .map(|at| at * 7_919 % number)
        .map(|at| match shape {
            Shape::Hosts => (
                format!("shop-{at}.example.com"),
                "/api/v1/items/42".to_owned(),
            ),
            Shape::Paths => (
                "shop.example.com".to_owned(),
                format!("/team-{}/service-{at}/v1/items/42", at % 50),
            ),
        })
        .collect();
    let find = lookups(&table, &requests, true);
    let missing: Vec<(String, String)> = requests
        .iter()
        .map(|(host, path)| (format!("x{host}"), path.clone()))
        .collect();
    let miss = lookups(&table, &missing, false);
    let replace = replacements(&mut table, &attachments);
    println!(
        "{number:>8} {:>20} {bytes:>9} {insert_ns:>6} ns {find:>6.0} ns {miss:>6.0} ns {replace:>6} ns",
        format!("{shape:?}")
    );
}

/// Nanoseconds of one lookup: the median of batches.
fn lookups(table: &RouteTable, requests: &[(String, String)], found: bool) -> f64 {
    let mut batches: Vec<f64> = (0..25)
        .map(|_| {
            let (started, mut count) = (Instant::now(), 0_u32);
            while count < 20_000 {
                for (host, path) in requests {
                    let view = RequestView {
                        host,
                        path,
                        query: "",
                        method: "GET",
                        headers: &(),
                    };
                    assert_eq!(black_box(table.find(black_box(&view))).is_some(), found);
                    count += 1;
                }
            }
            started.elapsed().as_nanos() as f64 / f64::from(count)
        })
        .collect();
    batches.sort_by(f64::total_cmp);
    batches[batches.len() / 2]
}

/// Nanoseconds to replace one attachment while an older version is in use.
fn replacements(table: &mut RouteTable, attachments: &[Arc<Attachment>]) -> u128 {
    let mut times: Vec<u128> = (0..2_000)
        .map(|at| {
            let one = &attachments[at * 7_919 % attachments.len()];
            let older = table.clone();
            let started = Instant::now();
            assert!(table.remove(one));
            table.insert(one.clone());
            let elapsed = started.elapsed().as_nanos();
            drop(older);
            elapsed
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Option<usize> = statm.split(' ').nth(1).and_then(|word| word.parse().ok());
    pages.unwrap_or(0) * 4096
}
