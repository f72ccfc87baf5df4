//! Lines of tables, as the suite of messages has them, and what happens between the bytes.

#[path = "../../../http/tests/strict/escape.rs"]
mod shared;

pub(crate) use self::shared::{cases, unescape};

/// What one side of a scene does, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Lets what was sent arrive on its own.
    Pause,
    /// Says that nothing more will be sent.
    Shut,
    Close,
    /// Closes so that what was sent may be lost.
    Reset,
    /// Of an origin: answers when the head is there, before the body.
    Early,
}

/// Text with `\p` pause, `\s` shut, `\c` close, `\R` reset and `\e` early between the bytes.
pub(crate) fn steps(text: &str) -> Vec<Step> {
    let (mut steps, mut start, mut at) = (Vec::new(), 0, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let step = match (bytes[at], bytes.get(at + 1)) {
            (b'\\', Some(b'p')) => Some(Step::Pause),
            (b'\\', Some(b's')) => Some(Step::Shut),
            (b'\\', Some(b'c')) => Some(Step::Close),
            (b'\\', Some(b'R')) => Some(Step::Reset),
            (b'\\', Some(b'e')) => Some(Step::Early),
            _ => None,
        };
        let length = if bytes[at] == b'\\' { 2 } else { 1 };
        if let Some(step) = step {
            if start < at {
                steps.push(Step::Send(unescape(&text[start..at])));
            }
            steps.push(step);
            start = at + length;
        }
        at += length;
    }
    if start < text.len() {
        steps.push(Step::Send(unescape(&text[start..])));
    }
    steps
}
