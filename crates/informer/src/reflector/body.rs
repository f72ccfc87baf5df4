//! What is read from one response: a list, a watch, or a list that becomes a watch. Feeds the cache.

use super::failure::Refusal;
use crate::{cache::Cache, event::Change, status::FailureKind};
use std::time::Duration;
use tidegate_wire::{EventKind, FeedError, ListParser, ResourceVersion, WatchEvent, WatchParser};

pub(super) struct Body {
    started: Duration,
    heard: Duration,
    reader: Reader,
}

enum Reader {
    List(ListParser),
    Watch(Watch),
}

struct Watch {
    parser: WatchParser,
    /// True until the end mark of a streaming list.
    initial: bool,
    /// When the first event came that cannot be part of a first picture.
    live_since: Option<Duration>,
    items: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    More,
    /// A live event or bookmark came.
    Healthy,
    /// The full picture is complete; changes follow on the same stream.
    Synced,
}

pub(super) enum Finish {
    Page { token: String },
    Listed,
    WatchEnded { lived: Duration },
}

/// Nothing, not even a bookmark, for this long past the longest watch means that the peer is dead.
const WATCH_SILENCE: Duration = Duration::from_secs(545);
const LIST_SILENCE: Duration = Duration::from_secs(30);
/// A server that knows streaming lists sends the end mark right behind the items.
const END_MARK_SILENCE: Duration = Duration::from_millis(2500);
const FIRST_ITEM_SILENCE: Duration = Duration::from_secs(5);
const LIVE_BEFORE_END_MARK: Duration = Duration::from_secs(10);

impl Body {
    pub(super) fn list(now: Duration, item_bytes_max: usize) -> Self {
        Self::new(now, Reader::List(ListParser::new(item_bytes_max)))
    }

    pub(super) fn watch(now: Duration, event_bytes_max: usize) -> Self {
        Self::new(now, Reader::Watch(Watch::new(event_bytes_max, false)))
    }

    pub(super) fn streaming_list(now: Duration, event_bytes_max: usize) -> Self {
        Self::new(now, Reader::Watch(Watch::new(event_bytes_max, true)))
    }

    fn new(now: Duration, reader: Reader) -> Self {
        Self {
            started: now,
            heard: now,
            reader,
        }
    }

    pub(super) fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.started)
    }

    pub(super) fn silence_limit(&self, now: Duration, streaming_proven: bool) -> Duration {
        let limit = match &self.reader {
            Reader::List(_) => LIST_SILENCE,
            Reader::Watch(watch) if !watch.initial => WATCH_SILENCE,
            Reader::Watch(_) if streaming_proven => LIST_SILENCE,
            Reader::Watch(watch) if watch.items == 0 => FIRST_ITEM_SILENCE,
            Reader::Watch(_) => END_MARK_SILENCE,
        };
        (self.heard + limit).saturating_sub(now)
    }

    /// True if a streaming list has turned into a plain watch, as on servers that do not know streaming lists.
    pub(super) fn seems_endless(&self, now: Duration) -> bool {
        match &self.reader {
            Reader::Watch(Watch {
                initial: true,
                live_since: Some(since),
                ..
            }) => now.saturating_sub(*since) > LIVE_BEFORE_END_MARK,
            _ => false,
        }
    }

    pub(super) fn feed(
        &mut self,
        now: Duration,
        bytes: &[u8],
        cache: &mut Cache,
        changes: &mut Vec<Change>,
    ) -> Result<Progress, Refusal> {
        self.heard = now;
        match &mut self.reader {
            Reader::List(parser) => {
                let fed = parser.feed(bytes, |item| {
                    cache.stage(&item);
                    Ok::<(), Refusal>(())
                });
                fed.map(|()| Progress::More).map_err(refusal)
            }
            Reader::Watch(watch) => watch.feed(now, bytes, cache, changes),
        }
    }

    pub(super) fn finish(
        self,
        now: Duration,
        cache: &mut Cache,
        changes: &mut Vec<Change>,
    ) -> Result<Finish, Refusal> {
        let lived = self.age(now);
        match self.reader {
            Reader::Watch(watch) if watch.initial => Err(Refusal::new(
                FailureKind::Unreachable,
                "the stream ended before the full picture did",
            )),
            Reader::Watch(watch) => {
                watch
                    .parser
                    .finish()
                    .map_err(|error| Refusal::new(FailureKind::Unreachable, error.to_string()))?;
                Ok(Finish::WatchEnded { lived })
            }
            Reader::List(parser) => {
                let meta = parser
                    .finish()
                    .map_err(|error| Refusal::new(FailureKind::BadData, error.to_string()))?;
                if let Some(token) = meta.continue_token.filter(|token| !token.is_empty()) {
                    return Ok(Finish::Page { token });
                }
                let version = version(&meta.resource_version)?;
                cache.finish_relist(Some(version), changes);
                Ok(Finish::Listed)
            }
        }
    }
}

