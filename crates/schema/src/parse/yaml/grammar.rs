//! From tokens to the nodes of the first document, as libyaml's parser goes: a stack of states instead of recursion.

use super::{
    scan::{Kind as T, Mark, Scanner, Token},
    tree::Builder,
};

/// What is expected next.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    BlockNode,
    DocumentContent,
    DocumentEnd,
    BlockSequence { is_first: bool },
    IndentlessSequence,
    BlockMappingKey { is_first: bool },
    BlockMappingValue,
    FlowSequence { is_first: bool },
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingKey { is_first: bool },
    FlowMappingValue { is_empty: bool },
}

pub(super) struct Parser<'a> {
    scanner: Scanner<'a>,
    builder: Builder,
    state: State,
    states: Vec<State>,
    tag_directives: Vec<(String, String)>,
}

/// What stands before a node.
#[derive(Default)]
struct Properties {
    anchor: Option<String>,
    tag: Option<String>,
}

const VERSION: (u8, u8) = (1, 1);

/// Reads the first document.
pub(super) fn read(text: &str) -> Result<Builder, String> {
    let mut parser = Parser {
        scanner: Scanner::new(text),
        builder: Builder::default(),
        state: State::DocumentContent,
        states: Vec::new(),
        tag_directives: Vec::new(),
    };
    parser.scanner.take()?;
    if parser.document_start()? {
        while parser.step()? {}
    }
    Ok(parser.builder)
}

fn fail<T>(mark: Mark, words: &str) -> Result<T, String> {
    Err(match mark.line {
        0 => words.to_owned(),
        line => format!("line {line}: {words}"),
    })
}

