//! Whether a request meets the demands of a match, apart from the path, which the table settles by its structure.
//!
//! Allocates only where a regular expression meets a repeated header or an encoded query parameter.

use crate::{HeaderMatch, PathMatch, QueryMatch, RequestMatch, RequestView, TextMatch};

/// The first demand of a match that a request doesn't meet.
#[derive(Clone, Copy, Debug)]
pub enum Unmet<'a> {
    Path(&'a PathMatch),
    Method(&'a str),
    Header(&'a HeaderMatch),
    Query(&'a QueryMatch),
}

impl RequestMatch {
    /// All of it, the path too. For explanations and models: the table has its own way to the path.
    ///
    /// # Errors
    /// The first demand that isn't met.
    pub fn check<'a>(&'a self, request: &RequestView<'_>) -> Result<(), Unmet<'a>> {
        if !self.path.holds(request.path) {
            return Err(Unmet::Path(&self.path));
        }
        self.check_fields(request)
    }

    /// All but the path.
    ///
    /// # Errors
    /// The first demand that isn't met.
    #[inline]
    pub fn check_fields<'a>(&'a self, request: &RequestView<'_>) -> Result<(), Unmet<'a>> {
        if let Some(method) = &self.method
            && **method != *request.method
        {
            return Err(Unmet::Method(method));
        }
        if let Some(header) = self.headers.iter().find(|header| !header.holds(request)) {
            return Err(Unmet::Header(header));
        }
        match self.query.iter().find(|query| !query.holds(request.query)) {
            Some(query) => Err(Unmet::Query(query)),
            None => Ok(()),
        }
    }
}

impl PathMatch {
    /// Whether a normalised path matches.
    pub fn holds(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *path,
            Self::Prefix(prefix) => prefix_holds(prefix, path),
            Self::Regex(regex) => regex_holds(regex, path),
        }
    }
}

/// By whole segments; `prefix` has no trailing slash.
pub(crate) fn prefix_holds(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether it matches all of the text.
pub(crate) fn regex_holds(regex: &regex::Regex, text: &str) -> bool {
    // Patterns are made by `whole_regex`, with anchors.
    regex.is_match(text)
}

impl HeaderMatch {
    fn holds(&self, request: &RequestView<'_>) -> bool {
        let Some(first) = request.headers.value(&self.name, 0) else {
            return false;
        };
        let repeated = request.headers.value(&self.name, 1).is_some();
        match &self.value {
            TextMatch::Exact(text) if !repeated => text.as_bytes() == first,
            TextMatch::Exact(text) => joined_is(text.as_bytes(), &self.name, request),
            TextMatch::Regex(regex) if !repeated => {
                std::str::from_utf8(first).is_ok_and(|text| regex_holds(regex, text))
            }
            TextMatch::Regex(regex) => {
                let values: Vec<&[u8]> = values(&self.name, request).collect();
                std::str::from_utf8(&values.join(&b","[..]))
                    .is_ok_and(|text| regex_holds(regex, text))
            }
        }
    }
}

fn values<'a>(name: &'a str, request: &'a RequestView<'_>) -> impl Iterator<Item = &'a [u8]> {
    (0..).map_while(|nth| request.headers.value(name, nth))
}

/// Whether the values of a header, joined with `,`, are this text.
fn joined_is(text: &[u8], name: &str, request: &RequestView<'_>) -> bool {
    let mut rest = Some(text);
    for (nth, value) in values(name, request).enumerate() {
        rest = rest
            .and_then(|rest| rest.strip_prefix(if nth == 0 { &b""[..] } else { b"," }))
            .and_then(|rest| rest.strip_prefix(value));
        if rest.is_none() {
            return false;
        }
    }
    rest.is_some_and(<[u8]>::is_empty)
}

impl QueryMatch {
    /// The first parameter of this name counts. Name and value compare decoded.
    fn holds(&self, query: &str) -> bool {
        let first = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .find(|(name, _)| decoded_is(name, &self.name));
        let Some((_, value)) = first else {
            return false;
        };
        match &self.value {
            TextMatch::Exact(text) => decoded_is(value, text),
            TextMatch::Regex(regex) if !value.contains(['%', '+']) => regex_holds(regex, value),
            TextMatch::Regex(regex) => {
                let bytes: Vec<u8> = decode(value).collect();
                std::str::from_utf8(&bytes).is_ok_and(|text| regex_holds(regex, text))
            }
        }
    }
}

fn decoded_is(encoded: &str, text: &str) -> bool {
    encoded == text || decode(encoded).eq(text.bytes())
}

/// Decodes a part of a query. What isn't a proper escape stands for itself.
fn decode(text: &str) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (&first, after) = rest.split_first()?;
        rest = after;
        match first {
            b'+' => Some(b' '),
            b'%' => {
                let Some((&[high, low], after)) = rest.split_first_chunk::<2>() else {
                    return Some(b'%');
                };
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (Some(high), Some(low)) = (digit(high), digit(low)) else {
                    return Some(b'%');
                };
                rest = after;
                u8::try_from(high * 16 + low).ok()
            }
            other => Some(other),
        }
    })
}
