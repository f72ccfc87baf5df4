//! Regular expressions in RE2's syntax, as Go reads it.
//!
//! The engine underneath has other habits: `\d` is Unicode there, `[` nests in classes, braces must be escaped.
//! A pattern is rewritten so that it means what it means to Go. Matching takes linear time, and the size of a
//! compiled pattern is limited.

use super::no_overload;
use crate::cel::{
    eval::Context,
    value::{Fault, Outcome, Value},
};

const LARGEST: usize = 1 << 20;
const MOST_REPEATS: u32 = 1000;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) struct Regex(regex::Regex);

impl Regex {
    pub(crate) fn new(pattern: &str) -> Result<Self, Fault> {
        let go = translate(pattern).ok_or_else(|| illegal(pattern))?;
        regex::RegexBuilder::new(&go)
            .size_limit(LARGEST)
            .dfa_size_limit(LARGEST)
            .build()
            .map(Self)
            .map_err(|_| illegal(pattern))
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

fn illegal(pattern: &str) -> Fault {
    Fault::new(format!(
        "error parsing regexp: invalid pattern: `{pattern}`"
    ))
}

pub(super) fn call<'a>(
    name: &str,
    args: &[Value<'a>],
    context: &mut Context<'_>,
) -> Option<Outcome<'a>> {
    if !matches!(name, "matches" | "find" | "findAll") {
        return None;
    }
    let (Some(text), Some(pattern)) = (
        args.first().and_then(Value::as_str),
        args.get(1).and_then(Value::as_str),
    ) else {
        return Some(Err(no_overload(name, args)));
    };
    let fresh;
    let regex = match context.regex {
        Some(cell) => cell.get_or_init(|| Regex::new(pattern)),
        None => {
            // Compiling is dear; a pattern that is worked out burns for it.
            if let Err(fault) = context.fuel.burn(10_000 + pattern.len() * 100) {
                return Some(Err(fault));
            }
            fresh = Regex::new(pattern);
            &fresh
        }
    };
    let regex = match regex {
        Ok(regex) => regex,
        Err(fault) if name == "matches" => return Some(Err(fault.clone())),
        Err(fault) => return Some(Err(Fault::new(format!("Illegal regex: {fault}")))),
    };
    if let Err(fault) = context.fuel.burn(text.len() / 16) {
        return Some(Err(fault));
    }
    Some(match (name, args.get(2)) {
        ("matches", None) => Ok(Value::Bool(regex.is_match(text))),
        ("find", None) => {
            let found = regex.0.find(text).map_or("", |found| found.as_str());
            Ok(Value::text(found))
        }
        ("findAll", None) => Ok(all(regex, text, usize::MAX)),
        ("findAll", Some(Value::Int(count))) => Ok(all(
            regex,
            text,
            usize::try_from(*count).unwrap_or(usize::MAX),
        )),
        _ => Err(no_overload(name, args)),
    })
}

fn all<'a>(regex: &Regex, text: &str, most: usize) -> Value<'a> {
    Value::list(
        regex
            .0
            .find_iter(text)
            .take(most)
            .map(|found| Value::text(found.as_str()))
            .collect(),
    )
}

/// The pattern in the engine's syntax; none where Go would refuse it.
fn translate(pattern: &str) -> Option<String> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        match c {
            '\\' => at = escape(&chars, at, false, &mut out)?,
            '[' => at = class(&chars, at, &mut out)?,
            '{' => at = braces(&chars, at, &mut out)?,
            '}' | ']' => {
                out.push('\\');
                out.push(c);
                at += 1;
            }
            '(' if chars.get(at + 1) == Some(&'?') => {
                if !group(&chars[at + 2..]) {
                    return None;
                }
                out.push(c);
                at += 1;
            }
            _ => {
                out.push(c);
                at += 1;
            }
        }
    }
    Some(out)
}

/// Whether Go knows what follows `(?`.
fn group(rest: &[char]) -> bool {
    match rest.first() {
        Some('P') => rest.get(1) == Some(&'<'),
        Some('<') => rest
            .get(1)
            .is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_'),
        _ => {
            for c in rest {
                match c {
                    ':' | ')' => return true,
                    'i' | 'm' | 's' | 'U' | '-' => {}
                    _ => return false,
                }
            }
            false
        }
    }
}

