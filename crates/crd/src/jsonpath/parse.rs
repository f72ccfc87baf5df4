//! From text to steps, with the leniencies of client-go's parser.

use super::{Slice, Step};

/// Filters and unions inside each other; client-go's own syntax allows hardly two.
const NESTING_MAX: usize = 8;

/// Parses a template: blocks in braces, and text, which counts as a block.
pub(super) fn parse(text: &str) -> Option<Vec<Vec<Step>>> {
    parse_blocks(text, NESTING_MAX)
}

fn parse_blocks(text: &str, nesting: usize) -> Option<Vec<Vec<Step>>> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some(open) = rest.find('{') else {
            blocks.push(vec![Step::Text(rest.to_owned())]);
            break;
        };
        if open > 0 {
            blocks.push(vec![Step::Text(rest[..open].to_owned())]);
        }
        let mut parser = Parser {
            text: &rest[open + 1..],
            at: 0,
            steps: Vec::new(),
            nesting,
        };
        parser.block()?;
        rest = &parser.text[parser.at..];
        blocks.push(parser.steps);
    }
    Some(blocks)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    steps: Vec<Step>,
    nesting: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Reads up to the closing brace.
    fn block(&mut self) -> Option<()> {
        loop {
            let rest = self.rest();
            if rest.starts_with('}') {
                self.at += 1;
                return Some(());
            }
            if rest.starts_with("[?(") {
                self.filter()?;
                continue;
            }
            if rest.starts_with("..") {
                self.recursive()?;
                continue;
            }
            match self.next()? {
                '\r' | '\n' => return None,
                ' ' | '@' | '$' => {}
                '[' => self.array()?,
                quote @ ('"' | '\'') => self.quoted(quote)?,
                '.' => self.field(),
                c if c == '+' || c == '-' || c.is_numeric() => {
                    self.at -= c.len_utf8();
                    self.number()?;
                }
                c if is_word(c) => {
                    self.at -= c.len_utf8();
                    self.word();
                }
                _ => return None,
            }
        }
    }

    fn recursive(&mut self) -> Option<()> {
        if matches!(self.steps.last(), Some(Step::Recursive)) {
            return None;
        }
        self.at += 2;
        self.steps.push(Step::Recursive);
        if self.peek().is_some_and(is_word) {
            self.field();
        }
        Some(())
    }

    /// A name up to the next delimiter that has no backslash before it.
    fn field(&mut self) {
        let start = self.at;
        while let Some(c) = self.peek() {
            if c == '\\' {
                self.next();
                self.next();
            } else if is_end(c) {
                break;
            } else {
                self.next();
            }
        }
        let name = &self.text[start..self.at];
        self.steps.push(if name == "*" {
            Step::Wildcard
        } else {
            Step::Field(name.replace('\\', ""))
        });
    }

    fn word(&mut self) {
        let start = self.at;
        while self.peek().is_some_and(|c| !is_end(c)) {
            self.next();
        }
        self.steps.push(match &self.text[start..self.at] {
            "true" => Step::Bool(true),
            "false" => Step::Bool(false),
            _ => Step::Word,
        });
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        if matches!(self.peek(), Some('+' | '-')) {
            self.next();
        }
        while self.peek().is_some_and(|c| c == '.' || c.is_numeric()) {
            self.next();
        }
        let text = &self.text[start..self.at];
        if let Ok(number) = text.parse() {
            self.steps.push(Step::Int(number));
        } else {
            self.steps.push(Step::Float(text.parse().ok()?));
        }
        Some(())
    }

    /// A text in quotes. A backslash before the closing quote takes that for the text.
    fn quoted(&mut self, quote: char) -> Option<()> {
        let start = self.at;
        let mut before = quote;
        loop {
            let c = self.next()?;
            if c == '\n' {
                return None;
            }
            if c == quote && before != '\\' {
                break;
            }
            before = c;
        }
        self.steps
            .push(Step::Text(unquote(&self.text[start..self.at - 1], quote)?));
        Some(())
    }

    /// `[...]` after its bracket: a union, a key, an index or a slice.
    fn array(&mut self) -> Option<()> {
        let end = self.rest().find([']', '\n'])?;
        let inside = &self.rest()[..end];
        if self.rest()[end..].starts_with('\n') {
            return None;
        }
        self.at += end + 1;
        let inside = if inside == "*" { ":" } else { inside };
        if inside.contains(',') {
            let branches = inside
                .split(',')
                .map(|branch| self.nested(&format!("[{}]", branch.trim_matches(' '))));
            let branches = branches.collect::<Option<Vec<_>>>()?;
            self.steps.push(Step::Union(branches));
            return Some(());
        }
        let key = inside
            .strip_prefix('\'')
            .and_then(|rest| rest.strip_suffix('\''));
        if let Some(key) = key.filter(|key| !key.contains('\'')) {
            let steps = self.nested(&format!(".{key}"))?;
            self.steps.extend(steps);
            return Some(());
        }
        self.steps.push(Step::Slice(slice(inside)?));
        Some(())
    }

    /// `[?(left operator right)]`.
    fn filter(&mut self) -> Option<()> {
        self.at += 3;
        let start = self.at;
        let (mut quote, mut closed, mut before) = (None, false, ' ');
        loop {
            let c = self.next()?;
            match c {
                '\n' => return None,
                '"' | '\'' => match quote {
                    None => quote = Some(c),
                    Some(open) if open == c && before != '\\' => closed = true,
                    Some(_) => {}
                },
                ')' if quote.is_some() == closed => break,
                _ => {}
            }
            before = c;
        }
        let inside = &self.text[start..self.at - 1];
        if self.next()? != ']' {
            return None;
        }
        let step = match comparison(inside) {
            None => Step::Filter {
                left: self.nested(inside)?,
                operator: "exists".to_owned(),
                right: Vec::new(),
            },
            Some((left, operator, right)) => Step::Filter {
                left: self.nested(left)?,
                operator: operator.to_owned(),
                right: self.nested(right)?,
            },
        };
        self.steps.push(step);
        Some(())
    }

    /// The first block of a text of its own.
    fn nested(&self, text: &str) -> Option<Vec<Step>> {
        let nesting = self.nesting.checked_sub(1)?;
        parse_blocks(&format!("{{{text}}}"), nesting)?
            .into_iter()
            .next()
    }
}

