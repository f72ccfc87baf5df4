//! Rows one after the other, for pipes and for `-o wide`, as `kubectl get -w` prints them.
//!
//! The first picture of a kind is held back until it is whole or the stream pauses, so that its
//! columns line up; the header comes once a kind. Later rows use the widths seen so far.

use super::{Section, layout::Widths};
use crate::watch::{
    event::{EventKind, WatchEvent},
    output::{CrdColumns, Look, Printer, Style, line::clock},
};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::Duration,
};

/// Rows held back at most, over all kinds.
const HELD_MAX: usize = 2_000;
/// A pause as long as this ends the first picture.
const PAUSE: Duration = Duration::from_millis(300);

pub(in crate::watch::output) struct RowPrinter {
    style: Style,
    timestamps: bool,
    wide: bool,
    /// Put what happened in front: several kinds of events share the stream.
    with_event: bool,
    crds: CrdColumns,
    kinds: BTreeMap<String, Kind>,
    held: usize,
    last: Option<Timestamp>,
}

struct Kind {
    section: Section,
    widths: Widths,
    header_due: bool,
    held: Vec<(EventKind, Vec<String>)>,
}

impl RowPrinter {
    pub(in crate::watch::output) fn new(look: &Look, wide: bool, with_event: bool) -> Self {
        Self {
            style: look.style,
            timestamps: look.timestamps,
            wide,
            with_event,
            crds: look.crd_columns.clone(),
            kinds: BTreeMap::new(),
            held: 0,
            last: None,
        }
    }

    fn row(&mut self, event: &WatchEvent, now: Timestamp) -> (String, Vec<String>) {
        let key = event.resource.gvr();
        let kind = self.kinds.entry(key.clone()).or_insert_with(|| Kind {
            section: Section::new(&event.resource, self.wide, &self.crds),
            widths: Widths::default(),
            header_due: true,
            held: Vec::new(),
        });
        let mut row = Vec::new();
        if self.timestamps {
            row.push(clock(now));
        }
        if self.with_event {
            row.push(format!("{:<8}", event.kind.word()));
        }
        row.extend(kind.section.row(event, now));
        kind.widths.fit(&row);
        (key, row)
    }

    fn release(&mut self, key: &str, out: &mut dyn Write) -> io::Result<()> {
        let Some(kind) = self.kinds.get_mut(key) else {
            return Ok(());
        };
        let rows = std::mem::take(&mut kind.held);
        self.held -= rows.len();
        if rows.is_empty() {
            return Ok(());
        }
        if kind.header_due {
            kind.header_due = false;
            let mut header = Vec::new();
            if self.timestamps {
                header.push("TIME".to_owned());
            }
            if self.with_event {
                header.push("EVENT".to_owned());
            }
            header.extend(kind.section.header());
            kind.widths.fit(&header);
            writeln!(out, "{}", self.style.bold(&kind.widths.line(&header, None)))?;
        }
        for (event, row) in rows {
            let line = kind.widths.line(&row, None);
            let line = if event == EventKind::Deleted {
                self.style.red(&line)
            } else {
                line
            };
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    fn release_all(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let keys: Vec<String> = self.kinds.keys().cloned().collect();
        keys.iter().try_for_each(|key| self.release(key, out))
    }
}

impl Printer for RowPrinter {
    fn event(&mut self, event: &WatchEvent, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
        if event.kind == EventKind::Synced {
            return self.release(&event.resource.gvr(), out);
        }
        let (key, row) = self.row(event, now);
        self.last = Some(now);
        if let Some(kind) = self.kinds.get_mut(&key) {
            kind.held.push((event.kind, row));
            self.held += 1;
        }
        if !event.initial || self.held >= HELD_MAX {
            self.release(&key, out)
        } else {
            Ok(())
        }
    }

    fn idle(&mut self, now: Timestamp, out: &mut dyn Write) -> io::Result<Option<Duration>> {
        if self.held == 0 {
            return Ok(None);
        }
        let quiet = self
            .last
            .and_then(|last| Duration::try_from(now.duration_since(last)).ok())
            .unwrap_or(PAUSE);
        if quiet < PAUSE {
            return Ok(Some(PAUSE - quiet));
        }
        self.release_all(out)?;
        Ok(None)
    }

    fn finish(&mut self, _now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
        self.release_all(out)
    }
}
