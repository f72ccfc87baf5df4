//! Directives, anchors, aliases and tags.

use super::{Kind, Scanner};

impl Scanner<'_> {
    pub(super) fn scan_directive(&mut self) -> Result<Kind, String> {
        self.skip();
        let name = self.word();
        if name.is_empty() {
            return self.fail("could not find expected directive name");
        }
        if !self.is_blank_or_end(0) {
            return self.fail("found unexpected non-alphabetical character");
        }
        let kind = match name.as_str() {
            "YAML" => {
                self.skip_blanks();
                let major = self.version_number()?;
                if self.byte(0) != b'.' {
                    return self.fail("did not find expected digit or '.' character");
                }
                self.skip();
                Kind::Version(major, self.version_number()?)
            }
            "TAG" => self.tag_directive()?,
            _ => return self.fail("found unknown directive name"),
        };
        self.skip_blanks();
        self.skip_comment();
        if !self.is_break_or_end(0) {
            return self.fail("did not find expected comment or line break");
        }
        self.skip_line_if_any();
        Ok(kind)
    }

    fn tag_directive(&mut self) -> Result<Kind, String> {
        self.skip_blanks();
        let handle = self.tag_handle(true)?;
        if !self.is_blank(0) {
            return self.fail("did not find expected whitespace");
        }
        self.skip_blanks();
        let prefix = self.tag_uri("")?;
        if !self.is_blank_or_end(0) {
            return self.fail("did not find expected whitespace or line break");
        }
        Ok(Kind::TagDirective { handle, prefix })
    }

    fn version_number(&mut self) -> Result<u8, String> {
        let mut value = 0;
        let mut length = 0;
        while self.byte(0).is_ascii_digit() {
            length += 1;
            if length > 2 {
                return self.fail("found extremely long version number");
            }
            value = value * 10 + (self.byte(0) - b'0');
            self.skip();
        }
        match length {
            0 => self.fail("did not find expected version number"),
            _ => Ok(value),
        }
    }

    pub(super) fn scan_alias(&mut self) -> Result<Kind, String> {
        self.anchor_name().map(Kind::Alias)
    }

    pub(super) fn scan_anchor(&mut self) -> Result<Kind, String> {
        self.anchor_name().map(Kind::Anchor)
    }

    fn anchor_name(&mut self) -> Result<String, String> {
        self.skip();
        let name = self.word();
        match !name.is_empty() && (self.is_blank_or_end(0) || b"?:,]}%@`".contains(&self.byte(0))) {
            true => Ok(name),
            false => self.fail("did not find expected alphabetic or numeric character"),
        }
    }

    pub(super) fn scan_tag(&mut self) -> Result<Kind, String> {
        let (handle, suffix) = if self.byte(1) == b'<' {
            self.skip();
            self.skip();
            let suffix = self.tag_uri("")?;
            if self.byte(0) != b'>' {
                return self.fail("did not find the expected '>'");
            }
            self.skip();
            (String::new(), suffix)
        } else {
            let handle = self.tag_handle(false)?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.tag_uri("")?;
                (handle, suffix)
            } else {
                match self.tag_uri(&handle)? {
                    suffix if suffix.is_empty() => (suffix, "!".to_owned()),
                    suffix => ("!".to_owned(), suffix),
                }
            }
        };
        match self.is_blank_or_end(0) {
            true => Ok(Kind::Tag { handle, suffix }),
            false => self.fail("did not find expected whitespace or line break"),
        }
    }

    fn tag_handle(&mut self, is_directive: bool) -> Result<String, String> {
        if self.byte(0) != b'!' {
            return self.fail("did not find expected '!'");
        }
        self.skip();
        let mut handle = format!("!{}", self.word());
        if self.byte(0) == b'!' {
            self.read(&mut handle);
        } else if is_directive && handle != "!" {
            return self.fail("did not find expected '!'");
        }
        Ok(handle)
    }

    /// The rest of a tag whose beginning was taken for a handle.
    fn tag_uri(&mut self, head: &str) -> Result<String, String> {
        let mut bytes: Vec<u8> = head.bytes().skip(1).collect();
        let mut has_tag = !head.is_empty();
        loop {
            match self.byte(0) {
                b'%' => self.uri_escape(&mut bytes)?,
                byte if is_word(byte) || b";/?:@&=+$,.!~*'()[]".contains(&byte) => {
                    bytes.push(byte);
                    self.skip();
                }
                _ => break,
            }
            has_tag = true;
        }
        match has_tag {
            true => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            false => self.fail("did not find expected tag URI"),
        }
    }

    fn uri_escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), String> {
        let mut left = None;
        while left != Some(0) {
            let digits = (
                char::from(self.byte(1)).to_digit(16),
                char::from(self.byte(2)).to_digit(16),
            );
            let (b'%', (Some(high), Some(low))) = (self.byte(0), digits) else {
                return self.fail("did not find URI escaped octet");
            };
            let octet = u8::try_from(high * 16 + low).unwrap_or_default();
            left = Some(match (left, octet) {
                (None, 0..=0x7f) => 0,
                (None, 0xc0..=0xdf) => 1,
                (None, 0xe0..=0xef) => 2,
                (None, 0xf0..=0xf7) => 3,
                (None, _) => return self.fail("found an incorrect leading UTF-8 octet"),
                (Some(left), 0x80..=0xbf) => left - 1,
                (Some(_), _) => return self.fail("found an incorrect trailing UTF-8 octet"),
            });
            bytes.push(octet);
            (0..3).for_each(|_| self.skip());
        }
        Ok(())
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while is_word(self.byte(0)) {
            self.read(&mut word);
        }
        word
    }

    fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.skip();
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
