//! Whether Go's `regexp` package takes a pattern (RE2's syntax with Perl's additions), and its words where it doesn't.
//!
//! Patterns are only read here, never run. Linear in the pattern's length, and without recursion.

mod classes;
mod names;
mod shape;

use shape::Group;

/// Longest repetition, also of nested ones together.
const REPEAT_MAX: u32 = 1000;

/// Refuses what Go refuses, with its text: `error parsing regexp: missing closing ): ...`.
pub(crate) fn check(pattern: &str) -> Result<(), String> {
    Parser::new(pattern)
        .parse()
        .map_err(|Fault { code, at }| format!("error parsing regexp: {code}: `{at}`"))
}

struct Fault<'a> {
    code: &'static str,
    at: &'a str,
}

/// The least and the most of a repetition; without a most, any number.
type Counts = (u32, Option<u32>);

type Parsed<'a, T = &'a str> = Result<T, Fault<'a>>;

const ESCAPE: &str = "invalid escape sequence";
const REPEAT_SIZE: &str = "invalid repeat count";
const MISSING_ARGUMENT: &str = "missing argument to repetition operator";
const PERL: &str = "invalid or unsupported Perl syntax";
const CAPTURE: &str = "invalid named capture";
const UNEXPECTED_PAREN: &str = "unexpected )";
const CLASS_RANGE: &str = "invalid character class range";

struct Parser<'a> {
    whole: &'a str,
    /// Where the last `:]` is, before which named classes can end.
    last_class: usize,
    groups: Vec<Group>,
    /// How many nodes there are: the limits of depth and size are only looked at in large patterns.
    nodes: usize,
}

impl<'a> Parser<'a> {
    fn new(whole: &'a str) -> Self {
        Self {
            whole,
            last_class: whole.rfind(":]").unwrap_or(0),
            groups: vec![Group::new(false)],
            nodes: 0,
        }
    }

