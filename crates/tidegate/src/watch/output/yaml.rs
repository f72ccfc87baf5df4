//! `-o yaml`: one document an event, with the same fields as `-o json`.

use super::{Printer, envelope};
use crate::watch::event::WatchEvent;
use jiff::Timestamp;
use serde_json::Value;
use std::io::{self, Write};

pub(super) struct YamlPrinter;

impl Printer for YamlPrinter {
    fn event(
        &mut self,
        event: &WatchEvent,
        _now: Timestamp,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let value: Value = serde_json::from_slice(&envelope(event)).map_err(io::Error::other)?;
        let text = serde_saphyr::to_string(&value).map_err(io::Error::other)?;
        out.write_all(b"---\n")?;
        out.write_all(text.as_bytes())?;
        if text.ends_with('\n') {
            Ok(())
        } else {
            out.write_all(b"\n")
        }
    }
}
