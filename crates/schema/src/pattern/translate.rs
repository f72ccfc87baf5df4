//! The expression as a whole: read left to right with a stack of open groups, as Go does, and written for `regex`.
//!
//! Groups lose their names and numbers, and greed is dropped: neither changes whether something matches.

use super::{
    Fault, before, class, escape,
    flags::{self, Flags, Opening},
    next,
};
use std::fmt::Write;

/// As high as Go lets an expression's tree be.
pub(super) const HEIGHT_MAX: u32 = 1000;
/// As often as anything may be repeated, all repetitions around it multiplied.
const REPEAT_MAX: u64 = 1000;

/// Writes an expression anew, or says what is wrong with it.
pub(super) fn translate(whole: &str) -> Result<String, Fault> {
    let mut translator = Translator {
        whole,
        out: String::with_capacity(whole.len() + 16),
        open: Vec::new(),
        group: Group::default(),
        flags: Flags::default(),
        written_flags: Flags::default(),
    };
    let mut rest = whole;
    let mut last_repeat = "";
    while !rest.is_empty() {
        (rest, last_repeat) = translator.step(rest, last_repeat)?;
    }
    if !translator.open.is_empty() {
        return Err(Fault::new("missing closing )", whole));
    }
    let operand = translator.group.operand();
    translator.check_height(operand.height)?;
    Ok(translator.out)
}

struct Translator<'a> {
    whole: &'a str,
    out: String,
    open: Vec<Outer>,
    group: Group,
    flags: Flags,
    /// The flags that hold where `out` ends.
    written_flags: Flags,
}

/// What is around an open group.
struct Outer {
    group: Group,
    flags: Flags,
    written_flags: Flags,
    /// Groups with numbers are a level of Go's tree; others aren't.
    is_capture: bool,
}

/// What a part of an expression adds up to.
#[derive(Clone, Copy, Default)]
struct Operand {
    /// The least limit of repetitions that it keeps to.
    repeats: u64,
    height: u32,
}

/// A group so far: the alternatives that are finished, and the one that is being read.
#[derive(Default)]
struct Group {
    alternatives: usize,
    /// The highest of the finished ones.
    finished: Operand,
    /// What may be repeated next.
    last: Option<Operand>,
    /// The highest of what is before `last`, and how many there are.
    earlier: Operand,
    count: usize,
}

impl Operand {
    const LEAF: Self = Self {
        repeats: 0,
        height: 1,
    };

    fn max(self, other: Self) -> Self {
        Self {
            repeats: self.repeats.max(other.repeats),
            height: self.height.max(other.height),
        }
    }

    fn above(self, is_level: bool) -> Self {
        Self {
            height: self.height + u32::from(is_level),
            ..self
        }
    }
}

impl Group {
    fn push(&mut self, operand: Operand) {
        self.earlier = self.earlier.max(self.last.unwrap_or_default());
        self.last = Some(operand);
        self.count += 1;
    }

    fn sequence(&self) -> Operand {
        let all = self.earlier.max(self.last.unwrap_or(Operand::LEAF));
        all.above(self.count > 1)
    }

    fn end_alternative(&mut self) {
        *self = Self {
            alternatives: self.alternatives + 1,
            finished: self.finished.max(self.sequence()),
            ..Self::default()
        };
    }

    fn operand(&self) -> Operand {
        self.finished
            .max(self.sequence())
            .above(self.alternatives > 0)
    }
}

