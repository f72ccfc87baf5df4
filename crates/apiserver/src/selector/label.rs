//! Label selectors: `app=web,tier in (a,b),!legacy`. A hand-written lexer and parser, for the sake of the words
//! of its errors, which are apimachinery's.

use serde_json::Value;
use tidegate_schema::{FieldError, Path};

/// Requirements that must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    GreaterThan,
    LessThan,
}

impl LabelSelector {
    /// Reads a selector. The error is the text that Kubernetes gives.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser {
            tokens: tokens(text),
            at: 0,
        };
        parser.selector().map(Self)
    }

    /// Everything matches.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all requirements hold; `value_of` gives a label's value.
    pub(crate) fn matches<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0
            .iter()
            .all(|requirement| requirement.holds(value_of(&requirement.key)))
    }
}

impl Requirement {
    fn holds(&self, found: Option<&str>) -> bool {
        let has = |value: &str| self.values.iter().any(|wanted| wanted == value);
        match self.operator {
            Operator::In => found.is_some_and(has),
            Operator::NotIn => !found.is_some_and(has),
            Operator::Exists => found.is_some(),
            Operator::DoesNotExist => found.is_none(),
            Operator::GreaterThan => self.compared(found).is_some_and(|(have, want)| have > want),
            Operator::LessThan => self.compared(found).is_some_and(|(have, want)| have < want),
        }
    }

    fn compared(&self, found: Option<&str>) -> Option<(i64, i64)> {
        let wanted = self.values.first()?.parse().ok()?;
        Some((found?.parse().ok()?, wanted))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    End,
    Error,
    Close,
    Comma,
    Not,
    DoubleEquals,
    Equals,
    Greater,
    Word,
    In,
    Less,
    NotEquals,
    NotIn,
    Open,
}

#[derive(Debug, Clone)]
struct Token {
    kind: Kind,
    text: String,
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'=' | b'!' | b'(' | b')' | b',' | b'>' | b'<')
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn symbol(text: &[u8]) -> Option<Kind> {
    Some(match text {
        b")" => Kind::Close,
        b"," => Kind::Comma,
        b"!" => Kind::Not,
        b"==" => Kind::DoubleEquals,
        b"=" => Kind::Equals,
        b">" => Kind::Greater,
        b"<" => Kind::Less,
        b"!=" => Kind::NotEquals,
        b"(" => Kind::Open,
        _ => return None,
    })
}

fn tokens(text: &str) -> Vec<Token> {
    // A NUL ends the text, as in apimachinery's lexer.
    let bytes = text.split('\0').next().unwrap_or_default().as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if is_space(bytes[at]) {
            at += 1;
        } else if is_special(bytes[at]) {
            let run = bytes[at..]
                .iter()
                .take_while(|byte| is_special(**byte))
                .count();
            let run = &bytes[at..at + run];
            // The longest prefix that is a symbol.
            let best = (1..=run.len().min(2))
                .rev()
                .find_map(|n| Some((symbol(&run[..n])?, n)));
            let (kind, length) = best.unwrap_or((Kind::Error, run.len()));
            out.push(Token {
                kind,
                text: lossy(&run[..length]),
            });
            at += length;
        } else {
            let run = bytes[at..]
                .iter()
                .take_while(|byte| !is_special(**byte) && !is_space(**byte))
                .count();
            let word = lossy(&bytes[at..at + run]);
            let kind = match word.as_str() {
                "in" => Kind::In,
                "notin" => Kind::NotIn,
                _ => Kind::Word,
            };
            out.push(Token { kind, text: word });
            at += run;
        }
    }
    out.push(Token {
        kind: Kind::End,
        text: String::new(),
    });
    out
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Token {
        // The last token is `End` and stays.
        let last = self.tokens.len() - 1;
        self.tokens[self.at.min(last)].clone()
    }