    fn parse(mut self) -> Parsed<'a, ()> {
        let mut rest = self.whole;
        // The text from the last repetition on, where that is what stands right before.
        let mut last = None;
        while let Some(c) = rest.chars().next() {
            let mut repeat = None;
            let one = &rest[c.len_utf8()..];
            rest = match c {
                '(' => self.open(rest)?,
                '|' => {
                    self.top().alternate();
                    one
                }
                ')' => self.close(one)?,
                '[' => {
                    let after = self.class(rest)?;
                    self.atom();
                    after
                }
                '*' | '+' | '?' => {
                    repeat = Some(rest);
                    self.repeat(None, rest, one, last)?
                }
                '{' => match Self::counts(rest) {
                    Some((counts, after)) => {
                        repeat = Some(rest);
                        let (min, max) = counts.ok_or_else(|| fault(REPEAT_SIZE, rest, after))?;
                        self.repeat(Some((min, max)), rest, after, last)?
                    }
                    None => {
                        self.atom();
                        one
                    }
                },
                '\\' => self.escaped(rest)?,
                _ => {
                    self.atom();
                    one
                }
            };
            last = repeat;
            self.check_limits()?;
        }
        if self.groups.len() > 1 {
            Err(Fault {
                code: "missing closing )",
                at: self.whole,
            })
        } else {
            Ok(())
        }
    }

    fn top(&mut self) -> &mut Group {
        if self.groups.is_empty() {
            self.groups.push(Group::new(false));
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn atom(&mut self) {
        self.nodes += 1;
        self.top().push(shape::ATOM);
    }

    fn enter(&mut self, capture: bool) {
        self.nodes += 1;
        self.groups.push(Group::new(capture));
    }

    fn check_limits(&mut self) -> Parsed<'a, ()> {
        let nodes = self.nodes;
        let shape = self.top().shape();
        let at = self.whole;
        if shape.too_large() {
            return Err(Fault {
                code: "expression too large",
                at,
            });
        }
        if nodes >= shape::HEIGHT_MAX && shape.too_high() {
            return Err(Fault {
                code: "expression nests too deeply",
                at,
            });
        }
        Ok(())
    }

    fn close(&mut self, after: &'a str) -> Parsed<'a> {
        if self.groups.len() < 2 {
            return Err(Fault {
                code: UNEXPECTED_PAREN,
                at: self.whole,
            });
        }
        let shape = self.groups.pop().map_or(shape::ATOM, Group::finish);
        self.top().push(shape);
        Ok(after)
    }

    /// `counts` are those of `{min,max}`, none for `*`, `+` and `?`.
    fn repeat(
        &mut self,
        counts: Option<Counts>,
        before: &'a str,
        after: &'a str,
        last: Option<&'a str>,
    ) -> Parsed<'a> {
        let after = after.strip_prefix('?').unwrap_or(after);
        if let Some(last) = last {
            return Err(fault("invalid nested repetition operator", last, after));
        }
        self.nodes += 1;
        let Some(shape) = self.top().repeat_last(counts) else {
            return Err(fault(MISSING_ARGUMENT, before, after));
        };
        let checked = counts.is_some_and(|(min, max)| min >= 2 || max.is_some_and(|max| max >= 2));
        if checked && shape.repeats > u64::from(REPEAT_MAX) {
            return Err(fault(REPEAT_SIZE, before, after));
        }
        Ok(after)
    }

    /// `{2}`, `{2,}` or `{2,3}`; inside, none where the numbers are out of range; none where it is no repetition.
    fn counts(text: &'a str) -> Option<(Option<Counts>, &'a str)> {
        let rest = text.strip_prefix('{')?;
        let (min, rest) = int(rest)?;
        let (max, rest) = match rest.strip_prefix(',') {
            None => (Some(min), rest),
            Some(rest) if rest.starts_with('}') => (None, rest),
            Some(rest) => {
                let (max, rest) = int(rest)?;
                (Some(max), rest)
            }
        };
        let rest = rest.strip_prefix('}')?;
        let fits = min <= REPEAT_MAX && max.is_none_or(|max| max <= REPEAT_MAX && min <= max);
        Some((fits.then_some((min, max)), rest))
    }

    /// A group, or a change of flags.
    fn open(&mut self, text: &'a str) -> Parsed<'a> {
        let Some(inside) = text.strip_prefix("(?") else {
            self.enter(true);
            return Ok(&text[1..]);
        };
        let name = if text.len() > 4 {
            inside.strip_prefix("P<")
        } else {
            None
        };
        let name = name.or_else(|| {
            if text.len() > 3 {
                inside.strip_prefix('<')
            } else {
                None
            }
        });
        if let Some(name) = name {
            let Some(end) = name.find('>') else {
                return Err(Fault {
                    code: CAPTURE,
                    at: text,
                });
            };
            let after = &name[end + 1..];
            let name = &name[..end];
            if name.is_empty() || !name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) {
                return Err(fault(CAPTURE, text, after));
            }
            self.enter(true);
            return Ok(after);
        }
        self.flags(text, inside)
    }

    fn flags(&mut self, text: &'a str, inside: &'a str) -> Parsed<'a> {
        let (mut negative, mut seen) = (false, false);
        let mut chars = inside.chars();
        while let Some(c) = chars.next() {
            match c {
                'i' | 'm' | 's' | 'U' => seen = true,
                '-' if !negative => (negative, seen) = (true, false),
                ':' | ')' if !negative || seen => {
                    if c == ':' {
                        self.enter(false);
                    }
                    return Ok(chars.as_str());
                }
                _ => return Err(fault(PERL, text, chars.as_str())),
            }
        }
        Err(fault(PERL, text, chars.as_str()))
    }

    /// What a backslash starts outside of a class.
    fn escaped(&mut self, text: &'a str) -> Parsed<'a> {
        match text.as_bytes().get(1) {
            Some(b'A' | b'b' | b'B' | b'z') => {
                self.atom();
                return Ok(&text[2..]);
            }
            Some(b'C') => {
                return Err(Fault {
                    code: ESCAPE,
                    at: &text[..2],
                });
            }
            Some(b'Q') => {
                let literal = &text[2..];
                let (literal, after) = literal.split_once("\\E").unwrap_or((literal, ""));
                for _ in literal.chars() {
                    self.atom();
                }
                return Ok(after);
            }
            _ => {}
        }
        let after = match Self::group_escape(text)? {
            Some(after) => after,
            None => Self::escape(text)?.1,
        };
        self.atom();
        Ok(after)
    }
}

/// A fault in the text before `after`.
fn fault<'a>(code: &'static str, text: &'a str, after: &'a str) -> Fault<'a> {
    Fault {
        code,
        at: &text[..text.len() - after.len()],
    }
}

/// A number without leading zeros, and what follows. Large ones stay large enough to be refused.
fn int(text: &str) -> Option<(u32, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() || digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), rest))
}
