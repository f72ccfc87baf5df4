//! The loop of the thread that resolves, and the tasks of its names.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tidegate_routing::{Destination, Snapshot};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::AbortHandle,
    time::{Instant, interval, sleep, sleep_until},
};

use super::{
    Answer, Known, lock,
    lookup::{Found, Resolver},
};
use crate::worker::Command;

/// Lookups under way at once; others wait.
const LOOKUPS_MAX: usize = 256;
/// Snapshots may come by the thousand; each is looked through for names.
const PAUSE: Duration = Duration::from_millis(50);
/// A name that no snapshot has any more is followed for this long: requests that have begun may want it, and so may the
/// next snapshot.
const LINGER: Duration = Duration::from_secs(60);
/// How long an answer holds, whatever it says.
const TTL_MIN: Duration = Duration::from_secs(1);
const TTL_MAX: Duration = Duration::from_secs(300);
/// How long the absence of a name or of its addresses holds, at most; where nothing is said of it, that is it.
const MISSING_MAX: Duration = Duration::from_secs(30);
/// After a lookup that failed, the next comes after this, then twice this, up to [`MISSING_MAX`].
const AGAIN: Duration = Duration::from_secs(1);

/// A name that is followed.
struct Followed {
    task: AbortHandle,
    /// Since when no snapshot has it.
    unwanted: Option<Instant>,
}

/// A name's new answer.
type News = (Arc<str>, Answer);

/// Until nobody sends snapshots any more.
pub(super) async fn run(
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    resolver: &Arc<Resolver>,
    known: &Mutex<Known>,
    workers: &[mpsc::UnboundedSender<Command>],
    prober: &watch::Sender<Known>,
) {
    let places = Arc::new(Semaphore::new(LOOKUPS_MAX));
    // Bounded by the tasks: each waits before it looks again.
    let (answered, mut answers) = mpsc::unbounded_channel::<News>();
    let start = |name: Arc<str>| {
        let following = follow(name, resolver.clone(), answered.clone(), places.clone());
        tokio::spawn(following).abort_handle()
    };
    let mut followed: HashMap<Arc<str>, Followed> = HashMap::new();
    let mut sweeps = interval(LINGER);
    let mut next_look = Instant::now();
    let mut changed = false;
    loop {
        tokio::select! {
            result = snapshots.changed(), if !changed => match result {
                Ok(()) => changed = true,
                Err(_gone) => return,
            },
            () = sleep_until(next_look), if changed => {
                changed = false;
                let snapshot = snapshots.borrow_and_update().clone();
                want(&mut followed, names(&snapshot), start);
                next_look = Instant::now() + PAUSE;
            }
            Some((name, answer)) = answers.recv() => {
                if followed.contains_key(&name) {
                    let now = {
                        let mut known = lock(known);
                        known.0.insert(name, Arc::new(answer));
                        known.clone()
                    };
                    tell(workers, prober, &now);
                }
            }
            _ = sweeps.tick() => sweep(&mut followed, known),
        }
    }
}

/// All names that endpoints have.
fn names(snapshot: &Snapshot) -> HashSet<Arc<str>> {
    let clusters = snapshot.clusters.iter();
    let endpoints = clusters.flat_map(|cluster| cluster.endpoints.iter());
    let names = endpoints.filter_map(|endpoint| match &endpoint.destination {
        Destination::Name { host, .. } => Some(host.clone()),
        Destination::Address(_) => None,
    });
    names.collect()
}

fn want(
    followed: &mut HashMap<Arc<str>, Followed>,
    names: HashSet<Arc<str>>,
    start: impl Fn(Arc<str>) -> AbortHandle,
) {
    for (name, one) in followed.iter_mut() {
        match names.contains(name) {
            true => one.unwanted = None,
            false => one.unwanted = one.unwanted.or_else(|| Some(Instant::now())),
        }
    }
    for name in names {
        followed.entry(name.clone()).or_insert_with(|| Followed {
            task: start(name),
            unwanted: None,
        });
    }
}

/// Forgets what nobody wants.
fn sweep(followed: &mut HashMap<Arc<str>, Followed>, known: &Mutex<Known>) {
    followed.retain(|name, one| {
        let kept = one.unwanted.is_none_or(|since| since.elapsed() < LINGER);
        if !kept {
            one.task.abort();
            lock(known).0.remove(name);
        }
        kept
    });
}

fn tell(workers: &[mpsc::UnboundedSender<Command>], prober: &watch::Sender<Known>, known: &Known) {
    for worker in workers {
        // One that has ended needs no news.
        let _ = worker.send(Command::Names(known.clone()));
    }
    prober.send_replace(known.clone());
}

