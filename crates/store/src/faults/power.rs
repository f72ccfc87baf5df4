//! A loss of power: what was written since the last sync is on the disk in part, or not.

use super::{Bench, Dir, FaultyDisk, contents, put};
use crate::{entry::EventKind, options::Options, store::Store, write::Expected};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Makes images of a directory as a loss of power leaves it: at each sync, from a random part of what is written.
#[derive(Debug)]
pub(super) struct Power {
    dir: PathBuf,
    random: u64,
    /// What was acknowledged, as the driver says.
    acknowledged: u64,
    images: Vec<Image>,
}

#[derive(Debug)]
struct Image {
    acknowledged: u64,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Power {
    fn chance(&mut self, of: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % of
    }

    pub(super) fn lose(&mut self, disk: &FaultyDisk) {
        let parts = self.chance(4);
        let mut end = fs::read(&disk.path).expect("a file");
        for (at, bytes) in &disk.pending {
            let mut at = usize::try_from(*at).expect("small");
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (sector, after) = rest.split_at(rest.len().min(512 - at % 512));
                // All, none, or a half of it.
                if parts == 0 || parts > 1 && self.chance(2) == 0 {
                    end.resize(end.len().max(at + sector.len()), 0);
                    end[at..at + sector.len()].copy_from_slice(sector);
                }
                at += sector.len();
                rest = after;
            }
        }
        let mut files = Vec::new();
        for item in fs::read_dir(&self.dir).expect("a directory") {
            let path = item.expect("an item").path();
            let bytes = if path == disk.path {
                end.clone()
            } else {
                fs::read(&path).unwrap_or_default()
            };
            files.push((path, bytes));
        }
        self.images.push(Image {
            acknowledged: self.acknowledged,
            files,
        });
    }
}

#[tokio::test]
async fn power_that_is_lost_loses_nothing_acknowledged() {
    let seeds = std::env::var("TIDEGATE_STORE_SEEDS").ok();
    let seeds: u64 = seeds.map_or(20, |seeds| seeds.parse().expect("a number"));
    for seed in 1..=seeds {
        let bench = Bench::new(6000);
        bench.faults().power = Some(Power {
            dir: bench.dir.0.clone(),
            random: 0x9E37_79B9_7F4A_7C15 ^ seed,
            acknowledged: 0,
            images: Vec::new(),
        });
        let store = bench.open();
        for round in 0..25 {
            let writes = {
                let mut faults = bench.faults();
                let power = faults.power.as_mut().expect("it can be lost");
                power.acknowledged = store.revision();
                (0..1 + power.chance(4))
                    .map(|_| {
                        (
                            power.chance(9),
                            usize::try_from(power.chance(1500)).expect("small"),
                        )
                    })
                    .collect::<Vec<_>>()
            };
            let writes = writes.into_iter().map(|(key, length)| {
                let store = store.clone();
                tokio::spawn(async move {
                    let (key, value) = (format!("pods/{key}"), vec![b'a' + round; length]);
                    put(&store, &key, Expected::Any, &value).await
                })
            });
            for written in writes.collect::<Vec<_>>() {
                written.await.expect("no panic").expect("written");
            }
        }
        let images = bench.faults().power.take().expect("it was there").images;
        assert!(images.len() > 25);
        for image in images {
            check_image(&store, &image, &bench.options, seed).await;
        }
    }
}

/// Opens what a loss of power has left. The store that did not lose it knows what must be there.
async fn check_image(whole: &Store, image: &Image, options: &Options, seed: u64) {
    let dir = Dir::new();
    for (path, bytes) in &image.files {
        let name = Path::new(path.file_name().expect("a name"));
        fs::write(dir.0.join(name), bytes).expect("a copy");
    }
    let options = Options {
        fsync: false,
        ..options.clone()
    };
    let opened = Store::open(&dir.0, options.clone());
    let store = opened.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let revision = store.revision();
    assert!(
        (image.acknowledged..=image.acknowledged + 4).contains(&revision),
        "seed {seed}: {revision} of {}",
        image.acknowledged
    );
    let expected = contents(&whole.snapshot_at(revision).expect("known"));
    assert_eq!(contents(&store.snapshot()), expected, "seed {seed}");
    let next = put(&store, "nodes/next", Expected::Absent, b"next").await;
    assert_eq!(next.expect("written"), revision + 1);
    store.close().await.expect("closed");
    let store = Store::open(&dir.0, options).expect("opens again");
    let mut feed = store.watch("nodes", 0).expect("a feed");
    let events = feed.next().await.expect("events");
    assert_eq!((events.len(), events[0].kind), (1, EventKind::Created));
    assert_eq!(contents(&store.snapshot()).len(), expected.len() + 1);
}
