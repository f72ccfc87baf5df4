//! From text to tree.
//!
//! `serde_json` decides whether the text is JSON, and bounds its depth; this reader only cuts what is.

use super::{Document, Node};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// As many complaints as kube-apiserver keeps.
const DUPLICATES_MAX: usize = 100;

/// The tree of a text, or none if it is no JSON.
pub(crate) fn read(text: &[u8]) -> Option<Document> {
    let text = std::str::from_utf8(text).ok()?;
    serde_json::from_str::<Bounded>(text).ok()?;
    let mut reader = Reader {
        text,
        at: 0,
        path: String::new(),
        duplicates: Vec::new(),
    };
    let root = reader.node()?;
    Some(Document {
        root,
        duplicates: reader.duplicates,
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
    path: String,
    duplicates: Vec<String>,
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
            b'{' => self.object(),
            b'[' => self.array(),
            b'n' => {
                self.at += "null".len();
                Some(Node::Null)
            }
            _ => self.scalar().map(Node::Scalar),
        }
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
            if fields.contains_key(&name) {
                self.complain();
            }
            let field = self.node()?;
            fields.insert(name, field);
            self.path.truncate(length);
        }
        Some(Node::Object(fields))
    }

    fn complain(&mut self) {
        let complaint = format!("duplicate field {}", crate::words::quoted(&self.path));
        if self.duplicates.len() < DUPLICATES_MAX && !self.duplicates.contains(&complaint) {
            self.duplicates.push(complaint);
        }
    }
}
