//! Tables: rows for a pipe, or a live picture on a terminal.
//!
//! Both know the columns of a kind and what a row is; how rows reach the screen is theirs.

mod layout;
mod live;
mod rows;

pub(super) use self::{live::LiveTable, rows::RowPrinter};

use super::{
    CrdColumns,
    columns::{Columns, Subject},
};
use crate::watch::{
    diff::printable,
    event::{ResourceId, WatchEvent},
};
use jiff::Timestamp;

/// The first columns of every table.
const LEADING: [&str; 3] = ["NAMESPACE", "KIND", "NAME"];

/// One kind's header and the way to its rows.
struct Section {
    columns: Columns,
}

impl Section {
    fn new(resource: &ResourceId, wide: bool, crds: &CrdColumns) -> Self {
        Self {
            columns: Columns::of(resource, wide, crds),
        }
    }

    fn header(&self) -> Vec<String> {
        LEADING
            .iter()
            .map(ToString::to_string)
            .chain(self.columns.titles())
            .collect()
    }

    fn row(&self, event: &WatchEvent, now: Timestamp) -> Vec<String> {
        let mut row = vec![
            printable(event.namespace()),
            event.resource.kind.clone(),
            printable(event.name()),
        ];
        if let Some(object) = &event.object {
            row.extend(self.columns.cells(&Subject {
                object: object.value(),
                now,
            }));
        }
        row
    }
}
