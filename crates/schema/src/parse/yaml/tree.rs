//! A document as nodes in one list, aliases unresolved: no larger than its text.

use super::words;
use crate::DEPTH_MAX;
use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};
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
        is_plain: bool,
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

struct Builder<'a> {
    text: &'a str,
    nodes: Vec<Node>,
    root: Option<Id>,
    open: Vec<Id>,
    anchors: HashMap<usize, Id>,
}

impl Tree {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let options = granit_parser::options! {
            emit_comments: false,
            emit_unresolved_aliases: true,
            block_scalar_eof_without_line_feed: true,
            flow_nesting_limit: DEPTH_MAX,
            block_nesting_limit: DEPTH_MAX,
        };
        let mut builder = Builder {
            text,
            nodes: Vec::new(),
            root: None,
            open: Vec::new(),
            anchors: HashMap::new(),
        };
        for next in Parser::<StrInput<'_>>::new_from_str_with_options(text, options) {
            let (event, span) = next.map_err(|error| words::of(&error, text))?;
            if matches!(event, Event::DocumentEnd) {
                break;
            }
            builder.take(event, &span)?;
        }
        Ok(Self {
            nodes: builder.nodes,
            root: builder.root,
        })
    }
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_missing = style == ScalarStyle::Plain && span.is_empty();
                let kind = Kind::Scalar {
                    text: if is_missing { "".into() } else { text.into() },
                    is_plain: style == ScalarStyle::Plain,
                    tag: tag.map(|tag| short(&tag)),
                };
                self.put(kind, anchor, span);
            }
            Event::SequenceStart(_, anchor, _) => {
                self.start(Kind::Sequence(Vec::new()), anchor, span)?
            }
            Event::MappingStart(_, anchor, _) => {
                self.start(Kind::Mapping(Vec::new()), anchor, span)?
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
            }
            Event::Alias(anchor) => {
                let name = span.slice(self.text).unwrap_or_default();
                let name = name.strip_prefix('*').unwrap_or(name);
                let Some(to) = self.anchors.get(&anchor).copied() else {
                    return Err(format!("unknown anchor '{name}' referenced"));
                };
                let name = name.into();
                self.put(Kind::Alias { name, to }, 0, span);
            }
            Event::UnresolvedAlias(name) => {
                return Err(format!("unknown anchor '{name}' referenced"));
            }
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, kind: Kind, anchor: usize, span: &Span) -> Result<(), String> {
        if self.open.len() >= DEPTH_MAX {
            return Err(format!("exceeded max depth of {DEPTH_MAX}"));
        }
        let id = self.put(kind, anchor, span);
        self.open.push(id);
        Ok(())
    }

    fn put(&mut self, kind: Kind, anchor: usize, span: &Span) -> Id {
        let id = self.nodes.len();
        self.nodes.push(Node {
            line: span.start.line(),
            kind,
        });
        if anchor != 0 {
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
fn short(tag: &Tag) -> Box<str> {
    match tag.core_suffix() {
        Some(suffix) => format!("!!{suffix}").into(),
        None => tag.original().into(),
    }
}
