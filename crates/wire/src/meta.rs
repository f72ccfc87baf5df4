//! The metadata an informer needs, borrowed from an object's bytes.
//!
//! Reads `metadata` precisely: escapes are undone, the last of two equal keys wins, null counts
//! as absent, and a wrong type is an error. Does not judge: whether a name or a version must be
//! present depends on the event, so absence gives an empty string.

use std::borrow::Cow;

use crate::{
    cursor::{Cursor, Member},
    error::ScanError,
};

/// Metadata of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta<'a> {
    /// Namespace; `None` for cluster-scoped objects.
    pub namespace: Option<Cow<'a, str>>,
    /// Name; empty if absent, as in bookmarks.
    pub name: Cow<'a, str>,
    /// Identity across deletion and recreation.
    pub uid: Option<Cow<'a, str>>,
    /// Resource version; empty if absent, as in a Status.
    pub resource_version: Cow<'a, str>,
    /// Counts changes of the desired state.
    pub generation: Option<i64>,
    /// Deletion has begun: `deletionTimestamp` is present and not null.
    pub deletion_timestamp: bool,
    /// Labels, sorted by key, each key once. A null value counts as empty, as in Go.
    pub labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Owners, in the order given.
    pub owners: Vec<OwnerRef<'a>>,
    /// The annotation `k8s.io/initial-events-end` is exactly `"true"`.
    pub initial_events_end: bool,
}

/// One owner of an object. Absent fields are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnerRef<'a> {
    /// Group and version of the owner.
    pub api_version: Cow<'a, str>,
    /// Kind of the owner.
    pub kind: Cow<'a, str>,
    /// Name of the owner.
    pub name: Cow<'a, str>,
    /// Uid of the owner.
    pub uid: Cow<'a, str>,
    /// The owner is the managing controller.
    pub controller: bool,
}

/// Reads the value of `metadata`; `managedFields` go to the cursor's dropped spans.
pub(crate) fn parse<'a>(cursor: &mut Cursor<'a>) -> Result<Meta<'a>, ScanError> {
    let mut meta = Meta::default();
    cursor.object("metadata", |cursor, key| {
        match key {
            b"name" => meta.name = cursor.text("metadata.name")?.unwrap_or_default(),
            b"namespace" => meta.namespace = cursor.text("metadata.namespace")?,
            b"uid" => meta.uid = cursor.text("metadata.uid")?,
            b"resourceVersion" => {
                let version = cursor.text("metadata.resourceVersion")?;
                meta.resource_version = version.unwrap_or_default();
            }
            b"generation" => meta.generation = cursor.integer("metadata.generation")?,
            b"deletionTimestamp" => {
                let time = cursor.text("metadata.deletionTimestamp")?;
                meta.deletion_timestamp = time.is_some();
            }
            b"labels" => meta.labels = labels(cursor)?,
            b"ownerReferences" => meta.owners = owners(cursor)?,
            b"annotations" => meta.initial_events_end = initial_events_end(cursor)?,
            b"managedFields" => {
                cursor.skip_value()?;
                return Ok(Member::Drop);
            }
            _ => cursor.skip_value()?,
        }
        Ok(Member::Keep)
    })?;
    Ok(meta)
}

type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

fn labels<'a>(cursor: &mut Cursor<'a>) -> Result<Pairs<'a>, ScanError> {
    const FIELD: &str = "metadata.labels";
    let mut labels: Pairs<'a> = Vec::new();
    let mut sorted = true; // as Go writes maps
    cursor.texts(FIELD, |key, value| {
        sorted = sorted && labels.last().is_none_or(|(last, _)| *last < key);
        labels.push((key, value));
    })?;
    if !sorted {
        labels.sort_by(|(a, _), (b, _)| a.cmp(b)); // stable: of equal keys the last wins
        labels.dedup_by(|later, earlier| {
            let equal = later.0 == earlier.0;
            if equal {
                std::mem::swap(&mut later.1, &mut earlier.1);
            }
            equal
        });
    }
    Ok(labels)
}

fn owners<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<OwnerRef<'a>>, ScanError> {
    const FIELD: &str = "metadata.ownerReferences";
    let mut owners = Vec::new();
    cursor.array(FIELD, |cursor| {
        let mut owner = OwnerRef::default();
        cursor.object(FIELD, |cursor, key| {
            let field = match key {
                b"apiVersion" => &mut owner.api_version,
                b"kind" => &mut owner.kind,
                b"name" => &mut owner.name,
                b"uid" => &mut owner.uid,
                b"controller" => {
                    let controller = cursor.boolean("metadata.ownerReferences.controller")?;
                    owner.controller = controller.unwrap_or_default();
                    return Ok(Member::Keep);
                }
                _ => {
                    cursor.skip_value()?;
                    return Ok(Member::Keep);
                }
            };
            *field = cursor.text(FIELD)?.unwrap_or_default();
            Ok(Member::Keep)
        })?;
        owners.push(owner);
        Ok(())
    })?;
    Ok(owners)
}

fn initial_events_end(cursor: &mut Cursor<'_>) -> Result<bool, ScanError> {
    const FIELD: &str = "metadata.annotations";
    let mut end = false;
    cursor.object(FIELD, |cursor, key| {
        match key {
            b"k8s.io/initial-events-end" => end = cursor.text(FIELD)?.as_deref() == Some("true"),
            _ => cursor.skip_value()?,
        }
        Ok(Member::Keep)
    })?;
    Ok(end)
}
