//! Everything that changes in the life of a gateway, one after the other, while a constant load must not notice.

use std::time::Duration;

use anyhow::bail;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::{
    api::Api,
    changes,
    exchange::Ask,
    load::{Load, Rate, Seen, Target, Way},
    origin::{Origin, SLOW_PARTS, SLOW_PATH},
    runner::{Deed, ask},
    stage::{BACKENDS, SECRET, SECURE_ROUTE, Stage, host},
};

/// How long the API server is away, each time.
const OUTAGE: Duration = Duration::from_secs(2);
/// Edits of a route while another process takes over.
const EDITS_MEANWHILE: usize = 20;
/// What is posted: more than comes with a head.
const POSTED_BYTES: usize = 20_000;

/// How often each thing changes.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Edits of one route.
    pub edits: usize,
    /// Routes that come and go.
    pub routes: usize,
    /// Times that a backend's endpoints are replaced.
    pub rolls: usize,
    /// New certificates of one listener.
    pub rotations: usize,
    /// Times that the API server is killed, and started again.
    pub outages: usize,
    /// Times that another process of the gateway takes over.
    pub upgrades: usize,
}

/// What the load had seen when each change was over.
struct Phases {
    load: Load,
    before: Seen,
    report: Map<String, Value>,
}

impl Phases {
    fn over(&mut self, what: &str) {
        let seen = self.load.seen();
        let before = std::mem::replace(&mut self.before, seen.clone());
        self.report.insert(
            what.to_owned(),
            json!({"answered": seen.answered - before.answered, "failed": seen.failed - before.failed,
                "seconds": (seen.took - before.took).as_secs_f64()}),
        );
    }
}

/// Changes it all. The error says how many requests failed; what was seen is in the value, either way.
pub async fn run(stage: &Stage, api: &Api, plan: Plan) -> anyhow::Result<(Value, bool)> {
    let place = &stage.place;
    changes::roll(api, place, "rolling", "rolling", 0).await?;
    let targets = targets(stage)?;
    for (name, backend) in ROUTES {
        stage.route(api, name, backend).await?;
    }
    for (target, _) in &targets {
        stage.until_served(target).await?;
    }
    let secure = targets[SECURE].0.clone();
    let load = Load::start(targets);
    let mut phases = Phases {
        before: load.seen(),
        load,
        report: Map::new(),
    };
    let (kept, refused) = changes::add_damaged(api, place).await?;
    phases.over("damaged objects");
    changes::edit_route(api, place, "edited", BACKENDS, plan.edits).await?;
    phases.over("edits of a route");
    changes::add_routes(api, place, BACKENDS[0], plan.routes).await?;
    phases.over("routes that come and go");
    changes::roll(api, place, "rolling", "rolling", plan.rolls).await?;
    phases.over("endpoints that roll");
    changes::rotate(
        api,
        place,
        SECRET,
        &stage.authorities,
        &secure,
        plan.rotations,
    )
    .await?;
    phases.over("certificates that rotate");
    for turn in 0..plan.outages {
        outage(stage, api, turn).await?;
    }
    phases.over("the API server killed and started again");
    for turn in 0..plan.upgrades {
        upgrade(stage, api, turn).await?;
    }
    phases.over("processes that take over");
    let Phases { load, report, .. } = phases;
    let seen = load.stop().await;
    let by_origin: Vec<u64> = stage.origins.iter().map(Origin::answered).collect();
    let told = json!({"answered": seen.answered, "failed": seen.failed, "kinds": seen.kinds, "told": seen.told,
        "phases": report, "damaged": {"kept": kept, "refused": refused}, "by_origin": by_origin});
    let silent = seen.kinds.values().any(|counts| counts.answered == 0);
    Ok((told, seen.failed == 0 && seen.answered > 0 && !silent))
}

/// The API server goes and comes; then a new route is served.
async fn outage(stage: &Stage, api: &Api, turn: usize) -> anyhow::Result<()> {
    ask(Deed::KillApiServer).await?;
    sleep(OUTAGE).await;
    ask(Deed::StartApiServer).await?;
    new_route(stage, api, &format!("after-outage-{turn}")).await
}

/// Another process takes over while a route is edited; then a new route is served.
async fn upgrade(stage: &Stage, api: &Api, turn: usize) -> anyhow::Result<()> {
    let edits = changes::edit_route(api, &stage.place, "edited", BACKENDS, EDITS_MEANWHILE);
    tokio::try_join!(ask(Deed::Upgrade), edits)?;
    new_route(stage, api, &format!("after-upgrade-{turn}")).await
}

async fn new_route(stage: &Stage, api: &Api, name: &str) -> anyhow::Result<()> {
    stage.route(api, name, BACKENDS[0]).await?;
    let target = target(stage, "new", name, Way::Http1);
    match stage.until_served(&target).await {
        Ok(()) => Ok(()),
        Err(error) => bail!("{name}: {error:#}"),
    }
}

/// The routes that must be served all the time, and their backends.
const ROUTES: [(&str, &str); 3] = [
    ("edited", BACKENDS[0]),
    (SECURE_ROUTE, BACKENDS[1]),
    ("rolled", "rolling"),
];
/// Which of the targets has TLS.
const SECURE: usize = 3;

/// What is asked for all the time, and how often.
fn targets(stage: &Stage) -> anyhow::Result<Vec<(Target, Rate)>> {
    let kept = Rate {
        connections: 4,
        every: Duration::from_millis(5),
        requests_each: 500,
    };
    let short = Rate {
        connections: 2,
        every: Duration::from_millis(5),
        requests_each: 5,
    };
    let few = Rate {
        connections: 2,
        every: Duration::from_millis(10),
        requests_each: u64::MAX,
    };
    let mut posting = target(stage, "posted", "still", Way::Http1);
    posting.ask.body = Some("x".repeat(POSTED_BYTES));
    let mut slow = target(stage, "slow answers", "still", Way::Http1);
    slow.ask.path = SLOW_PATH.to_owned();
    slow.bodies = vec![BACKENDS[1].repeat(SLOW_PARTS)];
    Ok(vec![
        (target(stage, "an edited route", "edited", Way::Http1), kept),
        (
            target(stage, "a route that stays", "still", Way::Http1),
            kept,
        ),
        (
            target(stage, "rolling endpoints", "rolled", Way::Http1),
            kept,
        ),
        (secure(stage)?, short),
        (target(stage, "HTTP/2", "edited", Way::Http2), few),
        (posting, few),
        (slow, few),
    ])
}

fn secure(stage: &Stage) -> anyhow::Result<Target> {
    let mut target = target(
        stage,
        "new TLS connections",
        SECURE_ROUTE,
        stage.trusting()?,
    );
    target.address = stage.secure_address();
    Ok(target)
}

fn target(stage: &Stage, kind: &'static str, name: &str, way: Way) -> Target {
    let bodies = BACKENDS.iter().copied().chain(["rolling"]);
    Target {
        kind,
        address: stage.address,
        way,
        ask: Ask::get(&host(name), "/"),
        bodies: bodies.map(str::to_owned).collect(),
    }
}
