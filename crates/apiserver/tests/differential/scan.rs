//! Finds uids, times, ages and tokens by their look.

use base64::{
    Engine as _,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use serde_json::Value;

/// What is looked for inside texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Uid,
    Time,
}

/// Between which texts messages have versions of the store.
pub(crate) const VERSIONS_IN_TEXTS: &[(&str, &str)] = &[
    ("current: ", ""),
    ("too old resource version: ", " ("),
    ("too old resource version: <version> (", ")"),
    ("ResourceVersion in object meta: ", ""),
    ("ResourceVersion in record (", ")"),
    ("\"resourceVersion\":\"", "\""),
];

const UID: &str = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
const TIME: &str = "dddd-dd-ddTdd:dd:dd";
/// As Go prints one.
const PRINTED_TIME: &str = "dddd-dd-dd dd:dd:dd";

/// Replaces what has a shape, where `with` wants that.
pub(crate) fn replace(text: &str, mut with: impl FnMut(Shape, &str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let found =
            find(rest).and_then(|(shape, length)| Some((with(shape, &rest[..length])?, length)));
        match found {
            Some((stand_in, length)) => {
                out.push_str(&stand_in);
                rest = &rest[length..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

/// What begins here.
fn find(text: &str) -> Option<(Shape, usize)> {
    if looks_like(text, UID) {
        return Some((Shape::Uid, UID.len()));
    }
    if !looks_like(text, TIME) && !looks_like(text, PRINTED_TIME) {
        return None;
    }
    let fraction = match text[TIME.len()..].strip_prefix('.') {
        Some(tail) => {
            1 + tail
                .find(|letter: char| !letter.is_ascii_digit())
                .unwrap_or(tail.len())
        }
        None => 0,
    };
    let length = TIME.len() + fraction;
    Some((
        Shape::Time,
        length + usize::from(text[length..].starts_with('Z')),
    ))
}

fn looks_like(text: &str, pattern: &str) -> bool {
    text.len() >= pattern.len()
        && text
            .bytes()
            .zip(pattern.bytes())
            .all(|(letter, wanted)| match wanted {
                b'h' => letter.is_ascii_digit() || (b'a'..=b'f').contains(&letter),
                b'd' => letter.is_ascii_digit(),
                _ => letter == wanted,
            })
}

/// The letters of generated names.
const RANDOM: &str = "bcdfghjklmnpqrstvwxz2456789";
const RANDOM_LENGTH: usize = 5;

/// What a sequence asks generated names to begin with.
pub(crate) fn name_prefixes(given: &str) -> Vec<String> {
    let mut prefixes = vec!["kube-api-access-".to_owned()];
    for (at, word) in given.match_indices("generateName") {
        let tail = given[at + word.len()..].trim_start_matches(['"', ':', ' ']);
        let prefix = tail
            .split(['"', ',', '}', '\n', ' '])
            .next()
            .unwrap_or_default();
        // A long one is cut, so that the name stays short enough.
        let cut = prefix.get(..58).unwrap_or(prefix).to_owned();
        if !cut.is_empty() && !prefixes.contains(&cut) {
            prefixes.push(cut);
        }
    }
    prefixes
}

/// The names with this prefix that look generated.
pub(crate) fn generated_names(text: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices(prefix) {
        let begin = at + prefix.len();
        let Some(random) = text.get(begin..begin + RANDOM_LENGTH) else {
            continue;
        };
        let ends = !text[begin + RANDOM_LENGTH..]
            .starts_with(|letter: char| letter.is_ascii_alphanumeric());
        if ends && random.chars().all(|letter| RANDOM.contains(letter)) {
            names.push(format!("{prefix}{random}"));
        }
    }
    names
}

/// A time's form.
pub(crate) fn time_word(time: &str) -> String {
    let fraction = time
        .split_once('.')
        .map_or(0, |(_, tail)| tail.trim_end_matches('Z').len());
    match fraction {
        0 => "<now>".to_owned(),
        digits => format!("<now, {digits} digits>"),
    }
}

/// `5s`, `3m20s`.
pub(crate) fn is_age(text: &str) -> bool {
    text == "<invalid>"
        || (text.ends_with(['s', 'm', 'h', 'd', 'y'])
            && text.starts_with(|letter: char| letter.is_ascii_digit())
            && text
                .chars()
                .all(|letter| letter.is_ascii_digit() || "smhdy".contains(letter)))
}

/// A table's cell with ports of a service, such as `80:31526/TCP`, without those that the server chose.
pub(crate) fn without_node_ports(text: &str) -> Option<String> {
    let port = |part: &str| {
        let (port, rest) = part.split_once(':')?;
        let (node, protocol) = rest.split_once('/')?;
        node.parse::<u16>()
            .ok()
            .filter(|it| (30_000..32_768).contains(it))?;
        Some(format!("{port}:<port>/{protocol}"))
    };
    text.split(',')
        .map(port)
        .collect::<Option<Vec<_>>>()
        .map(|parts| parts.join(","))
}

/// Whether a field's path ends in a map's key.
pub(crate) fn names_a_key(field: &str) -> bool {
    field
        .rsplit_once('[')
        .is_some_and(|(_, tail)| !tail.starts_with(|letter: char| letter.is_ascii_digit()))
}

/// Lists of media types without the one that the embedded server doesn't speak.
pub(crate) fn without_protobuf(text: &str) -> String {
    text.replace(", application/vnd.kubernetes.protobuf;stream=watch", "")
        .replace(", application/vnd.kubernetes.protobuf", "")
}

/// Addresses of OpenAPI documents without the hash of what they hold.
pub(crate) fn without_hash(text: &str) -> String {
    match text.split_once("?hash=") {
        Some((head, hash))
            if hash.len() >= 64 && hash.bytes().all(|letter| letter.is_ascii_hexdigit()) =>
        {
            format!("{head}?hash=<hash>")
        }
        _ => text.to_owned(),
    }
}

/// Objects that messages quote, with their keys in order, as the order of keys is compared nowhere.
pub(crate) fn plain_objects(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\"{\\\"") {
        let mut values = serde_json::Deserializer::from_str(&rest[at..]).into_iter::<String>();
        let object = match values.next() {
            Some(Ok(quoted)) => serde_json::from_str::<Value>(&quoted).ok(),
            _ => None,
        };
        let (end, shown) = match object {
            Some(object) => (at + values.byte_offset(), object.to_string()),
            None => (at + 1, "\"".to_owned()),
        };
        out.push_str(&rest[..at]);
        out.push_str(&shown);
        rest = &rest[end..];
    }
    out + rest
}

/// What a JSON Web Token says.
pub(crate) fn claims(text: &str) -> Option<Value> {
    let mut parts = text.split('.');
    let (Some(head), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    if !head.starts_with("eyJ") {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// The place in a list that a continue token names, without the version.
pub(crate) fn continue_token(text: &str) -> Option<String> {
    let bytes = URL_SAFE
        .decode(text)
        .or_else(|_| URL_SAFE_NO_PAD.decode(text))
        .ok()?;
    let token: Value = serde_json::from_slice(&bytes).ok()?;
    let start = token["start"].as_str()?.replace('\u{0}', "\\0");
    Some(format!("<continue at {start}>"))
}

#[cfg(test)]
mod tests {
    use super::{Shape, is_age, replace};

    #[test]
    fn finds_shapes() {
        let check = |text: &str, expect: &str| {
            let out = replace(text, |shape, _| {
                Some(match shape {
                    Shape::Uid => "U".to_owned(),
                    Shape::Time => "T".to_owned(),
                })
            });
            assert_eq!(out, expect, "{text}");
        };
        check("a 01234567-89ab-cdef-0123-456789abcdef b", "a U b");
        check("2026-11-25T13:18:57Z", "T");
        check("at 2026-11-25T13:18:57.123456Z.", "at T.");
        check("2026-11-25 13:18:57 +0000 UTC", "T +0000 UTC");
        check("2026-11-25", "2026-11-25");
        check("ä-2", "ä-2");
    }

    #[test]
    fn knows_ages() {
        for (text, expect) in [
            ("5s", true),
            ("3m20s", true),
            ("<unknown>", false),
            ("s", false),
            ("1/1", false),
        ] {
            assert_eq!(is_age(text), expect, "{text}");
        }
    }
}
