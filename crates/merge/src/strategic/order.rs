//! The order of merged lists: what is patched follows the patch, the rest follows the live list, interleaved.

use super::{
    StrategicError,
    directives::{DELETE, PATCH},
    lists::key_of,
};
use crate::words;
use serde_json::Value;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

/// How items are told apart.
#[derive(Debug, Clone, Copy)]
pub(super) enum By<'k> {
    /// By the field of this name.
    Key(&'k str),
    /// By themselves.
    Value,
}

impl By<'_> {
    fn text(self, item: &Value) -> String {
        match self {
            Self::Key(key) => item.get(key).map(words::json).unwrap_or_default(),
            Self::Value => words::json(item),
        }
    }
}

/// The place of each item in a list.
struct Places<'k> {
    by: By<'k>,
    first: BTreeMap<String, usize>,
}

impl<'k> Places<'k> {
    fn of(list: &[Value], by: By<'k>) -> Self {
        let mut first = BTreeMap::new();
        for (i, item) in list.iter().enumerate() {
            first.entry(by.text(item)).or_insert(i);
        }
        Self { by, first }
    }

    fn find(&self, item: &Value) -> Option<usize> {
        self.first.get(&self.by.text(item)).copied()
    }
}

fn is_deleted(item: &Value) -> bool {
    item.get(PATCH).and_then(Value::as_str) == Some(DELETE)
}

/// Whether the patched items come in the order that the patch says.
pub(super) fn check(
    patch: &[Value],
    wanted: &[Value],
    merge_key: &str,
) -> Result<(), StrategicError> {
    if wanted.is_empty() || patch.is_empty() {
        return Ok(());
    }
    let mut rest: Vec<&Value> = patch.iter().collect();
    if !merge_key.is_empty() {
        if let Some(bad) = patch.iter().find(|item| !item.is_object()) {
            key_of(bad, merge_key)?;
        }
        rest.retain(|item| !is_deleted(item));
    }
    let mut rest = rest.into_iter().peekable();
    let mut wanted_left = wanted.iter().peekable();
    while let (Some(item), Some(next)) = (rest.peek(), wanted_left.peek()) {
        // What has another directive may stand anywhere but at the end.
        if item.get(PATCH).is_some() {
            rest.next();
            continue;
        }
        let same = if merge_key.is_empty() {
            item == next
        } else {
            key_of(item, merge_key)? == key_of(next, merge_key)?
        };
        if same {
            rest.next();
        }
        wanted_left.next();
    }
    if rest.peek().is_none() {
        return Ok(());
    }
    let shown = |list: &[Value]| words::plain_value(&Value::Array(list.to_vec()));
    Err(StrategicError::Other(format!(
        "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
        shown(patch),
        shown(wanted)
    )))
}

/// What of `merged` is in the list `wanted`, and what isn't.
pub(super) fn split(
    merged: Vec<Value>,
    wanted: &[Value],
    merge_key: &str,
) -> Result<(Vec<Value>, Vec<Value>), StrategicError> {
    if merge_key.is_empty() {
        let wanted: BTreeSet<String> = wanted.iter().map(words::json).collect();
        return Ok(merged
            .into_iter()
            .partition(|item| wanted.contains(&words::json(item))));
    }
    for item in &merged {
        key_of(item, merge_key)?;
    }
    if let Some(i) = wanted.iter().position(|item| !item.is_object())
        && !merged.is_empty()
    {
        return Err(StrategicError::Other(format!(
            "value for key {i} is not a map"
        )));
    }
    let by = By::Key(merge_key);
    let wanted: BTreeSet<String> = wanted
        .iter()
        .filter(|item| item.get(merge_key).is_some())
        .map(|item| by.text(item))
        .collect();
    Ok(merged
        .into_iter()
        .partition(|item| wanted.contains(&by.text(item))))
}

/// Sorts `patched` by `patch_order` and `rest` by `live_order`, and interleaves them by `live_order`.
pub(super) fn arrange(
    patched: Vec<Value>,
    rest: Vec<Value>,
    patch_order: &[Value],
    live_order: &[Value],
    by: By<'_>,
) -> Result<Vec<Value>, StrategicError> {
    let patched = sort(patched, patch_order, by)?;
    let rest = sort(rest, live_order, by)?;
    let live = Places::of(live_order, by);
    let mut out = Vec::with_capacity(patched.len() + rest.len());
    let mut rest = rest.into_iter().peekable();
    for item in patched {
        let place = live.find(&item);
        while let Some(other) = rest.peek()
            && let (Some(mine), Some(theirs)) = (place, live.find(other))
            && theirs < mine
        {
            out.extend(rest.next());
        }
        out.push(item);
    }
    out.extend(rest);
    Ok(out)
}

fn sort(items: Vec<Value>, order: &[Value], by: By<'_>) -> Result<Vec<Value>, StrategicError> {
    let mut deleted = Vec::new();
    let mut items = items;
    if let By::Key(key) = by {
        for item in items.iter().chain(order) {
            key_of(item, key)?;
        }
        (deleted, items) = items.into_iter().partition(is_deleted);
    }
    let places = Places::of(order, by);
    let mut placed: Vec<(Option<usize>, Value)> = items
        .into_iter()
        .map(|item| (places.find(&item), item))
        .collect();
    // Items that have no place go before whatever stands before them, as Kubernetes' comparison has it. That is
    // no order, so the sort is the one that Go uses for short lists.
    if placed.iter().all(|(place, _)| place.is_some()) || placed.len() > SHORT {
        placed.sort_by(|(left, _), (right, _)| match (left, right) {
            (Some(left), Some(right)) => left.cmp(right),
            (left, right) => right.is_some().cmp(&left.is_some()),
        });
    } else {
        for i in 1..placed.len() {
            let mut j = i;
            while j > 0 && goes_before(placed[j].0, placed[j - 1].0) {
                placed.swap(j, j - 1);
                j -= 1;
            }
        }
    }
    let mut out: Vec<Value> = placed.into_iter().map(|(_, item)| item).collect();
    out.extend(deleted);
    Ok(out)
}

/// The length up to which Go sorts by insertion.
const SHORT: usize = 20;

fn goes_before(left: Option<usize>, right: Option<usize>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => left.cmp(&right) == Ordering::Less,
        _ => true,
    }
}
