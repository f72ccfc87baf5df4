//! Conditions: what a status says of an object, and how a new one is merged into what is there.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::intern::Interner;

/// A condition as it is stored in a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) kind: Arc<str>,
    pub(crate) status: Arc<str>,
    pub(crate) reason: Arc<str>,
    pub(crate) message: Arc<str>,
    pub(crate) observed_generation: i64,
    /// Seconds since 1970.
    pub(crate) changed_s: i64,
}

/// A condition as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) kind: &'static str,
    /// `None`: it can't be known.
    pub(crate) truth: Option<bool>,
    pub(crate) reason: &'static str,
    pub(crate) message: Arc<str>,
    /// When it is of another generation than the object's.
    pub(crate) generation: Option<i64>,
}

impl Wanted {
    pub(crate) fn yes(kind: &'static str, reason: &'static str, message: &str) -> Self {
        Self::new(kind, Some(true), reason, message)
    }

    pub(crate) fn no(kind: &'static str, reason: &'static str, message: &str) -> Self {
        Self::new(kind, Some(false), reason, message)
    }

    pub(crate) fn unknown(kind: &'static str, reason: &'static str, message: &str) -> Self {
        Self::new(kind, None, reason, message)
    }

    pub(crate) fn new(
        kind: &'static str,
        truth: Option<bool>,
        reason: &'static str,
        message: &str,
    ) -> Self {
        Self {
            kind,
            truth,
            reason,
            message: shorten(message).into(),
            generation: None,
        }
    }
}

/// Longest message that a condition may have, in bytes.
const MESSAGE_BYTES_MAX: usize = 1024;

/// At most so much of a message as fits, cut between characters.
fn shorten(message: &str) -> &str {
    let mut end = message.len().min(MESSAGE_BYTES_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

/// What is true of the object whose conditions are merged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now_s: i64,
    pub(crate) generation: i64,
}

/// Brings `stored` to what is wanted: in place, keeping foreign types, and the time of those whose status stays.
/// `ours` lists the types that go when nobody wants them.
pub(crate) fn merge(
    stored: &[Condition],
    wanted: &[Wanted],
    ours: &[&str],
    moment: Moment,
    interner: &mut Interner,
) -> Vec<Condition> {
    let mut merged = Vec::with_capacity(stored.len().max(wanted.len()));
    for old in stored {
        match wanted.iter().find(|new| new.kind == &*old.kind) {
            Some(new) => merged.push(fresh(new, Some(old), moment, interner)),
            None if ours.contains(&&*old.kind) => {}
            None => merged.push(old.clone()),
        }
    }
    for new in wanted {
        if !stored.iter().any(|old| &*old.kind == new.kind) {
            merged.push(fresh(new, None, moment, interner));
        }
    }
    merged
}

fn fresh(
    new: &Wanted,
    old: Option<&Condition>,
    moment: Moment,
    interner: &mut Interner,
) -> Condition {
    let status = match new.truth {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    Condition {
        kind: interner.get(new.kind),
        status: interner.get(status),
        reason: interner.get(new.reason),
        message: interner.get(&new.message),
        observed_generation: new.generation.unwrap_or(moment.generation),
        changed_s: match old {
            Some(old) if &*old.status == status => old.changed_s,
            _ => moment.now_s,
        },
    }
}

/// Whether somebody who knows a newer generation wrote these.
pub(crate) fn is_ahead(stored: &[Condition], ours: &[&str], generation: i64) -> bool {
    stored
        .iter()
        .any(|one| ours.contains(&&*one.kind) && one.observed_generation > generation)
}

/// As Kubernetes writes times.
pub(crate) fn time_text(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_string()
}

/// Seconds since 1970 of a time as Kubernetes writes it; 0 of anything else.
pub(crate) fn time_seconds(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>()
        .map(jiff::Timestamp::as_second)
        .unwrap_or(0)
}

pub(crate) fn render(conditions: &[Condition], only: Option<&[&str]>) -> Value {
    conditions
        .iter()
        .filter(|one| only.is_none_or(|only| only.contains(&&*one.kind)))
        .map(|one| {
            json!({
                "type": &*one.kind,
                "status": &*one.status,
                "reason": &*one.reason,
                "message": &*one.message,
                "observedGeneration": one.observed_generation,
                "lastTransitionTime": time_text(one.changed_s),
            })
        })
        .collect()
}
