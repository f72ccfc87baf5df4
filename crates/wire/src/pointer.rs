//! Single values out of a JSON text, by path, without building a tree.
//!
//! Of equal keys the last one counts, as for every other reader, so each object on the path is
//! walked to its end. Text that is broken on the way gives `None`.

use std::borrow::Cow;

use crate::cursor::{Cursor, Member};

/// The value of one annotation, if `object_json` is an object that has it as a string.
pub fn annotation<'a>(object_json: &'a [u8], key: &str) -> Option<Cow<'a, str>> {
    let metadata = member(object_json, b"metadata")?;
    let annotations = member(metadata, b"annotations")?;
    let value = member(annotations, key.as_bytes())?;
    Cursor::new(value).text("annotation").ok().flatten()
}

/// The value that an RFC 6901 pointer such as `/spec/containers/0/image` leads to, as written.
/// The empty pointer leads to the whole text.
pub fn pointer<'a>(json: &'a [u8], rfc6901: &str) -> Option<&'a [u8]> {
    let mut value = json.trim_ascii();
    if rfc6901.is_empty() {
        return Some(value);
    }
    for token in rfc6901.strip_prefix('/')?.split('/') {
        value = match value.first()? {
            b'{' => member(value, token_text(token)?.as_bytes())?,
            b'[' => element(value, token)?,
            _ => return None,
        };
    }
    Some(value)
}

/// Undoes `~0` and `~1`; any other use of `~` is no pointer.
fn token_text(token: &str) -> Option<Cow<'_, str>> {
    if !token.contains('~') {
        return Some(Cow::Borrowed(token));
    }
    let mut parts = token.split('~');
    let mut text = String::from(parts.next()?);
    for part in parts {
        let (character, rest) = match part.as_bytes().first()? {
            b'0' => ('~', &part[1..]),
            b'1' => ('/', &part[1..]),
            _ => return None,
        };
        text.push(character);
        text.push_str(rest);
    }
    Some(Cow::Owned(text))
}

fn member<'a>(object: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let mut cursor = Cursor::new(object);
    let mut found = None;
    cursor.whitespace();
    let walk = cursor.members(|cursor, key| {
        let start = cursor.pos();
        cursor.skip_value()?;
        if key == wanted {
            found = Some(cursor.since(start));
        }
        Ok(Member::Keep)
    });
    walk.ok().and(found)
}

fn element<'a>(array: &'a [u8], token: &str) -> Option<&'a [u8]> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    let wanted: usize = token.parse().ok().filter(|_| canonical)?;
    let mut cursor = Cursor::new(array);
    let (mut index, mut found) = (0, None);
    let walk = cursor.elements(|cursor| {
        let start = cursor.pos();
        cursor.skip_value()?;
        if index == wanted {
            found = Some(cursor.since(start));
        }
        index += 1;
        Ok(())
    });
    walk.ok().and(found)
}
