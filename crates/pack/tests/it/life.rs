//! How a packer behaves over the life of a resource: drift, new dictionaries, readers meanwhile,
//! and what is left when objects go.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use tidegate_pack::{Mode, PackOptions, Packed, Packer};

use crate::corpus::{self, Object};

fn packer() -> Packer {
    Packer::new(Mode::Compressed, PackOptions::default())
}

fn pack_all(packer: &mut Packer, objects: &[Object]) -> Vec<Packed> {
    objects
        .iter()
        .map(|object| packer.pack(&object.json, object.sibling))
        .collect()
}

fn mean(packed: &[Packed]) -> usize {
    packed.iter().map(Packed::stored_len).sum::<usize>() / packed.len().max(1)
}

#[test]
fn a_value_is_small() {
    assert!(size_of::<Packed>() <= 24);
}

#[test]
fn siblings_cost_a_fraction_of_loners() {
    let objects = corpus::pods(1, 4000);
    let with = mean(&pack_all(&mut packer(), &objects));
    let mut alone = packer();
    let loners: Vec<_> = objects
        .iter()
        .map(|object| alone.pack(&object.json, None))
        .collect();
    assert!(with * 3 < mean(&loners), "{with} against {}", mean(&loners));
}

#[test]
fn a_drifted_sibling_becomes_the_base_and_two_shapes_may_alternate() {
    let objects = corpus::pods(1, 2000);
    let mut packer = packer();
    pack_all(&mut packer, &objects);
    // Two templates under one sibling hash.
    let (a, b): (Vec<_>, Vec<_>) = (
        objects
            .iter()
            .filter(|o| o.sibling == objects[0].sibling)
            .collect(),
        objects
            .iter()
            .filter(|o| o.sibling == objects[1999].sibling)
            .collect(),
    );
    assert!(
        a.len() > 2 && b.len() > 2,
        "the seed gives both owners several pods"
    );
    let mut alternating = Vec::new();
    for (a, b) in a.iter().zip(&b) {
        for object in [a, b] {
            let packed = packer.pack(&object.json, Some(42));
            assert!(packed.unpack().expect("readable") == object.json);
            alternating.push(packed);
        }
    }
    assert!(mean(&alternating[4..]) < 350, "{}", mean(&alternating[4..]));
}

#[test]
fn a_new_dictionary_makes_old_values_stale_and_repacking_them_shrinks_them() {
    let objects = corpus::deployments(1, 1000);
    let mut packer = packer();
    let mut packed = pack_all(&mut packer, &objects);
    assert!(packer.stats().dictionaries_trained > 0);
    assert!(packer.is_stale(&packed[0]));
    let before = mean(&packed[..50]);
    for value in &mut packed {
        if packer.is_stale(value) {
            *value = packer.repack(value, None).expect("readable");
        }
    }
    assert!(mean(&packed[..50]) * 4 < before * 3);
    assert!(packed.iter().all(|value| !packer.is_stale(value)));
    assert!(
        packed
            .iter()
            .zip(&objects)
            .all(|(p, o)| p.unpack().expect("readable") == o.json)
    );
}

#[test]
fn objects_of_a_new_shape_get_a_dictionary() {
    let mut packer = packer();
    let mut live = pack_all(&mut packer, &corpus::deployments(1, 3000));
    let trained = packer.stats().dictionaries_trained;
    let before = mean(&live[2000..]);
    for seed in 0..4 {
        let objects = corpus::endpoint_slices(seed, 3000);
        live = objects
            .iter()
            .map(|object| packer.pack(&object.json, None))
            .collect();
    }
    assert!(
        packer.stats().dictionaries_trained > trained,
        "{before} {}",
        mean(&live)
    );
}

#[test]
fn readers_go_on_while_the_writer_trains() {
    let objects = corpus::pods(5, 2000);
    let shared: Vec<Mutex<Option<Packed>>> = objects.iter().map(|_| Mutex::default()).collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (objects, shared, done) = (&objects, &shared, &done);
            scope.spawn(move || {
                let mut random = corpus::Random::new(thread);
                while !done.load(Ordering::Relaxed) {
                    let at = random.below(objects.len());
                    let packed = shared[at].lock().expect("no panic").clone();
                    if let Some(packed) = packed {
                        assert!(packed.unpack().expect("readable") == objects[at].json);
                    }
                }
            });
        }
        let mut packer = packer();
        for _ in 0..3 {
            for (object, slot) in objects.iter().zip(&shared) {
                let packed = packer.pack(&object.json, object.sibling);
                *slot.lock().expect("no panic") = Some(packed);
            }
        }
        assert!(packer.stats().dictionaries_trained > 0);
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn tidy_forgets_groups_without_objects() {
    let mut packer = packer();
    let packed = pack_all(&mut packer, &corpus::pods(1, 500));
    let groups = packer.stats().groups;
    packer.tidy();
    assert_eq!(packer.stats().groups, groups);
    drop(packed);
    packer.tidy();
    assert!(
        packer.stats().groups * 10 < groups,
        "samples may keep a few"
    );
}

#[test]
fn stats_add_up() {
    let objects = corpus::pods(1, 300);
    let mut packer = packer();
    let packed = pack_all(&mut packer, &objects);
    let stats = packer.stats();
    assert_eq!(stats.objects, 300);
    assert_eq!(
        stats.raw_bytes,
        objects.iter().map(|o| o.json.len() as u64).sum::<u64>()
    );
    assert_eq!(
        stats.stored_bytes,
        packed.iter().map(|p| p.stored_len() as u64).sum::<u64>()
    );
    assert!(stats.recent_ratio > 0.0 && stats.recent_ratio < 0.5);
}
