//! A place in a JSON text, and the ways to step over what stands there.
//!
//! Reads precisely what it is asked to read and skips the rest by balance. Never recurses: how
//! deep it goes is fixed by the caller's code, not by the input. Running out of input is always
//! [`ScanError::Truncated`], so a caller can tell "not yet" from "never".

use std::{borrow::Cow, ops::Range};

use crate::{
    error::ScanError,
    skip::{Balance, TextScan, ends_scalar, is_blank, is_scalar},
    text::{RawText, special},
};

type Scan<T> = Result<T, ScanError>;

/// What to do with a member of an object when it is written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    Keep,
    Drop,
}

#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    pos: usize,
    /// Spans that remove the dropped members and one comma each; ascending and disjoint.
    pub(crate) dropped: Vec<Range<usize>>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            pos: 0,
            dropped: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// The input from `start` to here.
    #[inline]
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.pos]
    }

    #[inline]
    pub(crate) fn peek(&self) -> Scan<u8> {
        match self.bytes.get(self.pos) {
            Some(&byte) => Ok(byte),
            None => Err(self.truncated()),
        }
    }

    #[inline]
    pub(crate) fn whitespace(&mut self) {
        while self.bytes.get(self.pos).is_some_and(|&byte| is_blank(byte)) {
            self.pos += 1;
        }
    }

    /// Checks that only white space is left.
    pub(crate) fn end(&mut self) -> Scan<()> {
        self.whitespace();
        match self.bytes.get(self.pos) {
            None => Ok(()),
            Some(_) => Err(ScanError::Trailing { offset: self.pos }),
        }
    }

    /// Steps over a value of any type.
    pub(crate) fn skip_value(&mut self) -> Scan<()> {
        let rest = &self.bytes[self.pos..];
        let used = match self.peek()? {
            b'{' | b'[' => Balance::opened().advance(&rest[1..]),
            b'"' => TextScan::default().advance(&rest[1..]),
            _ => return self.scalar().map(|_| ()),
        };
        match used {
            Some(used) => self.pos += 1 + used,
            None => return Err(self.truncated()),
        }
        Ok(())
    }

    /// Reads an object, calling `f` at each value with its key.
    #[inline]
    pub(crate) fn members(
        &mut self,
        mut f: impl FnMut(&mut Self, &[u8]) -> Scan<Member>,
    ) -> Scan<()> {
        self.raw_members(|cursor, key| {
            let key = key.unescape()?;
            f(cursor, &key)
        })
    }

    /// Reads an object, calling `f` at each value with its key as written.
    #[inline]
    fn raw_members(
        &mut self,
        mut f: impl FnMut(&mut Self, RawText<'a>) -> Scan<Member>,
    ) -> Scan<()> {
        self.expect(b'{', "an object")?;
        self.whitespace();
        if self.eat(b'}') {
            return Ok(());
        }
        let mut kept = false;
        let mut dropping = None; // dropped members at the front: they take the comma behind them
        let mut previous_end = self.pos;
        loop {
            if let Some(from) = dropping.take() {
                self.dropped.push(from..self.pos);
            }
            let start = self.pos;
            let key = self.string()?;
            self.whitespace();
            self.expect(b':', "a colon")?;
            self.whitespace();
            match f(self, key)? {
                Member::Keep => kept = true,
                Member::Drop if kept => self.dropped.push(previous_end..self.pos),
                Member::Drop => dropping = Some(start),
            }
            previous_end = self.pos;
            self.whitespace();
            if self.eat(b',') {
                self.whitespace();
                continue;
            }
            self.expect(b'}', "a comma or the end of the object")?;
            if let Some(from) = dropping {
                self.dropped.push(from..previous_end);
            }
            return Ok(());
        }
    }

    /// Reads an array, calling `f` at each element.
    pub(crate) fn elements(&mut self, mut f: impl FnMut(&mut Self) -> Scan<()>) -> Scan<()> {
        self.expect(b'[', "an array")?;
        self.whitespace();
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            f(self)?;
            self.whitespace();
            if self.eat(b',') {
                self.whitespace();
                continue;
            }
            return self.expect(b']', "a comma or the end of the array");
        }
    }

    /// An object or null; members are kept unless `f` says otherwise.
    #[inline]
    pub(crate) fn object(
        &mut self,
        field: &'static str,
        f: impl FnMut(&mut Self, &[u8]) -> Scan<Member>,
    ) -> Scan<()> {
        match self.peek()? {
            b'{' => self.members(f),
            _ => self.null(field, "an object"),
        }
    }

    /// An array or null.
    pub(crate) fn array(
        &mut self,
        field: &'static str,
        f: impl FnMut(&mut Self) -> Scan<()>,
    ) -> Scan<()> {
        match self.peek()? {
            b'[' => self.elements(f),
            _ => self.null(field, "an array"),
        }
    }

    /// A string, or `None` for null.
    #[inline]
    pub(crate) fn text(&mut self, field: &'static str) -> Scan<Option<Cow<'a, str>>> {
        match self.peek()? {
            b'"' => Ok(Some(self.string()?.decode()?)),
            _ => self.null(field, "a string").map(|()| None),
        }
    }

    /// A string of its own; empty for null.
    pub(crate) fn owned_text(&mut self, field: &'static str) -> Scan<String> {
        Ok(self.text(field)?.unwrap_or_default().into_owned())
    }

    /// An object of strings or null; null values are empty.
    #[inline]
    pub(crate) fn texts(
        &mut self,
        field: &'static str,
        mut f: impl FnMut(Cow<'a, str>, Cow<'a, str>),
    ) -> Scan<()> {
        if self.peek()? != b'{' {
            return self.null(field, "an object");
        }
        self.pos += 1;
        self.whitespace();
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let key = self.string()?.decode()?;
            self.whitespace();
            self.expect(b':', "a colon")?;
            self.whitespace();
            f(key, self.text(field)?.unwrap_or_default());
            self.whitespace();
            if !self.eat(b',') {
                return self.expect(b'}', "a comma or the end of the object");
            }
            self.whitespace();
        }
    }

    /// A whole number, or `None` for null.
    pub(crate) fn integer(&mut self, field: &'static str) -> Scan<Option<i64>> {
        let wrong = self.wrong(field, "a 64-bit integer");
        if matches!(self.peek()?, b'{' | b'[' | b'"') {
            return Err(wrong);
        }
        let scalar = self.scalar()?;
        if scalar == b"null" {
            return Ok(None);
        }
        let text = std::str::from_utf8(scalar).ok();
        match text.and_then(|text| text.parse().ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(wrong),
        }
    }

    /// True or false, or `None` for null.
    pub(crate) fn boolean(&mut self, field: &'static str) -> Scan<Option<bool>> {
        let wrong = self.wrong(field, "true or false");
        if matches!(self.peek()?, b'{' | b'[' | b'"') {
            return Err(wrong);
        }
        match self.scalar()? {
            b"true" => Ok(Some(true)),
            b"false" => Ok(Some(false)),
            b"null" => Ok(None),
            _ => Err(wrong),
        }
    }

    /// A string, escapes left in.
    #[inline]
    pub(crate) fn string(&mut self) -> Scan<RawText<'a>> {
        let offset = self.pos;
        self.expect(b'"', "a string")?;
        let start = self.pos;
        let mut escaped = false;
        loop {
            let found = special(&self.bytes[self.pos..]);
            let at = self.pos + found.ok_or_else(|| self.truncated())?;
            match self.bytes[at] {
                b'"' => {
                    self.pos = at + 1;
                    let bytes = &self.bytes[start..at];
                    return Ok(RawText {
                        bytes,
                        escaped,
                        offset,
                    });
                }
                b'\\' if at + 2 <= self.bytes.len() => {
                    escaped = true;
                    self.pos = at + 2;
                }
                b'\\' => return Err(self.truncated()),
                _ => {
                    return Err(ScanError::BadText {
                        fault: "a control character",
                        offset,
                    });
                }
            }
        }
    }

    fn scalar(&mut self) -> Scan<&'a [u8]> {
        let rest = &self.bytes[self.pos..];
        let Some(length) = rest.iter().position(|&byte| ends_scalar(byte)) else {
            return Err(self.truncated());
        };
        if !is_scalar(&rest[..length]) {
            return Err(self.unexpected("a JSON value"));
        }
        self.pos += length;
        Ok(&rest[..length])
    }

    fn null(&mut self, field: &'static str, expected: &'static str) -> Scan<()> {
        let wrong = self.wrong(field, expected);
        if matches!(self.peek()?, b'{' | b'[' | b'"') || self.scalar()? != b"null" {
            return Err(wrong);
        }
        Ok(())
    }

    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.pos) == Some(&byte);
        self.pos += usize::from(found);
        found
    }

    #[inline]
    fn expect(&mut self, byte: u8, expected: &'static str) -> Scan<()> {
        if self.eat(byte) {
            return Ok(());
        }
        self.peek()?;
        Err(self.unexpected(expected))
    }

    #[cold]
    fn truncated(&self) -> ScanError {
        ScanError::Truncated {
            offset: self.bytes.len(),
        }
    }

    #[cold]
    fn unexpected(&self, expected: &'static str) -> ScanError {
        ScanError::Unexpected {
            expected,
            offset: self.pos,
        }
    }

    pub(crate) fn wrong(&self, field: &'static str, expected: &'static str) -> ScanError {
        ScanError::WrongType {
            field,
            expected,
            offset: self.pos,
        }
    }
}
