//! The budget of a pod: what it says, and a disruption taken from it.

use super::{refusal, still_processed};
use crate::{
    call::Call,
    clock,
    object::Meta,
    request::options::WriteOptions,
    resource::Resource,
    special,
    status::{ApiError, GroupResource},
    write::Write,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use tidegate_access::User;
use tidegate_rules::Selector;

/// More pods than these aren't remembered as being on their way.
const MOST_DISRUPTED: usize = 2000;

/// A pod's budget.
pub(super) struct Budget<'a> {
    write: &'a Write<'a>,
    /// A call about the budget.
    call: Call,
    object: Value,
}

/// What a budget says to one more disruption.
#[derive(Debug, PartialEq)]
enum Verdict {
    Allowed,
    /// Its controller has not seen its last change.
    Unprocessed,
    Forbidden(&'static str),
    Refused(String),
}

impl<'a> Budget<'a> {
    /// The budget of a pod. Kubernetes wants no more than one.
    pub(super) fn of(write: &'a Write<'a>, pod: &Value) -> Result<Option<Self>, ApiError> {
        let labels = labels(pod);
        let resources = write.cluster.registry.now();
        let Some(resource) = resources.get("policy", "v1", "poddisruptionbudgets") else {
            return Ok(None);
        };
        if labels.is_empty() {
            return Ok(None);
        }
        let prefix = format!("{}/{}/", resource.collection, pod.namespace());
        let mut found = None;
        let snapshot = write.cluster.store.snapshot();
        for (_, entry) in snapshot.range_from(&prefix, None) {
            let object = resource.tree(&entry.value)?;
            if !selects(&object["spec"]["selector"], &labels) {
                continue;
            }
            if found.replace(object).is_some() {
                return Err(ApiError::other(
                    500,
                    "",
                    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
                ));
            }
        }
        Ok(found.map(|object| Self {
            write,
            call: call(Arc::clone(resource), &object),
            object,
        }))
    }

    pub(super) fn name(&self) -> &str {
        self.object.name()
    }

