//! From text to tree.
//!
//! `serde_json` decides whether the text is JSON, and bounds its depth; this reader only cuts what is.

use super::{Document, Node};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// As many complaints as kube-apiserver keeps.
const COMPLAINTS_MAX: usize = 100;

/// What a text is decoded into, as far as strict decoding cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Maps: every field is known.
    Anything,
    /// A list of structs with these fields; what is in other fields isn't looked at.
    Operations,
}

/// The fields of an operation.
const OPERATION: [&str; 4] = ["op", "path", "from", "value"];

/// The tree of a text, or none if it is no JSON.
pub(super) fn read(text: &[u8], target: Target) -> Option<Document> {
    let text = std::str::from_utf8(text).ok()?;
    serde_json::from_str::<Bounded>(text).ok()?;
    let mut reader = Reader {
        text,
        at: 0,
        target,
        path: String::new(),
        depth: 0,
        muted: false,
        complaints: Vec::new(),
    };
    let root = reader.node()?;
    Some(Document {
        root,
        complaints: reader.complaints,
    })
}

/// Any JSON, of a depth that `serde_json` allows in trees. (It skips values of any depth.)
struct Bounded;

impl<'de> serde::Deserialize<'de> for Bounded {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> serde::de::Visitor<'de> for Any {
    type Value = Bounded;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Bounded, E> {
        Ok(Bounded)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Bounded, E> {
        Ok(Bounded)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Bounded, E> {
        Ok(Bounded)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Bounded, E> {
        Ok(Bounded)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Bounded, E> {
        Ok(Bounded)
    }

    fn visit_str<E>(self, _: &str) -> Result<Bounded, E> {
        Ok(Bounded)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Bounded, A::Error> {
        while seq.next_element::<Bounded>()?.is_some() {}
        Ok(Bounded)
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Bounded, A::Error> {
        while map.next_entry::<IgnoredAny, Bounded>()?.is_some() {}
        Ok(Bounded)
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    target: Target,
    path: String,
    depth: usize,
    /// Below an unknown field.
    muted: bool,
    complaints: Vec<String>,
}

impl Reader<'_> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let skip = rest.iter().take_while(|c| c.is_ascii_whitespace()).count();
        self.at += skip;
        rest.get(skip).copied()
    }

    fn node(&mut self) -> Option<Node> {
        match self.peek()? {
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::array),
            b'n' => {
                self.at += "null".len();
                Some(Node::Null)
            }
            _ => self.scalar().map(Node::Scalar),
        }
    }

    fn nested(&mut self, read: impl Fn(&mut Self) -> Option<Node>) -> Option<Node> {
        self.depth += 1;
        let node = read(self);
        self.depth -= 1;
        node
    }

    fn scalar(&mut self) -> Option<String> {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..)?;
        let length = if rest.first() == Some(&b'"') {
            let mut escaped = false;
            let end = rest.iter().skip(1).position(|c| {
                let closes = *c == b'"' && !escaped;
                escaped = *c == b'\\' && !escaped;
                closes
            })?;
            end + 2
        } else {
            rest.iter()
                .position(|c| c.is_ascii_whitespace() || matches!(c, b',' | b']' | b'}'))
                .unwrap_or(rest.len())
        };
        self.at += length;
        self.text.get(start..self.at).map(str::to_owned)
    }

    /// Whether another element follows; takes the comma or the end.
    fn more(&mut self, end: u8) -> Option<bool> {
        let next = self.peek()?;
        if next == end {
            self.at += 1;
            return Some(false);
        }
        if next == b',' {
            self.at += 1;
        }
        Some(true)
    }

    fn array(&mut self) -> Option<Node> {
        self.at += 1;
        let mut items = Vec::new();
        let length = self.path.len();
        while self.more(b']')? {
            self.path.push_str(&format!("[{}]", items.len()));
            items.push(self.node()?);
            self.path.truncate(length);
        }
        Some(Node::Array(items))
    }

    fn object(&mut self) -> Option<Node> {
        self.at += 1;
        let mut fields = BTreeMap::new();
        let length = self.path.len();
        while self.more(b'}')? {
            self.peek()?;
            let name: String = serde_json::from_str(&self.scalar()?).ok()?;
            self.peek()?;
            self.at += 1;
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&name);
            let muted = self.muted;
            if self.is_unknown(&name) {
                self.complain("unknown");
                self.muted = true;
            } else if fields.contains_key(&name) {
                self.complain("duplicate");
            }
            let field = self.node()?;
            self.muted = muted;
            fields.insert(name, field);
            self.path.truncate(length);
        }
        Some(Node::Object(fields))
    }

    /// Whether a field of this object is none of an operation's.
    fn is_unknown(&self, name: &str) -> bool {
        self.target == Target::Operations && self.depth == 2 && !OPERATION.contains(&name)
    }

    fn complain(&mut self, what: &str) {
        if self.muted || self.complaints.len() >= COMPLAINTS_MAX {
            return;
        }
        let complaint = format!("{what} field {}", crate::words::quoted(&self.path));
        if !self.complaints.contains(&complaint) {
            self.complaints.push(complaint);
        }
    }
}
