//! `string.format`: `%s`, `%d`, `%f`, `%e`, `%b`, `%x`, `%X`, `%o` and `%%`.

use super::{no_overload, std::double_text};
use crate::cel::{
    eval::Context,
    text::{self, quoted},
    types::Type,
    value::{Fault, List, Map, Outcome, Value},
};

const PRECISION: usize = 6;
const MOST_DIGITS: usize = 1000;
const LONGEST: usize = 16 << 20;

/// One clause of a format: its letter and the precision that it gives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clause {
    pub(crate) letter: char,
    pub(crate) precision: Option<usize>,
}

pub(super) fn call<'a>(
    name: &str,
    args: &[Value<'a>],
    context: &mut Context<'_>,
) -> Option<Outcome<'a>> {
    if name != "format" {
        return None;
    }
    let [Value::String(form), Value::List(list)] = args else {
        return Some(Err(no_overload(name, args)));
    };
    Some(run(form.as_str(), list, context).map(Value::text))
}

fn run(form: &str, list: &List<'_>, context: &mut Context<'_>) -> Result<String, Fault> {
    let mut out = String::new();
    let mut index = 0;
    walk(form, list.len(), |step| {
        match step {
            Step::Text(text) => out.push_str(text),
            Step::Clause(clause) => {
                let value = list
                    .get(index)
                    .ok_or_else(|| format!("index {index} out of range"))?;
                index += 1;
                let value = value.map_err(|fault| fault.to_string())?;
                context.fuel.enter().map_err(|_| "too deep".to_owned())?;
                out.push_str(&shown(clause, &value)?);
                context.fuel.leave();
            }
        }
        if out.len() > LONGEST {
            return Err("result too long".to_owned());
        }
        Ok(())
    })
    .map_err(Fault::new)?;
    Ok(out)
}

/// A piece of a format.
pub(crate) enum Step<'f> {
    Text(&'f str),
    Clause(Clause),
}

/// Goes through a format. The error is cel-go's.
pub(crate) fn walk<'f>(
    form: &'f str,
    args: usize,
    mut each: impl FnMut(Step<'f>) -> Result<(), String>,
) -> Result<(), String> {
    let mut rest = form;
    let mut index = 0;
    while let Some(at) = rest.find('%') {
        each(Step::Text(&rest[..at]))?;
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            each(Step::Text("%"))?;
            rest = after;
            continue;
        }
        if rest.is_empty() {
            return Err("unexpected end of string".to_owned());
        }
        if index >= args {
            return Err(format!("index {index} out of range"));
        }
        let (clause, after) =
            clause(rest).map_err(|words| format!("could not parse formatting clause: {words}"))?;
        rest = after;
        index += 1;
        each(Step::Clause(clause)).map_err(|words| format!("error during formatting: {words}"))?;
    }
    each(Step::Text(rest))
}

fn clause(text: &str) -> Result<(Clause, &str), String> {
    let (precision, rest) = match text.strip_prefix('.') {
        None => (None, text),
        Some(after) => {
            let width = after.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, rest) = after.split_at(width);
            if rest.is_empty() {
                return Err(
                    "error while parsing precision: could not find end of precision specifier"
                        .to_owned(),
                );
            }
            let precision: usize = digits.parse().map_err(|_| {
                "error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing \
                 \"\": invalid syntax"
                    .to_owned()
            })?;
            (Some(precision.min(MOST_DIGITS)), rest)
        }
    };
    let Some(letter) = rest.chars().next() else {
        return Err("unexpected end of string".to_owned());
    };
    if !"sdfebxXo".contains(letter) {
        return Err(format!("unrecognized formatting clause \"{letter}\""));
    }
    Ok((Clause { letter, precision }, &rest[1..]))
}

