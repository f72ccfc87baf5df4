//! Lists, sets and the building of maps: Kubernetes' lists library and cel-go's `lists` and `sets`.

use super::{no_overload, std as operators};
use crate::cel::{
    equal,
    eval::Context,
    value::{Fault, Key, List, Map, Outcome, Value},
};
use std::{cmp::Ordering, sync::Arc};

const LONGEST_RANGE: i64 = 1_000_000;

pub(super) fn call<'a>(
    name: &str,
    args: &mut Vec<Value<'a>>,
    context: &mut Context<'_>,
) -> Option<Outcome<'a>> {
    match name {
        "cel.@mapInsert" => return Some(insert(args, context)),
        "includes" => return Some(includes(args, context)),
        "lists.range" => return Some(range(args, context)),
        "sets.contains" | "sets.intersects" | "sets.equivalent" => {
            return Some(sets(name, args, context));
        }
        _ => {}
    }
    let Value::List(list) = args.first()? else {
        return None;
    };
    if let Err(fault) = context.fuel.burn(list.len()) {
        return Some(Err(fault));
    }
    if !suits(name, list) {
        return Some(Err(no_overload(name, args)));
    }
    Some(match (name, &args[1..]) {
        ("isSorted", []) => is_sorted(list),
        ("sum", []) => sum(list, context.overload),
        ("min", []) => extreme(list, name, Ordering::Greater),
        ("max", []) => extreme(list, name, Ordering::Less),
        ("indexOf", [item]) => position(list, item, context, false),
        ("lastIndexOf", [item]) => position(list, item, context, true),
        ("first", []) => end(list, 0),
        ("last", []) => end(list, list.len().wrapping_sub(1)),
        ("reverse", []) => list.to_vec().map(|mut items| {
            items.reverse();
            Value::list(items)
        }),
        ("slice", [Value::Int(start), Value::Int(end)]) => slice(list, *start, *end),
        ("flatten", []) => flatten(list, 1, context),
        ("flatten", [Value::Int(depth)]) => flatten(list, *depth, context),
        ("distinct", []) => distinct(list, context),
        ("sort", []) => sort(list, list),
        ("@sortByAssociatedKeys", [Value::List(keys)]) => sort(list, keys),
        ("slice" | "flatten" | "@sortByAssociatedKeys", _) => Err(no_overload(name, args)),
        _ => return None,
    })
}

/// Whether the first item is of a type that the function takes: the others are not looked at before.
fn suits(name: &str, list: &List<'_>) -> bool {
    let Some(Ok(first)) = list.get(0) else {
        return true;
    };
    let summed = matches!(
        first,
        Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Duration(_)
    );
    match name {
        "sum" => summed,
        "min" | "max" | "isSorted" | "sort" => {
            summed
                || matches!(
                    first,
                    Value::Bool(_) | Value::Timestamp(_) | Value::String(_) | Value::Bytes(_)
                )
        }
        _ => true,
    }
}

fn end<'a>(list: &List<'a>, index: usize) -> Outcome<'a> {
    match list.get(index) {
        Some(item) => Ok(Value::some(item?)),
        None => Ok(Value::Optional(None)),
    }
}

fn is_sorted<'a>(list: &List<'a>) -> Outcome<'a> {
    let mut before: Option<Value<'a>> = None;
    for item in list.iter() {
        let item = item?;
        if let Some(before) = &before
            && equal::compare(before, &item) == Ok(Ordering::Greater)
        {
            return Ok(Value::Bool(false));
        }
        before = Some(item);
    }
    Ok(Value::Bool(true))
}

fn sum<'a>(list: &List<'a>, overload: &str) -> Outcome<'a> {
    let mut total: Option<Value<'a>> = None;
    let overflow = || Fault::new("integer overflow");
    for item in list.iter() {
        let item = item?;
        total = Some(match (total, item) {
            (None, first) => first,
            (Some(Value::Int(a)), Value::Int(b)) => {
                Value::Int(a.checked_add(b).ok_or_else(overflow)?)
            }
            (Some(Value::Uint(a)), Value::Uint(b)) => {
                Value::Uint(a.checked_add(b).ok_or_else(overflow)?)
            }
            (Some(Value::Double(a)), Value::Double(b)) => Value::Double(a + b),
            (Some(Value::Duration(a)), Value::Duration(b)) => {
                Value::Duration(a.checked_add(b).ok_or_else(overflow)?)
            }
            _ => return Err(Fault::no_such_overload()),
        });
    }
    Ok(total.unwrap_or(match overload {
        "list_uint_sum_uint" => Value::Uint(0),
        "list_double_sum_double" => Value::Double(0.0),
        "list_duration_sum_duration" => Value::Duration(0),
        _ => Value::Int(0),
    }))
}

