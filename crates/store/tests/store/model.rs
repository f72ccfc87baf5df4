//! Random sequences of calls, compared with a model that keeps every state there was.

use crate::support::{Dir, Random, run, seeds};
use std::{collections::BTreeMap, fmt::Write as _};
use tidegate_store::{FileLimits, Options, Store};

const KEYS: [&str; 6] = ["pods/a", "pods/b", "pods/b/c", "nodes/a", "pods.x/a", "a/b"];
const COLLECTIONS: [&str; 5] = ["pods", "nodes", "pods.x", "a", "other"];

/// Value, revision, revision of creation.
type Contents = BTreeMap<&'static str, (String, u64, u64)>;

struct Model {
    /// By revision, from the first.
    states: Vec<Contents>,
    /// By revision: the key, and the event as it is shown.
    events: Vec<(&'static str, String)>,
    oldest: usize,
    max_events: usize,
}

impl Model {
    fn new(max_events: usize) -> Self {
        Self {
            states: vec![Contents::new()],
            events: vec![("", String::new())],
            oldest: 0,
            max_events,
        }
    }

    fn revision(&self) -> usize {
        self.states.len() - 1
    }

    fn now(&self) -> &Contents {
        self.states.last().expect("a state")
    }

    /// Writes, or says what there is instead.
    fn write(
        &mut self,
        key: &'static str,
        value: Option<&str>,
        expected: &str,
        last: &str,
    ) -> String {
        let current = self.now().get(key).cloned();
        let holds = match (expected, &current) {
            ("absent", current) => current.is_none() && value.is_some(),
            ("present", current) => current.is_some(),
            (revision, Some((_, found, _))) => revision == found.to_string(),
            (_, None) => false,
        };
        if !holds {
            let what = match current {
                Some((_, revision, _)) => format!("it is at revision {revision}"),
                None => "there is nothing".to_owned(),
            };
            return format!("the key is not as expected: {what}");
        }
        let revision = self.states.len() as u64;
        let mut state = self.now().clone();
        let previous = current.as_ref().map_or("", |(value, ..)| value);
        let (sign, shown) = match value {
            Some(value) => {
                let created = current.as_ref().map_or(revision, |(.., created)| *created);
                state.insert(key, (value.to_owned(), revision, created));
                (if current.is_some() { '~' } else { '+' }, value)
            }
            None => {
                state.remove(key);
                ('-', last)
            }
        };
        let event = format!("{sign}{key}@{revision}={shown}<{previous}");
        self.states.push(state);
        self.events.push((key, event));
        self.oldest = self
            .oldest
            .max(self.revision().saturating_sub(self.max_events));
        revision.to_string()
    }

    fn past(&self, revision: usize) -> Option<String> {
        if revision > self.revision() {
            return Some(format!("the newest revision is {}", self.revision()));
        }
        (revision < self.oldest).then(|| format!("the history begins at revision {}", self.oldest))
    }

    fn state(&self, revision: usize) -> String {
        let mut out = format!("{revision}:");
        for (key, (value, revision, created)) in &self.states[revision] {
            write!(out, " {key}={value}@{revision}/{created}").expect("a string");
        }
        out
    }

    fn watch(&self, collection: &str, after: usize) -> String {
        let events = self.events[after + 1..]
            .iter()
            .filter(|(key, _)| key.split('/').next() == Some(collection));
        let events: Vec<&str> = events.map(|(_, event)| &event[..]).collect();
        events.join(" ")
    }

    /// A random call, and what comes of it.
    fn step(&mut self, random: &mut Random) -> (String, String) {
        let key = random.one_of(&KEYS);
        let value = format!("v{}", random.below(1000));
        let revision = random.below(self.revision() + 2);
        let expected = match (random.below(3), self.now().get(key)) {
            (0, Some((_, revision, _))) => revision.to_string(),
            (1, _) => random.one_of(&["absent", "present"]).to_owned(),
            _ => revision.to_string(),
        };
        match random.below(12) {
            0..=4 => {
                let line = format!("put {key} {value} {expected}");
                (line, self.write(key, Some(&value), &expected, ""))
            }
            5 | 6 => {
                let line = format!("delete {key} {value} {expected}");
                (line, self.write(key, None, &expected, &value))
            }
            7 | 8 => {
                let past = self.past(revision);
                let expected = past.unwrap_or_else(|| self.state(revision));
                (format!("at {revision}"), expected)
            }
            9 | 10 => {
                let collection = random.one_of(&COLLECTIONS);
                let past = self.past(revision);
                let expected = past.unwrap_or_else(|| self.watch(collection, revision));
                (format!("watch {collection} {revision}"), expected)
            }
            _ => {
                let revision = revision / 2;
                let past = self.past(revision);
                let expected = past.unwrap_or_else(|| {
                    self.oldest = revision;
                    "done".to_owned()
                });
                (format!("compact {revision}"), expected)
            }
        }
    }
}

#[tokio::test]
async fn random_calls_do_what_the_model_does() {
    for seed in seeds(20) {
        let mut random = Random::new(seed);
        let max_events = 5 + random.below(100);
        let mut model = Model::new(max_events);
        let mut options = Options {
            fsync: false,
            files: FileLimits {
                segment_bytes: 200 + random.below(2000) as u64,
                snapshot_bytes: 200 + random.below(2000) as u64,
            },
            ..Options::default()
        };
        options.history.max_events = max_events;
        let dir = Dir::new();
        let memory = Store::in_memory(options.clone());
        let mut disk = Store::open(dir.path(), options.clone()).expect("a store");
        for number in 0..200 {
            let (line, expected) = model.step(&mut random);
            for store in [&memory, &disk] {
                assert_eq!(
                    run(store, &line).await,
                    expected,
                    "seed {seed}, {number}: {line}"
                );
                let now = model.state(model.revision());
                assert_eq!(
                    run(store, "state").await,
                    now,
                    "seed {seed}, {number}: {line}"
                );
                let oldest = store.stats().oldest_revision;
                assert_eq!(oldest, model.oldest as u64, "seed {seed}, {number}: {line}");
            }
            if random.below(20) == 0 {
                disk.close().await.expect("closed");
                disk = Store::open(dir.path(), options.clone()).expect("opens again");
            }
        }
    }
}
