//! Comma-separated values as Go's `encoding/csv` reads them, with its words about what is wrong. Errors tell places, never
//! content: there are secrets in it.

/// Where a text is not CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("parse error on line {line}, column {column}: {what}")]
pub struct CsvError {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
    what: &'static str,
}

const BARE_QUOTE: &str = "bare \" in non-quoted field";
const QUOTE: &str = "extraneous or missing \" in quoted-field";

/// The records, each with the line it starts in. Empty lines are none.
pub(crate) fn records(text: &str) -> Result<Vec<(usize, Vec<String>)>, CsvError> {
    let mut reader = Reader {
        rest: text,
        line: 1,
        column: 1,
    };
    let mut records = Vec::new();
    while !reader.rest.is_empty() {
        if reader.take_line_end() {
            continue;
        }
        let line = reader.line;
        let mut fields = Vec::new();
        loop {
            fields.push(reader.field()?);
            if !reader.take(",") {
                break;
            }
        }
        reader.take_line_end();
        records.push((line, fields));
    }
    Ok(records)
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
}

impl Reader<'_> {
    fn field(&mut self) -> Result<String, CsvError> {
        if self.take("\"") {
            return self.quoted();
        }
        let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
        let mut field = &self.rest[..end];
        if !self.rest[end..].starts_with(',') {
            field = field.strip_suffix('\r').unwrap_or(field);
        }
        if let Some(quote) = field.find('"') {
            self.column += quote;
            return Err(self.error(BARE_QUOTE));
        }
        let field = field.to_owned();
        self.advance(field.len());
        Ok(field)
    }

    /// The rest of a field after its first quote.
    fn quoted(&mut self) -> Result<String, CsvError> {
        let mut field = String::new();
        loop {
            let Some(end) = self.rest.find(['"', '\n']) else {
                self.advance(self.rest.len());
                return Err(self.error(QUOTE));
            };
            let text = &self.rest[..end];
            if self.rest[end..].starts_with('\n') {
                field.push_str(text.strip_suffix('\r').unwrap_or(text));
                field.push('\n');
                self.rest = &self.rest[end + 1..];
                self.line += 1;
                self.column = 1;
                continue;
            }
            field.push_str(text);
            self.advance(end + 1);
            if self.take("\"") {
                field.push('"');
            } else if self.rest.is_empty()
                || self.rest.starts_with([',', '\n'])
                || self.rest.starts_with("\r\n")
                || self.rest == "\r"
            {
                return Ok(field);
            } else {
                self.column -= 1;
                return Err(self.error(QUOTE));
            }
        }
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest.starts_with(text);
        if found {
            self.advance(text.len());
        }
        found
    }

    fn take_line_end(&mut self) -> bool {
        if self.rest == "\r" {
            self.rest = "";
            return true;
        }
        let after = self
            .rest
            .strip_prefix("\r\n")
            .or_else(|| self.rest.strip_prefix('\n'));
        let Some(after) = after else {
            return false;
        };
        self.rest = after;
        self.line += 1;
        self.column = 1;
        true
    }

    fn advance(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
        self.column += bytes;
    }

    fn error(&self, what: &'static str) -> CsvError {
        CsvError {
            line: self.line,
            column: self.column,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::records;

    #[test]
    fn records_are_read_as_go_does() {
        fn check(text: &str, expect: &str) {
            let found = match records(text) {
                Ok(records) => records
                    .iter()
                    .map(|(line, fields)| format!("{line}:{fields:?}"))
                    .collect::<Vec<_>>()
                    .join(" "),
                Err(error) => error.to_string(),
            };
            assert_eq!(found, expect, "{text:?}");
        }
        check("", "");
        check("\n\r\n\n", "");
        check("a,b,c", r#"1:["a", "b", "c"]"#);
        check("a\r\nb\r\n", r#"1:["a"] 2:["b"]"#);
        check("a,\r", r#"1:["a", ""]"#);
        check("a,,\n\n,b\n", r#"1:["a", "", ""] 3:["", "b"]"#);
        check("a,\"b,c\",d\n", r#"1:["a", "b,c", "d"]"#);
        check("\"a\"\"b\"\n", r#"1:["a\"b"]"#);
        check("\"a\r\nb\",c\nd", r#"1:["a\nb", "c"] 3:["d"]"#);
        check("\"\"", r#"1:[""]"#);
        check("\"a\"\r\nb", r#"1:["a"] 2:["b"]"#);
        check(" a, b ", r#"1:[" a", " b "]"#);
        check("# a,b", r##"1:["# a", "b"]"##);
        check(
            "a,b\"c",
            "parse error on line 1, column 4: bare \" in non-quoted field",
        );
        check(
            "x\na, \"b\"",
            "parse error on line 2, column 4: bare \" in non-quoted field",
        );
        check(
            "\"a\"b",
            "parse error on line 1, column 3: extraneous or missing \" in quoted-field",
        );
        check(
            "x\n\"a\nb",
            "parse error on line 3, column 2: extraneous or missing \" in quoted-field",
        );
        check(
            "\"",
            "parse error on line 1, column 2: extraneous or missing \" in quoted-field",
        );
    }
}
