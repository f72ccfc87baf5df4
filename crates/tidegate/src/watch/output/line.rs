//! The default format: one coloured line an event, with what changed.
//!
//! `MODIFIED pod/web -n shop  status.phase: Pending → Running`: the middle can be pasted after
//! `kubectl get`.

use super::{Look, Printer, Style};
use crate::watch::{
    diff::{self, printable},
    event::{EventKind, WatchEvent},
};
use jiff::Timestamp;
use std::io::{self, Write};

/// Room for the changes themselves; a whole line stays readable on a wide terminal.
const CHANGES_WIDTH_MAX: usize = 160;

pub(super) struct LinePrinter {
    style: Style,
    timestamps: bool,
}

impl LinePrinter {
    pub(super) fn new(look: &Look) -> Self {
        Self {
            style: look.style,
            timestamps: look.timestamps,
        }
    }
}

impl Printer for LinePrinter {
    fn event(&mut self, event: &WatchEvent, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
        let style = self.style;
        if self.timestamps {
            write!(out, "{} ", style.dim(&clock(now)))?;
        }
        let word = style.event(event.kind, &format!("{:<8}", event.kind.word()));
        writeln!(
            out,
            "{word} {}{}",
            subject(style, event),
            remark(style, event)
        )
    }
}

/// Milliseconds, UTC, always equally wide.
pub(super) fn clock(now: Timestamp) -> String {
    format!("{now:.3}")
}

/// `pod/web -n shop`
pub(super) fn subject(style: Style, event: &WatchEvent) -> String {
    if event.kind == EventKind::Synced {
        return style.bold(&event.resource.qualified_plural());
    }
    let name = format!(
        "{}/{}",
        event.resource.qualified_singular(),
        printable(event.name())
    );
    match event.namespace() {
        "" => style.bold(&name),
        namespace => format!(
            "{} {}",
            style.bold(&name),
            style.dim(&format!("-n {}", printable(namespace)))
        ),
    }
}

fn remark(style: Style, event: &WatchEvent) -> String {
    match event.kind {
        EventKind::Modified => {
            let changes = diff::one_line(&diff::of_event(event), CHANGES_WIDTH_MAX);
            if changes.is_empty() {
                style.dim("  (bookkeeping only)")
            } else {
                format!("  {changes}")
            }
        }
        EventKind::Deleted if event.final_state_unknown => style.dim("  (final state unknown)"),
        _ => String::new(),
    }
}