impl Translator<'_> {
    /// Reads one thing. Gives what follows, and the text from here on if it was a repetition.
    fn step<'a>(
        &mut self,
        text: &'a str,
        last_repeat: &'a str,
    ) -> Result<(&'a str, &'a str), Fault> {
        let Some((c, after)) = next(text) else {
            return Ok((text, ""));
        };
        let rest = match c {
            '(' if after.starts_with('?') => self.special_group(text)?,
            '(' => self.open(after, self.flags, true),
            '|' => {
                self.group.end_alternative();
                self.out.push('|');
                after
            }
            ')' => self.close(after)?,
            '^' | '$' | '.' => self.atom(&c.to_string(), after)?,
            '[' => {
                let (class, rest) = class::brackets(text)?;
                self.atom(&class, rest)?
            }
            '*' | '+' | '?' => {
                let rest = self.repeat(&c.to_string(), None, text, after, last_repeat)?;
                return Ok((rest, text));
            }
            '{' => match counts(after) {
                Some((min, max, after)) => {
                    let rest = self.counted(min, max, text, after, last_repeat)?;
                    return Ok((rest, text));
                }
                None => self.literal(u32::from(c), after)?,
            },
            '\\' => self.escape(text)?,
            c => self.literal(u32::from(c), after)?,
        };
        Ok((rest, ""))
    }

    fn special_group<'a>(&mut self, text: &'a str) -> Result<&'a str, Fault> {
        let (opening, rest) = flags::read(text, self.flags)?;
        Ok(match opening {
            Opening::Named => self.open(rest, self.flags, true),
            Opening::Group(flags) => self.open(rest, flags, false),
            Opening::Flags(flags) => {
                self.flags = flags;
                rest
            }
        })
    }

    fn open<'a>(&mut self, rest: &'a str, flags: Flags, is_capture: bool) -> &'a str {
        let group = std::mem::take(&mut self.group);
        self.open.push(Outer {
            group,
            flags: self.flags,
            written_flags: self.written_flags,
            is_capture,
        });
        self.put(format_args!("(?{}:", flags.written()));
        self.flags = flags;
        self.written_flags = flags;
        rest
    }

    fn close<'a>(&mut self, rest: &'a str) -> Result<&'a str, Fault> {
        let Some(outer) = self.open.pop() else {
            return Err(Fault::new("unexpected )", self.whole));
        };
        let operand = self.group.operand().above(outer.is_capture);
        self.check_height(operand.height)?;
        self.group = outer.group;
        self.group.push(operand);
        self.flags = outer.flags;
        self.written_flags = outer.written_flags;
        self.out.push(')');
        Ok(rest)
    }

    fn atom<'a>(&mut self, written: &str, rest: &'a str) -> Result<&'a str, Fault> {
        if self.flags != self.written_flags {
            self.put(format_args!("(?{})", self.flags.written()));
            self.written_flags = self.flags;
        }
        self.out.push_str(written);
        self.group.push(Operand::LEAF);
        Ok(rest)
    }

    fn literal<'a>(&mut self, number: u32, rest: &'a str) -> Result<&'a str, Fault> {
        match char::from_u32(number) {
            Some(c) if c.is_ascii_alphanumeric() => self.atom(&c.to_string(), rest),
            Some(_) => self.atom(&format!(r"\x{{{number:x}}}"), rest),
            // A surrogate: text has none.
            None => self.atom(r"[^\x{0}-\x{10FFFF}]", rest),
        }
    }

    fn escape<'a>(&mut self, text: &'a str) -> Result<&'a str, Fault> {
        let rest = text.get(2..);
        match (text.as_bytes().get(1), rest) {
            (Some(b'A'), Some(rest)) => self.atom(r"\A", rest),
            (Some(b'b'), Some(rest)) => self.atom(r"(?-u:\b)", rest),
            (Some(b'B'), Some(rest)) => self.atom(r"(?-u:\B)", rest),
            (Some(b'z'), Some(rest)) => self.atom(r"\z", rest),
            (Some(b'C'), _) => Err(Fault::new("invalid escape sequence", r"\C")),
            (Some(b'Q'), Some(rest)) => {
                let (literal, rest) = rest.split_once(r"\E").unwrap_or((rest, ""));
                for c in literal.chars() {
                    self.literal(u32::from(c), rest)?;
                }
                Ok(rest)
            }
            _ => {
                if let Some((class, rest)) = class::unicode(text)? {
                    return self.atom(&class, rest);
                }
                if let Some((items, inverted, rest)) = escape::perl_class(text) {
                    let sign = if inverted { "^" } else { "" };
                    return self.atom(&format!("[{sign}{items}]"), rest);
                }
                let (number, rest) = escape::character(text)?;
                self.literal(number, rest)
            }
        }
    }

    fn counted<'a>(
        &mut self,
        min: Option<u64>,
        max: Option<u64>,
        text: &'a str,
        after: &'a str,
        last_repeat: &str,
    ) -> Result<&'a str, Fault> {
        let fault = |rest: &str| Fault::new("invalid repeat count", before(text, rest));
        let min = min.unwrap_or(u64::MAX);
        if min > REPEAT_MAX || max.is_some_and(|max| max > REPEAT_MAX || min > max) {
            return Err(fault(after));
        }
        let written = match max {
            Some(max) => format!("{{{min},{max}}}"),
            None => format!("{{{min},}}"),
        };
        let rest = self.repeat(&written, Some(max.unwrap_or(min)), text, after, last_repeat)?;
        let repeats = self.group.last.unwrap_or_default().repeats;
        match (min >= 2 || max.is_some_and(|max| max >= 2)) && repeats > REPEAT_MAX {
            true => Err(fault(rest)),
            false => Ok(rest),
        }
    }

    fn repeat<'a>(
        &mut self,
        written: &str,
        times: Option<u64>,
        text: &'a str,
        after: &'a str,
        last_repeat: &str,
    ) -> Result<&'a str, Fault> {
        let rest = after.strip_prefix('?').unwrap_or(after);
        if !last_repeat.is_empty() {
            return Err(Fault::new(
                "invalid nested repetition operator",
                before(last_repeat, rest),
            ));
        }
        let Some(operand) = &mut self.group.last else {
            return Err(Fault::new(
                "missing argument to repetition operator",
                before(text, rest),
            ));
        };
        operand.height += 1;
        operand.repeats = match times {
            None => operand.repeats,
            Some(times) => times.saturating_mul(operand.repeats.max(1)),
        };
        let height = operand.height;
        self.check_height(height)?;
        self.out.push_str(written);
        Ok(rest)
    }

    fn check_height(&self, height: u32) -> Result<(), Fault> {
        match height > HEIGHT_MAX {
            true => Err(Fault::new("expression nests too deeply", self.whole)),
            false => Ok(()),
        }
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        self.out
            .write_fmt(text)
            .expect("invariant: writing to a String succeeds");
    }
}

/// Reads `2}`, `2,}` or `2,3}`. Nothing where it is no repetition; a number too large for Go is none.
fn counts(text: &str) -> Option<(Option<u64>, Option<u64>, &str)> {
    let (min, rest) = number(text)?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, min, rest));
    }
    let rest = rest.strip_prefix(',')?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, None, rest));
    }
    let (max, rest) = number(rest)?;
    let max = max.unwrap_or(u64::MAX);
    rest.strip_prefix('}').map(|rest| (min, Some(max), rest))
}

/// A number without leading zeros.
fn number(text: &str) -> Option<(Option<u64>, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(digits);
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((
        digits.parse().ok().filter(|value| *value < 100_000_000),
        rest,
    ))
}
