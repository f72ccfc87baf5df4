//! From text to tokens, as libyaml does it: YAML 1.1, one pass, keys that turn out to be keys only at their colon.
//!
//! Invariant: `at` is at a boundary of characters, and `mark` counts the same place in lines and characters.

mod marks;
mod properties;
mod scalars;

pub(super) use marks::Mark;

use crate::DEPTH_MAX;
use std::collections::{HashMap, VecDeque};

/// A token and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: Mark,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    StreamStart,
    StreamEnd,
    Version(u8, u8),
    TagDirective { handle: String, prefix: String },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    Tag { handle: String, suffix: String },
    Scalar { text: String, is_plain: bool },
}

/// A place where a key may have begun that has no `?`.
#[derive(Debug, Clone, Copy, Default)]
struct SimpleKey {
    is_possible: bool,
    is_required: bool,
    token: usize,
    mark: Mark,
}

pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
    mark: Mark,
    tokens: VecDeque<Token>,
    /// How many tokens were taken.
    taken: usize,
    is_ready: bool,
    has_started: bool,
    indent: i64,
    indents: Vec<i64>,
    simple_key_allowed: bool,
    simple_keys: Vec<SimpleKey>,
    by_token: HashMap<usize, usize>,
    flow_level: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            text,
            at: 0,
            mark: Mark::default(),
            tokens: VecDeque::new(),
            taken: 0,
            is_ready: false,
            has_started: false,
            indent: -1,
            indents: Vec::new(),
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey::default()],
            by_token: HashMap::new(),
            flow_level: 0,
        }
    }

    /// The next token, which stays.
    pub(super) fn peek(&mut self) -> Result<&Token, String> {
        while !self.is_ready {
            let head = self
                .by_token
                .get(&self.taken)
                .filter(|_| !self.tokens.is_empty());
            let may_be_key = match head.and_then(|place| self.simple_keys.get(*place)).copied() {
                Some(key) => self.is_valid(key)?,
                None => false,
            };
            match self.tokens.is_empty() || may_be_key {
                true => self.fetch()?,
                false => self.is_ready = true,
            }
        }
        self.tokens
            .front()
            .ok_or_else(|| "unknown problem parsing YAML content".to_owned())
    }

    /// Takes the next token.
    pub(super) fn take(&mut self) -> Result<Token, String> {
        let token = self.peek()?.clone();
        self.tokens.pop_front();
        self.taken += 1;
        self.is_ready = false;
        Ok(token)
    }

    fn fetch(&mut self) -> Result<(), String> {
        if !self.has_started {
            self.has_started = true;
            self.push(Kind::StreamStart, self.mark);
            return Ok(());
        }
        self.skip_to_token();
        self.unroll(self.mark.column);
        let is_indicator = |scanner: &Self, text: &[u8]| {
            scanner.bytes[scanner.at..].starts_with(text) && scanner.is_blank_or_end(3)
        };
        let starts_line = self.mark.column == 0;
        let after = self.is_blank_or_end(1);
        let in_flow = self.flow_level > 0;
        match self.byte(0) {
            _ if self.is_end(0) => self.stream_end(),
            b'%' if starts_line => self.directive(),
            b'-' if starts_line && is_indicator(self, b"---") => {
                self.document_indicator(Kind::DocumentStart)
            }
            b'.' if starts_line && is_indicator(self, b"...") => {
                self.document_indicator(Kind::DocumentEnd)
            }
            b'[' => self.flow_start(Kind::FlowSequenceStart),
            b'{' => self.flow_start(Kind::FlowMappingStart),
            b']' => self.flow_end(Kind::FlowSequenceEnd),
            b'}' => self.flow_end(Kind::FlowMappingEnd),
            b',' => self.flow_entry(),
            b'-' if after => self.block_entry(),
            b'?' if in_flow || after => self.key(),
            b':' if in_flow || after => self.value(),
            b'*' => self.property(Self::scan_alias),
            b'&' => self.property(Self::scan_anchor),
            b'!' => self.property(Self::scan_tag),
            b'|' if !in_flow => self.block_scalar(true),
            b'>' if !in_flow => self.block_scalar(false),
            b'\'' => self.property(|scanner| scanner.scan_quoted(true)),
            b'"' => self.property(|scanner| scanner.scan_quoted(false)),
            _ if self.begins_plain() => self.property(Self::scan_plain),
            _ => self.fail("found character that cannot start any token"),
        }
    }

    fn begins_plain(&self) -> bool {
        let byte = self.byte(0);
        let is_blank_after = matches!(self.byte(1), b' ' | b'\t');
        let is_indicator = b"-?:,[]{}#&*!|>'\"%@`".contains(&byte);
        !(self.is_blank_or_end(0) || is_indicator)
            || (byte == b'-' && !is_blank_after)
            || (self.flow_level == 0 && matches!(byte, b'?' | b':') && !self.is_blank_or_end(1))
    }

    fn push(&mut self, kind: Kind, start: Mark) {
        self.tokens.push_back(Token { kind, start });
    }

    /// Puts a token before others that wait; where those are gone already, behind all.
    fn insert(&mut self, number: usize, kind: Kind, start: Mark) {
        let token = Token { kind, start };
        match number
            .checked_sub(self.taken)
            .filter(|place| *place <= self.tokens.len())
        {
            Some(place) => self.tokens.insert(place, token),
            None => self.tokens.push_back(token),
        }
    }

    /// `line 3: words`. The first line isn't named.
    fn fail<T>(&self, words: &str) -> Result<T, String> {
        Err(match self.mark.line {
            0 => words.to_owned(),
            line => format!("line {}: {words}", line + 1),
        })
    }

    fn is_valid(&mut self, key: SimpleKey) -> Result<bool, String> {
        if !key.is_possible {
            return Ok(false);
        }
        if key.mark.line < self.mark.line || key.mark.index + 1024 < self.mark.index {
            if key.is_required {
                return self.fail("could not find expected ':'");
            }
            let place = self.by_token.get(&key.token).copied();
            if let Some(key) = place.and_then(|place| self.simple_keys.get_mut(place)) {
                key.is_possible = false;
            }
            return Ok(false);
        }
        Ok(true)
    }

    fn save_simple_key(&mut self) -> Result<(), String> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        self.remove_simple_key()?;
        let key = SimpleKey {
            is_possible: true,
            is_required: self.flow_level == 0 && self.indent == self.mark.column,
            token: self.taken + self.tokens.len(),
            mark: self.mark,
        };
        self.by_token.insert(key.token, self.simple_keys.len() - 1);
        if let Some(last) = self.simple_keys.last_mut() {
            *last = key;
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Result<(), String> {
        let Some(key) = self
            .simple_keys
            .last()
            .copied()
            .filter(|key| key.is_possible)
        else {
            return Ok(());
        };
        if key.is_required {
            return self.fail("could not find expected ':'");
        }
        self.forget_simple_key(key);
        Ok(())
    }

    fn forget_simple_key(&mut self, key: SimpleKey) {
        if let Some(last) = self.simple_keys.last_mut() {
            last.is_possible = false;
        }
        self.by_token.remove(&key.token);
    }

    fn roll(
        &mut self,
        column: i64,
        number: Option<usize>,
        kind: Kind,
        mark: Mark,
    ) -> Result<(), String> {
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > DEPTH_MAX {
            return self.fail(&format!("exceeded max depth of {DEPTH_MAX}"));
        }
        match number {
            Some(number) => self.insert(number, kind, mark),
            None => self.push(kind, mark),
        }
        Ok(())
    }

    fn unroll(&mut self, column: i64) {
        while self.flow_level == 0 && self.indent > column {
            self.push(Kind::BlockEnd, self.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn stream_end(&mut self) -> Result<(), String> {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.unroll(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push(Kind::StreamEnd, self.mark);
        Ok(())
    }

    fn directive(&mut self) -> Result<(), String> {
        self.unroll(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let kind = self.scan_directive()?;
        self.push(kind, start);
        Ok(())
    }

    fn document_indicator(&mut self, kind: Kind) -> Result<(), String> {
        self.unroll(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push(kind, self.mark);
        (0..3).for_each(|_| self.skip());
        Ok(())
    }

    fn flow_start(&mut self, kind: Kind) -> Result<(), String> {
        self.save_simple_key()?;
        self.simple_keys.push(SimpleKey {
            token: self.taken + self.tokens.len(),
            mark: self.mark,
            ..SimpleKey::default()
        });
        self.flow_level += 1;
        if self.flow_level > DEPTH_MAX {
            return self.fail(&format!("exceeded max depth of {DEPTH_MAX}"));
        }
        self.simple_key_allowed = true;
        self.one(kind);
        Ok(())
    }

    fn flow_end(&mut self, kind: Kind) -> Result<(), String> {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.simple_keys.pop() {
                self.by_token.remove(&key.token);
            }
        }
        self.simple_key_allowed = false;
        self.one(kind);
        Ok(())
    }

    fn flow_entry(&mut self) -> Result<(), String> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.one(Kind::FlowEntry);
        Ok(())
    }

    fn block_entry(&mut self) -> Result<(), String> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.fail("block sequence entries are not allowed in this context");
            }
            self.roll(self.mark.column, None, Kind::BlockSequenceStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.one(Kind::BlockEntry);
        Ok(())
    }

    fn key(&mut self) -> Result<(), String> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.fail("mapping keys are not allowed in this context");
            }
            self.roll(self.mark.column, None, Kind::BlockMappingStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.one(Kind::Key);
        Ok(())
    }

    fn value(&mut self) -> Result<(), String> {
        let key = self.simple_keys.last().copied().unwrap_or_default();
        if self.is_valid(key)? {
            self.insert(key.token, Kind::Key, key.mark);
            self.roll(
                key.mark.column,
                Some(key.token),
                Kind::BlockMappingStart,
                key.mark,
            )?;
            self.forget_simple_key(key);
            self.simple_key_allowed = false;
        } else {
            if let Some(last) = self.simple_keys.last_mut() {
                last.is_possible = false;
            }
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return self.fail("mapping values are not allowed in this context");
                }
                self.roll(self.mark.column, None, Kind::BlockMappingStart, self.mark)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.one(Kind::Value);
        Ok(())
    }

    /// What may be the beginning of a key.
    fn property(
        &mut self,
        scan: impl FnOnce(&mut Self) -> Result<Kind, String>,
    ) -> Result<(), String> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let kind = scan(self)?;
        self.push(kind, start);
        Ok(())
    }

    fn block_scalar(&mut self, is_literal: bool) -> Result<(), String> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        let start = self.mark;
        let kind = self.scan_block(is_literal)?;
        self.push(kind, start);
        Ok(())
    }

    /// A token of one character.
    fn one(&mut self, kind: Kind) {
        self.push(kind, self.mark);
        self.skip();
    }

    fn skip_to_token(&mut self) {
        loop {
            if self.mark.column == 0 && self.bytes[self.at..].starts_with("\u{feff}".as_bytes()) {
                self.skip();
            }
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            while self.byte(0) == b' ' || (tabs && self.byte(0) == b'\t') {
                self.skip();
            }
            self.skip_comment();
            if !self.is_break(0) {
                return;
            }
            self.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }
}
