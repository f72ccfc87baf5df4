//! cel-go's strings library, version 2.

use super::no_overload;
use crate::cel::{
    eval::Context,
    value::{Fault, Outcome, Value},
};

/// No result of one call is longer than this: past it the cost limit would have ended things anyway.
const LONGEST: usize = 64 << 20;

pub(super) fn call<'a>(
    name: &str,
    args: &[Value<'a>],
    context: &mut Context<'_>,
) -> Option<Outcome<'a>> {
    if matches!((name, args.first()), ("join", Some(Value::List(_)))) {
        return Some(join(args));
    }
    let text = args.first()?.as_str()?;
    if let Err(fault) = context.fuel.burn(text.len() / 16) {
        return Some(Err(fault));
    }
    Some(match (name, &args[1..]) {
        ("charAt", [Value::Int(index)]) => char_at(text, *index),
        ("indexOf", [Value::String(part)]) => index_of(text, part.as_str(), 0),
        ("indexOf", [Value::String(part), Value::Int(from)]) => {
            index_of(text, part.as_str(), *from)
        }
        ("lastIndexOf", [Value::String(part)]) => last_index_of(text, part.as_str(), None),
        ("lastIndexOf", [Value::String(part), Value::Int(from)]) => {
            last_index_of(text, part.as_str(), Some(*from))
        }
        ("lowerAscii", []) => Ok(Value::text(text.to_ascii_lowercase())),
        ("upperAscii", []) => Ok(Value::text(text.to_ascii_uppercase())),
        ("trim", []) => Ok(Value::text(trim(text))),
        ("replace", [Value::String(old), Value::String(new)]) => {
            replace(text, old.as_str(), new.as_str(), -1)
        }
        ("replace", [Value::String(old), Value::String(new), Value::Int(count)]) => {
            replace(text, old.as_str(), new.as_str(), *count)
        }
        ("split", [Value::String(by)]) => split(text, by.as_str(), -1),
        ("split", [Value::String(by), Value::Int(count)]) => split(text, by.as_str(), *count),
        ("substring", [Value::Int(start)]) => substring(text, *start, None),
        ("substring", [Value::Int(start), Value::Int(end)]) => substring(text, *start, Some(*end)),
        ("strings.quote", []) => Ok(Value::text(quote(text))),
        (
            "charAt" | "indexOf" | "lastIndexOf" | "replace" | "split" | "substring"
            | "strings.quote",
            _,
        ) => Err(no_overload(name, args)),
        _ => return None,
    })
}

fn out_of_range(index: i64) -> Fault {
    Fault::new(format!("index out of range: {index}"))
}

