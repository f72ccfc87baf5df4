//! Colours, or none: the few that one-line events and diffs use.

use crate::watch::event::EventKind;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) color: bool,
}

impl Style {
    pub(crate) fn event(self, kind: EventKind, text: &str) -> String {
        match kind {
            EventKind::Added => self.green(text),
            EventKind::Modified => self.paint("33", text),
            EventKind::Deleted => self.red(text),
            EventKind::Synced => self.paint("36", text),
        }
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
