//! Runs an election against the server, and moves the fence.

use super::{Attempt, Election, Fence, Record};
use crate::api::{Api, ApiError};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The Lease and who wants it.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Candidate {
    fn collection(&self) -> String {
        tidegate_client::Gvr::new("coordination.k8s.io", "v1", "leases").path(Some(&self.namespace))
    }

    fn path(&self) -> String {
        format!("{}/{}", self.collection(), self.name)
    }

    fn object(&self, record: &Record) -> Value {
        let mut metadata = json!({ "name": self.name, "namespace": self.namespace });
        if !record.version.is_empty() {
            metadata["resourceVersion"] = json!(record.version);
        }
        json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": record.holder,
                "leaseDurationSeconds": record.duration.as_secs().max(1),
                "renewTime": record.renewed,
                "acquireTime": record.acquired,
                "leaseTransitions": record.transitions,
            },
        })
    }
}

/// Stands for election until `stop`, then gives the Lease back if it has it.
pub(crate) async fn run(
    api: Api,
    candidate: Candidate,
    mut election: Election,
    fence: Fence,
    mut stop: oneshot::Receiver<()>,
) {
    let timing = election.timing();
    let mut last = String::new();
    loop {
        let led = election.leads_until(Instant::now()).is_some();
        let tried = tokio::time::timeout(timing.renew, turn(&api, &candidate, &mut election)).await;
        let failure = match tried {
            Ok(Ok(())) => String::new(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        let until = election.leads_until(Instant::now());
        fence.set(until);
        tell(&election, led, until.is_some(), &failure, &mut last);
        // An end of leadership must be seen when it comes, not at the next turn.
        let pause = until.map_or(timing.retry, |until| {
            timing
                .retry
                .min(until.saturating_duration_since(Instant::now()))
        });
        tokio::select! {
            () = tokio::time::sleep(pause.max(Duration::from_millis(50))) => {}
            _ = &mut stop => break,
        }
    }
    let led = election.leads_until(Instant::now()).is_some();
    fence.set(None);
    if led {
        release(&api, &candidate, &mut election).await;
    }
}

fn tell(election: &Election, led: bool, leads: bool, failure: &str, last: &mut String) {
    match (led, leads) {
        (false, true) => tracing::info!(
            identity = election.identity(),
            "leading: status is written from here"
        ),
        (true, false) => tracing::warn!(identity = election.identity(), "no longer leading"),
        _ => {}
    }
    if failure != last {
        if !failure.is_empty() {
            tracing::warn!(failure, "the lease could not be read or renewed");
        }
        failure.clone_into(last);
    }
}

/// One try to get or keep the Lease. Where it met another version, it looks at that one at once.
async fn turn(api: &Api, candidate: &Candidate, election: &mut Election) -> Result<(), ApiError> {
    for _ in 0..2 {
        let attempt = match election.fast(Instant::now()) {
            Some(attempt) => attempt,
            None => {
                let found = api.get(&candidate.path()).await?;
                // The time of the answer, so that another one's lease is never thought to be older than it is.
                election.read(found.as_ref().map(parse), Instant::now())
            }
        };
        let started = Instant::now();
        let Some(written) = attempt_write(api, candidate, election, attempt).await else {
            return Ok(());
        };
        match written {
            Ok(object) => {
                election.written(parse(&object), started);
                return Ok(());
            }
            Err(error) if error.is_conflict() => election.conflicted(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sends what was decided; nothing where that is to wait.
async fn attempt_write(
    api: &Api,
    candidate: &Candidate,
    election: &Election,
    attempt: Attempt,
) -> Option<Result<Value, ApiError>> {
    let now = stamp();
    Some(match attempt {
        Attempt::Wait => return None,
        Attempt::Create => {
            let record = ours(election, now.clone(), now, 0, String::new());
            api.create(&candidate.collection(), &candidate.object(&record))
                .await
        }
        Attempt::Write { over, renew } => {
            let (acquired, transitions) = if renew {
                (over.acquired, over.transitions)
            } else {
                (now.clone(), over.transitions.saturating_add(1))
            };
            let record = ours(election, now, acquired, transitions, over.version);
            api.update(&candidate.path(), &candidate.object(&record))
                .await
        }
    })
}

/// So that the next one need not wait.
async fn release(api: &Api, candidate: &Candidate, election: &mut Election) {
    let Some(Attempt::Write { over, .. }) = election.fast(Instant::now()) else {
        return;
    };
    let record = Record {
        holder: String::new(),
        duration: Duration::from_secs(1),
        renewed: stamp(),
        ..over
    };
    election.released();
    let (path, object) = (candidate.path(), candidate.object(&record));
    let written = tokio::time::timeout(Duration::from_secs(2), api.update(&path, &object)).await;
    if !matches!(written, Ok(Ok(_))) {
        tracing::info!("the lease was not given back; it ends by itself");
    }
}

fn ours(
    election: &Election,
    renewed: String,
    acquired: String,
    transitions: i64,
    version: String,
) -> Record {
    Record {
        holder: election.identity().to_owned(),
        duration: election.timing().lease,
        renewed,
        acquired,
        transitions,
        version,
    }
}

fn parse(object: &Value) -> Record {
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let number = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_i64)
            .unwrap_or_default()
    };
    let seconds = u64::try_from(number("/spec/leaseDurationSeconds")).unwrap_or_default();
    Record {
        holder: text("/spec/holderIdentity"),
        duration: Duration::from_secs(seconds.min(3600)),
        renewed: text("/spec/renewTime"),
        acquired: text("/spec/acquireTime"),
        transitions: number("/spec/leaseTransitions"),
        version: text("/metadata/resourceVersion"),
    }
}

/// Now, as Kubernetes' `MicroTime`.
fn stamp() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}
