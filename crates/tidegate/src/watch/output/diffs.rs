//! `-o diff`: each changed field with its old and new value, in the manner of a unified diff.

use super::{
    Look, Printer, Style,
    line::{clock, subject},
};
use crate::watch::{
    diff::{self, Change, What, line_diff, printable, value_text},
    event::WatchEvent,
};
use jiff::Timestamp;
use serde_json::Value;
use std::io::{self, Write};

/// Unchanged lines shown around a changed one.
const CONTEXT: usize = 2;

pub(super) struct DiffPrinter {
    style: Style,
    timestamps: bool,
}

impl DiffPrinter {
    pub(super) fn new(look: &Look) -> Self {
        Self {
            style: look.style,
            timestamps: look.timestamps,
        }
    }
}

impl Printer for DiffPrinter {
    fn event(&mut self, event: &WatchEvent, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
        let style = self.style;
        let word = style.event(event.kind, event.kind.word());
        write!(out, "{word} {}", subject(style, event))?;
        if self.timestamps {
            write!(out, "  {}", style.dim(&clock(now)))?;
        }
        writeln!(out)?;
        for change in diff::of_event(event) {
            writeln!(
                out,
                "{}",
                style.event(crate::watch::event::EventKind::Synced, &header(&change))
            )?;
            for line in body(&change) {
                let painted = match line.as_bytes().first() {
                    Some(b'-') => style.red(&line),
                    Some(b'+') => style.green(&line),
                    _ => line,
                };
                writeln!(out, "{painted}")?;
            }
        }
        Ok(())
    }
}

fn header(change: &Change) -> String {
    let order = if matches!(change.what, What::Reordered(..)) {
        " (order)"
    } else {
        ""
    };
    format!("@@ {}{order} @@", printable(&change.path))
}

fn body(change: &Change) -> Vec<String> {
    match &change.what {
        What::Added(new) => marked('+', new),
        What::Removed(old) => marked('-', old),
        What::Changed(Value::String(old), Value::String(new))
            if old.contains('\n') || new.contains('\n') =>
        {
            text_lines(old, new)
        }
        What::Changed(old, new) | What::Reordered(old, new) => {
            let mut lines = marked('-', old);
            lines.extend(marked('+', new));
            lines
        }
    }
}

/// A value, one line for each of its own: structures as YAML would show them, texts as they are.
fn marked(mark: char, value: &Value) -> Vec<String> {
    let text = match value {
        Value::Object(_) | Value::Array(_) => {
            serde_saphyr::to_string(value).unwrap_or_else(|_| value.to_string())
        }
        Value::String(text) if text.contains('\n') => text.clone(),
        scalar => value_text(scalar),
    };
    text.lines()
        .map(|line| format!("{mark}{}", printable(line)))
        .collect()
}

/// Changed lines with a little context; `…` stands for what is left out.
fn text_lines(old: &str, new: &str) -> Vec<String> {
    let lines = line_diff(old, new);
    let changed: Vec<usize> = (0..lines.len())
        .filter(|at| !matches!(lines[*at], diff::Line::Same(_)))
        .collect();
    let mut near = vec![false; lines.len()];
    for at in changed {
        let last = (at + CONTEXT).min(lines.len() - 1);
        near[at.saturating_sub(CONTEXT)..=last].fill(true);
    }
    let mut out = Vec::new();
    let mut skipped = false;
    for (line, near) in lines.iter().zip(near) {
        if near {
            let (mark, text) = match line {
                diff::Line::Same(text) => (' ', text),
                diff::Line::Old(text) => ('-', text),
                diff::Line::New(text) => ('+', text),
            };
            out.push(format!("{mark}{}", printable(text)));
        } else if !skipped {
            out.push(" …".to_owned());
        }
        skipped = !near;
    }
    out
}
