//! The hot paths by name. Each has its set-up, and one function that is measured.

mod gateway;

use tidegate_pack::{Mode, PackOptions, Packed, Packer};
use tidegate_wire::{FeedError, ListParser, WatchParser};

use crate::objects::{pod, template};

pub(crate) const NAMES: &[&str] = &[
    "wire-watch",
    "wire-list",
    "pack-in",
    "pack-out",
    "http-request",
    "http-browser",
    "http-response",
    "http-write",
    "route-find",
    "record",
];

const OBJECTS: u64 = 2_000;
/// What a read from a socket yields at a time.
const CHUNK_BYTES: usize = 16 * 1024;
const OBJECT_BYTES_MAX: usize = 1 << 20;

/// Walks the named path once; says how many objects went through. `None` if there is no such path.
pub(crate) fn walk(name: &str) -> Option<usize> {
    let count = match name {
        "wire-watch" => {
            let events =
                (0..OBJECTS).map(|n| format!("{{\"type\":\"MODIFIED\",\"object\":{}}}\n", pod(n)));
            measured_watch(events.collect::<String>().as_bytes())
        }
        "wire-list" => {
            let items: Vec<String> = (0..OBJECTS).map(pod).collect();
            let head = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":["#;
            measured_list(format!("{head}{}]}}", items.join(",")).as_bytes())
        }
        "pack-in" => {
            let pods: Vec<String> = (0..OBJECTS).map(pod).collect();
            measured_pack(&mut packer(), &pods).len()
        }
        "pack-out" => {
            let pods: Vec<String> = (0..OBJECTS).map(pod).collect();
            measured_unpack(&pack(&mut packer(), &pods))
        }
        _ => return gateway::walk(name),
    };
    Some(count)
}

/// Bytes of a watch to cleaned objects.
#[inline(never)]
fn measured_watch(stream: &[u8]) -> usize {
    let (mut parser, mut clean, mut count) = (WatchParser::new(OBJECT_BYTES_MAX), Vec::new(), 0);
    for chunk in stream.chunks(CHUNK_BYTES) {
        let fed: Result<(), FeedError<()>> = parser.feed(chunk, |event| {
            clean.clear();
            event.object.write_clean(None, &mut clean);
            count += usize::from(!clean.is_empty());
            Ok(())
        });
        if fed.is_err() {
            return 0;
        }
    }
    count
}

/// Bytes of a list to cleaned objects.
#[inline(never)]
fn measured_list(body: &[u8]) -> usize {
    let (mut parser, mut clean, mut count) = (ListParser::new(OBJECT_BYTES_MAX), Vec::new(), 0);
    for chunk in body.chunks(CHUNK_BYTES) {
        let fed: Result<(), FeedError<()>> = parser.feed(chunk, |object| {
            clean.clear();
            object.write_clean(Some(("v1", "Pod")), &mut clean);
            count += usize::from(!clean.is_empty());
            Ok(())
        });
        if fed.is_err() {
            return 0;
        }
    }
    count
}

/// Objects to what the cache keeps.
#[inline(never)]
fn measured_pack(packer: &mut Packer, pods: &[String]) -> Vec<Packed> {
    pack(packer, pods)
}

/// What the cache keeps to objects.
#[inline(never)]
fn measured_unpack(packed: &[Packed]) -> usize {
    let mut buffer = Vec::new();
    packed
        .iter()
        .filter(|packed| packed.unpack_into(&mut buffer).is_ok())
        .count()
}

fn packer() -> Packer {
    Packer::new(Mode::Compressed, PackOptions::default())
}

fn pack(packer: &mut Packer, pods: &[String]) -> Vec<Packed> {
    pods.iter()
        .zip(0..)
        .map(|(pod, number)| packer.pack(pod.as_bytes(), Some(template(number))))
        .collect()
}
