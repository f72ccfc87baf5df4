//! `-o json`: one envelope a line.

use super::{Printer, envelope};
use crate::watch::event::WatchEvent;
use jiff::Timestamp;
use std::io::{self, Write};

pub(super) struct JsonPrinter;

impl Printer for JsonPrinter {
    fn event(
        &mut self,
        event: &WatchEvent,
        _now: Timestamp,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut line = envelope(event);
        line.push(b'\n');
        out.write_all(&line)
    }
}
