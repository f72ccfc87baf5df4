//! Everything that changes in the life of a gateway, one after the other and at last all at once, while a constant load
//! must not notice.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    api::Api,
    changes::{self, add_routes, edit_route},
    load::{Load, Seen},
    loads,
    origin::Origin,
    rotation,
    runner::Deed,
    stage::{BACKENDS, Stage},
};

/// How long the API server is away, each time.
const OUTAGE: Duration = Duration::from_secs(2);
/// Edits of a route while another process takes over.
const EDITS_MEANWHILE: usize = 20;
/// Routes that come and then go, again and again, where everything happens at once.
const ROUTES_MEANWHILE: usize = 20;

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
    /// Times that the API server is killed and another process takes over while all else changes.
    pub storms: usize,
}

/// What changes.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Damage,
    Edits,
    Routes,
    Rolls,
    Rotations,
    Outages,
    Upgrades,
    Everything,
}

/// In this order, and how they are told of.
const PHASES: [(Phase, &str); 8] = [
    (Phase::Damage, "damaged objects"),
    (Phase::Edits, "edits of a route"),
    (Phase::Routes, "routes that come and go"),
    (Phase::Rolls, "endpoints that roll"),
    (Phase::Rotations, "certificates that rotate"),
    (Phase::Outages, "the API server killed and started again"),
    (Phase::Upgrades, "processes that take over"),
    (Phase::Everything, "everything at once"),
];

/// What the phases have in common.
struct Churn<'a> {
    stage: &'a Stage,
    api: &'a Api,
    plan: Plan,
    /// The endpoint that the next roll replaces.
    rolling: RefCell<Option<Origin>>,
}

/// Changes it all. What was seen, and whether all is well.
pub async fn run(stage: &Stage, api: &Api, plan: Plan) -> anyhow::Result<(Value, bool)> {
    let churn = Churn {
        stage,
        api,
        plan,
        rolling: RefCell::new(Some(stage.roll_out(api).await?)),
    };
    let kinds = loads::all(stage)?;
    loads::prepare(stage, api).await?;
    rotation::rotate(stage, api, 0..1).await?;
    let load = Load::start(&kinds);
    let mut phases = Map::new();
    let mut before = load.seen();
    for (phase, name) in PHASES {
        let mut told = churn.change(phase).await.context(name)?;
        let seen = load.seen();
        told.insert(
            "seconds".to_owned(),
            (seen.1 - before.1).as_secs_f64().into(),
        );
        for (what, count) in [
            ("answered", Seen::answered as fn(&Seen) -> u64),
            ("failed", Seen::failed),
        ] {
            told.insert(what.to_owned(), (count(&seen.0) - count(&before.0)).into());
        }
        before = seen;
        phases.insert(name.to_owned(), told.into());
    }
    let seen = load.stop().await;
    let missed = loads::missed(&seen);
    let told = json!({"answered": seen.answered(), "failed": seen.failed(), "missed": missed, "kinds": seen,
        "phases": phases, "certificate_shown_ms_max": stage.rotation.longest().as_millis()});
    Ok((told, seen.failed() == 0 && missed.is_empty()))
}

impl Churn<'_> {
    /// Yields what there is to tell of it.
    async fn change(&self, phase: Phase) -> anyhow::Result<Map<String, Value>> {
        let Self {
            stage, api, plan, ..
        } = *self;
        let mut told = Map::new();
        match phase {
            Phase::Damage => {
                let (kept, refused) = changes::add_damaged(api, &stage.place).await?;
                told.insert("kept".to_owned(), kept.into());
                told.insert("refused".to_owned(), refused.into());
            }
            Phase::Edits => self.edit(0..plan.edits).await?,
            Phase::Routes => add_routes(api, &stage.place, BACKENDS[0], plan.routes).await?,
            Phase::Rolls => self.roll(0..plan.rolls).await?,
            Phase::Rotations => rotation::rotate(stage, api, 0..plan.rotations).await?,
            Phase::Outages => {
                for turn in 0..plan.outages {
                    self.outage().await?;
                    stage
                        .new_route(api, &format!("after-outage-{turn}"))
                        .await?;
                }
            }
            Phase::Upgrades => {
                for turn in 0..plan.upgrades {
                    tokio::try_join!(self.upgrade(), self.edit(0..EDITS_MEANWHILE))?;
                    stage
                        .new_route(api, &format!("after-upgrade-{turn}"))
                        .await?;
                }
            }
            Phase::Everything => told = self.everything().await?,
        }
        Ok(told)
    }

    async fn edit(&self, turns: impl Iterator<Item = usize>) -> anyhow::Result<()> {
        edit_route(self.api, &self.stage.place, "edited", BACKENDS, turns).await
    }

    async fn roll(&self, turns: impl Iterator<Item = usize>) -> anyhow::Result<()> {
        let Some(current) = self.rolling.take() else {
            bail!("endpoints roll already");
        };
        let last = changes::roll(self.api, &self.stage.place, current, turns).await?;
        self.rolling.replace(Some(last));
        Ok(())
    }

    /// The API server goes and comes.
    async fn outage(&self) -> anyhow::Result<()> {
        self.stage.runner.ask(Deed::KillApiServer).await?;
        sleep(OUTAGE).await;
        self.stage.runner.ask(Deed::StartApiServer).await
    }

    /// Another process takes over.
    async fn upgrade(&self) -> anyhow::Result<()> {
        self.stage.lives.asked(Instant::now());
        self.stage.runner.ask(Deed::Upgrade).await?;
        self.stage.lives.done(Instant::now());
        Ok(())
    }

    /// As long as the API server goes and comes and processes take over, all else changes without a pause.
    async fn everything(&self) -> anyhow::Result<Map<String, Value>> {
        let Self { stage, api, .. } = *self;
        let over = Cell::new(false);
        let counts: [Cell<usize>; 4] = Default::default();
        let [edits, routes, rolls, rotations] = &counts;
        let until_over = |count| turns(&over, count);
        let storms = async {
            for turn in 0..self.plan.storms {
                tokio::try_join!(self.upgrade(), self.outage())?;
                stage.new_route(api, &format!("after-storm-{turn}")).await?;
            }
            over.set(true);
            anyhow::Ok(())
        };
        let come_and_go = async {
            for _ in until_over(routes) {
                add_routes(api, &stage.place, BACKENDS[0], ROUTES_MEANWHILE).await?;
            }
            anyhow::Ok(())
        };
        tokio::try_join!(
            storms,
            come_and_go,
            self.edit(until_over(edits)),
            self.roll(until_over(rolls)),
            rotation::rotate(stage, api, until_over(rotations)),
        )?;
        let mut told = Map::new();
        told.insert("storms".to_owned(), self.plan.storms.into());
        for (name, count) in ["edits", "routes_20", "rolls", "rotations"]
            .iter()
            .zip(&counts)
        {
            told.insert((*name).to_owned(), count.get().into());
        }
        Ok(told)
    }
}

/// Turns until it is over, and how many there were.
fn turns<'a>(over: &'a Cell<bool>, count: &'a Cell<usize>) -> impl Iterator<Item = usize> + 'a {
    std::iter::from_fn(move || {
        let turn = count.get();
        (!over.get()).then(|| {
            count.set(turn + 1);
            turn
        })
    })
}
