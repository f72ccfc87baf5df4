//! What Go's `mail.ParseAddress` accepts: one address, with or without a name, comments, or a group around it.

use super::network;

pub(super) fn is_email(text: &str) -> bool {
    let mut parser = Parser { rest: text };
    parser.single_address().is_some()
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn single_address(&mut self) -> Option<()> {
        let addresses = self.address(true)?;
        self.skip_comments()?;
        (self.rest.is_empty() && addresses == 1).then_some(())
    }

    /// Gives how many addresses there are: a group has any number.
    fn address(&mut self, group_allowed: bool) -> Option<usize> {
        self.skip_space();
        if self.rest.is_empty() {
            return None;
        }
        let before = self.rest;
        if self.address_spec().is_some() {
            self.skip_space();
            if self.consume('(') {
                self.comment()?;
            }
            return Some(1);
        }
        self.rest = before;
        if !self.rest.starts_with('<') {
            self.phrase()?;
        }
        self.skip_space();
        if group_allowed && self.consume(':') {
            return self.group();
        }
        if !self.consume('<') {
            return None;
        }
        self.address_spec()?;
        self.consume('>').then_some(1)
    }

    fn group(&mut self) -> Option<usize> {
        self.skip_space();
        if self.consume(';') {
            self.skip_comments()?;
            return Some(0);
        }
        let mut addresses = 0;
        loop {
            self.skip_space();
            addresses += self.address(false)?;
            self.skip_comments()?;
            if self.consume(';') {
                self.skip_comments()?;
                return Some(addresses);
            }
            if !self.consume(',') {
                return None;
            }
        }
    }

    fn address_spec(&mut self) -> Option<()> {
        self.skip_space();
        match self.rest.starts_with('"') {
            true if self.quoted()? == 0 => return None,
            true => {}
            false => self.strict_atom()?,
        }
        if !self.consume('@') {
            return None;
        }
        self.skip_space();
        match self.rest.starts_with('[') {
            true => self.domain_literal(),
            false => self.strict_atom(),
        }
    }

    /// Words; what is no word any more ends it.
    fn phrase(&mut self) -> Option<()> {
        let mut words = 0;
        loop {
            if words > 0 {
                self.skip_comments()?;
            }
            self.skip_space();
            let word = match self.rest.chars().next() {
                None => break,
                Some('"') => self.quoted().map(drop),
                Some(_) => self
                    .atom()
                    .filter(|atom| !has_unknown_charset(atom))
                    .map(drop),
            };
            match word {
                Some(()) => words += 1,
                None if words == 0 => return None,
                None => break,
            }
        }
        Some(())
    }

    /// Gives how many characters were quoted. On failure nothing is taken.
    fn quoted(&mut self) -> Option<usize> {
        let mut escaped = false;
        let mut count = 0;
        for (at, c) in self.rest.char_indices().skip(1) {
            match c {
                c if escaped && (is_visible(c) || is_blank(c)) => {
                    escaped = false;
                    count += 1;
                }
                _ if escaped => return None,
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(count);
                }
                '\\' => escaped = true,
                c if is_visible(c) || is_blank(c) => count += 1,
                _ => return None,
            }
        }
        None
    }

    /// An atom with dots, wherever they are.
    fn atom(&mut self) -> Option<&str> {
        let end = self.rest.find(|c| !is_atom(c)).unwrap_or(self.rest.len());
        let (atom, rest) = self.rest.split_at(end);
        self.rest = rest;
        (end > 0).then_some(atom)
    }

    fn strict_atom(&mut self) -> Option<()> {
        let atom = self.atom()?;
        let is_strict = !atom.starts_with('.') && !atom.ends_with('.') && !atom.contains("..");
        is_strict.then_some(())
    }

    fn domain_literal(&mut self) -> Option<()> {
        let (text, rest) = self.rest[1..].split_once(']')?;
        self.rest = rest;
        let is_text = text
            .chars()
            .all(|c| is_visible(c) && !matches!(c, '[' | '\\'));
        (is_text && network::is_ip(text)).then_some(())
    }

    fn skip_comments(&mut self) -> Option<()> {
        self.skip_space();
        while self.consume('(') {
            self.comment()?;
            self.skip_space();
        }
        Some(())
    }

    /// The rest of a comment, with those that it holds.
    fn comment(&mut self) -> Option<()> {
        let mut depth = 1;
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => {
                    chars.next();
                }
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.rest = &self.rest[at + 1..];
                return Some(());
            }
        }
        None
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn consume(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

/// An encoded word (`=?charset?q?text?=`) in a charset that Go doesn't know is an error.
fn has_unknown_charset(word: &str) -> bool {
    let inner = word
        .strip_prefix("=?")
        .and_then(|word| word.strip_suffix("?="));
    let Some((charset, rest)) = inner.and_then(|inner| inner.split_once('?')) else {
        return false;
    };
    let Some((encoding, _)) = rest.split_once('?') else {
        return false;
    };
    let known = ["utf-8", "iso-8859-1", "us-ascii"]
        .iter()
        .any(|known| charset.eq_ignore_ascii_case(known));
    !charset.is_empty() && matches!(encoding, "q" | "Q" | "b" | "B") && !known
}

fn is_atom(c: char) -> bool {
    is_visible(c)
        && !matches!(
            c,
            '(' | ')' | '<' | '>' | '[' | ']' | ':' | ';' | '@' | '\\' | ',' | '"'
        )
}

fn is_visible(c: char) -> bool {
    matches!(c, '!'..='~') || !c.is_ascii()
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}
