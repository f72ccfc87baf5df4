//! Values in Go's words: `encoding/json`, `%v`, `%#v`, `%T` and `%q`, as error messages and FieldsV1 show them.

use serde_json::Value;
use std::fmt::Write;

/// Whose JSON is written: they differ in control characters and exponents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Library {
    /// Go's `encoding/json`.
    Standard,
    /// That of structured-merge-diff.
    Fast,
}

/// What Go's `encoding/json` writes, HTML escapes included.
pub(crate) fn json(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value, Library::Standard);
    out
}

/// What structured-merge-diff writes for values in FieldsV1.
pub(crate) fn fast_json(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value, Library::Fast);
    out
}

fn write_json(out: &mut String, value: &Value, library: Library) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&json_number(number, library)),
        Value::String(text) => write_string(out, text, library, true),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_json(out, item, library);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (i, (name, field)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(out, name, library, true);
                out.push(':');
                write_json(out, field, library);
            }
            out.push('}');
        }
    }
}

/// A string as Go's `encoding/json` writes it, HTML escapes included.
pub(crate) fn write_json_string(out: &mut String, text: &str) {
    write_string(out, text, Library::Standard, true);
}

/// The name of a key's field as structured-merge-diff writes it: without HTML escapes.
pub(crate) fn write_fast_name(out: &mut String, text: &str) {
    write_string(out, text, Library::Fast, false);
}

fn write_string(out: &mut String, text: &str, library: Library, html: bool) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' if library == Library::Standard => out.push_str("\\b"),
            '\u{c}' if library == Library::Standard => out.push_str("\\f"),
            '\0'..='\x1f' => push(out, format_args!("\\u{:04x}", u32::from(c))),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if html => {
                push(out, format_args!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    out.write_fmt(arguments)
        .expect("invariant: a string takes any text");
}

fn json_number(number: &serde_json::Number, library: Library) -> String {
    let digits = match library {
        Library::Standard => 1,
        Library::Fast => 2,
    };
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => whole.to_string(),
        (None, Some(float)) => {
            let size = float.abs();
            if size != 0.0 && !(1e-6..1e21).contains(&size) {
                exponent(float, digits)
            } else {
                plain(float)
            }
        }
        (None, None) => number.to_string(),
    }
}

/// Decimal notation with the fewest digits that read back as the same number.
fn plain(float: f64) -> String {
    format!("{float}")
}

/// `d.ddde±xx` with at least `digits` digits in the exponent.
fn exponent(float: f64, digits: usize) -> String {
    let text = format!("{float:e}");
    let Some((mantissa, power)) = text.split_once('e') else {
        return text;
    };
    let (sign, power) = match power.strip_prefix('-') {
        Some(power) => ('-', power),
        None => ('+', power),
    };
    format!("{mantissa}e{sign}{power:0>digits$}")
}

/// `%v` of a number: of floats only small ones are without an exponent.
fn number(number: &serde_json::Number) -> String {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => whole.to_string(),
        (None, Some(float)) => {
            let size = float.abs();
            if size != 0.0 && !(1e-4..1e6).contains(&size) {
                exponent(float, 2)
            } else {
                plain(float)
            }
        }
        (None, None) => number.to_string(),
    }
}

/// `%v`: `map[a:1 b:[x y]]`.
pub(crate) fn plain_value(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(n) => number(n),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(plain_value).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, field)| format!("{name}:{}", plain_value(field)))
                .collect();
            format!("map[{}]", fields.join(" "))
        }
    }
}

/// `%#v`: `map[string]interface {}{"a":1}`.
pub(crate) fn syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(n) => number(n),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, field)| format!("{}:{}", quoted(name), syntax(field)))
                .collect();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
    }
}

/// `%T`.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// `%q`.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if printable(c) => out.push(c),
            c if u32::from(c) < 0x80 => push(&mut out, format_args!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x1_0000 => push(&mut out, format_args!("\\u{:04x}", u32::from(c))),
            c => push(&mut out, format_args!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space.
///
/// Rust's standard library has no table of categories. `char::escape_debug` has one of what can be printed,
/// made of the same categories; besides, it escapes some combining marks, which Go prints.
pub(crate) fn printable(c: char) -> bool {
    match c {
        ' ' => true,
        '"' | '\'' | '\\' => true,
        c if c.is_ascii() => c.is_ascii_graphic(),
        c if c.is_whitespace() || c.is_control() => false,
        // A mark that extends a grapheme is only escaped where it stands first.
        c => format!("a{c}").escape_debug().count() == 2,
    }
}
