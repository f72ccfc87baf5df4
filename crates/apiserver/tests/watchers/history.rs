//! The one history, and what a watch must have said of it.

use crate::watch::{Event, Segment, View};
use std::collections::{BTreeMap, HashMap, HashSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Create,
    Update,
    Patch,
    Delete,
}

/// A write that was acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) key: String,
    pub(crate) kind: Kind,
    /// The version that it was made on, where it said so.
    pub(crate) based: Option<u64>,
    /// The version that it made; not known of a deletion.
    pub(crate) version: Option<u64>,
    pub(crate) value: String,
    pub(crate) colour: String,
}

/// An object after a write; nothing after a deletion.
#[derive(Debug, Clone)]
struct Point {
    key: String,
    word: &'static str,
    value: String,
    colour: String,
}

/// A deletion whose version no watch has told: it came right after the version that it named, or later.
const LOST: &str = "lost";

/// All writes in the order of their versions; a deletion that is lost stands behind the write that it followed.
#[derive(Debug)]
pub(crate) struct History {
    points: BTreeMap<(u64, u8), Point>,
    writes: Vec<Write>,
}

impl History {
    /// Takes the writes, and from the watches only what the writers were not told: versions of deletions.
    pub(crate) fn of(writes: Vec<Write>, segments: &[Segment]) -> Self {
        let mut points: BTreeMap<(u64, u8), Point> = BTreeMap::new();
        for write in &writes {
            let Some(version) = write.version else {
                continue;
            };
            let word = match write.kind {
                Kind::Create => "ADDED",
                _ => "MODIFIED",
            };
            let point = Point {
                key: write.key.clone(),
                word,
                value: write.value.clone(),
                colour: write.colour.clone(),
            };
            let other = points.insert((version, 0), point);
            assert!(
                other.is_none(),
                "two writes at {version}: {write:?}, {other:?}"
            );
        }
        for event in segments.iter().flat_map(|segment| &segment.events) {
            points.entry((event.version, 0)).or_insert_with(|| {
                assert_eq!(event.word, "DELETED", "a write that nobody made: {event:?}");
                Point {
                    key: event.key.clone(),
                    word: "DELETED",
                    value: event.value.clone(),
                    colour: event.colour.clone(),
                }
            });
        }
        let mut history = Self { points, writes };
        history.add_lost_deletions();
        history
    }

    fn add_lost_deletions(&mut self) {
        let deletions = self
            .writes
            .iter()
            .filter(|write| write.kind == Kind::Delete);
        for write in deletions {
            let based = write.based.expect("invariant: deletions name a version");
            let mut later = self.points.range((based, 1)..).map(|(_, point)| point);
            let next = later.find(|point| point.key == write.key);
            let word = next.map_or("ADDED", |next| next.word);
            assert_ne!(word, "MODIFIED", "deleted, but not the newest: {write:?}");
            if word == "ADDED" {
                let point = Point {
                    key: write.key.clone(),
                    word: LOST,
                    value: String::new(),
                    colour: String::new(),
                };
                self.points.insert((based, 1), point);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.points.len()
    }

    /// A write on a version came right after it: no other write of the object is between them.
    pub(crate) fn check_chains(&self) {
        let mut versions: HashMap<&str, Vec<u64>> = HashMap::new();
        for ((version, _), point) in &self.points {
            versions.entry(&point.key).or_default().push(*version);
        }
        for write in &self.writes {
            let (Some(based), Some(version)) = (write.based, write.version) else {
                continue;
            };
            let mut before = versions[write.key.as_str()].iter().rev();
            let before = before.find(|other| **other < version);
            assert_eq!(before, Some(&based), "not on the newest: {write:?}");
        }
    }

    /// The watch has said what follows its start, without a gap, in order, and nothing else.
    pub(crate) fn check(&self, segment: &Segment) {
        let start = match (&segment.state, segment.start) {
            (Some((state, end)), _) => {
                self.check_state(segment, state, *end);
                *end
            }
            (None, Some(start)) => start,
            (None, None) => {
                assert!(segment.events.is_empty(), "events before the state ended");
                return;
            }
        };
        let Some(last) = segment.events.last() else {
            return;
        };
        let expected = self.seen(&segment.view, start, last.version);
        assert_eq!(
            segment.events, expected,
            "a watch of {:?} from {start} to {}",
            segment.view, last.version
        );
    }

    fn check_state(&self, segment: &Segment, state: &[Event], end: u64) {
        let mut objects: BTreeMap<&str, (u64, &Point)> = BTreeMap::new();
        let mut unsure = HashSet::new();
        for ((version, _), point) in self.points.range(..=(end, 1)) {
            let key = point.key.as_str();
            unsure.remove(key);
            if point.word == LOST {
                unsure.insert(key);
            }
            if matches!(point.word, "DELETED" | LOST) {
                objects.remove(key);
            } else if segment.view.has(key) {
                objects.insert(key, (*version, point));
            }
        }
        let colour = segment.view.colour;
        let expected: Vec<(&str, u64, &str)> = objects
            .into_iter()
            .filter(|(_, (_, point))| colour.is_none_or(|colour| point.colour == colour))
            .map(|(key, (version, point))| (key, version, point.value.as_str()))
            .collect();
        let told: Vec<(&str, u64, &str)> = state
            .iter()
            .map(|event| (event.key.as_str(), event.version, event.value.as_str()))
            .filter(|(key, ..)| !unsure.contains(key))
            .collect();
        assert_eq!(told, expected, "the state at {end} of {:?}", segment.view);
    }

    /// What a watch says of the changes behind `start`.
    fn seen(&self, view: &View, start: u64, end: u64) -> Vec<Event> {
        let mut current: HashMap<&str, &Point> = HashMap::new();
        let mut events = Vec::new();
        let matches = |point: &Point| view.colour.is_none_or(|colour| point.colour == colour);
        for ((version, _), point) in self.points.range(..=(end, 1)) {
            let before = current.get(point.key.as_str()).copied();
            let is_deletion = matches!(point.word, "DELETED" | LOST);
            if is_deletion {
                current.remove(point.key.as_str());
            } else {
                current.insert(&point.key, point);
            }
            if *version <= start || point.word == LOST || !view.has(&point.key) {
                continue;
            }
            let was = before.is_some_and(matches);
            let is = !is_deletion && matches(point);
            let (word, of) = match (was, is) {
                (false, false) => continue,
                (false, true) => ("ADDED", point),
                (true, true) => ("MODIFIED", point),
                (true, false) => ("DELETED", before.unwrap_or(point)),
            };
            events.push(Event {
                word: word.to_owned(),
                key: point.key.clone(),
                version: *version,
                value: of.value.clone(),
                colour: of.colour.clone(),
            });
        }
        events
    }
}

impl View {
    fn has(&self, key: &str) -> bool {
        let namespace = key.split('/').next();
        self.namespace
            .is_none_or(|wanted| Some(wanted) == namespace)
    }
}
