//! The kinds of load that run while things change, as one table; and the routes that they ask for.

use std::time::Duration;

use crate::{
    api::Api,
    changes::ROLLING,
    dial::Way,
    exchange::{Ask, Protocol},
    load::{
        Bodies, Certificates, Direction, Grpc, Kind, Requests, Resumed, Seen, Streams, Target,
        WebSockets, Work,
    },
    origin::{SLOW, SLOW_PARTS},
    stage::{BACKENDS, CALLED, Stage, host},
    tls::Trust,
};

/// The routes that must be served all the time, and their backends.
const ROUTES: [(&str, &str); 4] = [
    ("edited", BACKENDS[0]),
    ("still", BACKENDS[1]),
    ("rolled", ROLLING),
    ("called", CALLED),
];
/// Between a client's requests.
const OFTEN: Duration = Duration::from_millis(5);
const SELDOM: Duration = Duration::from_millis(10);
/// Requests of one connection.
const ONE: u64 = 1;
const FEW: u64 = 5;
const MANY: u64 = 500;
const ALL: u64 = u64::MAX;
/// What is posted: more than comes with a head.
const POSTED_BYTES: usize = 20_000;
/// Streams of one connection at once.
const LANES: usize = 6;
/// How long a WebSocket lasts that its client ends.
const SHORT_SOCKET: Duration = Duration::from_secs(2);

/// How the stage's Gateway is asked.
struct Ways<'a> {
    stage: &'a Stage,
    /// In all authorities.
    trust: Trust,
}

/// All kinds, and how many clients each has.
pub(crate) fn all(stage: &Stage) -> anyhow::Result<Vec<Kind>> {
    let trust = Trust::new(&stage.authorities)?;
    let ways = Ways { stage, trust };
    let clear = |name| ways.clear(name);
    let secure = |name| ways.secure(name, ways.trust.clone());
    let h2 = |name| over_http2(ways.secure(name, ways.trust.clone().http2()));
    let resuming = ways.secure("still", ways.trust.clone().resuming());
    let table: [(&str, usize, Work); 21] = [
        ("an edited route", 4, requests(clear("edited"), OFTEN, MANY)),
        (
            "a route that stays",
            4,
            requests(clear("still"), OFTEN, MANY),
        ),
        (
            "rolling endpoints",
            4,
            requests(clear("rolled"), OFTEN, MANY),
        ),
        (
            "rolling endpoints, slow",
            2,
            requests(slow(clear("rolled")), SELDOM, MANY),
        ),
        (
            "posted bodies",
            2,
            requests(posted(clear("still")), SELDOM, ALL),
        ),
        (
            "slow answers",
            2,
            requests(slow(clear("still")), SELDOM, ALL),
        ),
        ("new connections", 2, requests(clear("edited"), SELDOM, ONE)),
        (
            "new TLS connections",
            2,
            requests(secure("still"), OFTEN, FEW),
        ),
        ("resumed TLS sessions", 2, resumed(resuming)),
        ("certificates", 2, ways.certificates()),
        (
            "HTTP/2",
            2,
            requests(over_http2(clear("edited")), SELDOM, ALL),
        ),
        ("HTTP/2 with TLS", 1, streams(h2("edited"))),
        ("HTTP/2 with TLS, posted", 1, streams(posted(h2("still")))),
        ("HTTP/2 with TLS, slow", 1, streams(slow(h2("still")))),
        ("calls by gRPC", 2, ways.calls(clear("called"))),
        ("calls by gRPC with TLS", 2, ways.calls(h2("called"))),
        ("downloads", 2, ways.bodies(clear("still"), Direction::Down)),
        ("uploads", 2, ways.bodies(secure("still"), Direction::Up)),
        ("WebSockets", 4, ways.sockets(clear("edited"), None)),
        (
            "WebSockets with TLS",
            2,
            ways.sockets(secure("edited"), None),
        ),
        (
            "short WebSockets",
            2,
            ways.sockets(clear("edited"), Some(SHORT_SOCKET)),
        ),
    ];
    Ok(table.into_iter().map(Kind::from).collect())
}

