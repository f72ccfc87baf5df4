//! Everything that can be written on standard output: one [`Printer`] for each format.
//!
//! A printer turns events into bytes; it is handed the time and a place to write, and knows
//! neither informers nor where the bytes go.

mod columns;
mod diffs;
mod envelope;
mod json;
mod line;
mod name;
mod style;
mod table;
mod yaml;

pub(crate) use self::{columns::CrdColumns, envelope::envelope, style::Style};

use crate::watch::{event::WatchEvent, report::Reporter};
use jiff::Timestamp;
use std::{
    io::{self, Write},
    time::Duration,
};

/// `-o` and `--table`, as chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Line,
    Json,
    Yaml,
    Name,
    /// A row for each event, with every column.
    Wide,
    Diff,
    Table {
        wide: bool,
    },
}

impl Format {
    /// Whether the columns of custom kinds are of use.
    pub(crate) fn has_columns(self) -> bool {
        matches!(self, Self::Wide | Self::Table { .. })
    }
}

/// How output looks, whatever its format.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) style: Style,
    /// Put the time of arrival before each event.
    pub(crate) timestamps: bool,
    /// Standard output is a terminal that can be redrawn.
    pub(crate) live: bool,
    pub(crate) crd_columns: CrdColumns,
    pub(crate) report: Reporter,
}

pub(crate) trait Printer: Send {
    fn event(&mut self, event: &WatchEvent, now: Timestamp, out: &mut dyn Write) -> io::Result<()>;

    /// The filter turned the event down; a picture that shows the object must let go of it.
    fn unmatched(&mut self, _event: &WatchEvent) {}

    /// Nothing more is waiting. Says when to call again even if nothing happens.
    fn idle(&mut self, _now: Timestamp, _out: &mut dyn Write) -> io::Result<Option<Duration>> {
        Ok(None)
    }

    /// The last call: whatever is held back goes out.
    fn finish(&mut self, _now: Timestamp, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn printer(format: Format, look: &Look) -> Box<dyn Printer> {
    match format {
        Format::Line => Box::new(line::LinePrinter::new(look)),
        Format::Json => Box::new(json::JsonPrinter),
        Format::Yaml => Box::new(yaml::YamlPrinter),
        Format::Name => Box::new(name::NamePrinter),
        Format::Diff => Box::new(diffs::DiffPrinter::new(look)),
        Format::Wide => Box::new(table::RowPrinter::new(look, true, true)),
        Format::Table { wide } if look.live => Box::new(table::LiveTable::new(look, wide)),
        Format::Table { wide } => Box::new(table::RowPrinter::new(look, wide, false)),
    }
}

#[cfg(test)]
mod tests;
