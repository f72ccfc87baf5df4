//! Streams of objects: writing them, and reading them cut at random places.

use serde_json::Value;
use tidegate_wire::{FeedError, Framer, ListParser, RawObject, WatchParser};

use crate::{node::Noise, value};

const LIMIT: usize = 1 << 20;

/// What a stream gave until it ended or failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    received: Vec<Vec<u8>>,
    pub(crate) is_well_ended: bool,
}

impl Outcome {
    pub(crate) fn values(&self) -> Vec<Value> {
        self.received.iter().map(|bytes| value(bytes)).collect()
    }
}

pub(crate) fn watch_stream(objects: &[Vec<u8>], noise: &mut Noise) -> Vec<u8> {
    let mut out = Vec::new();
    for object in objects {
        out.extend_from_slice(b"{\"type\":\"ADDED\",\"object\":");
        out.extend_from_slice(object);
        out.push(b'}');
        noise.space(&mut out);
    }
    out
}

pub(crate) fn list_body(objects: &[Vec<u8>], noise: &mut Noise) -> Vec<u8> {
    let items = [b"\"items\":[", &objects.join(&b',')[..], b"]"].concat();
    let mut members = [
        items,
        b"\"kind\":\"PodList\"".to_vec(),
        b"\"x\": [{}, \"]\"]".to_vec(),
        b"\"metadata\":{\"resourceVersion\":\"9\"}".to_vec(),
    ];
    let at = noise.below(members.len());
    members.swap(0, at);
    [b"{", &members.join(&b", "[..])[..], b"}"].concat()
}

fn cut<'a>(mut bytes: &'a [u8], noise: &mut Noise) -> Vec<&'a [u8]> {
    let longest = [1, 3, 70, 1000, 100_000][noise.below(5)];
    let mut chunks = Vec::new();
    while !bytes.is_empty() {
        let (chunk, rest) = bytes.split_at(bytes.len().min(1 + noise.below(longest)));
        chunks.push(chunk);
        bytes = rest;
    }
    chunks
}

fn feed(
    bytes: &[u8],
    noise: &mut Noise,
    mut feed: impl FnMut(&[u8], &mut Vec<Vec<u8>>) -> Result<(), FeedError<()>>,
) -> (Vec<Vec<u8>>, bool) {
    let mut received = Vec::new();
    let chunks = cut(bytes, noise);
    let fed = chunks
        .into_iter()
        .all(|chunk| feed(chunk, &mut received).is_ok());
    (received, fed)
}

fn keep(object: &RawObject<'_>, received: &mut Vec<Vec<u8>>) -> Result<(), ()> {
    received.push(object.bytes().to_vec());
    Ok(())
}

pub(crate) fn watch(stream: &[u8], noise: &mut Noise) -> Outcome {
    let mut parser = WatchParser::new(LIMIT);
    let (received, fed) = feed(stream, noise, |chunk, received| {
        parser.feed(chunk, |event| keep(&event.object, received))
    });
    let is_well_ended = parser.finish().is_ok();
    assert!(fed || !is_well_ended);
    Outcome {
        received,
        is_well_ended,
    }
}

pub(crate) fn list(body: &[u8], noise: &mut Noise) -> Outcome {
    let mut parser = ListParser::new(LIMIT);
    let (received, fed) = feed(body, noise, |chunk, received| {
        parser.feed(chunk, |item| keep(&item, received))
    });
    let is_well_ended = parser.finish().is_ok();
    assert!(fed || !is_well_ended);
    Outcome {
        received,
        is_well_ended,
    }
}

pub(crate) fn frames(stream: &[u8], noise: &mut Noise) -> Outcome {
    let mut framer = Framer::new(LIMIT);
    let (received, fed) = feed(stream, noise, |chunk, received| {
        framer.feed(chunk, |frame| {
            received.push(frame.to_vec());
            Ok(())
        })
    });
    let is_well_ended = framer.finish().is_ok();
    assert!(fed || !is_well_ended);
    Outcome {
        received,
        is_well_ended,
    }
}
