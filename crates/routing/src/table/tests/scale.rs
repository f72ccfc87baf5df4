//! Size: what a lookup looks at must not depend on how many routes there are. (What it costs in time and memory, the
//! example `scale` measures.)

use std::ops::ControlFlow;

use super::{Request, attachment, find};
use crate::RouteTable;

/// How many attachments a lookup looks at, winner or not.
fn looked_at(table: &RouteTable, request: &Request) -> usize {
    let mut count = 0;
    request.with(|view| {
        table.candidates(view, |_| {
            count += 1;
            ControlFlow::Continue(())
        });
    });
    count
}

/// Half of the routes have a host of their own, half a path of their own under one host.
fn grow(table: &mut RouteTable, from: usize, to: usize) {
    for at in from..to {
        let line = match at % 2 {
            0 => format!("shop-{at}.example.com /api -> host-{at}"),
            _ => format!(
                "shop.example.com /team-{}/service-{at} -> path-{at}",
                at % 50
            ),
        };
        table.insert(attachment(&line));
    }
}

#[test]
fn a_lookup_looks_at_what_matches_only() {
    let mut table = RouteTable::new();
    let hosts = Request::parse("shop-0.example.com/api/v1/items/42");
    let paths = Request::parse("shop.example.com/team-1/service-1/v1/items/42");
    let nothing = Request::parse("shop.example.com/team-1/other/v1/items/42");
    let mut size = 0;
    for more in [2, 100, 5_000, 50_000] {
        grow(&mut table, size, more);
        size = more;
        assert_eq!(find(&table, &hosts), "host-0", "{size} routes");
        assert_eq!(find(&table, &paths), "path-1", "{size} routes");
        let counts = [&hosts, &paths, &nothing].map(|request| looked_at(&table, request));
        assert_eq!(counts, [1, 1, 0], "{size} routes");
    }
}

/// A path of 4,000 segments, and a host of 100 labels, find what a short one finds.
#[test]
fn long_requests_find_what_short_ones_find() {
    let mut table = RouteTable::new();
    grow(&mut table, 0, 1_000);
    table.insert(attachment("*.example.org / -> star"));
    let long = "/x".repeat(4_000);
    let request = Request::parse(&format!("shop.example.com/team-1/service-1{long}"));
    assert_eq!(find(&table, &request), "path-1");
    let request = Request::parse(&format!("shop.example.com{long}"));
    assert_eq!(find(&table, &request), "-");
    let request = Request::parse(&format!("{}example.org{long}", "a.".repeat(100)));
    assert_eq!(find(&table, &request), "star");
}
