//! Prints bytes per object and microseconds in and out, for each kind, with and without siblings;
//! then the true growth of resident memory for 100,000 Pods. Run it in release mode.
//!
//! Figures of one run on a shared machine vary; bytes don't.

#![expect(clippy::print_stdout, reason = "this program exists to print")]

#[path = "../tests/it/corpus.rs"]
mod corpus;

use std::{fs, time::Instant};

use corpus::Object;
use tidegate_pack::{Mode, PackOptions, Packed, Packer};

fn main() {
    // First, before freed memory could hide growth.
    resident(100_000);
    let count = 20_000;
    println!(
        "{:28} {:>7} {:>8} {:>8} {:>8} {:>8} {:>6} {:>8}",
        "kind", "raw B", "stored B", "in µs", "seq µs", "rand µs", "dicts", "repacked"
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
    let started = Instant::now();
    let mut packed: Vec<Packed> = objects
        .iter()
        .map(|o| packer.pack(&o.json, sibling(o)))
        .collect();
    let pack_us = micros(started, objects.len());
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
    let started = Instant::now();
    for value in &packed {
        value.unpack_into(&mut buffer).expect("readable");
    }
    let in_order_us = micros(started, packed.len());
    let mut random = corpus::Random::new(7);
    let started = Instant::now();
    for _ in 0..packed.len() {
        packed[random.below(packed.len())]
            .unpack_into(&mut buffer)
            .expect("readable");
    }
    let random_us = micros(started, packed.len());
    let raw: usize = objects.iter().map(|object| object.json.len()).sum();
    let stats = packer.stats();
    println!(
        "{kind:28} {:7} {:8} {pack_us:8.1} {in_order_us:8.1} {random_us:8.1} {:6} {repacked:8} -> {} groups {} siblings {} dict {} KB",
        raw / objects.len(),
        stored / objects.len(),
        stats.dictionaries_trained,
        after / objects.len(),
        stats.groups,
        stats.siblings,
        stats.dictionary_bytes / 1024,
    );
}

/// Resident growth while Pods are made, packed and dropped one owner at a time.
fn resident(count: usize) {
    for siblings in [true, false] {
        let mut packer = Packer::new(Mode::Compressed, PackOptions::default());
        let mut kept: Vec<Packed> = Vec::with_capacity(count);
        let before = resident_kb();
        let mut seed = 0;
        while kept.len() < count {
            seed += 1;
            for object in corpus::pods(seed, 500.min(count - kept.len())) {
                kept.push(packer.pack(&object.json, object.sibling.filter(|_| siblings)));
            }
        }
        let grown = resident_kb() - before;
        println!(
            "resident, {count} pods, siblings {siblings}: {grown} KB, {:.3} KB per pod",
            grown as f64 / count as f64
        );
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

fn micros(started: Instant, count: usize) -> f64 {
    started.elapsed().as_secs_f64() * 1e6 / count as f64
}
