//! What begins with `(?`: groups with a name, groups without a number, and flags.

use super::{Fault, before, next};

/// The flags that change what matches. Greed doesn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_matches_newline: bool,
}

/// What was read.
pub(super) enum Opening {
    /// A group with a name.
    Named,
    /// A group without a number, with these flags.
    Group(Flags),
    /// No group: the flags hold from here on.
    Flags(Flags),
}

impl Flags {
    /// `i-ms`: all of them, so that it doesn't matter what held before.
    pub(super) fn written(self) -> String {
        let all = [
            ('i', self.fold_case),
            ('m', self.multi_line),
            ('s', self.dot_matches_newline),
        ];
        let those = |wanted: bool| {
            all.iter()
                .filter(move |(_, on)| *on == wanted)
                .map(|(name, _)| *name)
        };
        let (on, off): (String, String) = (those(true).collect(), those(false).collect());
        match off.as_str() {
            "" => on,
            off => format!("{on}-{off}"),
        }
    }
}

/// Reads what begins with `(?`. Gives what follows it.
pub(super) fn read(whole: &str, flags: Flags) -> Result<(Opening, &str), Fault> {
    let name_at = match whole.as_bytes() {
        [b'(', b'?', b'P', b'<', _, ..] => Some(4),
        [b'(', b'?', b'<', _, ..] => Some(3),
        _ => None,
    };
    if let Some(name_at) = name_at {
        let fault = |text: &str| Fault::new("invalid named capture", text);
        let end = whole.find('>').ok_or_else(|| fault(whole))?;
        let name = &whole[name_at.min(end)..end];
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || !name.bytes().all(is_word) {
            return Err(fault(&whole[..=end]));
        }
        return Ok((Opening::Named, &whole[end + 1..]));
    }
    read_flags(whole, flags)
}

fn read_flags(whole: &str, mut flags: Flags) -> Result<(Opening, &str), Fault> {
    let mut rest = &whole[2..];
    let mut value = true;
    let mut saw_flag = false;
    while let Some((c, after)) = next(rest) {
        rest = after;
        match c {
            'i' => flags.fold_case = value,
            'm' => flags.multi_line = value,
            's' => flags.dot_matches_newline = value,
            'U' => {}
            '-' if value => {
                value = false;
                saw_flag = false;
                continue;
            }
            ':' if value || saw_flag => return Ok((Opening::Group(flags), rest)),
            ')' if value || saw_flag => return Ok((Opening::Flags(flags), rest)),
            _ => break,
        }
        saw_flag = true;
    }
    Err(Fault::new(
        "invalid or unsupported Perl syntax",
        before(whole, rest),
    ))
}
