//! The live table: all rows on the screen at once, redrawn in place.
//!
//! Uses no alternate screen, so the last picture stays when the watch ends. Draws at most ten
//! times a second, and once a second when nothing happens, because ages grow.
//!
//! Invariant: never more lines than the terminal has, so that moving up finds the first one again.

use super::{Section, layout::Widths};
use crate::watch::{
    event::{Body, EventKind, ResourceId, WatchEvent},
    output::{CrdColumns, Look, Printer, Style},
    report::Reporter,
};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

const FRAME: Duration = Duration::from_millis(100);
const TICK: Duration = Duration::from_secs(1);
/// How long a changed or deleted row stands out.
const FRESH_SECONDS: i64 = 3;

pub(in crate::watch::output) struct LiveTable {
    style: Style,
    wide: bool,
    crds: CrdColumns,
    kinds: BTreeMap<String, Kind>,
    lines_drawn: usize,
    drawn_at: Option<Timestamp>,
    dirty: bool,
    size: fn() -> (usize, usize),
    report: Reporter,
    /// Lines on standard error when the last picture was drawn.
    reported: usize,
}

struct Kind {
    resource: Arc<ResourceId>,
    rows: BTreeMap<(String, String), Row>,
}

struct Row {
    object: Option<Arc<Body>>,
    last: EventKind,
    at: Timestamp,
    initial: bool,
}

impl LiveTable {
    pub(in crate::watch::output) fn new(look: &Look, wide: bool) -> Self {
        Self {
            style: look.style,
            wide,
            crds: look.crd_columns.clone(),
            kinds: BTreeMap::new(),
            lines_drawn: 0,
            drawn_at: None,
            dirty: true,
            size: terminal,
            report: look.report.clone(),
            reported: 0,
        }
    }

    #[cfg(test)]
    pub(in crate::watch::output) fn with_size(mut self, size: fn() -> (usize, usize)) -> Self {
        self.size = size;
        self
    }

    fn draw(&mut self, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
        self.forget_deleted(now);
        let (width, height) = (self.size)();
        let lines = self.lines(now, width, height.saturating_sub(1).max(2));
        // A message came in between: leave it, and the picture above it, and start below.
        let reported = self.report.lines();
        if self.lines_drawn > 0 && reported == self.reported {
            write!(out, "\u{1b}[{}A", self.lines_drawn)?;
        }
        for line in &lines {
            write!(out, "\r{line}\u{1b}[K\n")?;
        }
        write!(out, "\u{1b}[J")?;
        self.lines_drawn = lines.len();
        self.reported = reported;
        self.drawn_at = Some(now);
        self.dirty = false;
        Ok(())
    }

    /// At most `room` lines; what doesn't fit is counted, not laid out.
    fn lines(&self, now: Timestamp, width: usize, room: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let mut hidden = 0;
        for kind in self.kinds.values().filter(|kind| !kind.rows.is_empty()) {
            let left = room.saturating_sub(lines.len() + 1);
            let section = Section::new(&kind.resource, self.wide, &self.crds);
            let header = section.header();
            let rows: Vec<(&Row, Vec<String>)> = kind
                .rows
                .values()
                .take(left)
                .map(|row| (row, section.row(&row.event(&kind.resource), now)))
                .collect();
            hidden += kind.rows.len() - rows.len();
            let mut widths = Widths::default();
            widths.fit(&header);
            rows.iter().for_each(|(_, cells)| widths.fit(cells));
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.push(self.style.bold(&widths.line(&header, Some(width))));
            for (row, cells) in rows {
                let line = widths.line(&cells, Some(width));
                lines.push(if row.stands_out(now) {
                    self.style.event(row.last, &line)
                } else {
                    line
                });
            }
        }
        if lines.len() > room || hidden > 0 {
            let keep = room.saturating_sub(1).min(lines.len());
            hidden += lines.len() - keep;
            lines.truncate(keep);
            while lines.last().is_some_and(String::is_empty) {
                lines.pop();
            }
            lines.push(self.style.dim(&format!("… {hidden} more lines")));
        }
        lines
    }

    fn forget_deleted(&mut self, now: Timestamp) {
        for kind in self.kinds.values_mut() {
            kind.rows
                .retain(|_, row| row.last != EventKind::Deleted || row.stands_out(now));
        }
    }
}

impl Row {
    fn event(&self, resource: &Arc<ResourceId>) -> WatchEvent {
        WatchEvent {
            kind: self.last,
            resource: Arc::clone(resource),
            initial: self.initial,
            final_state_unknown: false,
            object: self.object.clone(),
            old: None,
        }
    }

    fn stands_out(&self, now: Timestamp) -> bool {
        !self.initial && now.as_second() - self.at.as_second() < FRESH_SECONDS
    }
}

impl Printer for LiveTable {
    fn event(&mut self, event: &WatchEvent, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
        if event.kind != EventKind::Synced {
            let kind = self
                .kinds
                .entry(event.resource.gvr())
                .or_insert_with(|| Kind {
                    resource: Arc::clone(&event.resource),
                    rows: BTreeMap::new(),
                });
            let key = (event.namespace().to_owned(), event.name().to_owned());
            let row = Row {
                object: event.object.clone(),
                last: event.kind,
                at: now,
                initial: event.initial,
            };
            kind.rows.insert(key, row);
        }
        self.dirty = true;
        let due = self.drawn_at.is_none_or(|at| elapsed(at, now) >= FRAME);
        if due && self.drawn_at.is_some() {
            self.draw(now, out)
        } else {
            Ok(())
        }
    }

    fn unmatched(&mut self, event: &WatchEvent) {
        let key = (event.namespace().to_owned(), event.name().to_owned());
        let row = self
            .kinds
            .get_mut(&event.resource.gvr())
            .and_then(|kind| kind.rows.remove(&key));
        self.dirty |= row.is_some();
    }

    fn idle(&mut self, now: Timestamp, out: &mut dyn Write) -> io::Result<Option<Duration>> {
        let since = self.drawn_at.map(|at| elapsed(at, now));
        let due = if self.dirty { FRAME } else { TICK };
        match since {
            Some(since) if since < due => Ok(Some(due - since)),
            _ => {
                self.draw(now, out)?;
                Ok(Some(TICK))
            }
        }
    }

    fn finish(&mut self, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
        self.draw(now, out)
    }
}

fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// Columns and lines; the usual guess where the terminal does not say.
fn terminal() -> (usize, usize) {
    match terminal_size::terminal_size() {
        Some((width, height)) => (usize::from(width.0).max(20), usize::from(height.0).max(4)),
        None => (80, 24),
    }
}
