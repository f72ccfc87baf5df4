//! A document as nodes in one list, aliases unresolved: no larger than its text.

use super::grammar;
use crate::DEPTH_MAX;
use std::collections::HashMap;

pub(super) type Id = usize;

/// The nodes of the first document.
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// Nothing where there is no document.
    pub(super) root: Option<Id>,
}

pub(super) struct Node {
    /// From 1.
    pub(super) line: usize,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Scalar {
        text: Box<str>,
        /// Its meaning is to be found in its text.
        is_implicit: bool,
        tag: Option<Box<str>>,
    },
    Sequence(Vec<Id>),
    /// Keys and values in turn.
    Mapping(Vec<Id>),
    Alias {
        name: Box<str>,
        to: Id,
    },
}

/// A tree on its way. Lines are counted from 0 here.
#[derive(Default)]
pub(super) struct Builder {
    nodes: Vec<Node>,
    root: Option<Id>,
    open: Vec<Id>,
    anchors: HashMap<String, Id>,
}

impl Tree {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let builder = grammar::read(text)?;
        Ok(Self {
            nodes: builder.nodes,
            root: builder.root,
        })
    }
}

impl Builder {
    pub(super) fn scalar(
        &mut self,
        line: usize,
        text: String,
        is_implicit: bool,
        tag: Option<String>,
        anchor: Option<String>,
    ) {
        let kind = Kind::Scalar {
            text: text.into(),
            is_implicit,
            tag: tag.map(|tag| short(&tag)),
        };
        self.put(line, kind, anchor);
    }

    pub(super) fn sequence(&mut self, line: usize, anchor: Option<String>) -> Result<(), String> {
        self.start(line, Kind::Sequence(Vec::new()), anchor)
    }

    pub(super) fn mapping(&mut self, line: usize, anchor: Option<String>) -> Result<(), String> {
        self.start(line, Kind::Mapping(Vec::new()), anchor)
    }

    pub(super) fn end(&mut self) {
        self.open.pop();
    }

    pub(super) fn alias(&mut self, line: usize, name: &str) -> Result<(), String> {
        let Some(to) = self.anchors.get(name).copied() else {
            return Err(format!("unknown anchor '{name}' referenced"));
        };
        let name = name.into();
        self.put(line, Kind::Alias { name, to }, None);
        Ok(())
    }

    fn start(&mut self, line: usize, kind: Kind, anchor: Option<String>) -> Result<(), String> {
        if self.open.len() >= DEPTH_MAX {
            return Err(format!("exceeded max depth of {DEPTH_MAX}"));
        }
        let id = self.put(line, kind, anchor);
        self.open.push(id);
        Ok(())
    }

    fn put(&mut self, line: usize, kind: Kind, anchor: Option<String>) -> Id {
        let id = self.nodes.len();
        self.nodes.push(Node {
            line: line + 1,
            kind,
        });
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, id);
        }
        match self.open.last().map(|open| &mut self.nodes[*open].kind) {
            Some(Kind::Sequence(children) | Kind::Mapping(children)) => children.push(id),
            _ => self.root = self.root.or(Some(id)),
        }
        id
    }
}

/// `!!str`, or the tag as it is.
fn short(tag: &str) -> Box<str> {
    match tag.strip_prefix("tag:yaml.org,2002:") {
        Some(suffix) => format!("!!{suffix}").into(),
        None => tag.into(),
    }
}
