//! An applied configuration merged into a live object: nothing is removed, what is applied wins.
//!
//! Lists keep the applied order for what is applied, and the live order around it.

use super::{
    atom::{List, Map, Shape, Ty},
    compare::{invalid, is_blank, items, names},
    item,
    problems::Problems,
};
use crate::fields::PathElement;
use serde_json::{Map as Object, Value};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

type Side<'a> = Option<&'a Value>;

/// Merges `applied` into `live`.
pub(crate) fn merge(live: &Value, applied: &Value, ty: Ty<'_>) -> Result<Value, Problems> {
    let mut problems = Problems::default();
    let out = value(Some(live), Some(applied), ty, &mut problems);
    if problems.is_empty() {
        Ok(out.unwrap_or(Value::Null))
    } else {
        Err(problems)
    }
}

fn value(live: Side<'_>, applied: Side<'_>, ty: Ty<'_>, problems: &mut Problems) -> Option<Value> {
    let atom = ty.resolve();
    let of = |side: Side<'_>| side.map_or(atom, |value| atom.of(value));
    let (live_atom, applied_atom) = (of(live), of(applied));
    if applied.is_none() {
        return shape(live_atom.shape(), live, applied, problems);
    }
    if live.is_some() && live_atom.kinds() != applied_atom.kinds() {
        // For its problems only.
        shape(live_atom.shape(), live, applied, problems);
    }
    shape(applied_atom.shape(), live, applied, problems)
}

fn shape(
    shape: Shape<'_>,
    live: Side<'_>,
    applied: Side<'_>,
    problems: &mut Problems,
) -> Option<Value> {
    let leaf = || applied.or(live).cloned();
    match shape {
        Shape::Scalar(kind) => match invalid(live, applied, kind) {
            Some(found) => {
                problems.add(found);
                None
            }
            None => leaf(),
        },
        Shape::Map(map) => {
            if map.atomic || (is_blank(live) && is_blank(applied)) {
                return leaf();
            }
            fields(&map, live, applied, problems)
        }
        Shape::List(list) => {
            if list.keys.is_none() || (items(live).is_empty() && items(applied).is_empty()) {
                return leaf();
            }
            merge_items(&list, items(live), items(applied), problems)
        }
        Shape::Nothing => {
            problems.add(Problems::one("schema error: invalid atom: inlined"));
            None
        }
    }
}

fn fields(
    map: &Map<'_>,
    live: Side<'_>,
    applied: Side<'_>,
    problems: &mut Problems,
) -> Option<Value> {
    let names: BTreeSet<&String> = names(live).chain(names(applied)).collect();
    let mut out = Object::new();
    for name in names {
        let mut found = Problems::default();
        let live = live.and_then(|live| live.get(name));
        let applied = applied.and_then(|applied| applied.get(name));
        if let Some(field) = value(live, applied, map.field(name), &mut found) {
            out.insert(name.clone(), field);
        }
        problems.add_below(&PathElement::field(name), found);
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

/// The items of one side by their elements, in their order.
struct Index<'a> {
    order: Vec<PathElement>,
    items: BTreeMap<PathElement, &'a Value>,
}

impl<'a> Index<'a> {
    fn of(list: &List<'_>, items: &'a [Value], duplicates: bool, problems: &mut Problems) -> Self {
        let mut index = Self {
            order: Vec::with_capacity(items.len()),
            items: BTreeMap::new(),
        };
        for (i, item) in items.iter().enumerate() {
            let element = match item::element(list, item) {
                Ok(element) => element,
                Err(error) => {
                    problems.add(Problems::one(format!("element {i}: {error}")));
                    continue;
                }
            };
            if !index.items.contains_key(&element) {
                index.items.insert(element.clone(), item);
            } else if duplicates {
                // Duplicates are not merged with what is applied.
                index.items.insert(element.clone(), &Value::Null);
            } else {
                let message = format!("duplicate entries for key {element}");
                problems.add(Problems::one(message));
                continue;
            }
            index.order.push(element);
        }
        index
    }
}

fn merge_items(
    list: &List<'_>,
    live_items: &[Value],
    applied_items: &[Value],
    problems: &mut Problems,
) -> Option<Value> {
    let mut found = Problems::default();
    let applied = Index::of(list, applied_items, false, &mut found);
    let live = Index::of(list, live_items, true, &mut found);
    if !found.is_empty() {
        problems.add(found);
        return None;
    }
    let mut shared: VecDeque<&PathElement> = applied
        .order
        .iter()
        .filter(|element| live.items.contains_key(element))
        .collect();
    let mut next_shared = shared.pop_front();
    let mut merged: BTreeSet<&PathElement> = BTreeSet::new();
    let mut out = Vec::with_capacity(live_items.len().max(applied_items.len()));
    // What is wrong inside items is not reported here: validation did.
    let take = |out: &mut Vec<Value>, live: Side<'_>, applied: Side<'_>| {
        out.extend(value(live, applied, list.element, &mut Problems::default()));
    };
    let (mut l, mut r) = (0, 0);
    while l < live.order.len() || r < applied.order.len() {
        if let (Some(element), Some(theirs)) = (live.order.get(l), applied.order.get(r)) {
            if element == theirs {
                merged.insert(theirs);
                let (ours, theirs) = (live.items.get(element), applied.items.get(element));
                take(&mut out, ours.copied(), theirs.copied());
                l += 1;
                r += 1;
                next_shared = shared.pop_front();
                continue;
            }
            let wanted = next_shared.is_none_or(|next| next == element);
            if applied.items.contains_key(element) && !wanted {
                l += 1;
                continue;
            }
        }
        if let Some(element) = live.order.get(l) {
            if !applied.items.contains_key(element) {
                take(&mut out, live_items.get(l), None);
                l += 1;
                continue;
            }
            if merged.contains(element) {
                l += 1;
            }
        }
        if let Some(element) = applied.order.get(r) {
            merged.insert(element);
            let (ours, theirs) = (live.items.get(element), applied.items.get(element));
            take(&mut out, ours.copied(), theirs.copied());
            r += 1;
            if next_shared == Some(element) {
                next_shared = shared.pop_front();
            }
        }
    }
    (!out.is_empty()).then_some(Value::Array(out))
}
