//! Evictions: a pod is asked to go, and goes where its disruption budget allows it. What `kubectl drain` sends to
//! `pods/NAME/eviction`.
//!
//! Nobody here counts the healthy pods of a budget: its status is what a disruption controller has written there. Until
//! one has, running pods of the budget stay.
//!
//! Invariant: a disruption is taken from a budget before its pod is deleted, and by one pod only.

mod budget;

use self::budget::Budget;
use crate::{
    admission::Operation,
    call::{Answer, Call},
    clock,
    cluster::Cluster,
    object::Meta,
    request::options::{DeleteOptions, WriteKind, WriteOptions},
    special,
    status::{ApiError, Cause},
    write::{Write, shape::part_body},
};
use serde_json::{Value, json};
use tidegate_kinds::part_of;
use tidegate_store::Expected;

/// How often a write that others overtake is tried again.
const TRIES: usize = 1000;
/// When a client may ask again while its budget is still being worked out, in seconds.
const LATER: u32 = 10;
const REFUSED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

/// Answers an eviction.
pub(crate) async fn create(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    let options = WriteOptions::parse(&call.query, WriteKind::Create)?;
    let part = part_of("policy", "v1", "Eviction").ok_or_else(ApiError::unknown_resource)?;
    let mut eviction = part_body(call, part, options.field_validation)?;
    let sent = Write {
        cluster,
        call,
        options: &options,
    };
    sent.settle_namespace(&mut eviction)?;
    cluster.mutate_admission(&sent, Operation::Create, &mut eviction, None)?;
    let name = call.info.name.as_str();
    if eviction.name() != name {
        return Err(ApiError::bad_request(
            "name in URL does not match name in Eviction object",
        ));
    }
    let request = sent.admission(Operation::Create, name, Some(&eviction), None);
    cluster.validate_admission(&request)?;
    let mut deletion = match &eviction["deleteOptions"] {
        Value::Null => DeleteOptions::default(),
        options => DeleteOptions::from_body(options.clone())?,
    };
    deletion.dry_run |= options.dry_run;
    let options = WriteOptions {
        dry_run: deletion.dry_run,
        ..WriteOptions::default()
    };
    let eviction = Eviction {
        write: Write {
            cluster,
            call,
            options: &options,
        },
        deletion,
    };
    eviction.run().await?;
    let status = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "code": 201,
    });
    Answer::document(201, &status, call.output)
}

/// One eviction: of the pod that the write names, with these options of its deletion.
struct Eviction<'a> {
    write: Write<'a>,
    deletion: DeleteOptions,
}

impl Eviction<'_> {
    async fn run(&self) -> Result<(), ApiError> {
        for _ in 0..TRIES {
            let pod = self.pod()?;
            if !needs_budget(&pod) {
                // One that is pending may have come to run meanwhile, and then its budget would count.
                let as_seen = pod["status"]["phase"] == "Pending" && !pod.is_being_deleted();
                match self.remove(as_seen.then_some(&pod)).await {
                    Err(error) if error.code == 409 && self.any_version() => continue,
                    ended => return ended,
                }
            }
            return self.run_with_budget(&pod).await;
        }
        Err(still_processed(""))
    }

    /// Takes a disruption from the pod's budget, if it has one, and lets the pod go.
    async fn run_with_budget(&self, pod: &Value) -> Result<(), ApiError> {
        let Some(budget) = Budget::of(&self.write, pod)? else {
            return self.remove(None).await;
        };
        if !budget.guards(pod) {
            let removed = self.remove(Some(pod)).await;
            return removed.map_err(|error| match error.code {
                409 if self.any_version() => still_processed(budget.name()),
                _ => error,
            });
        }
        budget.take(pod.name()).await?;
        self.remove(None).await
    }

    fn pod(&self) -> Result<Value, ApiError> {
        let resource = self.write.resource();
        let entry = self.write.cluster.store.head(&self.write.call.key());
        let name = &self.write.call.info.name;
        let entry = entry.ok_or_else(|| ApiError::not_found(resource.group_resource(), name))?;
        resource.tree(&entry.value)
    }

    /// Whether the client named no version of the pod.
    fn any_version(&self) -> bool {
        self.deletion.resource_version.is_none()
    }

    /// Notes on the pod why it goes, and deletes it: as it was seen, or as it is.
    async fn remove(&self, as_seen: Option<&Value>) -> Result<(), ApiError> {
        let mut deletion = self.deletion.clone();
        if let (Some(pod), true) = (as_seen, self.any_version()) {
            deletion.resource_version = Some(pod.resource_version().to_owned());
        }
        if !deletion.dry_run {
            let noted = self.note(&deletion).await?;
            if deletion.resource_version.is_some() {
                deletion.resource_version = Some(noted.resource_version().to_owned());
            }
        }
        let name = &self.write.call.info.name;
        // Who may evict need not be allowed to delete, by policies no more than by roles.
        let deleted = self.write.delete_if(name, &deletion, &|_| Ok(())).await;
        deleted.map(drop)
    }

    async fn note(&self, deletion: &DeleteOptions) -> Result<Value, ApiError> {
        let condition = json!({
            "type": "DisruptionTarget",
            "status": "True",
            "lastProbeTime": null,
            "lastTransitionTime": clock::text(self.write.cluster.clock.seconds()),
            "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
        });
        let key = self.write.call.key();
        for _ in 0..TRIES {
            let mut pod = self.pod()?;
            self.write.check_preconditions(&pod, deletion)?;
            let expected = Expected::Revision(pod.resource_version().parse().unwrap_or_default());
            let before = pod["status"].clone();
            special::set_condition(&mut pod, condition.clone());
            if pod["status"] == before {
                return Ok(pod);
            }
            if let Some(stored) = self.write.store(&key, expected, pod).await? {
                return Ok(stored);
            }
        }
        Err(still_processed(""))
    }
}

/// Whether the end of a pod would be a disruption: it runs, and nobody has ended it yet.
fn needs_budget(pod: &Value) -> bool {
    let phase = pod["status"]["phase"].as_str().unwrap_or_default();
    !matches!(phase, "Pending" | "Succeeded" | "Failed") && !pod.is_being_deleted()
}

/// Refuses for a budget: `seconds` says when to ask again, if it is known.
fn refusal(why: String, seconds: u32) -> ApiError {
    let cause = Cause {
        reason: "DisruptionBudget".to_owned(),
        message: why,
        field: String::new(),
    };
    ApiError::too_many_requests(REFUSED, seconds).with_cause(cause)
}

fn still_processed(budget: &str) -> ApiError {
    let why = format!("The disruption budget {budget} is still being processed by the server.");
    refusal(why, LATER)
}