/// `{n}`, `{n,}`, `{n,m}`; any other brace is itself.
fn braces(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    let close = chars[at..].iter().take(12).position(|c| *c == '}');
    let inside: String = match close {
        Some(close) => chars[at + 1..at + close].iter().collect(),
        None => String::new(),
    };
    let (least, most) = inside.split_once(',').unwrap_or((&inside, ""));
    let number = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if !number(least) || !(most.is_empty() || number(most)) {
        out.push_str("\\{");
        return Some(at + 1);
    }
    let count = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
    if count(least) > MOST_REPEATS || (!most.is_empty() && count(most) > MOST_REPEATS) {
        return None;
    }
    out.push('{');
    out.push_str(&inside);
    out.push('}');
    Some(at + inside.chars().count() + 2)
}

/// A backslash and what follows.
fn escape(chars: &[char], at: usize, in_class: bool, out: &mut String) -> Option<usize> {
    let c = *chars.get(at + 1)?;
    let perl = match c {
        'd' => "0-9",
        's' => "\\t\\n\\x0C\\r ",
        'w' => "0-9A-Za-z_",
        'D' => "^0-9",
        'S' => "^\\t\\n\\x0C\\r ",
        'W' => "^0-9A-Za-z_",
        _ => "",
    };
    if !perl.is_empty() {
        let bare = in_class && !perl.starts_with('^');
        out.push_str(&if bare {
            perl.to_owned()
        } else {
            format!("[{perl}]")
        });
        return Some(at + 2);
    }
    match c {
        'b' | 'B' if !in_class => out.push_str(&format!("(?-u:\\{c})")),
        'A' | 'z' if !in_class => {
            out.push('\\');
            out.push(c);
        }
        'Q' => return Some(quoted(chars, at + 2, out)),
        'E' => {}
        'a' | 'f' | 't' | 'n' | 'r' | 'v' | 'x' | 'p' | 'P' => {
            out.push('\\');
            out.push(c);
        }
        '0'..='7' => return octal(chars, at + 1, out),
        c if c.is_ascii_alphanumeric() => return None,
        c if c.is_ascii() => {
            out.push('\\');
            out.push(c);
        }
        c => out.push(c),
    }
    Some(at + 2)
}

fn octal(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    let digits: String = chars[at..]
        .iter()
        .take(3)
        .take_while(|c| ('0'..='7').contains(*c))
        .collect();
    // `\1` to `\7` alone would be references back.
    if !digits.starts_with('0') && digits.len() < 2 {
        return None;
    }
    let code = u32::from_str_radix(&digits, 8).ok()?;
    out.push_str(&format!("\\x{{{code:x}}}"));
    Some(at + digits.len())
}

fn quoted(chars: &[char], from: usize, out: &mut String) -> usize {
    let mut at = from;
    while let Some(&c) = chars.get(at) {
        if c == '\\' && chars.get(at + 1) == Some(&'E') {
            return at + 2;
        }
        out.push_str(&regex::escape(&c.to_string()));
        at += 1;
    }
    at
}

/// A class in brackets.
fn class(chars: &[char], start: usize, out: &mut String) -> Option<usize> {
    out.push('[');
    let mut at = start + 1;
    if chars.get(at) == Some(&'^') {
        out.push('^');
        at += 1;
    }
    let first = at;
    loop {
        let c = *chars.get(at)?;
        match c {
            ']' if at > first => {
                out.push(']');
                return Some(at + 1);
            }
            '[' if chars.get(at + 1) == Some(&':') => {
                let length = chars[at..].windows(2).position(|pair| pair == [':', ']'])?;
                let close = if length < 2 {
                    return None;
                } else {
                    at + length + 2
                };
                out.extend(&chars[at..close]);
                at = close;
            }
            '\\' => at = escape(chars, at, true, out)?,
            '[' | ']' | '&' | '~' => {
                out.push('\\');
                out.push(c);
                at += 1;
            }
            '-' if chars.get(at + 1) == Some(&'-')
                || chars.get(at + 1) == Some(&']')
                || at == first =>
            {
                out.push_str("\\-");
                at += 1;
            }
            c => {
                out.push(c);
                at += 1;
            }
        }
    }
}
