//! Moving through the text.

use super::Scanner;

/// A place in the text, counted from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct Mark {
    pub(super) index: usize,
    pub(in super::super) line: usize,
    pub(super) column: i64,
}

impl Scanner<'_> {
    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    pub(super) fn is_end(&self, ahead: usize) -> bool {
        self.at + ahead >= self.bytes.len()
    }

    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t')
    }

    /// Line breaks of YAML 1.1: NEL, LS and PS are among them.
    pub(super) fn is_break(&self, ahead: usize) -> bool {
        match self.byte(ahead) {
            b'\r' | b'\n' => true,
            0xc2 => self.byte(ahead + 1) == 0x85,
            0xe2 => self.byte(ahead + 1) == 0x80 && matches!(self.byte(ahead + 2), 0xa8 | 0xa9),
            _ => false,
        }
    }

    pub(super) fn is_break_or_end(&self, ahead: usize) -> bool {
        self.is_end(ahead) || self.is_break(ahead)
    }

    pub(super) fn is_blank_or_end(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_break_or_end(ahead)
    }

    fn character(&self) -> Option<char> {
        self.text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
    }

    pub(super) fn skip(&mut self) {
        self.at += self.character().map_or(0, char::len_utf8);
        self.mark.index += 1;
        self.mark.column += 1;
    }

    pub(super) fn skip_line(&mut self) {
        let is_pair = self.byte(0) == b'\r' && self.byte(1) == b'\n';
        let width = if is_pair {
            2
        } else {
            self.character().map_or(0, char::len_utf8)
        };
        self.at += width;
        self.mark.index += if is_pair { 2 } else { 1 };
        self.mark.column = 0;
        self.mark.line += 1;
    }

    pub(super) fn skip_comment(&mut self) {
        if self.byte(0) == b'#' {
            while !self.is_break_or_end(0) {
                self.skip();
            }
        }
    }

    pub(super) fn read(&mut self, into: &mut String) {
        into.extend(self.character());
        self.skip();
    }

    /// Reads a line break; all but LS and PS become line feeds.
    pub(super) fn read_line(&mut self, into: &mut String) {
        if self.is_break(0) {
            match self.character() {
                Some(c @ ('\u{2028}' | '\u{2029}')) => into.push(c),
                _ => into.push('\n'),
            }
            self.skip_line();
        }
    }

    /// Whether a `---` or `...` stands here alone.
    pub(super) fn is_document_indicator(&self) -> bool {
        let rest = &self.bytes[self.at..];
        self.mark.column == 0
            && (rest.starts_with(b"---") || rest.starts_with(b"..."))
            && self.is_blank_or_end(3)
    }
}