fn extreme<'a>(list: &List<'a>, name: &str, replaced: Ordering) -> Outcome<'a> {
    let mut best: Option<Value<'a>> = None;
    for item in list.iter() {
        let item = item?;
        best = Some(match best {
            None => item,
            Some(best) if equal::compare(&best, &item) == Ok(replaced) => item,
            Some(best) => best,
        });
    }
    best.ok_or_else(|| Fault::new(format!("{name} called on empty list")))
}

fn position<'a>(
    list: &List<'a>,
    item: &Value<'a>,
    context: &mut Context<'_>,
    last: bool,
) -> Outcome<'a> {
    let size = list.len();
    for step in 0..size {
        let index = if last { size - 1 - step } else { step };
        let Some(known) = list.get(index) else {
            break;
        };
        match equal::equal(&known?, item, context.fuel) {
            Ok(true) => return Ok(Value::Int(i64::try_from(index).unwrap_or(i64::MAX))),
            Err(Fault::Limit) => return Err(Fault::Limit),
            _ => {}
        }
    }
    Ok(Value::Int(-1))
}

fn includes<'a>(args: &[Value<'a>], context: &mut Context<'_>) -> Outcome<'a> {
    let (Some(target), Some(item)) = (args.first(), args.get(1)) else {
        return Err(Fault::no_such_overload());
    };
    let found = match target {
        Value::List(list) => matches!(position(list, item, context, false)?, Value::Int(0..)),
        target => match equal::equal(target, item, context.fuel) {
            Err(Fault::Limit) => return Err(Fault::Limit),
            same => same == Ok(true),
        },
    };
    Ok(Value::Bool(found))
}

fn range<'a>(args: &[Value<'a>], context: &mut Context<'_>) -> Outcome<'a> {
    let Some(Value::Int(count)) = args.first() else {
        return Err(no_overload("lists.range", args));
    };
    if *count > LONGEST_RANGE {
        return Err(Fault::Limit);
    }
    context.fuel.burn(usize::try_from(*count).unwrap_or(0))?;
    Ok(Value::list((0..*count).map(Value::Int).collect()))
}

fn slice<'a>(list: &List<'a>, start: i64, end: i64) -> Outcome<'a> {
    let words = |reason: String| Fault::new(format!("cannot slice({start}, {end}), {reason}"));
    let (Ok(from), Ok(to)) = (usize::try_from(start), usize::try_from(end)) else {
        return Err(words("negative indexes not supported".to_owned()));
    };
    if from > to {
        return Err(words(
            "start index must be less than or equal to end index".to_owned(),
        ));
    }
    if list.len() < to {
        return Err(words(format!("list is length {}", list.len())));
    }
    let items: Result<Vec<_>, _> = (from..to).filter_map(|index| list.get(index)).collect();
    Ok(Value::list(items?))
}

fn flatten<'a>(list: &List<'a>, depth: i64, context: &mut Context<'_>) -> Outcome<'a> {
    if depth < 0 {
        return Err(Fault::new("level must be non-negative"));
    }
    let mut out = Vec::new();
    flatten_into(list, depth, context, &mut out)?;
    Ok(Value::list(out))
}

fn flatten_into<'a>(
    list: &List<'a>,
    depth: i64,
    context: &mut Context<'_>,
    out: &mut Vec<Value<'a>>,
) -> Result<(), Fault> {
    context.fuel.enter()?;
    context.fuel.burn(list.len())?;
    for item in list.iter() {
        match item? {
            Value::List(inner) if depth > 0 => flatten_into(&inner, depth - 1, context, out)?,
            item => out.push(item),
        }
    }
    context.fuel.leave();
    Ok(())
}

