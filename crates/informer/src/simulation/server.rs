//! A model of an API server for one resource: states, history, and the answers to list and watch as bytes.

use crate::{
    reflector::{ListAt, Page, Request},
    rng::Rng,
};
use std::collections::BTreeMap;

/// What is true of an object: who it is and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Truth {
    pub(super) uid: u64,
    pub(super) version: u64,
}

pub(super) type State = BTreeMap<u64, Truth>;

#[derive(Debug, Clone)]
struct HistoryEvent {
    version: u64,
    kind: &'static str,
    name: u64,
    object: Truth,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamingLists {
    Served,
    /// 422, as servers do that know the parameter but have it off.
    Refused,
    /// As servers do that do not know the parameter: a plain watch.
    Ignored,
}

pub(super) struct Server {
    pub(super) served: bool,
    pub(super) version: u64,
    pub(super) streaming: StreamingLists,
    pub(super) pages_any: bool,
    state: State,
    /// The state as of each version of this timeline.
    timeline: BTreeMap<u64, State>,
    history: Vec<HistoryEvent>,
    /// Versions below this are compacted.
    oldest: u64,
    next_uid: u64,
    /// The version of the list that a continue token belongs to.
    paging: Option<(u64, u64)>,
}

/// An answer: a refusal, or bytes, after which the response stays open if it is a watch.
pub(super) enum Answer {
    Refused {
        code: u16,
        body: String,
        retry_after_s: Option<u64>,
    },
    Body {
        bytes: String,
        watch_from: Option<u64>,
    },
}

impl Server {
    pub(super) fn new(rng: &mut Rng) -> Self {
        let streaming = match rng.below(4) {
            0 => StreamingLists::Refused,
            1 => StreamingLists::Ignored,
            _ => StreamingLists::Served,
        };
        let mut server = Self {
            served: rng.below(8) > 0,
            version: 10,
            streaming,
            pages_any: rng.below(2) == 0,
            state: State::new(),
            timeline: BTreeMap::new(),
            history: Vec::new(),
            oldest: 10,
            next_uid: 1,
            paging: None,
        };
        server.timeline.insert(10, State::new());
        for _ in 0..rng.below(8) {
            server.mutate(rng);
        }
        server
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn state_at(&self, version: u64) -> Option<&State> {
        self.timeline
            .range(..=version)
            .next_back()
            .map(|(_, state)| state)
    }

    /// One random write.
    pub(super) fn mutate(&mut self, rng: &mut Rng) {
        let name = rng.below(6);
        self.version += 1 + rng.below(2);
        let version = self.version;
        let known = self.state.get(&name).cloned();
        let (kind, uid) = match &known {
            None => {
                self.next_uid += 1;
                ("ADDED", self.next_uid)
            }
            Some(truth) if rng.below(3) == 0 => ("DELETED", truth.uid),
            Some(truth) => ("MODIFIED", truth.uid),
        };
        let object = Truth { uid, version };
        match kind {
            "DELETED" => self.state.remove(&name),
            _ => self.state.insert(name, object.clone()),
        };
        self.timeline.insert(version, self.state.clone());
        self.history.push(HistoryEvent {
            version,
            kind,
            name,
            object,
        });
    }

    /// History up to now is forgotten. Watches that are open get all the same what they have not read yet.
    pub(super) fn compact(&mut self) {
        self.oldest = self.version;
    }

    /// The resource goes, with everything in it.
    pub(super) fn remove_resource(&mut self) {
        self.served = false;
        self.version += 1;
        self.state.clear();
        self.timeline.insert(self.version, State::new());
        self.compact();
    }

    /// Restored from a backup: an older state, at an older version, and no history.
    pub(super) fn restore(&mut self, rng: &mut Rng) {
        let back = rng.below(6);
        self.version = self.version.saturating_sub(back).max(10);
        self.state = self.state_at(self.version).cloned().unwrap_or_default();
        self.history.retain(|event| event.version <= self.version);
        self.timeline.retain(|version, _| *version <= self.version);
        self.paging = None;
        self.compact();
    }

    pub(super) fn answer(&mut self, request: &Request) -> Answer {
        if !self.served {
            let body = "404 page not found\n".to_owned();
            return Answer::Refused {
                code: 404,
                body,
                retry_after_s: None,
            };
        }
        match request {
            Request::Watch { from, .. } => self.watch(from.to_string().parse().expect("a number")),
            Request::StreamingList { at, .. } => match self.streaming {
                StreamingLists::Refused => refuse(422, "Invalid"),
                StreamingLists::Ignored => self.legacy_watch(at),
                StreamingLists::Served => self.streaming_list(at),
            },
            Request::List { at, page } => self.list(at, page.as_ref()),
        }
    }

    /// Events after `from`, as the open watch would get them.
    pub(super) fn events_after(&self, from: u64) -> String {
        let events = self.history.iter().filter(|event| event.version > from);
        events
            .map(|event| frame(event.kind, event.name, &event.object))
            .collect()
    }

    fn watch(&self, from: u64) -> Answer {
        if from > self.version {
            return refuse_too_new();
        }
        if from < self.oldest {
            let bytes = error_frame(410, "Expired");
            return Answer::Body {
                bytes,
                watch_from: Some(self.version),
            };
        }
        Answer::Body {
            bytes: self.events_after(from),
            watch_from: Some(self.version),
        }
    }

    fn too_new(&self, at: &ListAt) -> bool {
        matches!(at, ListAt::NotOlderThan(version) if version.to_string().parse::<u64>().expect("a number") > self.version)
    }

    fn legacy_watch(&self, at: &ListAt) -> Answer {
        match at {
            ListAt::NotOlderThan(version) => {
                self.watch(version.to_string().parse().expect("a number"))
            }
            _ => {
                let bytes = self
                    .state
                    .iter()
                    .map(|(name, object)| frame("ADDED", *name, object))
                    .collect();
                Answer::Body {
                    bytes,
                    watch_from: Some(self.version),
                }
            }
        }
    }

    fn streaming_list(&self, at: &ListAt) -> Answer {
        if self.too_new(at) {
            return refuse_too_new();
        }
        let mut bytes: String = self
            .state
            .iter()
            .map(|(name, object)| frame("ADDED", *name, object))
            .collect();
        bytes += &bookmark(self.version, true);
        Answer::Body {
            bytes,
            watch_from: Some(self.version),
        }
    }

    fn list(&mut self, at: &ListAt, page: Option<&Page>) -> Answer {
        let token = page.and_then(|page| page.token.as_ref());
        let (version, after) = match (token, self.paging) {
            (None, _) if self.too_new(at) => return refuse_too_new(),
            (None, _) => (self.version, None),
            (Some(_), Some((version, after))) if version >= self.oldest => (version, Some(after)),
            (Some(_), _) => return refuse(410, "Expired"),
        };
        let state = self.state_at(version).cloned().unwrap_or_default();
        let rest: Vec<_> = state
            .iter()
            .filter(|(name, _)| after.is_none_or(|after| **name > after))
            .collect();
        let limit = match page {
            Some(page) if self.pages_any || *at != ListAt::Any => page.limit as usize,
            _ => usize::MAX,
        };
        let shown = &rest[..rest.len().min(limit)];
        let items: Vec<String> = shown
            .iter()
            .map(|(name, object)| json(**name, object, false))
            .collect();
        let more = rest.len() > shown.len();
        self.paging = shown
            .last()
            .filter(|_| more)
            .map(|(name, _)| (version, **name));
        let token = if more { r#","continue":"next""# } else { "" };
        let meta = format!(r#""metadata":{{"resourceVersion":"{version}"{token}}}"#);
        let bytes = format!(
            r#"{{"kind":"ThingList","apiVersion":"v1",{meta},"items":[{}]}}"#,
            items.join(",")
        );
        Answer::Body {
            bytes,
            watch_from: None,
        }
    }
}

fn json(name: u64, object: &Truth, with_type: bool) -> String {
    let types = if with_type {
        r#""apiVersion":"v1","kind":"Thing","#
    } else {
        ""
    };
    let Truth { uid, version } = object;
    format!(
        r#"{{{types}"metadata":{{"name":"t{name}","namespace":"n","uid":"uid-{uid}","resourceVersion":"{version}","labels":{{"v":"{}"}},"managedFields":[{{"manager":"}}]"}}]}},"spec":{{"version":{version}}}}}"#,
        version % 3
    )
}

fn frame(kind: &str, name: u64, object: &Truth) -> String {
    format!(
        "{{\"type\":\"{kind}\",\"object\":{}}}\n",
        json(name, object, true)
    )
}

pub(super) fn bookmark(version: u64, end: bool) -> String {
    let mark = if end {
        r#","annotations":{"k8s.io/initial-events-end":"true"}"#
    } else {
        ""
    };
    format!(
        "{{\"type\":\"BOOKMARK\",\"object\":{{\"kind\":\"Thing\",\"apiVersion\":\"v1\",\"metadata\":{{\"resourceVersion\":\"{version}\"{mark}}}}}}}\n"
    )
}

fn status(code: u16, reason: &str, details: &str) -> String {
    format!(
        r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"{reason}","reason":"{reason}","code":{code}{details}}}"#
    )
}

pub(super) fn error_frame(code: u16, reason: &str) -> String {
    format!(
        "{{\"type\":\"ERROR\",\"object\":{}}}\n",
        status(code, reason, "")
    )
}

pub(super) fn refuse(code: u16, reason: &str) -> Answer {
    Answer::Refused {
        code,
        body: status(code, reason, ""),
        retry_after_s: (code == 429).then_some(1),
    }
}

fn refuse_too_new() -> Answer {
    let details = r#","details":{"retryAfterSeconds":1,"causes":[{"reason":"ResourceVersionTooLarge","message":"x"}]}"#;
    Answer::Refused {
        code: 504,
        body: status(504, "Timeout", details),
        retry_after_s: Some(1),
    }
}
