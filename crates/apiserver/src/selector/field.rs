//! Field selectors: `metadata.name=x,spec.nodeName!=y`. Which fields there are is the resource's business.

/// Terms that must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<FieldTerm>);

/// One term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldTerm {
    /// The field, as it was written.
    pub(crate) field: String,
    /// The value to compare with.
    pub(crate) value: String,
    /// Whether the field must have the value, or must not.
    pub(crate) equals: bool,
}

impl FieldSelector {
    /// Reads a selector. The error is the text that Kubernetes gives.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = split_terms(text);
        parts.sort_unstable();
        let mut terms = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let (field, equals, value) = split_term(part)
                .ok_or_else(|| format!("invalid selector: '{text}'; can't understand '{part}'"))?;
            terms.push(FieldTerm {
                field: field.to_owned(),
                value: unescaped(value)?,
                equals,
            });
        }
        Ok(Self(terms))
    }

    /// Only the object of this name.
    pub(crate) fn name(name: &str) -> Self {
        Self(vec![FieldTerm {
            field: "metadata.name".to_owned(),
            value: name.to_owned(),
            equals: true,
        }])
    }

    /// Everything matches.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The terms.
    pub(crate) fn terms(&self) -> &[FieldTerm] {
        &self.0
    }

    /// The value that `field` must have, if one term says so.
    pub(crate) fn exact(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|term| term.equals && term.field == field)
            .map(|term| term.value.as_str())
    }

    /// Whether all terms hold; `value_of` gives the value of a field, empty where it has none.
    pub(crate) fn matches(&self, mut value_of: impl FnMut(&str) -> String) -> bool {
        self.0
            .iter()
            .all(|term| (value_of(&term.field) == term.value) == term.equals)
    }
}

/// Cuts at commas that have no backslash before them.
fn split_terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !text.is_empty() {
        terms.push(&text[start..]);
    }
    terms
}

fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    for (at, c) in term.char_indices() {
        let rest = &term[at..];
        if let Some(value) = rest.strip_prefix("!=") {
            return Some((&term[..at], false, value));
        }
        if c == '=' {
            let value = rest.strip_prefix("==").unwrap_or(&rest[1..]);
            return Some((&term[..at], true, value));
        }
    }
    None
}

fn unescaped(value: &str) -> Result<String, String> {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('\\' | ',' | '=')) => out.push(c),
                other => {
                    let sequence: String = std::iter::once('\\').chain(other).collect();
                    return Err(format!(
                        "invalid field selector: invalid escape sequence: {sequence}"
                    ));
                }
            },
            ',' | '=' => {
                return Err(format!(
                    "invalid field selector: unescaped character in value: {}",
                    u32::from(c)
                ));
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::FieldSelector;

    fn check(text: &str, fields: &[(&str, &str)], expected: Result<bool, &str>) {
        let value_of = |field: &str| {
            let found = fields.iter().find(|(name, _)| *name == field);
            found
                .map(|(_, value)| (*value).to_owned())
                .unwrap_or_default()
        };
        let found = FieldSelector::parse(text).map(|selector| selector.matches(value_of));
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn terms_are_read_and_hold() {
        let pod = [("metadata.name", "a"), ("spec.nodeName", "n=1,x")];
        check("", &pod, Ok(true));
        check("metadata.name=a", &pod, Ok(true));
        check("metadata.name==a", &pod, Ok(true));
        check("metadata.name!=a", &pod, Ok(false));
        check("metadata.name=a,spec.nodeName=", &pod, Ok(false));
        check("spec.nodeName=n\\=1\\,x", &pod, Ok(true));
        check("unset=", &pod, Ok(true));
        check(
            "metadata.name",
            &pod,
            Err("invalid selector: 'metadata.name'; can't understand 'metadata.name'"),
        );
        check(
            "a=b=c",
            &pod,
            Err("invalid field selector: unescaped character in value: 61"),
        );
        check(
            "a=\\x",
            &pod,
            Err("invalid field selector: invalid escape sequence: \\x"),
        );
    }
}
