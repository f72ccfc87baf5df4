//! The functions: the language's own and those of Kubernetes' libraries.
//!
//! Called by name; each looks at the types that its arguments have at run time, so that `dyn` needs no care.

mod authorizer;
mod convert;
mod format;
mod formats;
mod lists;
mod net;
mod opaque;
mod optional;
mod quantity;
mod regex;
mod semver;
mod std;
mod strings;
mod times;
mod url;

pub(crate) use self::{
    authorizer::{AuthorizerBase, ResourceCheck},
    opaque::Opaque,
};

use super::{
    eval::Context,
    value::{Fault, Outcome, Value},
};

/// Calls a function.
pub(super) fn call<'a>(
    name: &str,
    mut args: Vec<Value<'a>>,
    context: &mut Context<'_>,
) -> Outcome<'a> {
    let done = std::call(name, &mut args, context)
        .or_else(|| convert::call(name, &args))
        .or_else(|| strings::call(name, &args, context))
        .or_else(|| lists::call(name, &mut args, context))
        .or_else(|| optional::call(name, &args))
        .or_else(|| times::call(name, &args))
        .or_else(|| regex::call(name, &args, context))
        .or_else(|| format::call(name, &args, context))
        .or_else(|| net::call(name, &args))
        .or_else(|| url::call(name, &args))
        .or_else(|| quantity::call(name, &args))
        .or_else(|| semver::call(name, &args))
        .or_else(|| formats::call(name, &args))
        .or_else(|| authorizer::call(name, &args));
    match done {
        Some(result) => result,
        None => Err(no_overload(name, &args)),
    }
}

/// A function was called with what it has no overload for.
pub(super) fn no_overload(name: &str, args: &[Value<'_>]) -> Fault {
    let types: Vec<String> = args
        .iter()
        .map(|arg| arg.type_of().runtime_name().to_owned())
        .collect();
    Fault::new(format!("no such overload: {name}({})", types.join(", ")))
}

/// The bytes that a base64 text stands for.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text
        .bytes()
        .filter(|c| !matches!(c, b'\r' | b'\n'))
        .collect();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take_while(|c| **c == b'=').count();
    if padding > 2 {
        return None;
    }
    let body = &text[..text.len() - padding];
    let mut out = Vec::with_capacity(body.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for c in body {
        let six = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(out)
}

/// Goes through the clauses of a format string; `each` gets their letters.
pub(super) fn format_walk(
    form: &str,
    args: usize,
    mut each: impl FnMut(char) -> Result<(), String>,
) -> Result<(), String> {
    format::walk(form, args, |step| match step {
        format::Step::Text(_) => Ok(()),
        format::Step::Clause(clause) => each(clause.letter),
    })
}

pub(super) use self::format::{refusal as format_refusal, takes as format_takes};
