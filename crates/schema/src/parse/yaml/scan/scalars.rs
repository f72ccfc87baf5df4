//! Plain, quoted and block scalars.

use super::{Kind, Scanner};

/// White space between the words of a scalar: blanks in a line, or breaks between lines.
#[derive(Default)]
struct Gap {
    blanks: String,
    first_break: String,
    more_breaks: String,
    is_break: bool,
}

impl Gap {
    /// What the white space amounts to: one break is a space, more are one less.
    fn fold(&mut self, into: &mut String) {
        if !self.is_break {
            into.push_str(&self.blanks);
        } else if !self.first_break.starts_with('\n') {
            into.push_str(&self.first_break);
            into.push_str(&self.more_breaks);
        } else if self.more_breaks.is_empty() {
            into.push(' ');
        } else {
            into.push_str(&self.more_breaks);
        }
        *self = Self::default();
    }

    fn is_empty(&self) -> bool {
        !self.is_break && self.blanks.is_empty()
    }
}

impl Scanner<'_> {
    pub(super) fn scan_plain(&mut self) -> Result<Kind, String> {
        let indent = self.indent + 1;
        let mut text = String::new();
        let mut gap = Gap::default();
        while !self.is_document_indicator() && self.byte(0) != b'#' {
            while !self.is_blank_or_end(0) && !self.ends_plain() {
                if !gap.is_empty() {
                    gap.fold(&mut text);
                }
                self.read(&mut text);
            }
            if !(self.is_blank(0) || self.is_break(0)) {
                break;
            }
            while self.is_blank(0) || self.is_break(0) {
                if gap.is_break && self.mark.column < indent && self.byte(0) == b'\t' {
                    return self.fail("found a tab character that violates indentation");
                }
                self.read_gap(&mut gap);
            }
            if self.flow_level == 0 && self.mark.column < indent {
                break;
            }
        }
        if gap.is_break {
            self.simple_key_allowed = true;
        }
        Ok(Kind::Scalar {
            text,
            is_plain: true,
        })
    }

    fn ends_plain(&self) -> bool {
        let byte = self.byte(0);
        (byte == b':' && self.is_blank_or_end(1))
            || (self.flow_level > 0 && b",?[]{}".contains(&byte))
    }

    fn read_gap(&mut self, gap: &mut Gap) {
        match (self.is_blank(0), gap.is_break) {
            (true, false) => self.read(&mut gap.blanks),
            (true, true) => self.skip(),
            (false, false) => {
                gap.blanks.clear();
                self.read_line(&mut gap.first_break);
                gap.is_break = true;
            }
            (false, true) => self.read_line(&mut gap.more_breaks),
        }
    }

    pub(super) fn scan_quoted(&mut self, is_single: bool) -> Result<Kind, String> {
        let mark = if is_single { b'\'' } else { b'"' };
        let mut text = String::new();
        self.skip();
        loop {
            if self.is_document_indicator() {
                return self.fail("found unexpected document indicator");
            }
            if self.is_end(0) {
                return self.fail("found unexpected end of stream");
            }
            let mut gap = Gap::default();
            while !self.is_blank_or_end(0) {
                match self.byte(0) {
                    b'\'' if is_single && self.byte(1) == b'\'' => {
                        text.push('\'');
                        self.skip();
                        self.skip();
                    }
                    byte if byte == mark => break,
                    b'\\' if !is_single && self.is_break(1) => {
                        self.skip();
                        self.skip_line();
                        gap.is_break = true;
                        break;
                    }
                    b'\\' if !is_single => self.read_escape(&mut text)?,
                    _ => self.read(&mut text),
                }
            }
            if self.byte(0) == mark {
                break;
            }
            while self.is_blank(0) || self.is_break(0) {
                self.read_gap(&mut gap);
            }
            gap.fold(&mut text);
        }
        self.skip();
        Ok(Kind::Scalar {
            text,
            is_plain: false,
        })
    }

    fn read_escape(&mut self, text: &mut String) -> Result<(), String> {
        let mut digits = 0;
        match self.byte(1) {
            b'0' => text.push('\0'),
            b'a' => text.push('\u{7}'),
            b'b' => text.push('\u{8}'),
            b't' | b'\t' => text.push('\t'),
            b'n' => text.push('\n'),
            b'v' => text.push('\u{b}'),
            b'f' => text.push('\u{c}'),
            b'r' => text.push('\r'),
            b'e' => text.push('\u{1b}'),
            plain @ (b' ' | b'"' | b'\'' | b'\\') => text.push(char::from(plain)),
            b'N' => text.push('\u{85}'),
            b'_' => text.push('\u{a0}'),
            b'L' => text.push('\u{2028}'),
            b'P' => text.push('\u{2029}'),
            b'x' => digits = 2,
            b'u' => digits = 4,
            b'U' => digits = 8,
            _ => return self.fail("found unknown escape character"),
        }
        self.skip();
        self.skip();
        if digits > 0 {
            let mut value: u32 = 0;
            for ahead in 0..digits {
                let Some(digit) = char::from(self.byte(ahead)).to_digit(16) else {
                    return self.fail("did not find expected hexdecimal number");
                };
                value = value.wrapping_shl(4) | digit;
            }
            let Some(c) = char::from_u32(value) else {
                return self.fail("found invalid Unicode character escape code");
            };
            text.push(c);
            (0..digits).for_each(|_| self.skip());
        }
        Ok(())
    }

    pub(super) fn scan_block(&mut self, is_literal: bool) -> Result<Kind, String> {
        self.skip();
        let (chomping, increment) = self.block_header()?;
        let mut indent = match increment {
            0 => 0,
            increment => self.indent.max(0) + increment,
        };
        let mut text = String::new();
        let mut first_break = String::new();
        let mut more_breaks = String::new();
        let mut was_blank = false;
        self.block_breaks(&mut indent, &mut more_breaks)?;
        while self.mark.column == indent && !self.is_end(0) {
            let is_blank = self.is_blank(0);
            if !is_literal && !was_blank && !is_blank && first_break.starts_with('\n') {
                if more_breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(&first_break);
            }
            text.push_str(&more_breaks);
            first_break.clear();
            more_breaks.clear();
            was_blank = is_blank;
            while !self.is_break_or_end(0) {
                self.read(&mut text);
            }
            self.read_line(&mut first_break);
            self.block_breaks(&mut indent, &mut more_breaks)?;
        }
        if chomping != Some(b'-') {
            text.push_str(&first_break);
        }
        if chomping == Some(b'+') {
            text.push_str(&more_breaks);
        }
        Ok(Kind::Scalar {
            text,
            is_plain: false,
        })
    }

    /// Reads the indicators behind `|` or `>`, in either order.
    fn block_header(&mut self) -> Result<(Option<u8>, i64), String> {
        let mut chomping = None;
        let mut increment = 0;
        for _ in 0..2 {
            match self.byte(0) {
                sign @ (b'+' | b'-') if chomping.is_none() => chomping = Some(sign),
                b'0' if increment == 0 => {
                    return self.fail("found an indentation indicator equal to 0");
                }
                digit @ b'1'..=b'9' if increment == 0 => increment = i64::from(digit - b'0'),
                _ => break,
            }
            self.skip();
        }
        while self.is_blank(0) {
            self.skip();
        }
        self.skip_comment();
        if !self.is_break_or_end(0) {
            return self.fail("did not find expected comment or line break");
        }
        self.skip_line_if_any();
        Ok((chomping, increment))
    }

    pub(super) fn skip_line_if_any(&mut self) {
        if self.is_break(0) {
            self.skip_line();
        }
    }

    /// Reads the breaks before a line of a block scalar; its first lines tell the indentation.
    fn block_breaks(&mut self, indent: &mut i64, breaks: &mut String) -> Result<(), String> {
        let mut widest = 0;
        loop {
            let is_before =
                |scanner: &Self, indent: i64| indent == 0 || scanner.mark.column < indent;
            while is_before(self, *indent) && self.byte(0) == b' ' {
                self.skip();
            }
            widest = widest.max(self.mark.column);
            if is_before(self, *indent) && self.byte(0) == b'\t' {
                return self.fail("found a tab character where an indentation space is expected");
            }
            if !self.is_break(0) {
                break;
            }
            self.read_line(breaks);
        }
        if *indent == 0 {
            *indent = widest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}
