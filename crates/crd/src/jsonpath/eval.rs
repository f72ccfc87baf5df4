//! From steps to values. Any fault ends the evaluation: its words are shown nowhere. Only whether something was found
//! before matters, to filters that ask whether something is there.

use super::{Slice, Step, compare::passes};
use serde_json::Value;

/// No evaluation holds more values than this at a time: `..` after `..` grows fast.
const ITEMS_MAX: usize = 100_000;

/// One value on the way.
#[derive(Debug, Clone)]
pub(crate) enum Item<'a> {
    /// Part of the object.
    Tree(&'a Value),
    /// A literal of the path.
    Text(&'a str),
    /// As `Text`; also a byte of a text.
    Int(i64),
    /// As `Text`.
    Float(f64),
    /// As `Text`.
    Bool(bool),
}

/// The values, or a fault and whether there still was something where it happened.
pub(super) type Walked<'a> = Result<Vec<Item<'a>>, Fault>;

/// The end of an evaluation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    left: bool,
}

/// A fault in a step that had something to look at.
const FAULT: Fault = Fault { left: true };

/// Walks from the items through the steps.
pub(super) fn walk<'a>(mut items: Vec<Item<'a>>, steps: &'a [Step]) -> Walked<'a> {
    for step in steps {
        items = one(items, step)?;
        if items.len() > ITEMS_MAX {
            return Err(FAULT);
        }
    }
    Ok(items)
}

fn one<'a>(items: Vec<Item<'a>>, step: &'a Step) -> Walked<'a> {
    let each = |item: &Item<'a>| vec![item.clone(); items.len()];
    Ok(match step {
        Step::Text(text) => vec![Item::Text(text)],
        Step::Int(number) => each(&Item::Int(*number)),
        Step::Float(number) => each(&Item::Float(*number)),
        Step::Bool(flag) => each(&Item::Bool(*flag)),
        Step::Field(name) => {
            let field = |item: Item<'a>| {
                item.object()
                    .and_then(|fields| fields.get(name))
                    .map(Item::Tree)
            };
            items.into_iter().filter_map(field).collect()
        }
        Step::Slice(slice) => cut(&items, *slice).ok_or(FAULT)?,
        Step::Filter {
            left,
            operator,
            right,
        } => filter(&items, left, operator, right)?,
        Step::Wildcard => {
            let mut found = Vec::new();
            for item in items {
                item.children(&mut found);
            }
            found
        }
        Step::Recursive => {
            let mut found = Vec::new();
            for item in items {
                descend(item, &mut found).ok_or(FAULT)?;
            }
            found
        }
        Step::Union(branches) => {
            let mut found = Vec::new();
            for branch in branches {
                let part = walk(items.clone(), branch);
                found.extend(part.map_err(|_| Fault {
                    left: !items.is_empty(),
                })?);
                if found.len() > ITEMS_MAX {
                    return Err(FAULT);
                }
            }
            found
        }
        Step::Word => {
            return Err(Fault {
                left: !items.is_empty(),
            });
        }
    })
}

fn cut<'a>(items: &[Item<'a>], slice: Slice) -> Option<Vec<Item<'a>>> {
    let mut found = Vec::new();
    for item in items.iter().filter(|item| !item.is_null()) {
        let list = item.list()?;
        let length = i64::try_from(list.len()).ok()?;
        let mut from = slice.from.unwrap_or(0);
        if from < 0 {
            from += length;
        }
        let mut to = slice.to.unwrap_or(length);
        if to < 0 || to == 0 && slice.to_derived {
            to += length;
        }
        if from == to {
            // Nothing more of the other items either, as in client-go.
            return Some(found);
        }
        if from < 0 || from >= length || to < 0 || to > length || from > to {
            return None;
        }
        let step = slice.step.unwrap_or(1);
        if step <= 0 {
            return None;
        }
        let range = usize::try_from(from).ok()?..usize::try_from(to).ok()?;
        found.extend(
            list.get(range)?
                .iter()
                .step_by(usize::try_from(step).ok()?)
                .map(Item::Tree),
        );
    }
    Some(found)
}

fn filter<'a>(
    items: &[Item<'a>],
    left: &'a [Step],
    operator: &str,
    right: &'a [Step],
) -> Walked<'a> {
    let mut found = Vec::new();
    for item in items {
        for value in item.list().ok_or(FAULT)? {
            let lefts = walk(vec![Item::Tree(value)], left);
            if operator == "exists" {
                if lefts.map_or_else(|fault| fault.left, |lefts| !lefts.is_empty()) {
                    found.push(Item::Tree(value));
                }
                continue;
            }
            let Some(left) = single(lefts.map_err(|_| FAULT)?)? else {
                continue;
            };
            let rights = walk(vec![Item::Tree(value)], right).map_err(|_| FAULT)?;
            let Some(right) = single(rights)? else {
                continue;
            };
            if passes(&left, operator, &right).ok_or(Fault {
                left: !found.is_empty(),
            })? {
                found.push(Item::Tree(value));
            }
        }
    }
    Ok(found)
}

/// The only one, if there is one; a fault where there are several.
fn single(mut items: Vec<Item<'_>>) -> Result<Option<Item<'_>>, Fault> {
    let one = items.pop();
    if items.is_empty() {
        Ok(one)
    } else {
        Err(FAULT)
    }
}

/// What has something inside, before what is inside of it. A text has bytes inside.
fn descend<'a>(item: Item<'a>, found: &mut Vec<Item<'a>>) -> Option<()> {
    let mut stack = vec![item];
    while let Some(item) = stack.pop() {
        if found.len() > ITEMS_MAX || stack.len() > ITEMS_MAX {
            return None;
        }
        match &item {
            Item::Tree(Value::Array(list)) => {
                stack.extend(list.iter().rev().map(Item::Tree));
                if list.is_empty() {
                    continue;
                }
            }
            Item::Tree(Value::Object(fields)) => {
                stack.extend(fields.values().rev().map(Item::Tree));
                if fields.is_empty() {
                    continue;
                }
            }
            Item::Tree(Value::String(text)) if !text.is_empty() => {}
            Item::Text(text) if !text.is_empty() => {}
            _ => continue,
        }
        found.push(item);
    }
    Some(())
}

impl<'a> Item<'a> {
    fn is_null(&self) -> bool {
        matches!(self, Self::Tree(Value::Null))
    }

    fn object(&self) -> Option<&'a serde_json::Map<String, Value>> {
        match self {
            Self::Tree(value) => value.as_object(),
            _ => None,
        }
    }

    fn list(&self) -> Option<&'a [Value]> {
        match self {
            Self::Tree(Value::Array(list)) => Some(list),
            _ => None,
        }
    }

    fn children(&self, found: &mut Vec<Self>) {
        let bytes = match self {
            Self::Tree(Value::Array(list)) => return found.extend(list.iter().map(Item::Tree)),
            Self::Tree(Value::Object(fields)) => {
                return found.extend(fields.values().map(Item::Tree));
            }
            Self::Tree(Value::String(text)) => text.as_bytes(),
            Self::Text(text) => text.as_bytes(),
            _ => return,
        };
        found.extend(
            bytes
                .iter()
                .take(ITEMS_MAX)
                .map(|byte| Item::Int(i64::from(*byte))),
        );
    }
}
