//! The dead-letter file: events that the receiver refused, one JSON object a line, with the reason.
//!
//! Lies beside the spill file as `….refused`. Nothing reads it but people; nothing is ever taken out.

use super::spill::{Record, private_file, sibling};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Appends one refused event and forces it to disk: it exists nowhere else from then on.
pub(super) fn bury(
    spill: &Path,
    record: &Record,
    reason: &str,
    now: Timestamp,
) -> io::Result<PathBuf> {
    let path = sibling(spill, "refused");
    let event: Value = serde_json::from_slice(&record.body).unwrap_or(Value::Null);
    let mut line = json!({"time": now.to_string(), "reason": reason, "event": event}).to_string();
    line.push('\n');
    let mut file = private_file(&path)?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(line.as_bytes())?;
    file.sync_data()?;
    Ok(path)
}
