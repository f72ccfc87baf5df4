//! A JSON reader that says what sigs.k8s.io/json says: the same values, the same words at the same byte.
//!
//! It keeps its own stack, so that no document can exhaust the thread's.
//! Invariant: `stack` holds at most `DEPTH_MAX` containers.

use super::{DEPTH_MAX, ParseError, Parsed, strict::Duplicates, strict::Step, text::unquote};
use crate::gotext;
use serde_json::{Map, Value};

/// Reads one JSON document, with nothing behind it.
///
/// Whole numbers without a point become i64 where they fit, all others f64. The error is the one of the first wrong
/// byte, as Go's checker finds it before it decodes; a number out of range is told only where all else is right.
pub fn parse_json(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let mut reader = Reader {
        bytes,
        at: 0,
        stack: Vec::new(),
        duplicates: Duplicates::default(),
        bad_number: None,
    };
    let value = reader.document()?;
    match reader.bad_number {
        Some(literal) => Err(ParseError::Number(literal)),
        None => Ok(Parsed {
            value,
            duplicates: reader.duplicates.into_texts(),
        }),
    }
}

/// What stands open around the value that is being read.
enum Open {
    Object(Map<String, Value>, String),
    Array(Vec<Value>),
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Open>,
    duplicates: Duplicates,
    bad_number: Option<String>,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Value, ParseError> {
        loop {
            let Some(mut value) = self.begin_value()? else {
                continue;
            };
            loop {
                match self.stack.pop() {
                    None => {
                        return match self.peek_behind_space() {
                            None => Ok(value),
                            Some(_) => Err(self.unexpected("after top-level value")),
                        };
                    }
                    Some(open) => match self.end_value(open, value)? {
                        Some(closed) => value = closed,
                        None => break,
                    },
                }
            }
        }
    }

    /// Reads a scalar or an empty container, or opens a container and gives nothing.
    fn begin_value(&mut self) -> Result<Option<Value>, ParseError> {
        match self.peek_behind_space() {
            Some(b'{') => {
                self.open()?;
                match self.peek_behind_space() {
                    Some(b'}') => {
                        self.at += 1;
                        Ok(Some(Value::Object(Map::new())))
                    }
                    _ => {
                        self.key(Map::new())?;
                        Ok(None)
                    }
                }
            }
            Some(b'[') => {
                self.open()?;
                match self.peek_behind_space() {
                    Some(b']') => {
                        self.at += 1;
                        Ok(Some(Value::Array(Vec::new())))
                    }
                    _ => {
                        self.stack.push(Open::Array(Vec::new()));
                        Ok(None)
                    }
                }
            }
            Some(b'"') => self.string().map(|text| Some(Value::String(text))),
            Some(b't') => self.literal("true").map(|()| Some(Value::Bool(true))),
            Some(b'f') => self.literal("false").map(|()| Some(Value::Bool(false))),
            Some(b'n') => self.literal("null").map(|()| Some(Value::Null)),
            Some(b'-' | b'0'..=b'9') => self.number().map(Some),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    fn open(&mut self) -> Result<(), ParseError> {
        if self.stack.len() >= DEPTH_MAX {
            return Err(self.unexpected("exceeded max depth"));
        }
        self.at += 1;
        Ok(())
    }

    /// Puts a value into what is open around it. Gives the container where that ends with it.
    fn end_value(&mut self, open: Open, value: Value) -> Result<Option<Value>, ParseError> {
        let next = self.peek_behind_space();
        match open {
            Open::Object(mut fields, key) => {
                fields.insert(key, value);
                match next {
                    Some(b',') => {
                        self.at += 1;
                        self.peek_behind_space();
                        self.key(fields).map(|()| None)
                    }
                    Some(b'}') => {
                        self.at += 1;
                        Ok(Some(Value::Object(fields)))
                    }
                    _ => Err(self.unexpected("after object key:value pair")),
                }
            }
            Open::Array(mut items) => {
                items.push(value);
                match next {
                    Some(b',') => {
                        self.at += 1;
                        self.stack.push(Open::Array(items));
                        Ok(None)
                    }
                    Some(b']') => {
                        self.at += 1;
                        Ok(Some(Value::Array(items)))
                    }
                    _ => Err(self.unexpected("after array element")),
                }
            }
        }
    }

    /// Reads `"key":` and leaves the object open.
    fn key(&mut self, fields: Map<String, Value>) -> Result<(), ParseError> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return Err(self.unexpected("looking for beginning of object key string"));
        }
        let key = self.string()?;
        if self.peek_behind_space() != Some(b':') {
            return Err(self.unexpected("after object key"));
        }
        self.at += 1;
        if fields.contains_key(&key) && !self.duplicates.is_full() {
            let above = self.stack.iter().map(|open| match open {
                Open::Object(_, key) => Step::Key(key),
                Open::Array(items) => Step::Index(items.len()),
            });
            self.duplicates.add(above, &key);
        }
        self.stack.push(Open::Object(fields, key));
        Ok(())
    }

