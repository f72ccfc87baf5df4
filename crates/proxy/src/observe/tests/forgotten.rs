//! Series of what is not served any more.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tidegate_routing::{
    Attachment, Bind, BindProtocol, Host, Listener, PathMatch, RequestMatch, RouteTable, Snapshot,
};

use super::{listener, record, rule};
use crate::{
    observe::{Observability, ObserveOptions},
    record::Observers as _,
};

/// A configuration with these sections of one Gateway, each with these routes.
fn serving(sections: &[&str], routes: &[&str]) -> Snapshot {
    let mut table = RouteTable::new();
    for (entry, route) in (0..).zip(routes) {
        table.insert(Attachment::new(
            Host::Any,
            Arc::new(rule(route)),
            entry,
            Arc::new(RequestMatch::by_path(PathMatch::Prefix("".into()))),
        ));
    }
    let listeners = sections.iter().map(|section| {
        let mut key = listener();
        key.section = (*section).into();
        let host = Host::Exact((*section).into());
        let listener = Listener {
            key,
            host: host.clone(),
            tls: None,
            routes: table.clone(),
        };
        (host, Arc::new(listener))
    });
    let address = "127.0.0.1:80".parse().expect("an address");
    let bind = Bind {
        address,
        protocol: BindProtocol::Http,
        listeners: listeners.collect(),
    };
    Snapshot {
        binds: [(address, Arc::new(bind))].into_iter().collect(),
        ..Snapshot::default()
    }
}

/// Counts requests of two workers, and looks at which series there are.
struct Desk {
    observability: Observability,
    observers: Vec<Box<dyn crate::record::Observer>>,
    now: Instant,
}

impl Desk {
    fn new() -> Self {
        let options = ObserveOptions {
            routes_max: 3,
            ..ObserveOptions::default()
        };
        let observability = Observability::start(options).expect("no thread");
        Self {
            observers: (0..2).map(|at| observability.observer(at)).collect(),
            observability,
            now: Instant::now(),
        }
    }

    /// A request to each of these routes, at each worker.
    fn ask(&self, section: &str, routes: &[&str]) {
        let mut key = listener();
        key.section = section.into();
        for observer in &self.observers {
            for route in routes {
                observer.ended(&record(Some(&rule(route)), Some(&key)));
            }
        }
    }

    /// `NAME=COUNT` of routes and listeners after so many minutes.
    fn look(&mut self, minutes: u64, serving: &Snapshot) -> String {
        self.now += Duration::from_secs(60 * minutes);
        let text = self.observability.metrics(serving, self.now);
        let found = text.lines().filter_map(|line| {
            let rest = line
                .strip_prefix("tidegate_route_requests_total{route=\"default/")
                .or_else(|| line.strip_prefix("tidegate_route_requests_total{route=\""))
                .or_else(|| line.strip_prefix("tidegate_requests_total{listener=\"infra/edge/"))?;
            let (name, rest) = rest.split_once('"')?;
            Some(format!("{name}={}", rest.rsplit_once(' ')?.1))
        });
        found.collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn what_is_gone_is_forgotten_after_a_while() {
    let mut desk = Desk::new();
    let all = serving(&["http", "admin"], &["a", "b", "c", "d"]);
    desk.ask("http", &["a", "b", "c", "d"]);
    desk.ask("admin", &["a"]);
    // The fourth has no room.
    let begin = "admin=2 http=8 a=4 b=2 c=2 other=2";
    assert_eq!(desk.look(0, &all), begin);
    assert_eq!(desk.look(60, &all), begin);
    let fewer = serving(&["http"], &["b", "c", "d"]);
    assert_eq!(desk.look(10, &fewer), begin);
    assert_eq!(desk.look(14, &fewer), begin);
    assert_eq!(desk.look(1, &fewer), "http=8 b=2 c=2 other=2");
    // There is room now; requests that are still on their way by the old configuration count as well.
    desk.ask("http", &["d", "b"]);
    assert_eq!(desk.look(1, &fewer), "http=12 b=4 c=2 d=2 other=2");
    desk.ask("admin", &["a"]);
    assert_eq!(desk.look(1, &fewer), "admin=2 http=12 b=4 c=2 d=2 other=4");
    // What comes back begins anew, in its old place too.
    assert_eq!(desk.look(0, &fewer), "admin=2 http=12 b=4 c=2 d=2 other=4");
    let without = serving(&["http"], &["c", "d"]);
    desk.look(1, &without);
    assert_eq!(desk.look(20, &without), "http=12 c=2 d=2 other=4");
    desk.ask("http", &["b"]);
    assert_eq!(desk.look(1, &all), "http=14 b=2 c=2 d=2 other=4");
}

/// What was away for less is as if it never was.
#[test]
fn what_comes_back_soon_goes_on() {
    let mut desk = Desk::new();
    let (with, without) = (serving(&["http"], &["a"]), serving(&["http"], &[]));
    desk.ask("http", &["a"]);
    for _ in 0..5 {
        assert_eq!(desk.look(10, &without), "http=2 a=2");
        assert_eq!(desk.look(10, &with), "http=2 a=2");
    }
}

/// Names that come and go for days take no more room than the limits say.
#[test]
fn days_of_churn_leave_room() {
    let mut desk = Desk::new();
    for day in 0..1_000 {
        let name = format!("r{day}");
        desk.ask("http", &[&name]);
        let seen = desk.look(20, &serving(&["http"], &[&name]));
        let series: Vec<&str> = seen.split(' ').collect();
        assert!(series.contains(&format!("{name}=2").as_str()), "{seen}");
        assert!(series.len() <= 4, "{seen}");
    }
}
