//! Which fields each message has: a recorded table, `messages.txt`, read when the first body comes.
//!
//! The table is written by `scripts/record-protobuf.py`. An entry is a name, and a line for each field: its number, its
//! name in JSON, and its type. A field named `.` holds fields of the message around it.

use std::{collections::HashMap, sync::LazyLock};

const TABLE: &str = include_str!("messages.txt");

/// Where the entry of each message is in the table.
static ENTRIES: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let entries = TABLE.split("\n\n");
    entries
        .map(|entry| {
            let entry = entry.trim_start();
            entry.split_once('\n').unwrap_or((entry, ""))
        })
        .collect()
});

/// A message: the lines of its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message(&'static str);

/// A field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// A word for a simple type, or a message's name.
    pub(super) kind: &'static str,
}

/// How often a field's value may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    One,
    List,
    Map,
}

/// The message of that name.
pub(super) fn find(name: &str) -> Option<Message> {
    ENTRIES.get(name).map(|lines| Message(lines))
}

impl Message {
    pub(super) fn field(self, number: u64) -> Option<Field> {
        let mut fields = self.0.lines().filter_map(|line| {
            let (found, rest) = line.split_once(' ')?;
            (found.parse() == Ok(number)).then_some(rest)
        });
        let (name, kind) = fields.next()?.split_once(' ')?;
        let (shape, kind) = match (kind.strip_prefix("[]"), kind.strip_prefix("{}")) {
            (Some(kind), _) => (Shape::List, kind),
            (_, Some(kind)) => (Shape::Map, kind),
            _ => (Shape::One, kind),
        };
        Some(Field { name, shape, kind })
    }
}