/// Makes the routes, and waits until each target is served.
pub(crate) async fn prepare(stage: &Stage, api: &Api) -> anyhow::Result<()> {
    for (name, backend) in ROUTES {
        stage.route(api, name, backend).await?;
    }
    for (name, backend) in ROUTES {
        // What calls a backend's gRPC answers nothing else.
        if backend != CALLED {
            stage.until_served(name).await?;
        }
    }
    Ok(())
}

/// What must have been seen, and was not: without it a load proves little.
pub(crate) fn missed(seen: &Seen) -> Vec<String> {
    let mut missed = Vec::new();
    for (kind, counts) in &seen.0 {
        if counts.answered == 0 {
            missed.push((*kind).to_owned());
        }
    }
    for (kind, event) in [
        ("resumed TLS sessions", Resumed::RESUMED),
        ("calls by gRPC", Grpc::ENDED),
        ("short WebSockets", WebSockets::CLOSED),
    ] {
        let counts = seen.0.get(kind);
        if counts.is_none_or(|counts| !counts.events.contains_key(event)) {
            missed.push(format!("{kind}: {event}"));
        }
    }
    missed
}

impl Ways<'_> {
    fn clear(&self, name: &str) -> Target {
        Target {
            address: self.stage.address,
            way: Way::Clear,
            protocol: Protocol::Http1,
            ask: Ask::get(&host(name), "/"),
            bodies: bodies(name),
        }
    }

    fn secure(&self, name: &str, trust: Trust) -> Target {
        Target {
            address: self.stage.secure_address(),
            way: Way::Tls(trust),
            ..self.clear(name)
        }
    }

    fn certificates(&self) -> Work {
        Work::Certificates(Certificates {
            address: self.stage.secure_address(),
            name: host("still"),
            rotation: self.stage.rotation.clone(),
        })
    }

    /// What lasts must be through before a process that drains ends, also where the machine has other things to do.
    fn lasts(&self) -> Duration {
        self.stage.lives.grace() / 3
    }

    fn bodies(&self, target: Target, direction: Direction) -> Work {
        Work::Bodies(Bodies {
            target,
            direction,
            lasts: self.lasts(),
        })
    }

    fn calls(&self, target: Target) -> Work {
        Work::Grpc(Grpc {
            target,
            lasts: self.lasts(),
        })
    }

    fn sockets(&self, target: Target, lasts: Option<Duration>) -> Work {
        Work::WebSockets(WebSockets {
            target,
            lasts,
            lives: self.stage.lives.clone(),
        })
    }
}

fn requests(target: Target, pause: Duration, requests_each: u64) -> Work {
    Work::Requests(Requests {
        target,
        pause,
        requests_each,
    })
}

fn streams(target: Target) -> Work {
    Work::Streams(Streams {
        target,
        lanes: LANES,
        pause: SELDOM,
    })
}

fn resumed(target: Target) -> Work {
    Work::Resumed(Resumed {
        target,
        pause: SELDOM,
        requests_each: FEW,
    })
}

fn over_http2(target: Target) -> Target {
    Target {
        protocol: Protocol::Http2,
        ..target
    }
}

fn posted(mut target: Target) -> Target {
    target.ask.body = Some("x".repeat(POSTED_BYTES));
    target
}

fn slow(mut target: Target) -> Target {
    target.ask.path = SLOW.to_owned();
    for body in &mut target.bodies {
        *body = body.repeat(SLOW_PARTS);
    }
    target
}

/// What a route's backends answer with: the edited one has either of two.
fn bodies(name: &str) -> Vec<String> {
    let own = ROUTES.iter().filter(|(route, _)| *route == name);
    let other = BACKENDS.iter().filter(|_| name == "edited");
    own.map(|(_, backend)| backend)
        .chain(other)
        .map(|body| (*body).to_owned())
        .collect()
}
