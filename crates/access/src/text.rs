//! Go's ways of writing values, which users know from Kubernetes' messages: `%q`, `%#v`.

use std::fmt;

/// Writes a text as Go's `%q` does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        f.write_char('"')?;
        for char in self.0.chars() {
            match char {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\u{7}' => f.write_str("\\a")?,
                '\u{8}' => f.write_str("\\b")?,
                '\u{c}' => f.write_str("\\f")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '\u{b}' => f.write_str("\\v")?,
                ' '..='~' => f.write_char(char)?,
                '\0'..='\u{7f}' => write!(f, "\\x{:02x}", u32::from(char))?,
                _ if is_printable(char) => f.write_char(char)?,
                '\u{80}'..='\u{ffff}' => write!(f, "\\u{:04x}", u32::from(char))?,
                _ => write!(f, "\\U{:08x}", u32::from(char))?,
            }
        }
        f.write_char('"')
    }
}

/// Whether Go prints the character as it is. The standard library's own table escapes combining marks too, which Go
/// prints: they are told apart by what comes out.
fn is_printable(char: char) -> bool {
    !char.is_whitespace() && !char.is_control() && {
        let mut escaped = char.escape_debug();
        escaped.next() == Some(char) || is_combining(char)
    }
}

/// The common blocks of combining marks.
fn is_combining(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1ace}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20f0}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

/// Writes texts as Go's `%q` writes a slice: `["a" "b"]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuotedList<'a, T>(pub(crate) &'a [T]);

impl<T: AsRef<str>> fmt::Display for QuotedList<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, text) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            Quoted(text.as_ref()).fmt(f)?;
        }
        f.write_str("]")
    }
}

/// Writes texts as Go's `%#v` writes a slice: `[]string{"a", "b"}`, or `[]string(nil)` where there are none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GoSlice<'a>(pub(crate) &'a [String]);

impl fmt::Display for GoSlice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("[]string(nil)");
        }
        f.write_str("[]string{")?;
        for (index, text) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            Quoted(text).fmt(f)?;
        }
        f.write_str("}")
    }
}

/// Joins errors as apimachinery's `NewAggregate` does: one stands alone, several are `[a, b]`, each once.
pub(crate) fn aggregate(errors: &[String]) -> String {
    let mut unique: Vec<&str> = Vec::with_capacity(errors.len());
    for error in errors {
        if !unique.contains(&error.as_str()) {
            unique.push(error);
        }
    }
    match unique.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        several => format!("[{}]", several.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{GoSlice, Quoted, QuotedList, aggregate};

    #[test]
    fn texts_are_quoted_as_go_does() {
        fn check(text: &str, expect: &str) {
            assert_eq!(Quoted(text).to_string(), expect);
        }
        check("", r#""""#);
        check("a b", r#""a b""#);
        check("a\"b\\c", r#""a\"b\\c""#);
        check("\u{7}\u{8}\u{c}\n\r\t\u{b}", r#""\a\b\f\n\r\t\v""#);
        check("\0\u{1b}\u{7f}", r#""\x00\x1b\x7f""#);
        check("häß 中", r#""häß 中""#);
        check("\u{a0}\u{200b}\u{ad}", r#""\u00a0\u200b\u00ad""#);
        check("e\u{301}", "\"e\u{301}\"");
        check("\u{1f600}\u{10ffff}", "\"\u{1f600}\\U0010ffff\"");
        check("'", "\"'\"");
    }

    #[test]
    fn lists_are_written_as_go_does() {
        let list = ["a".to_owned(), "b".to_owned()];
        assert_eq!(QuotedList(&list).to_string(), r#"["a" "b"]"#);
        assert_eq!(QuotedList(&list[..0]).to_string(), "[]");
        assert_eq!(GoSlice(&list).to_string(), r#"[]string{"a", "b"}"#);
        assert_eq!(GoSlice(&[]).to_string(), "[]string(nil)");
    }

    #[test]
    fn errors_are_joined_as_apimachinery_does() {
        fn check(errors: &[&str], expect: &str) {
            let errors: Vec<String> = errors.iter().map(|&error| error.to_owned()).collect();
            assert_eq!(aggregate(&errors), expect);
        }
        check(&[], "");
        check(&["a"], "a");
        check(&["a", "b", "a"], "[a, b]");
        check(&["a", "a"], "a");
    }
}