fn shown(clause: Clause, value: &Value<'_>) -> Result<String, String> {
    match (clause.letter, value) {
        ('s', value) => plain(value),
        ('d', Value::Int(value)) => Ok(value.to_string()),
        ('d', Value::Uint(value)) => Ok(value.to_string()),
        ('f' | 'e', Value::Double(value)) => Ok(number(clause.letter, *value, clause.precision)),
        ('f' | 'e', Value::String(text)) => match text.as_str() {
            "NaN" => Ok("NaN".to_owned()),
            "Infinity" => Ok("∞".to_owned()),
            "-Infinity" => Ok("-∞".to_owned()),
            _ => Err(refusal(clause.letter, "string")),
        },
        ('b', Value::Int(value)) => Ok(signed(*value, |value| format!("{value:b}"))),
        ('b', Value::Uint(value)) => Ok(format!("{value:b}")),
        ('b', Value::Bool(value)) => Ok(if *value { "1" } else { "0" }.to_owned()),
        ('o', Value::Int(value)) => Ok(signed(*value, |value| format!("{value:o}"))),
        ('o', Value::Uint(value)) => Ok(format!("{value:o}")),
        ('x', Value::Int(value)) => Ok(signed(*value, |value| format!("{value:x}"))),
        ('X', Value::Int(value)) => Ok(signed(*value, |value| format!("{value:X}"))),
        ('x', Value::Uint(value)) => Ok(format!("{value:x}")),
        ('X', Value::Uint(value)) => Ok(format!("{value:X}")),
        ('x' | 'X', Value::String(text)) => Ok(bytes(text.as_str().as_bytes(), clause.letter)),
        ('x' | 'X', Value::Bytes(text)) => Ok(bytes(text, clause.letter)),
        (letter, value) => Err(refusal(letter, value.type_of().runtime_name())),
    }
}

/// Why a clause does not take a type.
pub(crate) fn refusal(letter: char, of: &str) -> String {
    match letter {
        's' => format!(
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, \
             and timestamps, was given {of}"
        ),
        'd' => format!("decimal clause can only be used on integers, was given {of}"),
        'f' => format!("fixed-point clause can only be used on doubles, was given {of}"),
        'e' => format!("scientific clause can only be used on doubles, was given {of}"),
        'b' => format!("only integers and bools can be formatted as binary, was given {of}"),
        'x' | 'X' => format!(
            "only integers, byte buffers, and strings can be formatted as hex, was given {of}"
        ),
        _ => format!("octal clause can only be used on integers, was given {of}"),
    }
}

fn signed(value: i64, digits: impl Fn(u64) -> String) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", digits(value.unsigned_abs()))
}

fn bytes(bytes: &[u8], letter: char) -> String {
    bytes
        .iter()
        .map(|byte| {
            if letter == 'x' {
                format!("{byte:02x}")
            } else {
                format!("{byte:02X}")
            }
        })
        .collect()
}

/// As Go's printer for English prints it: digits in groups of three.
fn number(letter: char, value: f64, given: Option<usize>) -> String {
    let precision = given.unwrap_or(PRECISION);
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "-∞" }.to_owned();
    }
    if letter == 'e' {
        // cel-go hands the precision over as the width.
        let width = precision;
        let text = format!("{value:.6e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let sign = if exponent < 0 { "⁻" } else { "" };
        let raised: String = format!("{:02}", exponent.abs())
            .chars()
            .map(superscript)
            .collect();
        let shown = format!("{digits}×10{sign}{raised}");
        return format!("{shown:>width$}");
    }
    let text = format!("{value:.precision$}");
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (text.as_str(), String::new()),
    };
    let (sign, digits) = match whole.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", whole),
    };
    let mut grouped = String::new();
    for (index, c) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(c);
    }
    format!("{sign}{grouped}{fraction}")
}

fn superscript(digit: char) -> char {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    digit
        .to_digit(10)
        .and_then(|digit| RAISED.get(digit as usize))
        .copied()
        .unwrap_or(digit)
}