fn distinct<'a>(list: &List<'a>, context: &mut Context<'_>) -> Outcome<'a> {
    let mut out: Vec<Value<'a>> = Vec::new();
    for item in list.iter() {
        let item = item?;
        let mut seen = false;
        for known in &out {
            match equal::equal(&item, known, context.fuel) {
                Ok(true) => {
                    seen = true;
                    break;
                }
                Err(Fault::Limit) => return Err(Fault::Limit),
                _ => {}
            }
        }
        if !seen {
            out.push(item);
        }
    }
    Ok(Value::list(out))
}

/// Sorts by keys. Stable, unlike cel-go, whose order of equal keys is left open.
fn sort<'a>(list: &List<'a>, keys: &List<'a>) -> Outcome<'a> {
    if list.len() != keys.len() {
        return Err(Fault::new(format!(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {} \
             and {} elements respectively",
            list.len(),
            keys.len()
        )));
    }
    let mut pairs: Vec<(Value<'a>, Value<'a>)> =
        keys.to_vec()?.into_iter().zip(list.to_vec()?).collect();
    let Some((first, _)) = pairs.first() else {
        return Ok(Value::List(list.clone()));
    };
    if equal::compare(first, first).is_err() && !matches!(first, Value::Double(_)) {
        return Err(Fault::new("list elements must be comparable"));
    }
    let name = first.type_of();
    if pairs.iter().any(|(key, _)| key.type_of() != name) {
        return Err(Fault::new("list elements must have the same type"));
    }
    pairs.sort_by(|(a, _), (b, _)| equal::compare(a, b).unwrap_or(Ordering::Equal));
    Ok(Value::list(
        pairs.into_iter().map(|(_, item)| item).collect(),
    ))
}

fn sets<'a>(name: &str, args: &[Value<'a>], context: &mut Context<'_>) -> Outcome<'a> {
    let [Value::List(a), Value::List(b)] = args else {
        return Err(no_overload(name, args));
    };
    let whole = |list: &List<'a>| Value::List(list.clone());
    match name {
        "sets.intersects" => {
            for item in a.iter() {
                match operators::contains(&item?, &whole(b), context) {
                    Ok(Value::Bool(true)) => return Ok(Value::Bool(true)),
                    Err(Fault::Limit) => return Err(Fault::Limit),
                    _ => {}
                }
            }
            Ok(Value::Bool(false))
        }
        "sets.contains" => contains_all(a, b, context),
        _ => match contains_all(a, b, context)? {
            Value::Bool(true) => contains_all(b, a, context),
            other => Ok(other),
        },
    }
}

fn contains_all<'a>(list: &List<'a>, part: &List<'a>, context: &mut Context<'_>) -> Outcome<'a> {
    for item in part.iter() {
        match operators::contains(&item?, &Value::List(list.clone()), context)? {
            Value::Bool(true) => {}
            other => return Ok(other),
        }
    }
    Ok(Value::Bool(true))
}

fn insert<'a>(args: &mut Vec<Value<'a>>, context: &mut Context<'_>) -> Outcome<'a> {
    let mut rest = args.drain(..);
    let Some(Value::Map(map)) = rest.next() else {
        return Err(Fault::no_such_overload());
    };
    let mut entries = operators::entries(map, context)?;
    let mut put = |key: Value<'a>, value: Value<'a>| -> Result<(), Fault> {
        let name = Key::of(&key).ok_or_else(|| Fault::new("unsupported key type"))?;
        if entries.contains_key(&name) {
            return Err(Fault::new(format!(
                "insert failed: key {key} already exists"
            )));
        }
        entries.insert(name, value);
        Ok(())
    };
    match (rest.next(), rest.next()) {
        (Some(key), Some(value)) => put(key, value)?,
        (Some(Value::Map(more)), None) => {
            context.fuel.burn(more.len())?;
            for key in more.keys() {
                if let Some(value) = more.find(&key)? {
                    put(key, value)?;
                }
            }
        }
        _ => return Err(Fault::no_such_overload()),
    }
    Ok(Value::Map(Map::Made(Arc::new(entries))))
}