/// Splits `left`, the first run of `!<>=`, and a right side that isn't empty.
fn comparison(text: &str) -> Option<(&str, &str, &str)> {
    let is_operator = |c: char| matches!(c, '!' | '<' | '>' | '=');
    let start = text.find(is_operator).filter(|start| *start > 0)?;
    let mut end = start
        + text[start..]
            .find(|c| !is_operator(c))
            .unwrap_or(text.len() - start);
    if end == text.len() {
        // The right side takes one from the operator, if that leaves one.
        end -= 1;
    }
    (end > start).then(|| (&text[..start], &text[start..end], &text[end..]))
}

fn slice(text: &str) -> Option<Slice> {
    let mut parts = text.split(':');
    let first = parts.next()?;
    let (second, third) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    let number = |part: &str| -> Option<Option<i64>> {
        if part.is_empty() {
            return Some(None);
        }
        let digits = part.strip_prefix('-').unwrap_or(part);
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(())?;
        Some(Some(part.parse().ok()?))
    };
    let from = number(first)?;
    Some(match second {
        None => Slice {
            from,
            to: Some(from.unwrap_or(0).checked_add(1)?),
            to_derived: true,
            step: None,
        },
        Some(second) => Slice {
            from,
            to: number(second)?,
            to_derived: false,
            step: number(third.unwrap_or_default())?,
        },
    })
}

/// Go's escapes in a quoted text.
fn unquote(text: &str, quote: char) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            'a' => out.push('\u{7}'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\u{b}'),
            '\\' => out.push('\\'),
            c if c == quote => out.push(c),
            c => {
                let digits = match c {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => return None,
                };
                let mut code = 0u32;
                for _ in 0..digits {
                    code = code
                        .checked_mul(16)?
                        .checked_add(chars.next()?.to_digit(16)?)?;
                }
                out.push(char::from_u32(code)?);
            }
        }
    }
    Some(out)
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn is_end(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}'
    )
}
