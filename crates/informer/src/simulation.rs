//! Seeded simulation: random server histories, faults and handler speeds, against the whole core.
//!
//! Nothing here waits or talks: the server is a model, time is a number. A violation names the seed that replays it:
//! `TIDEGATE_SIM_SEED=N cargo test -p tidegate-informer simulation`.
#![expect(clippy::print_stdout, reason = "counts, and the seed of a failure")]

mod handler;
mod server;
mod tally;
mod world;

use std::num::NonZero;
use tally::Tally;
use world::World;

/// Histories in a plain run; `TIDEGATE_SIM_HISTORIES` asks for more.
const HISTORIES: u64 = 10_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().expect("the variable holds a number"))
}

fn play(seed: u64) -> Tally {
    let mut world = World::new(seed);
    for _ in 0..world.length() {
        world.act();
    }
    world.settle();
    world.tally()
}

#[test]
fn cache_ends_equal_to_the_server() {
    if let Some(seed) = number("TIDEGATE_SIM_SEED") {
        play(seed);
        return;
    }
    let histories = number("TIDEGATE_SIM_HISTORIES").unwrap_or(HISTORIES);
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..histories)
            .take(threads)
            .map(|first| {
                scope.spawn(move || (first..histories).step_by(threads).map(play_named).sum())
            })
            .collect();
        runs.into_iter()
            .map(|run| {
                run.join()
                    .expect("a history failed; its seed is named above")
            })
            .collect()
    });
    let tally: Tally = tallies.into_iter().sum();
    println!("{histories} histories: {tally:?}");
    tally.assert_everything_happened();
}

fn play_named(seed: u64) -> Tally {
    let played = std::panic::catch_unwind(|| play(seed));
    played.unwrap_or_else(|panic| {
        println!("history failed; replay it with TIDEGATE_SIM_SEED={seed}");
        std::panic::resume_unwind(panic)
    })
}
