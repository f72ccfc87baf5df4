//! Paths of fields in definitions, such as `.spec['a.b']`: cut into tokens, as apiextensions-apiserver does.

/// Delimiters, and the text between them. A quoted text is one token, with its quotes.
#[derive(Debug)]
pub struct Tokens<'a>(pub &'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0;
        let first = text.chars().next()?;
        let end = match first {
            '.' | '[' | ']' => 1,
            '\'' => {
                let bytes = text.as_bytes();
                (1..bytes.len())
                    .find(|at| bytes[*at] == b'\'' && bytes[*at - 1] != b'\\')
                    .map_or(text.len(), |at| at + 1)
            }
            _ => text.find(['.', '[', ']']).unwrap_or(text.len()),
        };
        let (token, rest) = text.split_at(end);
        self.0 = rest;
        Some(token)
    }
}

/// What is between the quotes of a token, or none if there are no two of them.
pub fn unquote(token: &str) -> Option<&str> {
    token.strip_prefix('\'')?.strip_suffix('\'')
}

/// Resolves Go's escapes; the error is the character that makes none. A backslash at the very end stands for itself.
pub fn unescape(text: &str) -> Result<String, char> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next() {
            None => '\\',
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some(c @ ('\'' | '\\')) => c,
            Some(c) => return Err(c),
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{Tokens, unescape, unquote};

    #[test]
    fn cuts_paths() {
        let check = |path, expect: &[&str]| {
            assert_eq!(Tokens(path).collect::<Vec<_>>(), expect, "{path}");
        };
        check("", &[]);
        check(".spec.a", &[".", "spec", ".", "a"]);
        check("['a.b'].c", &["[", "'a.b'", "]", ".", "c"]);
        check(r"['a\'b']", &["[", r"'a\'b'", "]"]);
        check("['open", &["[", "'open"]);
        check(".ä[é", &[".", "ä", "[", "é"]);
        check("'", &["'"]);
    }

    #[test]
    fn reads_quoted_names() {
        let check = |token, expect: Option<Result<&str, char>>| {
            let read = unquote(token).map(unescape);
            assert_eq!(read, expect.map(|read| read.map(str::to_owned)), "{token}");
        };
        check("'a.b'", Some(Ok("a.b")));
        check(r"'a\'b\n'", Some(Ok("a'b\n")));
        check(r"'a\x'", Some(Err('x')));
        check(r"'a\'", Some(Ok(r"a\")));
        check("'", None);
        check("a", None);
    }
}
