//! Objects as the client wants them: whole, as metadata only, or as rows of a table.

use super::list::Page;
use crate::{
    body::Body,
    call::{Answer, Call},
    cluster::Cluster,
    negotiate::{Format, MetaVersion, Output, Transform},
    object::{self, Meta},
    resource::Resource,
    status::ApiError,
};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use tidegate_store::Entry;

/// Bytes of a list are given to the connection in pieces of about this size.
const CHUNK: usize = 64 * 1024;

/// An object from the store.
pub(crate) fn stored(
    cluster: &Cluster,
    call: &Call,
    code: u16,
    entry: &Entry,
) -> Result<Answer, ApiError> {
    let plain = call.output.format == Format::Json
        && !call.output.pretty
        && call.output.transform == Transform::None;
    if plain {
        let bytes = call.resource.presented(&entry.value);
        return Ok(Answer::json(
            code,
            Body::chunks([bytes, Bytes::from_static(b"\n")]),
        ));
    }
    let value = call.resource.tree(&entry.value)?;
    object(cluster, call, code, value)
}

/// An object at hand: one just written, or a review's answer.
pub(crate) fn object(
    cluster: &Cluster,
    call: &Call,
    code: u16,
    value: Value,
) -> Result<Answer, ApiError> {
    let value = transformed(cluster, call, value)?;
    Answer::document(code, &value, call.output)
}

fn transformed(cluster: &Cluster, call: &Call, value: Value) -> Result<Value, ApiError> {
    if value["kind"] == "Status" {
        return Ok(value);
    }
    match call.output.transform {
        Transform::None => Ok(value),
        Transform::PartialObjectMetadata(version) => Ok(partial(&value, version)),
        Transform::Table(version) => {
            let mut table = Table::new(cluster, call, version)?;
            let metadata = table_metadata(&value);
            table.add(value);
            Ok(table.finish(metadata))
        }
        Transform::PartialObjectMetadataList(_) => Err(ApiError::not_acceptable(&[])
            .with_message(format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list ({})",
                call.resource.go_type("")
            ))),
    }
}

/// A page of a list.
pub(crate) fn list(cluster: &Cluster, call: &Call, page: Page) -> Result<Answer, ApiError> {
    let resource = &call.resource;
    let metadata = list_metadata(
        &page,
        !resource.bare_items && call.output.transform == Transform::None,
    );
    match call.output.transform {
        Transform::None if call.output.format == Format::Json && !call.output.pretty => {
            Ok(Answer::json(200, streamed(resource, &metadata, page.items)))
        }
        Transform::None => {
            let mut items = Vec::with_capacity(page.items.len());
            for entry in &page.items {
                let mut item = resource.tree(&entry.value)?;
                if resource.bare_items {
                    let fields = item.as_object_mut();
                    fields.map(|fields| (fields.remove("kind"), fields.remove("apiVersion")));
                }
                items.push(item);
            }
            let list = json!({
                "kind": resource.list_kind,
                "apiVersion": resource.api_version(),
                "metadata": metadata,
                "items": items,
            });
            Answer::document(200, &list, call.output)
        }
        Transform::PartialObjectMetadataList(version) => {
            partial_list(call, version, metadata, &page.items)
        }
        Transform::Table(version) => {
            let mut table = Table::new(cluster, call, version)?;
            for entry in &page.items {
                table.add(resource.tree(&entry.value)?);
            }
            Answer::document(200, &table.finish(metadata), call.output)
        }
        Transform::PartialObjectMetadata(_) => {
            Err(ApiError::not_acceptable(&[]).with_message(format!(
                "you requested PartialObjectMetadata, but the requested object is a list ({})",
                resource.go_type("List")
            )))
        }
    }
}

/// `empty_token`: custom resources' lists have a token even where there is no more.
fn list_metadata(page: &Page, empty_token: bool) -> Value {
    let mut metadata = Map::new();
    if empty_token {
        metadata.insert("continue".into(), "".into());
    }
    metadata.insert("resourceVersion".into(), page.revision.to_string().into());
    if let Some(token) = &page.continue_token {
        metadata.insert("continue".into(), token.clone().into());
    }
    if let Some(remaining) = page.remaining {
        metadata.insert("remainingItemCount".into(), remaining.into());
    }
    Value::Object(metadata)
}

