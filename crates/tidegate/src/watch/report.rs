//! Notes and warnings on standard error, one line each.
//!
//! Counts its lines, so that a live table on the same terminal knows when it was interrupted. A
//! standard error that is gone is no reason to stop.

use crate::watch::diff::printable;
use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

#[derive(Debug, Clone, Default)]
pub(crate) struct Reporter {
    lines: Arc<AtomicUsize>,
}

impl Reporter {
    pub(crate) fn note(&self, text: &str) {
        self.line("note", text);
    }

    pub(crate) fn warn(&self, text: &str) {
        self.line("warning", text);
    }

    /// A line that has its own beginning, such as `Error from server (Forbidden): …`.
    pub(crate) fn plain(&self, text: &str) {
        self.lines.fetch_add(1, Ordering::Relaxed);
        let safe: Vec<String> = text.lines().map(printable).collect();
        let _ = writeln!(io::stderr().lock(), "{}", safe.join("\n"));
    }

    pub(crate) fn lines(&self) -> usize {
        self.lines.load(Ordering::Relaxed)
    }

    fn line(&self, kind: &str, text: &str) {
        self.plain(&format!("{kind}: {text}"));
    }
}
