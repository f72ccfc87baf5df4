//! Prints bytes per object and microseconds in and out, for each kind, with and without siblings;
//! then the true growth of resident memory for 100,000 Pods. Run it in release mode.
//!
//! Figures of one run on a shared machine vary; bytes don't.

#![expect(clippy::print_stdout, reason = "this program exists to print")]

#[path = "../tests/it/corpus.rs"]
mod corpus;

use std::fs;

use corpus::Object;
use tidegate_pack::{Mode, PackOptions, Packed, Packer};

fn main() {
    // First, before freed memory could hide growth.
    resident(100_000);
    let count = 20_000;
    println!(
        "{:28} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6}  then",
        "kind", "raw B", "stored B", "1st µs", "in µs", "seq µs", "rand µs", "dicts"
    );
    let kinds = [
        ("pods", corpus::pods(1, count)),
        ("endpointslices", corpus::endpoint_slices(1, count)),
        ("deployments", corpus::deployments(1, count)),
        ("secrets", corpus::secrets(1, count)),
    ];
    for (kind, objects) in &kinds {
        if objects[0].sibling.is_some() {
            measure(kind, objects, true);
        }
        measure(&format!("{kind}, no siblings"), objects, false);
    }
}

fn measure(kind: &str, objects: &[Object], siblings: bool) {
    let mut packer = Packer::new(Mode::Compressed, PackOptions::default());
    let sibling = |object: &Object| object.sibling.filter(|_| siblings);
    let started = cpu_micros();
    let mut packed: Vec<Packed> = objects
        .iter()
        .map(|o| packer.pack(&o.json, sibling(o)))
        .collect();
    let pack_us = micros(started, objects.len());
    let again_us = best_micros(objects.len(), || {
        for object in objects {
            let _ = packer.pack(&object.json, sibling(object));
        }
    });
    let stored: usize = packed.iter().map(Packed::stored_len).sum();
    for (value, object) in packed.iter().zip(objects) {
        assert_eq!(value.unpack().expect("readable"), object.json, "round trip");
    }
    let mut repacked = 0;
    for (value, object) in packed.iter_mut().zip(objects) {
        if packer.is_stale(value) {
            *value = packer.repack(value, sibling(object)).expect("readable");
            repacked += 1;
        }
    }
    let after: usize = packed.iter().map(Packed::stored_len).sum();
    let mut buffer = Vec::new();
    let in_order_us = best_micros(packed.len(), || {
        for value in &packed {
            value.unpack_into(&mut buffer).expect("readable");
        }
    });
    let mut random = corpus::Random::new(7);
    let random_us = best_micros(packed.len(), || {
        for _ in 0..packed.len() {
            packed[random.below(packed.len())]
                .unpack_into(&mut buffer)
                .expect("readable");
        }
    });
    let raw: usize = objects.iter().map(|object| object.json.len()).sum();
    let stats = packer.stats();
    println!(
        "{kind:28} {:7} {:8} {pack_us:8.1} {again_us:8.1} {in_order_us:8.1} {random_us:8.1} {:6} {repacked:8} -> {} groups {} siblings {} dict {} KB",
        raw / objects.len(),
        stored / objects.len(),
        stats.dictionaries_trained,
        after / objects.len(),
        stats.groups,
        stats.siblings,
        stats.dictionary_bytes / 1024,
    );
}

/// Resident growth while Pods are made, packed and dropped some hundred at a time.
fn resident(count: usize) {
    for siblings in [true, false] {
        let mut packer = Packer::new(Mode::Compressed, PackOptions::default());
        let mut kept: Vec<Packed> = Vec::with_capacity(2 * count);
        let before = resident_kb();
        let mut first = 0;
        for seed in 0.. {
            for object in corpus::pods(seed, 200) {
                kept.push(packer.pack(&object.json, object.sibling.filter(|_| siblings)));
            }
            let grown = resident_kb() - before;
            if first == 0 && kept.len() >= count {
                first = grown;
            }
            if kept.len() >= 2 * count {
                println!(
                    "resident, siblings {siblings}: {first} KB for {count} pods, {} bytes each; \
                     {} bytes for each of as many more",
                    first * 1024 / count,
                    (grown - first) * 1024 / count,
                );
                break;
            }
        }
    }
}

fn resident_kb() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("VmRSS");
    line.split_whitespace()
        .nth(1)
        .and_then(|kb| kb.parse().ok())
        .expect("a number")
}

fn micros(started: f64, count: usize) -> f64 {
    (cpu_micros() - started) / count as f64
}

/// The best of five runs: other load on the machine only ever adds.
fn best_micros(count: usize, mut run: impl FnMut()) -> f64 {
    let runs = (0..5).map(|_| {
        let started = cpu_micros();
        run();
        micros(started, count)
    });
    runs.fold(f64::INFINITY, f64::min)
}

/// CPU time of this thread, which other load disturbs less than wall time.
fn cpu_micros() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanos = stat
        .split_whitespace()
        .next()
        .and_then(|nanos| nanos.parse::<f64>().ok());
    nanos.expect("a number") / 1000.0
}