    fn string(&mut self) -> Result<String, ParseError> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(self.unexpected("in string literal")),
            }
        }
        let text = unquote(&self.bytes[start..self.at]);
        self.at += 1;
        Ok(text)
    }

    fn escape(&mut self) -> Result<(), ParseError> {
        match self.bytes.get(self.at) {
            Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.bytes.get(self.at).is_some_and(u8::is_ascii_hexdigit) {
                        return Err(self.broken("in \\u hexadecimal character escape"));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.broken("in string escape code")),
        }
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Result<(), ParseError> {
        for expected in word.bytes() {
            if self.bytes.get(self.at) != Some(&expected) {
                let expected = char::from(expected);
                return Err(self.broken(&format!("in literal {word} (expecting '{expected}')")));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, ParseError> {
        let start = self.at;
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.broken("in numeric literal")),
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.some_digits("after decimal point in numeric literal")?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.some_digits("in exponent of numeric literal")?;
        }
        let literal = String::from_utf8_lossy(&self.bytes[start..self.at]);
        Ok(number_of(&literal).unwrap_or_else(|| {
            self.bad_number.get_or_insert_with(|| literal.into_owned());
            Value::Null
        }))
    }

    fn digits(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self, context: &str) -> Result<(), ParseError> {
        let start = self.at;
        self.digits();
        match self.at {
            at if at == start => Err(self.broken(context)),
            _ => Ok(()),
        }
    }

    fn peek_behind_space(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn unexpected(&self, context: &str) -> ParseError {
        match self.bytes.get(self.at) {
            Some(byte) => self.invalid(*byte, context),
            None => ParseError::Syntax {
                message: "unexpected end of JSON input".to_owned(),
                offset: self.bytes.len(),
            },
        }
    }

    /// Inside of a token, Go takes the end for a space.
    fn broken(&self, context: &str) -> ParseError {
        let byte = self.bytes.get(self.at).copied();
        self.invalid(byte.unwrap_or(b' '), context)
    }

    fn invalid(&self, byte: u8, context: &str) -> ParseError {
        let mut shown = String::new();
        match byte {
            b'\'' => shown.push_str("\\'"),
            byte => gotext::escape(&mut shown, char::from(byte)),
        }
        ParseError::Syntax {
            message: format!("invalid character '{shown}' {context}"),
            offset: self.bytes.len().min(self.at + 1),
        }
    }
}

/// The value of a literal that keeps to the grammar; nothing where it is out of range.
pub(super) fn number_of(literal: &str) -> Option<Value> {
    if let Ok(whole) = literal.parse::<i64>() {
        return Some(whole.into());
    }
    let float: f64 = literal.parse().ok()?;
    serde_json::Number::from_f64(float).map(Value::Number)
}
