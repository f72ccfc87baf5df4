//! Tokens of an expression.
//!
//! Works on code points, as places are counted in them. Text that is no token is reported and skipped.

use super::issues::{Issues, Place};
use std::fmt::Write as _;

/// What a token is. Operators and brackets are `Sign`, told apart by their text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Sign(&'static str),
    Float,
    Int,
    Uint,
    String,
    Bytes,
    Ident,
    /// An identifier in backticks.
    Escaped,
    End,
}

/// A token and where it stands, in code points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Longer signs first.
const SIGNS: [&str; 24] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!",
    "?", ":", "+", "*", "/", "%",
];

/// The source, cut into tokens.
pub(super) struct Lexer<'s> {
    pub(super) chars: &'s [char],
    lines: Vec<usize>,
    at: usize,
}

impl<'s> Lexer<'s> {
    pub(super) fn new(chars: &'s [char]) -> Self {
        let lines = chars
            .iter()
            .enumerate()
            .filter(|(_, c)| **c == '\n')
            .map(|(index, _)| index + 1)
            .collect();
        Self {
            chars,
            lines,
            at: 0,
        }
    }

    /// The line and column of an offset.
    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = if line == 0 { 0 } else { self.lines[line - 1] };
        Place {
            line: i32::try_from(line + 1).unwrap_or(i32::MAX),
            column: i32::try_from(offset - start).unwrap_or(i32::MAX),
        }
    }

    /// All tokens; the last is `End`.
    pub(super) fn all(&mut self, issues: &mut Issues) -> Vec<Lexeme> {
        let mut out = Vec::new();
        loop {
            self.skip_blanks();
            let start = self.at;
            let Some(first) = self.peek(0) else {
                out.push(Lexeme {
                    token: Token::End,
                    start,
                    end: start,
                });
                return out;
            };
            match self.token(first) {
                Ok((token, end)) => {
                    out.push(Lexeme { token, start, end });
                    self.at = end;
                }
                Err(stuck) => {
                    let shown = shown(&self.chars[start..(stuck + 1).min(self.chars.len())]);
                    issues.report(
                        self.place(start),
                        format!("Syntax error: token recognition error at: '{shown}'"),
                    );
                    self.at = (stuck + 1).min(self.chars.len());
                }
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(c) = self.peek(0) {
            if matches!(c, '\t' | ' ' | '\r' | '\n' | '\u{c}') {
                self.at += 1;
            } else if c == '/' && self.peek(1) == Some('/') {
                while self.peek(0).is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
            } else {
                return;
            }
        }
    }

    /// The token here and its end, or where recognition got stuck.
    fn token(&self, first: char) -> Result<(Token, usize), usize> {
        if first.is_ascii_digit()
            || (first == '.' && self.peek(1).is_some_and(|c| c.is_ascii_digit()))
        {
            return Ok(self.number());
        }
        if let Some((prefix, raw)) = self.quote_prefix() {
            let token = if matches!(first, 'b' | 'B') {
                Token::Bytes
            } else {
                Token::String
            };
            match self.string(self.at + prefix, raw) {
                Ok(end) => return Ok((token, end)),
                Err(stuck) if prefix == 0 => return Err(stuck),
                Err(_) => {}
            }
        }
        if first.is_ascii_alphabetic() || first == '_' {
            return Ok(self.word());
        }
        if first == '`' {
            return self.escaped();
        }
        for sign in SIGNS {
            let fits = sign
                .chars()
                .enumerate()
                .all(|(i, c)| self.peek(i) == Some(c));
            if fits {
                return Ok((Token::Sign(sign), self.at + sign.len()));
            }
        }
        Err(match first {
            '&' | '|' | '=' => self.at + 1,
            _ => self.at,
        })
    }

    fn word(&self) -> (Token, usize) {
        let mut end = self.at;
        while self
            .chars
            .get(end)
            .is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_')
        {
            end += 1;
        }
        let text: String = self.chars[self.at..end].iter().collect();
        let token = match text.as_str() {
            "in" => Token::Sign("in"),
            "true" => Token::Sign("true"),
            "false" => Token::Sign("false"),
            "null" => Token::Sign("null"),
            _ => Token::Ident,
        };
        (token, end)
    }

    fn escaped(&self) -> Result<(Token, usize), usize> {
        let mut end = self.at + 1;
        while let Some(c) = self.chars.get(end) {
            if *c == '`' && end > self.at + 1 {
                return Ok((Token::Escaped, end + 1));
            }
            if !c.is_ascii_alphanumeric() && !"_.-/ ".contains(*c) {
                return Err(end);
            }
            end += 1;
        }
        Err(end)
    }

    fn digits(&self, from: usize, hex: bool) -> usize {
        let mut end = from;
        while self.chars.get(end).is_some_and(|c| {
            if hex {
                c.is_ascii_hexdigit()
            } else {
                c.is_ascii_digit()
            }
        }) {
            end += 1;
        }
        end
    }

    fn number(&self) -> (Token, usize) {
        let unsigned = |end: usize| matches!(self.chars.get(end), Some('u' | 'U'));
        if self.peek(0) == Some('0') && self.peek(1) == Some('x') {
            let end = self.digits(self.at + 2, true);
            if end > self.at + 2 {
                return if unsigned(end) {
                    (Token::Uint, end + 1)
                } else {
                    (Token::Int, end)
                };
            }
        }
        let mut end = self.digits(self.at, false);
        let mut float = false;
        if self.chars.get(end) == Some(&'.') {
            let after = self.digits(end + 1, false);
            if after > end + 1 {
                end = after;
                float = true;
            }
        }
        if matches!(self.chars.get(end), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.chars.get(end + 1), Some('+' | '-')));
            let after = self.digits(end + 1 + sign, false);
            if after > end + 1 + sign {
                return (Token::Float, after);
            }
        }
        if float {
            (Token::Float, end)
        } else if unsigned(end) {
            (Token::Uint, end + 1)
        } else {
            (Token::Int, end)
        }
    }

    /// How long the prefix of a string is (`b`, `r`, `br`), and whether it makes it raw.
    fn quote_prefix(&self) -> Option<(usize, bool)> {
        let mut at = 0;
        let mut raw = false;
        if matches!(self.peek(at), Some('b' | 'B')) {
            at += 1;
        }
        if matches!(self.peek(at), Some('r' | 'R')) {
            at += 1;
            raw = true;
        }
        matches!(self.peek(at), Some('"' | '\'')).then_some((at, raw))
    }

    /// The end of the string whose quote is at `from`.
    fn string(&self, from: usize, raw: bool) -> Result<usize, usize> {
        let quote = self.chars[from];
        let triple =
            self.chars.get(from + 1) == Some(&quote) && self.chars.get(from + 2) == Some(&quote);
        if triple && let Ok(end) = self.until(from + 3, quote, true, raw) {
            return Ok(end);
        }
        self.until(from + 1, quote, false, raw)
    }

    fn until(&self, from: usize, quote: char, triple: bool, raw: bool) -> Result<usize, usize> {
        let mut at = from;
        loop {
            let Some(&c) = self.chars.get(at) else {
                return Err(at);
            };
            if c == quote {
                if !triple {
                    return Ok(at + 1);
                }
                if self.chars.get(at + 1) == Some(&quote) && self.chars.get(at + 2) == Some(&quote)
                {
                    return Ok(at + 3);
                }
            }
            if !triple && matches!(c, '\n' | '\r') {
                return Err(at);
            }
            if c == '\\' && !raw {
                at = self.escape(at)?;
            } else {
                at += 1;
            }
        }
    }

    fn escape(&self, at: usize) -> Result<usize, usize> {
        let more = |count: usize, fits: fn(&char) -> bool| {
            for index in 0..count {
                if !self.chars.get(at + 2 + index).is_some_and(fits) {
                    return Err(at + 2 + index);
                }
            }
            Ok(at + 2 + count)
        };
        match self.chars.get(at + 1) {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`') => {
                Ok(at + 2)
            }
            Some('x' | 'X') => more(2, char::is_ascii_hexdigit),
            Some('u') => more(4, char::is_ascii_hexdigit),
            Some('U') => more(8, char::is_ascii_hexdigit),
            Some('0'..='3') => more(2, |c| matches!(c, '0'..='7')),
            _ => Err(at + 1),
        }
    }
}

/// Text as ANTLR's messages show it.
pub(super) fn shown(chars: &[char]) -> String {
    let mut out = String::new();
    for c in chars {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => {
                let _ = write!(out, "{c}");
            }
        }
    }
    out
}
