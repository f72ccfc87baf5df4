//! Statuses as they are stored in objects.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::reference::{ParentRef, RawReference};
use crate::{
    condition::{Condition, time_seconds},
    intern::Interner,
};

/// The status of an object whose conditions stand at its top, maybe with listeners (GatewayClass, Gateway,
/// ListenerSet, Backend).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TopStatus {
    pub(crate) conditions: Vec<Condition>,
    pub(crate) addresses: Vec<(Arc<str>, Arc<str>)>,
    pub(crate) listeners: Vec<ListenerStatus>,
    pub(crate) attached_sets: Option<i64>,
    pub(crate) features: Vec<Arc<str>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ListenerStatus {
    pub(crate) name: Arc<str>,
    pub(crate) attached: i64,
    /// Group and kind.
    pub(crate) kinds: Vec<(Arc<str>, Arc<str>)>,
    pub(crate) conditions: Vec<Condition>,
}

/// One entry of a list that several controllers share: `parents` of a route, `ancestors` of a policy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SharedEntry {
    Ours {
        parent: ParentRef,
        conditions: Vec<Condition>,
    },
    /// Another controller's, as it is.
    Foreign(Box<str>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawCondition {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    observed_generation: i64,
    #[serde(default)]
    last_transition_time: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTop {
    #[serde(default)]
    conditions: Option<Vec<RawCondition>>,
    #[serde(default)]
    addresses: Option<Vec<RawAddress>>,
    #[serde(default)]
    listeners: Option<Vec<RawListener>>,
    #[serde(default)]
    attached_listener_sets: Option<i64>,
    #[serde(default)]
    supported_features: Option<Vec<RawFeature>>,
}

#[derive(Deserialize)]
struct RawAddress {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawListener {
    name: String,
    #[serde(default)]
    attached_routes: i64,
    #[serde(default)]
    supported_kinds: Option<Vec<RawKind>>,
    #[serde(default)]
    conditions: Option<Vec<RawCondition>>,
}

#[derive(Deserialize)]
struct RawKind {
    #[serde(default)]
    group: Option<String>,
    kind: String,
}

#[derive(Deserialize)]
struct RawFeature {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawShared<'a> {
    #[serde(borrow, default, alias = "ancestors")]
    parents: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEntry {
    #[serde(alias = "ancestorRef")]
    parent_ref: RawReference,
    controller_name: String,
    #[serde(default)]
    conditions: Option<Vec<RawCondition>>,
}

fn keep(raw: Option<Vec<RawCondition>>, interner: &mut Interner) -> Vec<Condition> {
    raw.unwrap_or_default()
        .into_iter()
        .map(|one| Condition {
            kind: interner.get(&one.kind),
            status: interner.get(&one.status),
            reason: interner.get(&one.reason),
            message: interner.get(&one.message),
            observed_generation: one.observed_generation,
            changed_s: time_seconds(one.last_transition_time.as_deref().unwrap_or_default()),
        })
        .collect()
}

/// Reads a status with conditions at its top. One that can't be read counts as empty: it's written anew.
pub(crate) fn top(part: Option<&RawValue>, interner: &mut Interner) -> TopStatus {
    let raw: Option<RawTop> = super::read(part).unwrap_or_default();
    let raw = raw.unwrap_or_default();
    TopStatus {
        conditions: keep(raw.conditions, interner),
        addresses: raw
            .addresses
            .unwrap_or_default()
            .into_iter()
            .map(|one| {
                let kind = one.kind.unwrap_or_else(|| "IPAddress".to_owned());
                (interner.get(&kind), interner.get(&one.value))
            })
            .collect(),
        listeners: raw
            .listeners
            .unwrap_or_default()
            .into_iter()
            .map(|one| ListenerStatus {
                name: interner.get(&one.name),
                attached: one.attached_routes,
                kinds: one
                    .supported_kinds
                    .unwrap_or_default()
                    .iter()
                    .map(|kind| {
                        let group = kind.group.as_deref().unwrap_or(crate::key::GATEWAY_GROUP);
                        (interner.get(group), interner.get(&kind.kind))
                    })
                    .collect(),
                conditions: keep(one.conditions, interner),
            })
            .collect(),
        attached_sets: raw.attached_listener_sets,
        features: raw
            .supported_features
            .unwrap_or_default()
            .iter()
            .map(|one| interner.get(&one.name))
            .collect(),
    }
}

/// Reads a list that several controllers share. An entry that can't be read is another's.
pub(crate) fn shared(
    part: Option<&RawValue>,
    controller: &str,
    interner: &mut Interner,
) -> Box<[SharedEntry]> {
    let raw: Option<RawShared<'_>> = super::read(part).unwrap_or_default();
    let entries = raw.and_then(|raw| raw.parents).unwrap_or_default();
    entries
        .into_iter()
        .map(
            |entry| match serde_json::from_str::<RawEntry>(entry.get()) {
                Ok(raw) if raw.controller_name == controller => SharedEntry::Ours {
                    parent: ParentRef::new(&raw.parent_ref, interner),
                    conditions: keep(raw.conditions, interner),
                },
                _ => SharedEntry::Foreign(entry.get().into()),
            },
        )
        .collect()
}