impl Watch {
    fn new(event_bytes_max: usize, initial: bool) -> Self {
        Self {
            parser: WatchParser::new(event_bytes_max),
            initial,
            live_since: None,
            items: 0,
        }
    }

    fn feed(
        &mut self,
        now: Duration,
        bytes: &[u8],
        cache: &mut Cache,
        changes: &mut Vec<Change>,
    ) -> Result<Progress, Refusal> {
        let Self {
            parser,
            initial,
            live_since,
            items,
        } = self;
        let mut progress = Progress::More;
        let fed = parser.feed(bytes, |event| {
            let step = match *initial {
                true => stage(&event, cache, changes)?,
                false => apply(&event, cache, changes)?,
            };
            *items += 1;
            if *initial && !matches!(event.kind, EventKind::Added) {
                live_since.get_or_insert(now);
            }
            if step == Progress::Synced {
                *initial = false;
            }
            progress = progress.max(step);
            Ok(())
        });
        fed.map(|()| progress).map_err(refusal)
    }
}

/// An event of a streaming list, before its end mark.
fn stage(
    event: &WatchEvent<'_>,
    cache: &mut Cache,
    changes: &mut Vec<Change>,
) -> Result<Progress, Refusal> {
    match event.kind {
        EventKind::Added | EventKind::Modified => cache.stage(&event.object),
        EventKind::Deleted => cache.stage_deleted(&event.object),
        EventKind::Error => return Err(error_event(event)),
        EventKind::Bookmark if event.object.meta().initial_events_end => {
            let version = version(&event.object.meta().resource_version)?;
            cache.finish_relist(Some(version), changes);
            return Ok(Progress::Synced);
        }
        EventKind::Bookmark => {}
    }
    Ok(Progress::More)
}

/// An event of a plain watch.
fn apply(
    event: &WatchEvent<'_>,
    cache: &mut Cache,
    changes: &mut Vec<Change>,
) -> Result<Progress, Refusal> {
    match event.kind {
        EventKind::Added | EventKind::Modified => cache.upsert(&event.object, changes),
        EventKind::Deleted => cache.delete(&event.object, changes),
        EventKind::Bookmark => cache.advance(&event.object.meta().resource_version),
        EventKind::Error => return Err(error_event(event)),
    }
    Ok(Progress::Healthy)
}

fn error_event(event: &WatchEvent<'_>) -> Refusal {
    match event.object.status() {
        Ok(status) => Refusal::of_status(&status, None),
        Err(error) => Refusal::new(FailureKind::BadData, error.to_string()),
    }
}

fn version(text: &str) -> Result<ResourceVersion, Refusal> {
    let error = |_| {
        Refusal::new(
            FailureKind::BadData,
            "the full picture has no resourceVersion",
        )
    };
    match text {
        "" | "0" => Err(error(())),
        _ => Ok(ResourceVersion::opaque(text)),
    }
}

fn bad_data(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(FailureKind::BadData, error.to_string())
}

fn refusal(error: FeedError<Refusal>) -> Refusal {
    match error {
        FeedError::Consumer(refusal) => refusal,
        FeedError::Frame(error) => bad_data(error),
        FeedError::Scan(error) => bad_data(error),
    }
}