fn plain(value: &Value<'_>) -> Result<String, String> {
    Ok(match value {
        Value::Null => "null".to_owned(),
        Value::Double(value) => double_text(*value),
        Value::Duration(nanos) => text::seconds(*nanos),
        Value::Type(of) => of.runtime_name().to_owned(),
        Value::Int(_)
        | Value::Uint(_)
        | Value::Bool(_)
        | Value::String(_)
        | Value::Bytes(_)
        | Value::Timestamp(_) => value.to_string(),
        Value::List(list) => nested_list(list, &mut Room::new())?,
        Value::Map(map) => nested_map(map, &mut Room::new())?,
        other => return Err(refusal('s', other.type_of().runtime_name())),
    })
}

/// How much more there may be inside a list or a map, which may hold the same value again and again.
struct Room {
    depth: usize,
    left: usize,
}

impl Room {
    fn new() -> Self {
        Self {
            depth: 0,
            left: LONGEST,
        }
    }

    /// Room for one more, of some length.
    fn take(&mut self, length: usize) -> Result<(), String> {
        self.left = self
            .left
            .checked_sub(length + 2)
            .ok_or_else(|| "result too long".to_owned())?;
        Ok(())
    }
}

/// A value inside a list or a map.
fn nested(value: &Value<'_>, room: &mut Room) -> Result<String, String> {
    if room.depth > 100 {
        return Err("too deep".to_owned());
    }
    let text = match value {
        Value::List(list) => return nested_list(list, room),
        Value::Map(map) => return nested_map(map, room),
        Value::String(text) => quoted(text.as_str()),
        Value::Bytes(bytes) => format!("b{}", quoted(&String::from_utf8_lossy(bytes))),
        Value::Double(value) if !value.is_finite() => quoted(&double_text(*value)),
        Value::Double(value) => format!("{value:.6}"),
        Value::Timestamp(at) => format!("timestamp({})", quoted(&at.to_string())),
        Value::Duration(nanos) => format!("duration({})", quoted(&text::seconds(*nanos))),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Type(_) => {
            plain(value)?
        }
        other => {
            return Err(format!(
                "no formatting function for {}",
                other.type_of().runtime_name()
            ));
        }
    };
    room.take(text.len())?;
    Ok(text)
}

fn nested_list(list: &List<'_>, room: &mut Room) -> Result<String, String> {
    let mut out = Vec::new();
    room.take(0)?;
    room.depth += 1;
    for item in list.iter() {
        out.push(nested(&item.map_err(|fault| fault.to_string())?, room)?);
    }
    room.depth -= 1;
    Ok(format!("[{}]", out.join(", ")))
}

fn nested_map(map: &Map<'_>, room: &mut Room) -> Result<String, String> {
    let mut out = Vec::new();
    room.take(0)?;
    room.depth += 1;
    for key in map.keys() {
        if !matches!(
            key,
            Value::String(_) | Value::Bool(_) | Value::Int(_) | Value::Uint(_)
        ) {
            return Err(format!(
                "no formatting function for map key of type {}",
                key.type_of().runtime_name()
            ));
        }
        let value = map.find(&key).map_err(|fault| fault.to_string())?;
        let value =
            value.ok_or_else(|| format!("could not find key: {}", quoted(&key.to_string())))?;
        out.push((nested(&key, room)?, nested(&value, room)?));
    }
    room.depth -= 1;
    out.sort_by(|(a, _), (b, _)| a.cmp(b));
    let pairs: Vec<String> = out
        .into_iter()
        .map(|(key, value)| format!("{key}:{value}"))
        .collect();
    Ok(format!("{{{}}}", pairs.join(", ")))
}

/// Whether a clause takes values of a type, as far as that is known while compiling.
pub(crate) fn takes(letter: char, of: &Type) -> bool {
    if *of == Type::Dyn {
        return true;
    }
    match letter {
        's' => !matches!(of, Type::Opaque(..) | Type::Object(_) | Type::Error),
        'd' | 'o' => matches!(of, Type::Int | Type::Uint),
        'f' | 'e' => matches!(of, Type::Double | Type::String),
        'b' => matches!(of, Type::Int | Type::Uint | Type::Bool),
        _ => matches!(of, Type::Int | Type::Uint | Type::String | Type::Bytes),
    }
}
