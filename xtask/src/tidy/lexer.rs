//! A small lexer for Rust: tells code from comments and literals, and nothing more.
//!
//! It doesn't parse. It can't fail: text that is no Rust gives some masking, never a panic.
//!
//! Invariant: `Masked::code` has the length and the line breaks of the source, byte for byte.

/// Source text in which only code is left.
#[derive(Debug)]
pub(crate) struct Masked {
    /// The source with comments and the contents of literals blanked out. The quotes of strings stay.
    pub(crate) code: String,
    /// Comments in order: byte offset and text with its slashes.
    pub(crate) comments: Vec<(usize, String)>,
}

impl Masked {
    pub(crate) fn new(source: &str) -> Self {
        let mut lexer = Lexer {
            source,
            bytes: source.as_bytes(),
            code: source.as_bytes().to_vec(),
            comments: Vec::new(),
            at: 0,
        };
        lexer.run();
        Self {
            code: String::from_utf8_lossy(&lexer.code).into_owned(),
            comments: lexer.comments,
        }
    }
}

struct Lexer<'a> {
    source: &'a str,
    bytes: &'a [u8],
    code: Vec<u8>,
    comments: Vec<(usize, String)>,
    at: usize,
}

impl Lexer<'_> {
    fn run(&mut self) {
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'/') => self.comment(Self::line_comment_end),
                (b'/', b'*') => self.comment(Self::block_comment_end),
                (b'"', _) => self.string(0),
                (b'r', b'"' | b'#') if self.starts_word() => self.raw_string(1),
                (b'b' | b'c', b'r') if self.starts_word() => self.raw_string(2),
                (b'\'', _) => self.quote(),
                _ => self.at += 1,
            }
        }
    }

    /// The byte `ahead` of here; 0 past the end.
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn starts_word(&self) -> bool {
        self.at == 0 || !is_word(self.bytes[self.at - 1])
    }

    fn blank(&mut self, from: usize, to: usize) {
        for byte in &mut self.code[from..to] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }

    fn comment(&mut self, end: fn(&Self) -> usize) {
        let (start, end) = (self.at, end(self));
        self.comments
            .push((start, self.source[start..end].to_owned()));
        self.blank(start, end);
        self.at = end;
    }

    fn line_comment_end(&self) -> usize {
        let rest = &self.bytes[self.at..];
        self.at
            + rest
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len())
    }

    /// Block comments nest.
    fn block_comment_end(&self) -> usize {
        let (mut depth, mut at) = (0_usize, self.at);
        while at < self.bytes.len() {
            if self.bytes[at..].starts_with(b"/*") {
                depth += 1;
                at += 2;
            } else if self.bytes[at..].starts_with(b"*/") {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            } else {
                at += 1;
            }
        }
        self.bytes.len()
    }

    /// A string with escapes, its quote `prefix` bytes from here.
    fn string(&mut self, prefix: usize) {
        let start = self.at + prefix + 1;
        let mut at = start;
        while at < self.bytes.len() && self.bytes[at] != b'"' {
            at += if self.bytes[at] == b'\\' { 2 } else { 1 };
        }
        let end = at.min(self.bytes.len());
        self.blank(start, end);
        self.at = end + 1;
    }

    /// `r"…"`, `r#"…"#`, `br"…"` and the like; `prefix` counts the letters. A raw identifier is left alone.
    fn raw_string(&mut self, prefix: usize) {
        let hashes = self.bytes[self.at + prefix..]
            .iter()
            .take_while(|byte| **byte == b'#')
            .count();
        let quote = self.at + prefix + hashes;
        if self.bytes.get(quote) != Some(&b'"') {
            self.at += prefix;
            return;
        }
        let mut close = vec![b'"'];
        close.resize(hashes + 1, b'#');
        let rest = &self.bytes[quote + 1..];
        let length = rest
            .windows(close.len())
            .position(|window| window == close)
            .unwrap_or(rest.len());
        let end = quote + 1 + length;
        self.blank(quote + 1, end);
        self.at = (end + close.len()).min(self.bytes.len());
    }

    /// A character literal or a lifetime.
    fn quote(&mut self) {
        let after = &self.source[self.at + 1..];
        let mut characters = after.char_indices();
        let end = match characters.next() {
            Some((_, '\\')) => after[1..]
                .char_indices()
                .skip(1)
                .find(|(_, c)| *c == '\'')
                .map(|(i, _)| i + 1),
            Some(_) => characters
                .next()
                .filter(|(_, c)| *c == '\'')
                .map(|(i, _)| i),
            None => None,
        };
        match end {
            Some(length) => {
                let (start, end) = (self.at + 1, self.at + 1 + length);
                self.blank(start, end);
                self.at = end + 1;
            }
            None => self.at += 1, // a lifetime
        }
    }
}