    /// Whether a pod counts for its budget: one that is not ready mostly doesn't, if the others are enough without it.
    pub(super) fn guards(&self, pod: &Value) -> bool {
        if is_ready(pod) {
            return true;
        }
        let number = |key: &str| self.object["status"][key].as_i64().unwrap_or_default();
        let always = self.object["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow";
        let enough =
            number("currentHealthy") >= number("desiredHealthy") && number("desiredHealthy") > 0;
        !always && !enough
    }

    /// Takes a disruption for a pod, or says why there is none. Of two at once, the later one looks again.
    pub(super) async fn take(&self, pod: &str) -> Result<(), ApiError> {
        if self.write.options.dry_run {
            return self.check(verdict(&self.object));
        }
        let options = WriteOptions {
            field_manager: "kube-apiserver".to_owned(),
            ..WriteOptions::default()
        };
        let write = Write {
            cluster: self.write.cluster,
            call: &self.call,
            options: &options,
        };
        let now = write.cluster.clock.seconds();
        let take = |live: Option<&Value>| {
            let mut object = live.cloned().unwrap_or_default();
            self.check(verdict(&object))?;
            disrupt(&mut object, pod, now);
            Ok(write.owned(live, &object))
        };
        write.guaranteed(false, &take).await.map(drop)
    }

    fn check(&self, verdict: Verdict) -> Result<(), ApiError> {
        let what = GroupResource {
            group: "policy",
            resource: "poddisruptionbudget",
        };
        match verdict {
            Verdict::Allowed => Ok(()),
            Verdict::Unprocessed => Err(still_processed(self.name())),
            Verdict::Forbidden(why) => Err(ApiError::forbidden(what, self.name(), why)),
            Verdict::Refused(why) => Err(refusal(why, 0)),
        }
    }
}

/// The server's own call to write a budget's status.
fn call(resource: Arc<Resource>, budget: &Value) -> Call {
    let user = User {
        name: "system:apiserver".to_owned(),
        groups: vec![
            "system:authenticated".to_owned(),
            "system:masters".to_owned(),
        ],
        ..User::default()
    };
    let mut call = Call::internal(resource, user, budget.namespace(), budget.name());
    call.info.verb = "update";
    call.info.subresource = "status".to_owned();
    call
}

fn labels(object: &Value) -> BTreeMap<String, String> {
    let labels = object["metadata"]["labels"].as_object();
    let texts = labels.into_iter().flatten();
    texts
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// No selector selects nothing; an empty one selects all.
fn selects(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    selector.is_object() && Selector::read(selector).is_ok_and(|selector| selector.matches(labels))
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// What a budget's status says to one more disruption.
fn verdict(budget: &Value) -> Verdict {
    let status = &budget["status"];
    let number = |key: &str| status[key].as_i64().unwrap_or_default();
    let (name, allowed) = (budget.name(), number("disruptionsAllowed"));
    let disrupted = status["disruptedPods"].as_object();
    if number("observedGeneration") < budget.generation() {
        return Verdict::Unprocessed;
    }
    if allowed < 0 {
        return Verdict::Forbidden("pdb disruptions allowed is negative");
    }
    if disrupted.is_some_and(|pods| pods.len() > MOST_DISRUPTED) {
        return Verdict::Forbidden(
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
        );
    }
    if allowed > 0 {
        return Verdict::Allowed;
    }
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let mut failed = conditions.filter(|condition| {
        condition["type"] == "DisruptionAllowed"
            && condition["status"] == "False"
            && condition["reason"] == "SyncFailed"
    });
    Verdict::Refused(match failed.next() {
        Some(condition) => format!(
            "The disruption budget {name} does not allow evicting pods currently because it failed sync: {}",
            condition["message"].as_str().unwrap_or_default()
        ),
        None => format!(
            "The disruption budget {name} needs {} healthy pods and has {} currently",
            number("desiredHealthy"),
            number("currentHealthy")
        ),
    })
}

/// Notes a disruption.
fn disrupt(budget: &mut Value, pod: &str, now: i64) {
    let left = budget["status"]["disruptionsAllowed"]
        .as_i64()
        .unwrap_or_default()
        - 1;
    budget["status"]["disruptionsAllowed"] = left.into();
    budget["status"]["disruptedPods"][pod] = clock::text(now).into();
    if left == 0 {
        let condition = json!({
            "type": "DisruptionAllowed",
            "status": "False",
            "observedGeneration": budget.generation(),
            "lastTransitionTime": clock::text(now),
            "reason": "InsufficientPods",
            "message": "",
        });
        special::set_condition(budget, condition);
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_DISRUPTED, Verdict, disrupt, selects, verdict};
    use serde_json::{Map, Value, json};
    use std::collections::BTreeMap;

    fn budget(status: Value) -> Value {
        json!({ "metadata": { "name": "b", "generation": 2 }, "status": status })
    }

    #[test]
    fn a_budget_is_asked_in_order() {
        let crowd: Map<String, Value> = (0..=MOST_DISRUPTED)
            .map(|number| (number.to_string(), Value::Null))
            .collect();
        for (status, expected) in [
            (json!({}), Verdict::Unprocessed),
            (
                json!({ "observedGeneration": 1, "disruptionsAllowed": 1 }),
                Verdict::Unprocessed,
            ),
            (
                json!({ "observedGeneration": 2, "disruptionsAllowed": 1 }),
                Verdict::Allowed,
            ),
            (
                json!({ "observedGeneration": 2, "disruptionsAllowed": -1 }),
                Verdict::Forbidden("pdb disruptions allowed is negative"),
            ),
            (
                json!({ "observedGeneration": 2, "disruptionsAllowed": 1, "disruptedPods": crowd }),
                Verdict::Forbidden(
                    "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
                ),
            ),
            (
                json!({ "observedGeneration": 2, "desiredHealthy": 3, "currentHealthy": 1 }),
                Verdict::Refused(
                    "The disruption budget b needs 3 healthy pods and has 1 currently".to_owned(),
                ),
            ),
        ] {
            assert_eq!(verdict(&budget(status.clone())), expected, "{status}");
        }
    }

    #[test]
    fn a_disruption_is_noted() {
        let mut budget = budget(json!({ "disruptionsAllowed": 2 }));
        disrupt(&mut budget, "a", 0);
        let first = json!({
            "disruptionsAllowed": 1, "disruptedPods": { "a": "1970-01-01T00:00:00Z" },
        });
        assert_eq!(budget["status"], first);
        disrupt(&mut budget, "b", 0);
        assert_eq!(
            budget["status"]["conditions"][0]["reason"],
            "InsufficientPods"
        );
    }

    #[test]
    fn an_empty_selector_selects_all_and_none_selects_nothing() {
        let labels = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        for (selector, expected) in [
            (Value::Null, false),
            (json!({}), true),
            (json!({ "matchLabels": { "a": "b" } }), true),
            (json!({ "matchLabels": { "a": "c" } }), false),
        ] {
            assert_eq!(selects(&selector, &labels), expected, "{selector}");
        }
    }
}
