//! Which columns a table has for a kind, and what stands in them.
//!
//! Built-in kinds have the columns of `kubectl get`; custom kinds those that their CRD names; all
//! others have AGE. Pure: an object and the time in, text out.

mod apps;
mod core;
mod crd;
mod network;
mod pods;
mod text;

pub(crate) use self::crd::{CrdColumn, CrdColumns};

use crate::watch::event::ResourceId;
use jiff::Timestamp;
use serde_json::Value;

/// What a cell is computed from.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) object: &'a Value,
    pub(super) now: Timestamp,
}

pub(super) struct Column {
    title: &'static str,
    /// Shown with `-o wide` only.
    wide: bool,
    cell: fn(&Subject<'_>) -> String,
}

const fn column(title: &'static str, cell: fn(&Subject<'_>) -> String) -> Column {
    Column {
        title,
        wide: false,
        cell,
    }
}

const fn wide(title: &'static str, cell: fn(&Subject<'_>) -> String) -> Column {
    Column {
        title,
        wide: true,
        cell,
    }
}

const AGE: Column = column("AGE", text::age_of);
const ONLY_AGE: &[Column] = &[AGE];

/// A kind's columns, resolved once for a section of a table.
pub(super) enum Columns {
    Builtin(Vec<&'static Column>),
    Crd(Vec<CrdColumn>),
}

impl Columns {
    pub(super) fn of(resource: &ResourceId, wide: bool, crds: &CrdColumns) -> Self {
        if let Some(columns) = builtin(resource) {
            return Self::Builtin(
                columns
                    .iter()
                    .filter(|column| wide || !column.wide)
                    .collect(),
            );
        }
        match crds.of(resource, wide) {
            Some(columns) => Self::Crd(columns),
            None => Self::Builtin(ONLY_AGE.iter().collect()),
        }
    }

    pub(super) fn titles(&self) -> Vec<String> {
        match self {
            Self::Builtin(columns) => columns
                .iter()
                .map(|column| column.title.to_owned())
                .collect(),
            Self::Crd(columns) => columns.iter().map(CrdColumn::title).collect(),
        }
    }

    pub(super) fn cells(&self, subject: &Subject<'_>) -> Vec<String> {
        let plain = |text: String| crate::watch::diff::printable(&text);
        match self {
            Self::Builtin(columns) => columns
                .iter()
                .map(|column| plain((column.cell)(subject)))
                .collect(),
            Self::Crd(columns) => columns
                .iter()
                .map(|column| plain(column.cell(subject)))
                .collect(),
        }
    }
}

fn builtin(resource: &ResourceId) -> Option<&'static [Column]> {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => Some(pods::PODS),
        ("", plural) => core::columns(plural),
        ("networking.k8s.io" | "discovery.k8s.io", plural) => network::columns(plural),
        ("apps" | "batch" | "autoscaling", plural) => apps::columns(plural),
        ("events.k8s.io", "events") => core::columns("events"),
        ("apiextensions.k8s.io", "customresourcedefinitions") => Some(CRDS),
        _ => None,
    }
}

const CRDS: &[Column] = &[column("CREATED AT", |subject| {
    text::string(&subject.object["metadata"]["creationTimestamp"])
})];
