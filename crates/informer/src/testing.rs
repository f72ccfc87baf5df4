//! What unit tests share: a cache, and objects written as words, `name@version` or `name#uid@version`.

use crate::{
    cache::{Cache, Ingest},
    event::{Change, Event},
    object::Object,
};
use std::sync::Arc;
use tidegate_pack::{HotCache, Mode, PackOptions, Packer};
use tidegate_wire::parse_object;

pub(crate) fn cache() -> Cache {
    let packer = Packer::new(Mode::Compressed, PackOptions::default());
    Cache::new(Ingest::new(
        packer,
        Some(Arc::new(HotCache::new(1 << 16))),
        None,
    ))
}

/// The JSON of `word`.
pub(crate) fn json(word: &str) -> String {
    let (named, version) = word.split_once('@').expect("name@version");
    let (name, uid) = named.split_once('#').unwrap_or((named, "1"));
    format!(
        r#"{{"apiVersion":"v1","kind":"Thing","metadata":{{"name":"{name}","namespace":"n","uid":"{name}-{uid}","resourceVersion":"{version}","labels":{{"name":"{name}","version":"{version}"}}}}}}"#
    )
}

pub(crate) fn upsert(cache: &mut Cache, word: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    let json = json(word);
    cache.upsert(
        &parse_object(json.as_bytes()).expect("an object"),
        &mut changes,
    );
    changes
}

pub(crate) fn delete(cache: &mut Cache, word: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    let json = json(word);
    cache.delete(
        &parse_object(json.as_bytes()).expect("an object"),
        &mut changes,
    );
    changes
}

/// A full picture of `words` as of `version`.
pub(crate) fn relist(cache: &mut Cache, words: &str, version: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    cache.begin_relist();
    for word in words.split_whitespace() {
        let json = json(word);
        cache.stage(&parse_object(json.as_bytes()).expect("an object"));
    }
    cache.finish_relist(
        tidegate_wire::ResourceVersion::parse(version).ok(),
        &mut changes,
    );
    changes
}

pub(crate) fn show(object: &Object) -> String {
    format!("{}@{}", object.name(), object.resource_version())
}

pub(crate) fn show_changes(changes: &[Change]) -> String {
    let shown = changes.iter().map(|change| match change {
        Change::Added(object) => format!("added {}", show(object)),
        Change::Updated { old, new } => format!("updated {} to {}", show(old), show(new)),
        Change::Deleted {
            object,
            final_state_unknown,
        } => {
            format!(
                "deleted {}{}",
                show(object),
                if *final_state_unknown { " unseen" } else { "" }
            )
        }
    });
    shown.collect::<Vec<_>>().join(", ")
}

pub(crate) fn show_event(event: &Event) -> String {
    match event {
        Event::Added { object, initial } => format!(
            "added {}{}",
            show(object),
            if *initial { " initially" } else { "" }
        ),
        Event::Updated { old, new } => format!("updated {} to {}", show(old), show(new)),
        Event::Deleted {
            object,
            final_state_unknown,
        } => {
            format!(
                "deleted {}{}",
                show(object),
                if *final_state_unknown { " unseen" } else { "" }
            )
        }
        Event::Synced => "synced".to_owned(),
    }
}