fn length(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

/// The byte offset of a code point.
fn offset(text: &str, index: i64) -> usize {
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    text.char_indices()
        .nth(index)
        .map_or(text.len(), |(at, _)| at)
}

fn int<'a>(value: usize) -> Value<'a> {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

fn char_at<'a>(text: &str, index: i64) -> Outcome<'a> {
    let size = length(text);
    if index < 0 || index > size {
        return Err(out_of_range(index));
    }
    let at = offset(text, index);
    Ok(Value::text(
        text[at..]
            .chars()
            .next()
            .map(String::from)
            .unwrap_or_default(),
    ))
}

fn index_of<'a>(text: &str, part: &str, from: i64) -> Outcome<'a> {
    if from < 0 {
        return Err(out_of_range(from));
    }
    let size = length(text);
    if part.is_empty() {
        return Ok(Value::Int(from.min(size)));
    }
    if from >= size {
        return Ok(Value::Int(-1));
    }
    let start = offset(text, from);
    Ok(match text[start..].find(part) {
        Some(at) => int(text[..start + at].chars().count()),
        None => Value::Int(-1),
    })
}

fn last_index_of<'a>(text: &str, part: &str, from: Option<i64>) -> Outcome<'a> {
    let size = length(text);
    if let Some(from) = from.filter(|from| *from < 0) {
        return Err(out_of_range(from));
    }
    if part.is_empty() {
        return Ok(Value::Int(from.unwrap_or(size).min(size)));
    }
    let from = match from {
        Some(from) if from >= size => return Ok(Value::Int(-1)),
        Some(from) => from,
        None => size,
    };
    // The part may begin at `from` at the latest.
    let latest = from.min(size - length(part));
    if latest < 0 {
        return Ok(Value::Int(-1));
    }
    // Any that begins later than `latest` ends after this.
    let end = offset(text, latest) + part.len();
    let haystack = text.get(..end).unwrap_or(text);
    let found = haystack.rfind(part).map(|at| text[..at].chars().count());
    Ok(match found {
        Some(index) if i64::try_from(index).is_ok_and(|index| index <= latest) => int(index),
        Some(_) => slow_last(text, part, latest),
        None => Value::Int(-1),
    })
}

/// As `last_index_of`, where the last possible end is inside a code point.
fn slow_last<'a>(text: &str, part: &str, latest: i64) -> Value<'a> {
    let mut best = Value::Int(-1);
    for (index, (at, _)) in text.char_indices().enumerate() {
        if i64::try_from(index).is_ok_and(|index| index > latest) {
            break;
        }
        if text[at..].starts_with(part) {
            best = int(index);
        }
    }
    best
}

/// Go's `strings.TrimSpace`.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace())
}

fn replace<'a>(text: &str, old: &str, new: &str, count: i64) -> Outcome<'a> {
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    let places = if old.is_empty() {
        text.chars().count() + 1
    } else {
        text.matches(old).count()
    };
    let grown = places
        .min(limit)
        .saturating_mul(new.len())
        .saturating_add(text.len());
    if grown > LONGEST {
        return Err(Fault::Limit);
    }
    Ok(Value::text(text.replacen(old, new, limit)))
}

fn split<'a>(text: &str, by: &str, count: i64) -> Outcome<'a> {
    if count == 0 {
        return Ok(Value::list(Vec::new()));
    }
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    if by.is_empty() {
        // Into code points; the last piece holds the rest.
        let mut out = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if out.len() + 1 == limit {
                break;
            }
            let (head, tail) = rest.split_at(c.len_utf8());
            out.push(Value::text(head));
            rest = tail;
        }
        if !rest.is_empty() {
            out.push(Value::text(rest));
        }
        return Ok(Value::list(out));
    }
    Ok(Value::list(
        text.splitn(limit, by).map(Value::text).collect(),
    ))
}

fn substring<'a>(text: &str, start: i64, end: Option<i64>) -> Outcome<'a> {
    let size = length(text);
    let stop = end.unwrap_or(size);
    if let Some(end) = end
        && start > end
    {
        return Err(Fault::new(format!(
            "invalid substring range. start: {start}, end: {end}"
        )));
    }
    for bound in [start, stop] {
        if bound < 0 || bound > size {
            return Err(out_of_range(bound));
        }
    }
    Ok(Value::text(&text[offset(text, start)..offset(text, stop)]))
}

fn join<'a>(args: &[Value<'a>]) -> Outcome<'a> {
    let (Some(Value::List(list)), separator) = (args.first(), args.get(1)) else {
        return Err(no_overload("join", args));
    };
    let separator = match separator {
        None => "",
        Some(separator) => separator
            .as_str()
            .ok_or_else(|| no_overload("join", args))?,
    };
    if matches!(list.get(0), Some(Ok(first)) if first.as_str().is_none()) {
        return Err(no_overload("join", args));
    }
    let mut out = String::new();
    for (index, item) in list.iter().enumerate() {
        let item = item?;
        let text = item
            .as_str()
            .ok_or_else(|| Fault::new(format!("join: invalid input: {item}")))?;
        if index > 0 {
            out.push_str(separator);
        }
        out.push_str(text);
        if out.len() > LONGEST {
            return Err(Fault::Limit);
        }
    }
    Ok(Value::text(out))
}

fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