/// Resolves one name for ever.
async fn follow(
    name: Arc<str>,
    resolver: Arc<Resolver>,
    answered: mpsc::UnboundedSender<News>,
    places: Arc<Semaphore>,
) {
    let (mut last, mut failures) = (None, 0);
    loop {
        let found = {
            let Ok(_place) = places.acquire().await else {
                return;
            };
            resolver.lookup(&name).await
        };
        failures = match found {
            Found::Failed { .. } => failures + 1,
            _ => 0,
        };
        let wait = wait(&found, failures);
        let answer = next(last.as_ref(), found);
        if last.as_ref() != Some(&answer) {
            say(&name, &answer);
            if answered.send((name.clone(), answer.clone())).is_err() {
                return;
            }
            last = Some(answer);
        }
        sleep(wait).await;
    }
}

/// When a name is looked up again, after so many failures in a row.
fn wait(found: &Found, failures: u32) -> Duration {
    match found {
        Found::Addresses { ttl, .. } => (*ttl).clamp(TTL_MIN, TTL_MAX),
        Found::Missing { ttl, .. } => ttl.unwrap_or(MISSING_MAX).clamp(TTL_MIN, MISSING_MAX),
        Found::Failed { .. } => {
            let factor = 1 << failures.saturating_sub(1).min(8);
            (AGAIN * factor).min(MISSING_MAX)
        }
    }
}

/// What is known after a lookup: what can't be learned now is as it was.
fn next(last: Option<&Answer>, found: Found) -> Answer {
    let before = last.map_or(&[][..], |last| &last.addresses);
    match found {
        Found::Addresses {
            mut addresses,
            partly,
            ..
        } => {
            let learned: Vec<bool> = addresses.iter().map(IpAddr::is_ipv4).collect();
            let kept = before
                .iter()
                .filter(|one| !learned.contains(&one.is_ipv4()));
            addresses.extend(kept.filter(|_| partly));
            addresses.sort_unstable();
            Answer {
                addresses,
                fault: None,
            }
        }
        Found::Missing { fault, .. } => Answer {
            addresses: Vec::new(),
            fault: Some(fault.into()),
        },
        Found::Failed { fault } => Answer {
            addresses: before.to_vec(),
            fault: Some(fault.into()),
        },
    }
}

fn say(name: &str, answer: &Answer) {
    let addresses = &answer.addresses;
    match &answer.fault {
        None => tracing::info!(name, ?addresses, "name resolved"),
        Some(fault) => tracing::warn!(name, ?addresses, %fault, "name not resolved"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Answer, Found, next, wait};

    fn found(addresses: &str, ttl_s: u64, partly: bool) -> Found {
        let addresses = addresses.split_whitespace();
        Found::Addresses {
            addresses: addresses
                .map(|one| one.parse().expect("an address"))
                .collect(),
            ttl: Duration::from_secs(ttl_s),
            partly,
        }
    }

    fn missing(ttl_s: Option<u64>) -> Found {
        Found::Missing {
            fault: "gone".to_owned(),
            ttl: ttl_s.map(Duration::from_secs),
        }
    }

    fn failed() -> Found {
        Found::Failed {
            fault: "SERVFAIL".to_owned(),
        }
    }

    #[test]
    fn times_have_bounds() {
        for (found, failures, expect_s) in [
            (found("192.0.2.1", 0, false), 0, 1),
            (found("192.0.2.1", 30, false), 0, 30),
            (found("192.0.2.1", u64::from(u32::MAX), false), 0, 300),
            (missing(None), 0, 30),
            (missing(Some(0)), 0, 1),
            (missing(Some(5)), 0, 5),
            (missing(Some(3600)), 0, 30),
            (failed(), 1, 1),
            (failed(), 3, 4),
            (failed(), 6, 30),
            (failed(), u32::MAX, 30),
        ] {
            assert_eq!(wait(&found, failures).as_secs(), expect_s, "{found:?}");
        }
    }

    #[test]
    fn what_cannot_be_learned_is_as_it_was() {
        for (before, found, expect) in [
            ("", failed(), " SERVFAIL"),
            ("192.0.2.1", failed(), "192.0.2.1 SERVFAIL"),
            ("192.0.2.1", missing(None), " gone"),
            ("192.0.2.1", found("192.0.2.2", 1, false), "192.0.2.2"),
            (
                "192.0.2.1 2001:db8::1",
                found("192.0.2.2", 1, false),
                "192.0.2.2",
            ),
            (
                "192.0.2.1 2001:db8::1",
                found("192.0.2.2", 1, true),
                "192.0.2.2 2001:db8::1",
            ),
        ] {
            let Found::Addresses { addresses, .. } = self::found(before, 1, false) else {
                panic!("made just now");
            };
            let last = Answer {
                addresses,
                fault: None,
            };
            let got = next(Some(&last), found);
            let addresses: Vec<String> = got.addresses.iter().map(ToString::to_string).collect();
            let fault = got
                .fault
                .map(|fault| format!(" {fault}"))
                .unwrap_or_default();
            assert_eq!(addresses.join(" ") + &fault, expect);
        }
    }
}
