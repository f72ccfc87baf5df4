//! Files changed at random. Opening refuses and says what is wrong, or yields a former state and goes on; it never
//! panics, and never yields a state that there was not.

use crate::{
    image::Image,
    support::{Random, seeds},
};
use std::fs;
use tidegate_store::OpenError;

#[tokio::test]
async fn random_changes_yield_a_former_state_or_a_refusal() {
    let images = [
        Image::small().await,
        Image::files().await,
        Image::snapshot().await,
    ];
    let (mut opened, mut refused) = (0, 0);
    for seed in seeds(200) {
        let mut random = Random::new(seed);
        let image = &images[random.below(images.len())];
        let dir = image.dir.copy();
        for _ in 0..=random.below(2) {
            change_one_file(dir.path(), &mut random);
        }
        let outcome = image.outcome(&dir).await;
        match outcome {
            Ok(_) => opened += 1,
            Err(
                OpenError::Damaged { .. } | OpenError::Missing { .. } | OpenError::Version { .. },
            ) => refused += 1,
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    assert!(
        opened > 0 && refused > opened,
        "{opened} opened, {refused} refused"
    );
}

fn change_one_file(dir: &std::path::Path, random: &mut Random) {
    let mut paths: Vec<_> = fs::read_dir(dir)
        .expect("a directory")
        .map(|item| item.expect("an item").path())
        .filter(|path| !path.ends_with("lock"))
        .collect();
    paths.sort();
    let Some(path) = paths.get(random.below(paths.len().max(1))) else {
        return;
    };
    match random.below(12) {
        0 => fs::remove_file(path).expect("removed"),
        1 => {
            let other = &paths[random.below(paths.len())];
            let bytes = fs::read(other).expect("a file");
            fs::write(path, bytes).expect("written");
        }
        _ => {
            let mut bytes = fs::read(path).expect("a file");
            change(&mut bytes, random);
            fs::write(path, bytes).expect("written");
        }
    }
}

fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let length = 1 + random.below(100);
    let end = bytes.len().min(at + length);
    match random.below(7) {
        // Cut off.
        0 => bytes.truncate(at),
        // Something random behind.
        1 => bytes.extend((0..length).map(|_| random.below(256).to_le_bytes()[0])),
        // A part is random, or zero, or gone, or there twice.
        2 => bytes[at..end].fill_with(|| random.below(256).to_le_bytes()[0]),
        3 => bytes[at..end].fill(0),
        4 => drop(bytes.drain(at..end)),
        5 => {
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        // A bit.
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
}