/// Whether the byte can be part of an identifier.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The 1-based line of a byte offset.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

/// The offset just past the bracket that closes the one at `open`, or the end of the text.
pub(crate) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// Byte offsets at which `needle` stands, not as the middle of a longer word.
pub(crate) fn words(text: &str, needle: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let bounds_left = needle.bytes().next().is_some_and(is_word);
    let bounds_right = needle.bytes().last().is_some_and(is_word);
    text.match_indices(needle)
        .map(|(at, _)| at)
        .filter(|at| !bounds_left || *at == 0 || !is_word(bytes[at - 1]))
        .filter(|at| {
            !bounds_right
                || bytes
                    .get(at + needle.len())
                    .is_none_or(|byte| !is_word(*byte))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Masked, closing, line_of, words};

    /// Blanks are shown as dots.
    fn check(source: &str, expect: &str) {
        let masked = Masked::new(source);
        assert_eq!(masked.code.len(), source.len());
        assert_eq!(masked.code.replace(' ', "."), expect, "{source}");
    }

    #[test]
    fn comments_are_blanked() {
        check("a//b\nc", "a...\nc");
        check("a/*/*b*/\n*/c", "a.......\n..c");
        check("a/*b", "a...");
    }

    #[test]
    fn strings_keep_their_quotes() {
        check(r#"f("a\"{")"#, r#"f("....")"#);
        check(r##"f(r#"a"{"#)"##, r##"f(r#"..."#)"##);
        check(r#"f(b"a{", br"\")"#, r#"f(b"..",.br".")"#);
        check("f(\"//\")", "f(\"..\")");
    }

    #[test]
    fn raw_identifiers_are_code() {
        check("r#fn+for", "r#fn+for");
    }

    #[test]
    fn lifetimes_are_code_and_characters_are_not() {
        check("&'a str", "&'a.str");
        check("['{','\\'','\\u{7b}','é']", "['.','..','......','..']");
        check("b'{'", "b'.'");
        check("'outer: loop {}", "'outer:.loop.{}");
    }

    #[test]
    fn broken_text_does_not_panic() {
        for text in [
            "\"", "'", "'\\", "r#\"", "/*", "b'", "\"\\", "r", "br#", "é'", "'é",
        ] {
            assert_eq!(Masked::new(text).code.len(), text.len());
        }
    }

    #[test]
    fn comments_are_collected() {
        let masked = Masked::new("a // one\n/* two */ \"// three\"");
        let texts: Vec<&str> = masked
            .comments
            .iter()
            .map(|(_, text)| text.as_str())
            .collect();
        assert_eq!(texts, ["// one", "/* two */"]);
    }

    #[test]
    fn brackets_lines_and_words() {
        assert_eq!(closing("a{b(c)[d]}e", 1), 10);
        assert_eq!(closing("a{b", 1), 3);
        assert_eq!(line_of("a\nb\nc", 4), 3);
        assert_eq!(words("fn affn fn_ fn", "fn"), [0, 12]);
    }
}
