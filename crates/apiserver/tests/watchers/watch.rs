//! Watchers: from any starting point, for a while, and again.

use crate::{Shared, http::Client, random::Random, write::version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// What a watch looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) namespace: Option<&'static str>,
    pub(crate) colour: Option<&'static str>,
}

/// An event as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) word: String,
    pub(crate) key: String,
    pub(crate) version: u64,
    pub(crate) value: String,
    pub(crate) colour: String,
}

/// One watch, from its start to its end.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) view: View,
    /// Where it began: after this version, or with the state.
    pub(crate) start: Option<u64>,
    /// The state was told first, and ended at this version.
    pub(crate) state: Option<(Vec<Event>, u64)>,
    pub(crate) events: Vec<Event>,
    /// Its starting point was forgotten.
    pub(crate) refused: bool,
}

pub(crate) async fn version_now(client: &Client) -> u64 {
    let list = client
        .json("GET", "/api/v1/configmaps?limit=1", &Value::Null)
        .await;
    version(&list.json())
}

pub(crate) async fn watch_on(
    client: Client,
    mut random: Random,
    shared: Arc<Shared>,
) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut last = None;
    while !shared.ended.load(Ordering::SeqCst) {
        let view = View {
            namespace: *random.pick(&[None, None, Some("default"), Some("kube-public")]),
            colour: *random.pick(&[None, None, Some("red")]),
        };
        let start = match random.below(10) {
            0..2 => None,
            2..6 => last,
            6 => Some(version_now(&client).await),
            _ => {
                let writes = shared.writes.lock().expect("no panic");
                let recent = writes.len().min(400);
                (recent > 0)
                    .then(|| writes[writes.len() - 1 - random.below(recent)].version)
                    .flatten()
            }
        };
        let patience = Duration::from_millis(20 + random.number() % 700);
        let segment = one(&client, &shared, view, start, patience).await;
        last = segment.events.last().map(|event| event.version);
        segments.push(segment);
    }
    segments
}

fn path(view: &View, start: Option<u64>) -> String {
    let place = match view.namespace {
        Some(namespace) => format!("/api/v1/namespaces/{namespace}/configmaps"),
        None => "/api/v1/configmaps".to_owned(),
    };
    let selector = match view.colour {
        Some(colour) => format!("test=yes,colour={colour}"),
        None => "test=yes".to_owned(),
    };
    let from = match start {
        Some(version) => format!("&resourceVersion={version}"),
        None => "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan".to_owned(),
    };
    format!("{place}?watch=1&allowWatchBookmarks=true&labelSelector={selector}{from}")
}

async fn one(
    client: &Client,
    shared: &Shared,
    view: View,
    start: Option<u64>,
    patience: Duration,
) -> Segment {
    let surely_forgotten = shared.surely_forgotten.load(Ordering::SeqCst);
    let path = path(&view, start);
    let response = client.open("GET", &path, "", "").await;
    let response = response.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(response.status(), 200, "{path}");
    let mut segment = Segment {
        view,
        start,
        state: None,
        events: Vec::new(),
        refused: false,
    };
    let mut state = start.is_none().then(Vec::new);
    let mut lines = Lines::new(response.into_body());
    let end = Instant::now() + patience;
    while let Ok(Some(line)) = timeout(end - Instant::now().min(end), lines.next()).await {
        let word = line["type"].as_str().unwrap_or_default();
        let object = &line["object"];
        match word {
            "BOOKMARK" => {
                let mark = &object["metadata"]["annotations"]["k8s.io/initial-events-end"];
                if let Some(state) = state.take_if(|_| mark == "true") {
                    segment.state = Some((state, version(object)));
                }
            }
            "ERROR" => {
                assert_eq!(object["code"], 410, "{line}");
                // It fell behind, or its starting point did; from now on nothing more is said.
                let at = segment.events.last().map(|event| event.version).or(start);
                let bound = shared.perhaps_forgotten.load(Ordering::SeqCst);
                assert!(
                    at < Some(bound),
                    "{at:?} is not forgotten, up to {bound} is"
                );
                segment.refused = true;
                return segment;
            }
            _ => match &mut state {
                Some(state) => state.push(event(word, object)),
                None => segment.events.push(event(word, object)),
            },
        }
    }
    if let (Some(start), Some(first)) = (start, segment.events.first()) {
        assert!(
            start >= surely_forgotten,
            "{start} was served up to {}, but all before {surely_forgotten} was forgotten",
            first.version
        );
    }
    segment
}

fn event(word: &str, object: &Value) -> Event {
    let metadata = &object["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Event {
        word: word.to_owned(),
        key: format!(
            "{}/{}",
            text(&metadata["namespace"]),
            text(&metadata["name"])
        ),
        version: version(object),
        value: text(&object["data"]["value"]),
        colour: text(&metadata["labels"]["colour"]),
    }
}

/// Lines of a body, each a JSON value.
struct Lines {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Lines {
    fn new(body: Incoming) -> Self {
        Self {
            body,
            buffer: Vec::new(),
        }
    }

    /// The next line; nothing once the watch has ended.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).expect("a line is an event"));
            }
            let frame = self.body.frame().await?.ok()?;
            self.buffer.extend_from_slice(frame.data_ref()?);
        }
    }
}
