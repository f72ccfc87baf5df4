//! Classes of characters: brackets, and Unicode's classes by name.

use super::{Fault, before, escape, next};
use regex::Regex;
use std::fmt::Write;

/// What matches nothing, and what matches everything.
const NOTHING: &str = r"[^\x{0}-\x{10FFFF}]";
const EVERYTHING: &str = r"[\x{0}-\x{10FFFF}]";

/// Reads `[…]`. Gives it rewritten, and what follows.
pub(super) fn brackets(whole: &str) -> Result<(String, &str), Fault> {
    let mut rest = &whole[1..];
    let negated = rest.starts_with('^');
    if negated {
        rest = &rest[1..];
    }
    let mut items = String::new();
    let mut first = true;
    while first || !rest.starts_with(']') {
        first = false;
        if let Some((item, after)) = posix(rest)? {
            items.push_str(&item);
            rest = after;
        } else if let Some((item, after)) = unicode(rest)? {
            items.push_str(&item);
            rest = after;
        } else if let Some((item, inverted, after)) = escape::perl_class(rest) {
            let sign = if inverted { "^" } else { "" };
            put(&mut items, format_args!("[{sign}{item}]"));
            rest = after;
        } else {
            rest = range(&mut items, rest, whole)?;
        }
    }
    let sign = if negated { "^" } else { "" };
    let class = match (items.as_str(), negated) {
        ("", false) => NOTHING.to_owned(),
        ("", true) => EVERYTHING.to_owned(),
        (items, _) => format!("[{sign}{items}]"),
    };
    Ok((class, &rest[1..]))
}

/// Reads a character or a range of them.
fn range<'a>(items: &mut String, whole: &'a str, class: &str) -> Result<&'a str, Fault> {
    let (low, mut rest) = class_character(whole, class)?;
    let mut high = low;
    if let Some(after) = rest
        .strip_prefix('-')
        .filter(|after| !after.is_empty() && !after.starts_with(']'))
    {
        (high, rest) = class_character(after, class)?;
        if high < low {
            return Err(Fault::new(
                "invalid character class range",
                before(whole, rest),
            ));
        }
    }
    // Text has no surrogates.
    let low = if (0xd800..0xe000).contains(&low) {
        0xe000
    } else {
        low
    };
    let high = if (0xd800..0xe000).contains(&high) {
        0xd7ff
    } else {
        high
    };
    if low <= high {
        put(items, format_args!(r"\x{{{low:x}}}-\x{{{high:x}}}"));
    }
    Ok(rest)
}

fn class_character<'a>(text: &'a str, class: &str) -> Result<(u32, &'a str), Fault> {
    match next(text) {
        None => Err(Fault::new("missing closing ]", class)),
        Some(('\\', _)) => escape::character(text),
        Some((c, rest)) => Ok((u32::from(c), rest)),
    }
}

/// Reads `[:alpha:]`.
fn posix(text: &str) -> Result<Option<(String, &str)>, Fault> {
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
        "space", "upper", "word", "xdigit",
    ];
    let Some((inner, rest)) = text
        .strip_prefix("[:")
        .and_then(|inner| inner.split_once(":]"))
    else {
        return Ok(None);
    };
    let name = inner.strip_prefix('^').unwrap_or(inner);
    match NAMES.contains(&name) {
        true => Ok(Some((format!("[:{inner}:]"), rest))),
        false => Err(Fault::new(
            "invalid character class range",
            before(text, rest),
        )),
    }
}

/// Reads `\pL`, `\p{Greek}`, `\P{^Lu}`. What it gives may stand within brackets and outside.
pub(super) fn unicode(text: &str) -> Result<Option<(String, &str)>, Fault> {
    let Some(inner) = text
        .strip_prefix(r"\p")
        .or_else(|| text.strip_prefix(r"\P"))
    else {
        return Ok(None);
    };
    let fault = |part: &str| Fault::new("invalid character class range", part);
    let (name, rest) = match next(inner) {
        None => return Err(fault(text)),
        Some(('{', after)) => after.split_once('}').ok_or_else(|| fault(text))?,
        Some((_, rest)) => (before(inner, rest), rest),
    };
    let bare = name.strip_prefix('^').unwrap_or(name);
    let negated = text.starts_with(r"\P") != name.starts_with('^');
    let class = named(bare, negated).ok_or_else(|| fault(before(text, rest)))?;
    Ok(Some((class, rest)))
}

/// A category or script. Go knows categories by their short names and by long ones, scripts by long ones; case and
/// dashes don't matter.
fn named(name: &str, negated: bool) -> Option<String> {
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .collect();
    if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    if matches!(plain.to_ascii_lowercase().as_str(), "cs" | "surrogate") {
        return Some(if negated { EVERYTHING } else { NOTHING }.to_owned());
    }
    let letter = if negated { 'P' } else { 'p' };
    ["gc", "sc"].into_iter().find_map(|kind| {
        let class = format!(r"\{letter}{{{kind}={plain}}}");
        // A script's short name is none in Go.
        let is_short = kind == "sc" && plain.len() == 4 && !is_short_script(&plain);
        (!is_short && Regex::new(&class).is_ok()).then_some(class)
    })
}

/// Scripts whose whole name has four letters.
fn is_short_script(name: &str) -> bool {
    const NAMES: [&str; 9] = [
        "ahom", "cham", "kawi", "lisu", "miao", "modi", "newa", "thai", "toto",
    ];
    NAMES.contains(&name.to_ascii_lowercase().as_str())
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text)
        .expect("invariant: writing to a String succeeds");
}
