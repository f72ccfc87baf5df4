//! JSON pointers (RFC 6901), and what they find: a field of an object or an item of an array.

use crate::{document::Node, words};

/// The parts of a pointer. `None` is a pointer to nowhere: it has no slash.
pub(super) fn parts(pointer: &str) -> Option<Vec<String>> {
    let mut parts = pointer.split('/');
    parts.next()?;
    let parts: Vec<String> = parts.map(unescape).collect();
    (!parts.is_empty()).then_some(parts)
}

fn unescape(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    let mut rest = part;
    while let Some(at) = rest.find('~') {
        out.push_str(&rest[..at]);
        let (plain, skip) = match rest.as_bytes().get(at + 1) {
            Some(b'0') => ('~', 2),
            Some(b'1') => ('/', 2),
            _ => ('~', 1),
        };
        out.push(plain);
        rest = &rest[at + skip..];
    }
    out.push_str(rest);
    out
}

/// The object or array that holds the last part. `None` if the way there doesn't exist.
pub(super) fn container<'n>(root: &'n mut Node, parts: &[String]) -> Option<&'n mut Node> {
    let mut node = root;
    for part in parts.split_last()?.1 {
        node = match node {
            Node::Object(fields) => fields.get_mut(part)?,
            Node::Array(items) => {
                let index = index(part, items.len(), Use::Existing).ok()?;
                items.get_mut(index)?
            }
            Node::Null | Node::Scalar(_) => return None,
        };
    }
    matches!(node, Node::Object(_) | Node::Array(_)).then_some(node)
}

/// What an index is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// An item that is there.
    Existing,
    /// A place between items, or after the last.
    Insert,
}

/// The index that `key` says, from the start or, if negative, from the end.
pub(super) fn index(key: &str, length: usize, purpose: Use) -> Result<usize, String> {
    let number = number(key)?;
    let places = match purpose {
        Use::Existing => length,
        Use::Insert => length + 1,
    };
    let places_signed = i64::try_from(places).unwrap_or(i64::MAX);
    let index = if number < 0 {
        number + places_signed
    } else {
        number
    };
    usize::try_from(index)
        .ok()
        .filter(|index| *index < places)
        .ok_or_else(|| {
            format!("Unable to access invalid index: {number}: invalid index referenced")
        })
}

/// Go's `strconv.Atoi`.
fn number(key: &str) -> Result<i64, String> {
    let digits = key.strip_prefix(['+', '-']).unwrap_or(key);
    let well_formed = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
    let failed = |why: &str| format!("strconv.Atoi: parsing {}: {why}", words::quoted(key));
    if !well_formed {
        return Err(failed("invalid syntax"));
    }
    key.parse().map_err(|_| failed("value out of range"))
}

/// The item or field that is there. A field that isn't is null.
pub(super) fn get<'n>(container: &'n Node, key: &str) -> Result<Option<&'n Node>, String> {
    match container {
        Node::Object(fields) => Ok(fields.get(key)),
        Node::Array(items) => Ok(items.get(index(key, items.len(), Use::Existing)?)),
        Node::Null | Node::Scalar(_) => Ok(None),
    }
}

/// Puts a field, or inserts an item before the one at this index; `-` is the end.
pub(super) fn add(container: &mut Node, key: &str, value: Node) -> Result<(), String> {
    match container {
        Node::Object(fields) => {
            fields.insert(key.to_owned(), value);
        }
        Node::Array(items) if key == "-" => items.push(value),
        Node::Array(items) => {
            number(key)
                .map_err(|error| format!("value was not a proper array index: '{key}': {error}"))?;
            let index = index(key, items.len(), Use::Insert)?;
            items.insert(index, value);
        }
        Node::Null | Node::Scalar(_) => {}
    }
    Ok(())
}

/// Puts a field, or replaces the item at this index.
pub(super) fn set(container: &mut Node, key: &str, value: Node) -> Result<(), String> {
    match container {
        Node::Object(fields) => {
            fields.insert(key.to_owned(), value);
        }
        Node::Array(items) => {
            let index = index(key, items.len(), Use::Existing)?;
            items[index] = value;
        }
        Node::Null | Node::Scalar(_) => {}
    }
    Ok(())
}

/// Takes out a field or item.
pub(super) fn remove(container: &mut Node, key: &str) -> Result<Node, String> {
    match container {
        Node::Object(fields) => fields
            .remove(key)
            .ok_or_else(|| format!("Unable to remove nonexistent key: {key}: missing value")),
        Node::Array(items) => {
            let index = index(key, items.len(), Use::Existing)?;
            Ok(items.remove(index))
        }
        Node::Null | Node::Scalar(_) => Ok(Node::Null),
    }
}