impl Parser<'_> {
    fn peek(&mut self) -> Result<&Token, String> {
        self.scanner.peek()
    }

    fn next_is(&mut self, kinds: &[T]) -> Result<bool, String> {
        let kind = &self.peek()?.kind;
        Ok(kinds.contains(kind))
    }

    fn mark(&mut self) -> Result<Mark, String> {
        Ok(self.peek()?.start)
    }

    /// Gives whether there is a document.
    fn document_start(&mut self) -> Result<bool, String> {
        let is_explicit = matches!(
            self.peek()?.kind,
            T::Version(..) | T::TagDirective { .. } | T::DocumentStart
        );
        if !is_explicit && self.next_is(&[T::StreamEnd])? {
            return Ok(false);
        }
        self.directives()?;
        self.states.push(State::DocumentEnd);
        self.state = State::BlockNode;
        if is_explicit {
            let token = self.peek()?;
            if token.kind != T::DocumentStart {
                return fail(token.start, "did not find expected <document start>");
            }
            self.state = State::DocumentContent;
            self.scanner.take()?;
        }
        Ok(true)
    }

    fn directives(&mut self) -> Result<(), String> {
        let mut has_version = false;
        while let T::Version(..) | T::TagDirective { .. } = self.peek()?.kind {
            let token = self.scanner.take()?;
            match token.kind {
                T::Version(..) if has_version => {
                    return fail(token.start, "found duplicate %YAML directive");
                }
                T::Version(major, minor) if (major, minor) != VERSION => {
                    return fail(token.start, "found incompatible YAML document");
                }
                T::TagDirective { handle, prefix } => {
                    if self
                        .tag_directives
                        .iter()
                        .any(|(known, _)| *known == handle)
                    {
                        return fail(token.start, "found duplicate %TAG directive");
                    }
                    self.tag_directives.push((handle, prefix));
                }
                _ => has_version = true,
            }
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.tag_directives.iter().any(|(known, _)| known == handle) {
                self.tag_directives
                    .push((handle.to_owned(), prefix.to_owned()));
            }
        }
        Ok(())
    }

    /// Does one step. Gives whether the document goes on.
    fn step(&mut self) -> Result<bool, String> {
        match self.state {
            State::DocumentEnd => {
                self.peek()?;
                return Ok(false);
            }
            State::DocumentContent => self.document_content()?,
            State::BlockNode => self.node(true, false)?,
            State::BlockSequence { is_first } => self.block_sequence(is_first)?,
            State::IndentlessSequence => self.indentless_sequence()?,
            State::BlockMappingKey { is_first } => self.block_mapping_key(is_first)?,
            State::BlockMappingValue => self.block_mapping_value()?,
            State::FlowSequence { is_first } => self.flow_sequence(is_first)?,
            State::FlowPairKey => self.flow_pair_key()?,
            State::FlowPairValue => self.flow_pair_value()?,
            State::FlowPairEnd => {
                self.builder.end();
                self.state = State::FlowSequence { is_first: false };
            }
            State::FlowMappingKey { is_first } => self.flow_mapping_key(is_first)?,
            State::FlowMappingValue { is_empty } => self.flow_mapping_value(is_empty)?,
        }
        Ok(true)
    }

    fn pop(&mut self) {
        self.state = self.states.pop().unwrap_or(State::DocumentEnd);
    }

    /// An empty scalar, and what comes after it.
    fn empty(&mut self, mark: Mark, then: State) {
        self.state = then;
        self.builder
            .scalar(mark.line, String::new(), true, None, None);
    }

    fn node_then(&mut self, then: State, is_block: bool, indentless: bool) -> Result<(), String> {
        self.states.push(then);
        self.node(is_block, indentless)
    }

    fn document_content(&mut self) -> Result<(), String> {
        let token = self.peek()?;
        let mark = token.start;
        match token.kind {
            T::Version(..)
            | T::TagDirective { .. }
            | T::DocumentStart
            | T::DocumentEnd
            | T::StreamEnd => {
                self.pop();
                let then = self.state;
                self.empty(mark, then);
                Ok(())
            }
            _ => self.node(true, false),
        }
    }

    fn node(&mut self, is_block: bool, indentless: bool) -> Result<(), String> {
        let start = self.mark()?;
        if let T::Alias(_) = self.peek()?.kind
            && let T::Alias(name) = self.scanner.take()?.kind
        {
            self.pop();
            return self.builder.alias(start.line, &name);
        }
        let properties = self.properties()?;
        let token = self.peek()?.clone();
        let Properties { anchor, tag } = properties;
        match token.kind {
            T::BlockEntry if indentless => {
                self.state = State::IndentlessSequence;
                self.builder.sequence(start.line, anchor)
            }
            T::Scalar { text, is_plain } => {
                let is_implicit = match tag.as_deref() {
                    None => is_plain,
                    tag => tag == Some("!"),
                };
                self.pop();
                self.scanner.take()?;
                self.builder
                    .scalar(start.line, text, is_implicit, tag, anchor);
                Ok(())
            }
            T::FlowSequenceStart => {
                self.state = State::FlowSequence { is_first: true };
                self.builder.sequence(start.line, anchor)
            }
            T::FlowMappingStart => {
                self.state = State::FlowMappingKey { is_first: true };
                self.builder.mapping(start.line, anchor)
            }
            T::BlockSequenceStart if is_block => {
                self.state = State::BlockSequence { is_first: true };
                self.builder.sequence(start.line, anchor)
            }
            T::BlockMappingStart if is_block => {
                self.state = State::BlockMappingKey { is_first: true };
                self.builder.mapping(start.line, anchor)
            }
            _ if anchor.is_some() || tag.is_some() => {
                self.pop();
                let is_implicit = tag.is_none();
                self.builder
                    .scalar(start.line, String::new(), is_implicit, tag, anchor);
                Ok(())
            }
            _ => fail(token.start, "did not find expected node content"),
        }
    }

    /// An anchor and a tag, in either order.
    fn properties(&mut self) -> Result<Properties, String> {
        let mut found = Properties::default();
        loop {
            match self.peek()?.kind {
                T::Anchor(_) if found.anchor.is_none() => {
                    if let T::Anchor(name) = self.scanner.take()?.kind {
                        found.anchor = Some(name);
                    }
                }
                T::Tag { .. } if found.tag.is_none() => {
                    let token = self.scanner.take()?;
                    // Go looks for what follows before it looks at the handle.
                    self.peek()?;
                    if let T::Tag { handle, suffix } = token.kind {
                        if found.anchor.is_none()
                            && let T::Anchor(_) = self.peek()?.kind
                            && let T::Anchor(name) = self.scanner.take()?.kind
                        {
                            found.anchor = Some(name);
                            self.peek()?;
                        }
                        found.tag = Some(self.tag(token.start, &handle, suffix)?);
                    }
                    return Ok(found);
                }
                _ => return Ok(found),
            }
        }
    }

    fn tag(&self, mark: Mark, handle: &str, suffix: String) -> Result<String, String> {
        if handle.is_empty() {
            return Ok(suffix);
        }
        match self
            .tag_directives
            .iter()
            .find(|(known, _)| known == handle)
        {
            Some((_, prefix)) => Ok(format!("{prefix}{suffix}")),
            None => fail(mark, "found undefined tag handle"),
        }
    }

    fn block_sequence(&mut self, is_first: bool) -> Result<(), String> {
        const AGAIN: State = State::BlockSequence { is_first: false };
        if is_first {
            self.scanner.take()?;
        }
        let token = self.peek()?.clone();
        match token.kind {
            T::BlockEntry => {
                self.scanner.take()?;
                match self.next_is(&[T::BlockEntry, T::BlockEnd])? {
                    false => self.node_then(AGAIN, true, false)?,
                    true => self.empty(token.start, AGAIN),
                }
            }
            T::BlockEnd => self.end()?,
            _ => return fail(token.start, "did not find expected '-' indicator"),
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        self.pop();
        self.builder.end();
        self.scanner.take().map(drop)
    }

    fn indentless_sequence(&mut self) -> Result<(), String> {
        let token = self.peek()?.clone();
        if token.kind != T::BlockEntry {
            self.pop();
            self.builder.end();
            return Ok(());
        }
        self.scanner.take()?;
        match self.next_is(&[T::BlockEntry, T::Key, T::Value, T::BlockEnd])? {
            false => self.node_then(State::IndentlessSequence, true, false)?,
            true => self.empty(token.start, State::IndentlessSequence),
        }
        Ok(())
    }

    fn block_mapping_key(&mut self, is_first: bool) -> Result<(), String> {
        if is_first {
            self.scanner.take()?;
        }
        let token = self.peek()?.clone();
        match token.kind {
            T::Key => {
                self.scanner.take()?;
                match self.next_is(&[T::Key, T::Value, T::BlockEnd])? {
                    false => self.node_then(State::BlockMappingValue, true, true)?,
                    true => self.empty(token.start, State::BlockMappingValue),
                }
            }
            T::BlockEnd => self.end()?,
            _ => return fail(token.start, "did not find expected key"),
        }
        Ok(())
    }

    fn block_mapping_value(&mut self) -> Result<(), String> {
        const KEY: State = State::BlockMappingKey { is_first: false };
        let token = self.peek()?.clone();
        if token.kind == T::Value {
            self.scanner.take()?;
            if !self.next_is(&[T::Key, T::Value, T::BlockEnd])? {
                return self.node_then(KEY, true, true);
            }
        }
        self.empty(token.start, KEY);
        Ok(())
    }

    fn flow_sequence(&mut self, is_first: bool) -> Result<(), String> {
        if is_first {
            self.scanner.take()?;
        }
        if !self.next_is(&[T::FlowSequenceEnd])? {
            if !is_first {
                let token = self.peek()?;
                if token.kind != T::FlowEntry {
                    return fail(token.start, "did not find expected ',' or ']'");
                }
                self.scanner.take()?;
            }
            let token = self.peek()?.clone();
            match token.kind {
                T::Key => {
                    self.state = State::FlowPairKey;
                    self.builder.mapping(token.start.line, None)?;
                    return self.scanner.take().map(drop);
                }
                T::FlowSequenceEnd => {}
                _ => return self.node_then(State::FlowSequence { is_first: false }, false, false),
            }
        }
        self.end()
    }

    fn flow_pair_key(&mut self) -> Result<(), String> {
        if !self.next_is(&[T::Value, T::FlowEntry, T::FlowSequenceEnd])? {
            return self.node_then(State::FlowPairValue, false, false);
        }
        let token = self.scanner.take()?;
        self.empty(token.start, State::FlowPairValue);
        Ok(())
    }

    fn flow_pair_value(&mut self) -> Result<(), String> {
        let mark = self.mark()?;
        if self.next_is(&[T::Value])? {
            self.scanner.take()?;
            if !self.next_is(&[T::FlowEntry, T::FlowSequenceEnd])? {
                return self.node_then(State::FlowPairEnd, false, false);
            }
        }
        self.empty(mark, State::FlowPairEnd);
        Ok(())
    }

    fn flow_mapping_key(&mut self, is_first: bool) -> Result<(), String> {
        if is_first {
            self.scanner.take()?;
        }
        if !self.next_is(&[T::FlowMappingEnd])? {
            if !is_first {
                let token = self.peek()?;
                if token.kind != T::FlowEntry {
                    return fail(token.start, "did not find expected ',' or '}'");
                }
                self.scanner.take()?;
            }
            if self.next_is(&[T::Key])? {
                self.scanner.take()?;
                let value = State::FlowMappingValue { is_empty: false };
                if !self.next_is(&[T::Value, T::FlowEntry, T::FlowMappingEnd])? {
                    return self.node_then(value, false, false);
                }
                let mark = self.mark()?;
                self.empty(mark, value);
                return Ok(());
            }
            if !self.next_is(&[T::FlowMappingEnd])? {
                return self.node_then(State::FlowMappingValue { is_empty: true }, false, false);
            }
        }
        self.end()
    }

    fn flow_mapping_value(&mut self, is_empty: bool) -> Result<(), String> {
        const KEY: State = State::FlowMappingKey { is_first: false };
        if !is_empty && self.next_is(&[T::Value])? {
            self.scanner.take()?;
            if !self.next_is(&[T::FlowEntry, T::FlowMappingEnd])? {
                return self.node_then(KEY, false, false);
            }
        }
        let mark = self.mark()?;
        self.empty(mark, KEY);
        Ok(())
    }
}
