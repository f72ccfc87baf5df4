//! `-o name`: `pod/nginx` for each event, as `kubectl get -w -o name` prints it.

use super::Printer;
use crate::watch::{
    diff::printable,
    event::{EventKind, WatchEvent},
};
use jiff::Timestamp;
use std::io::{self, Write};

pub(super) struct NamePrinter;

impl Printer for NamePrinter {
    fn event(
        &mut self,
        event: &WatchEvent,
        _now: Timestamp,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if event.kind == EventKind::Synced {
            return Ok(());
        }
        writeln!(
            out,
            "{}/{}",
            event.resource.qualified_singular(),
            printable(event.name())
        )
    }
}