    fn next(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// `in` and `notin` are words where an operator can't stand.
    fn as_value(token: Token) -> Token {
        match token.kind {
            Kind::In | Kind::NotIn => Token {
                kind: Kind::Word,
                ..token
            },
            _ => token,
        }
    }

    fn peek_value(&self) -> Token {
        Self::as_value(self.peek())
    }

    fn next_value(&mut self) -> Token {
        Self::as_value(self.next())
    }

    fn selector(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        loop {
            let token = self.peek_value();
            match token.kind {
                Kind::Word | Kind::Not => {
                    let requirement = self
                        .requirement()
                        .map_err(|why| format!("unable to parse requirement: {why}"))?;
                    requirements.push(requirement);
                    let token = self.next_value();
                    match token.kind {
                        Kind::End => return Ok(requirements),
                        Kind::Comma => {
                            let after = self.peek_value();
                            if !matches!(after.kind, Kind::Word | Kind::Not) {
                                return Err(format!(
                                    "found '{}', expected: identifier after ','",
                                    after.text
                                ));
                            }
                        }
                        _ => {
                            return Err(format!(
                                "found '{}', expected: ',' or 'end of string'",
                                token.text
                            ));
                        }
                    }
                }
                Kind::End => return Ok(requirements),
                _ => {
                    return Err(format!(
                        "found '{}', expected: !, identifier, or 'end of string'",
                        token.text
                    ));
                }
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let mut token = self.next_value();
        let negated = token.kind == Kind::Not;
        if negated {
            token = self.next_value();
        }
        if token.kind != Kind::Word {
            return Err(format!("found '{}', expected: identifier", token.text));
        }
        let key = token.text;
        check_key(&key, &Path::ROOT)?;
        let after = self.peek_value().kind;
        if negated || matches!(after, Kind::End | Kind::Comma) {
            let operator = if negated {
                Operator::DoesNotExist
            } else {
                Operator::Exists
            };
            return checked(key, operator, Vec::new());
        }
        let (operator, values) = self.operator_and_values()?;
        checked(key, operator, values)
    }

    fn operator_and_values(&mut self) -> Result<(Operator, Vec<String>), String> {
        let token = self.next();
        Ok(match token.kind {
            Kind::In => (Operator::In, self.values()?),
            Kind::NotIn => (Operator::NotIn, self.values()?),
            Kind::Equals | Kind::DoubleEquals => (Operator::In, self.exact_value()?),
            Kind::NotEquals => (Operator::NotIn, self.exact_value()?),
            Kind::Greater => (Operator::GreaterThan, self.exact_value()?),
            Kind::Less => (Operator::LessThan, self.exact_value()?),
            _ => {
                return Err(format!(
                    "found '{}', expected: in, notin, =, ==, !=, gt, lt",
                    token.text
                ));
            }
        })
    }

    fn exact_value(&mut self) -> Result<Vec<String>, String> {
        if matches!(self.peek_value().kind, Kind::End | Kind::Comma) {
            return Ok(vec![String::new()]);
        }
        let token = self.next_value();
        match token.kind {
            Kind::Word => Ok(vec![token.text]),
            _ => Err(format!("found '{}', expected: identifier", token.text)),
        }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        let open = self.next_value();
        if open.kind != Kind::Open {
            return Err(format!("found '{}' expected: '('", open.text));
        }
        let first = self.peek_value();
        match first.kind {
            Kind::Word | Kind::Comma => {
                let mut values = self.identifiers()?;
                if self.next_value().kind != Kind::Close {
                    return Err(format!("found '{}', expected: ')'", first.text));
                }
                values.sort_unstable();
                values.dedup();
                Ok(values)
            }
            Kind::Close => {
                self.next_value();
                Ok(vec![String::new()])
            }
            _ => Err(format!(
                "found '{}', expected: ',', ')' or identifier",
                first.text
            )),
        }
    }

    fn identifiers(&mut self) -> Result<Vec<String>, String> {
        let mut values = Vec::new();
        loop {
            let token = self.next_value();
            match token.kind {
                Kind::Word => {
                    values.push(token.text);
                    let after = self.peek_value();
                    match after.kind {
                        Kind::Comma => {}
                        Kind::Close => return Ok(values),
                        _ => return Err(format!("found '{}', expected: ',' or ')'", after.text)),
                    }
                }
                Kind::Comma => {
                    if values.is_empty() {
                        values.push(String::new());
                    }
                    match self.peek_value().kind {
                        Kind::Close => {
                            values.push(String::new());
                            return Ok(values);
                        }
                        Kind::Comma => values.push(String::new()),
                        _ => {}
                    }
                }
                _ => {
                    return Err(format!(
                        "found '{}', expected: ',', or identifier",
                        token.text
                    ));
                }
            }
        }
    }
}

fn checked(key: String, operator: Operator, values: Vec<String>) -> Result<Requirement, String> {
    let at = Path::ROOT;
    let at = at.child("values");
    let mut errors = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let at = at.index(index);
        let ordered = matches!(operator, Operator::GreaterThan | Operator::LessThan);
        if ordered && value.parse::<i64>().is_err() {
            errors.push(FieldError::invalid(
                &at,
                &Value::from(value.as_str()),
                "for 'Gt', 'Lt' operators, the value must be an integer",
            ));
        }
    }
    for (index, value) in values.iter().enumerate() {
        let at = at.index(index);
        let at = at.key(&key);
        let why = tidegate_kinds::meta::label_value_errors(value);
        if !why.is_empty() {
            errors.push(FieldError::invalid(
                &at,
                &Value::from(value.as_str()),
                why.join("; "),
            ));
        }
    }
    match errors.as_slice() {
        [] => Ok(Requirement {
            key,
            operator,
            values,
        }),
        [one] => Err(one.to_string()),
        many => {
            let texts: Vec<String> = many.iter().map(ToString::to_string).collect();
            Err(format!("[{}]", texts.join(", ")))
        }
    }
}

fn check_key(key: &str, at: &Path<'_>) -> Result<(), String> {
    let why = tidegate_kinds::meta::qualified_name_errors(key);
    if why.is_empty() {
        return Ok(());
    }
    let error = FieldError::invalid(at, &Value::from(key), why.join("; "));
    // apimachinery prints a nil path.
    Err(format!("<nil>{error}"))
}

#[cfg(test)]
mod tests {
    use super::LabelSelector;

    fn check(text: &str, labels: &str, expected: Result<bool, &str>) {
        let pairs: Vec<(&str, &str)> = labels
            .split_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let value_of = |key: &str| pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
        let found = LabelSelector::parse(text).map(|selector| selector.matches(value_of));
        assert_eq!(found, expected.map_err(str::to_owned), "{text} on {labels}");
    }

    #[test]
    fn requirements_hold() {
        let labels = "app=web tier=front n=5 empty=";
        for (text, expected) in [
            ("", true),
            ("app", true),
            ("!app", false),
            ("!other", true),
            ("app=web", true),
            ("app == web", true),
            ("app!=web", false),
            ("other!=web", true),
            ("app in (web,api)", true),
            ("app notin (web)", false),
            ("other notin (web)", true),
            ("empty=", true),
            ("empty in ()", true),
            ("app in (,web)", true),
            ("n>4", true),
            ("n<5", false),
            ("other>4", false),
            ("app=web,tier=back", false),
            ("in in (in)", false),
        ] {
            check(text, labels, Ok(expected));
        }
    }

    #[test]
    fn errors_have_the_known_words() {
        for (text, expected) in [
            ("app=web,", "found '', expected: identifier after ','"),
            (
                "app web",
                "unable to parse requirement: found 'web', expected: in, notin, =, ==, !=, gt, lt",
            ),
            (
                "app in web",
                "unable to parse requirement: found 'web' expected: '('",
            ),
            (
                ",",
                "found ',', expected: !, identifier, or 'end of string'",
            ),
            (
                "=web",
                "found '=', expected: !, identifier, or 'end of string'",
            ),
            (
                "n>x",
                "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
            ),
        ] {
            check(text, "", Err(expected));
        }
    }
}