/// The list's bytes, made while the client reads.
fn streamed(resource: &std::sync::Arc<Resource>, metadata: &Value, items: Vec<Entry>) -> Body {
    let head = format!(
        "{{\"kind\":{},\"apiVersion\":{},\"metadata\":{metadata},\"items\":[",
        Value::from(&*resource.list_kind),
        Value::from(resource.api_version()),
    );
    let resource = resource.clone();
    let state = (head.into_bytes(), items.into_iter(), true);
    let small = state
        .1
        .as_slice()
        .iter()
        .map(|entry| entry.value.len())
        .sum::<usize>()
        < CHUNK;
    let chunks = std::iter::from_fn({
        let mut state = Some(state);
        move || {
            let (mut chunk, mut items, mut first) = state.take()?;
            for entry in items.by_ref() {
                if !std::mem::take(&mut first) {
                    chunk.push(b',');
                }
                resource.write_item(&mut chunk, &entry.value);
                if chunk.len() >= CHUNK {
                    state = Some((Vec::new(), items, first));
                    return Some(Bytes::from(chunk));
                }
            }
            chunk.extend_from_slice(b"]}\n");
            Some(Bytes::from(chunk))
        }
    });
    if small {
        Body::chunks(chunks)
    } else {
        Body::stream(futures::stream::iter(chunks))
    }
}

fn partial_list(
    call: &Call,
    version: MetaVersion,
    metadata: Value,
    items: &[Entry],
) -> Result<Answer, ApiError> {
    let items: Result<Vec<Value>, ApiError> = items
        .iter()
        .map(|entry| Ok(partial(&call.resource.tree(&entry.value)?, version)))
        .collect();
    let list = json!({
        "kind": "PartialObjectMetadataList",
        "apiVersion": version.api_version(),
        "metadata": metadata,
        "items": items?,
    });
    Answer::document(200, &list, call.output)
}

/// An object's metadata, as an object of its own.
pub(crate) fn partial(value: &Value, version: MetaVersion) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": version.api_version(),
        "metadata": value["metadata"],
    })
}

/// An object of a dry run has no version.
fn table_metadata(object: &Value) -> Value {
    match object.resource_version() {
        "" => json!({}),
        version => json!({ "resourceVersion": version }),
    }
}

/// The columns of kinds that have none of their own, and whose rows are not even an empty list where there are none.
fn is_default(columns: &Value) -> bool {
    let names = columns.as_array().into_iter().flatten();
    names
        .map(|column| &column["name"])
        .eq(["Name", "Created At"])
}

/// Rows for people, with the objects that they are about as the client wants them.
pub(crate) struct Table<'a> {
    resource: &'a Resource,
    version: MetaVersion,
    include: Include,
    now: i64,
    rows: Vec<Value>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Include {
    None,
    Metadata,
    Object,
}

impl<'a> Table<'a> {
    pub(crate) fn new(
        cluster: &Cluster,
        call: &'a Call,
        version: MetaVersion,
    ) -> Result<Self, ApiError> {
        let include = match call.query.get("includeObject").unwrap_or_default() {
            "" | "Metadata" => Include::Metadata,
            "None" => Include::None,
            "Object" => Include::Object,
            other => {
                return Err(ApiError::bad_request(format!(
                    "Unable to convert to Table as requested: includeObject: Invalid value: \"{other}\": must be \
                     'Metadata', 'Object', 'None', or empty"
                )));
            }
        };
        Ok(Self {
            resource: &call.resource,
            version,
            include,
            now: cluster.clock.seconds(),
            rows: Vec::new(),
        })
    }

    pub(crate) fn add(&mut self, value: Value) {
        for mut row in self.resource.rows(&value, self.now) {
            row["object"] = match self.include {
                Include::None => Value::Null,
                Include::Metadata => partial(&value, self.version),
                Include::Object => value.clone(),
            };
            self.rows.push(row);
        }
    }

    pub(crate) fn finish(self, metadata: Value) -> Value {
        let columns = self.resource.columns();
        let no_list = is_default(&columns) || self.resource.kind == "CustomResourceDefinition";
        let rows = match self.rows.is_empty() && no_list {
            true => Value::Null,
            false => self.rows.into(),
        };
        json!({
            "kind": "Table",
            "apiVersion": self.version.api_version(),
            "metadata": metadata,
            "columnDefinitions": columns,
            "rows": rows,
        })
    }
}

/// One event's object, in the form that the watch's client wants.
pub(crate) fn event_object(
    cluster: &Cluster,
    call: &Call,
    output: Output,
    bytes: &Bytes,
    with_columns: bool,
) -> Result<Bytes, ApiError> {
    let value = match output.transform {
        Transform::None => return Ok(call.resource.presented(bytes)),
        Transform::PartialObjectMetadata(version)
        | Transform::PartialObjectMetadataList(version) => {
            partial(&call.resource.tree(bytes)?, version)
        }
        Transform::Table(version) => {
            let value = call.resource.tree(bytes)?;
            let mut table = Table::new(cluster, call, version)?;
            let metadata = table_metadata(&value);
            table.add(value);
            let mut table = table.finish(metadata);
            if !with_columns {
                table["columnDefinitions"] = Value::Null;
            }
            table
        }
    };
    Ok(Bytes::from(object::to_bytes(&value)))
}
