//! Tests with disks that fail: full ones, broken ones, and ones that lose power.

use crate::{
    entry::EventKind,
    error::{CompactError, WriteError},
    log::Disk,
    options::{FileLimits, Options},
    snapshot::Snapshot,
    store::Store,
    write::{Expected, Write},
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

/// A directory of one test.
pub(crate) struct Dir(pub(crate) PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidegate-store-faults-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What all disks of a store do.
#[derive(Debug, Default)]
struct Faults {
    /// No file gets longer.
    full: bool,
    /// Nothing is written any more.
    broken: bool,
    /// Images of the directory as a loss of power leaves it: made at each sync from a random part of what was written
    /// since the last one.
    power: Option<Power>,
}

#[derive(Debug)]
struct Power {
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

    fn lose(&mut self, disk: &FaultyDisk) {
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

/// Keeps to itself what was not synced.
#[derive(Debug)]
struct FaultyDisk {
    file: File,
    path: PathBuf,
    length: u64,
    pending: Vec<(u64, Vec<u8>)>,
    faults: Arc<Mutex<Faults>>,
}

impl FaultyDisk {
    fn new(file: File, faults: Arc<Mutex<Faults>>) -> Self {
        use std::os::fd::AsRawFd;
        let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("a name");
        let length = file.metadata().expect("a length").len();
        Self {
            file,
            path,
            length,
            pending: Vec::new(),
            faults,
        }
    }
}

impl Disk for FaultyDisk {
    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        let faults = self.faults.lock().expect("no panic");
        if faults.broken {
            return Err(io::Error::other("it is broken"));
        }
        let end = at + bytes.len() as u64;
        if faults.full && end > self.length {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.length = self.length.max(end);
        self.pending.push((at, bytes.to_vec()));
        Ok(())
    }

    fn shorten(&mut self, length: u64) -> io::Result<()> {
        self.length = length;
        for (at, bytes) in std::mem::take(&mut self.pending) {
            self.file.write_at(&bytes, at)?;
        }
        self.file.shorten(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut faults = self.faults.lock().expect("no panic");
        if faults.broken {
            return Err(io::Error::other("it is broken"));
        }
        if let Some(power) = &mut faults.power {
            power.lose(self);
        }
        drop(faults);
        for (at, bytes) in std::mem::take(&mut self.pending) {
            self.file.write_at(&bytes, at)?;
        }
        Ok(())
    }
}

struct Bench {
    dir: Dir,
    faults: Arc<Mutex<Faults>>,
    options: Options,
}

impl Bench {
    fn new(segment_bytes: u64) -> Self {
        let files = FileLimits {
            segment_bytes,
            ..FileLimits::default()
        };
        Self {
            dir: Dir::new(),
            faults: Arc::default(),
            options: Options {
                files,
                ..Options::default()
            },
        }
    }

    fn open(&self) -> Store {
        let faults = self.faults.clone();
        let wrap = Arc::new(move |file| -> Box<dyn Disk> {
            Box::new(FaultyDisk::new(file, faults.clone()))
        });
        Store::open_with(&self.dir.0, self.options.clone(), wrap).expect("a store")
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().expect("no panic")
    }
}

async fn put(
    store: &Store,
    key: &str,
    expected: Expected,
    value: &[u8],
) -> Result<u64, WriteError> {
    let body = value.to_vec().into();
    let write = Write::Put {
        key,
        expected,
        body,
    };
    store.write(write).await.map(|committed| committed.revision)
}

type Contents = BTreeMap<String, (Vec<u8>, u64)>;

fn contents(snapshot: &Snapshot) -> Contents {
    let entries = snapshot.range("", None);
    entries
        .map(|(key, entry)| (key.to_owned(), (entry.value.to_vec(), entry.revision)))
        .collect()
}

#[tokio::test]
async fn a_full_disk_refuses_and_is_recovered_from() {
    for segment_bytes in [1 << 20, 2000] {
        let bench = Bench::new(segment_bytes);
        let store = bench.open();
        put(&store, "pods/a", Expected::Any, b"1")
            .await
            .expect("written");
        bench.faults().full = true;
        // What fits into the room that is there is written; then each is refused, and nothing of it stays.
        let mut last = 1;
        let refused = loop {
            match put(&store, "pods/a", Expected::Revision(last), &[b'x'; 900]).await {
                Ok(revision) => last = revision,
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, WriteError::NoRoom(_)), "{refused:?}");
        assert_eq!(store.revision(), last);
        assert_eq!(store.head("pods/a").expect("an entry").revision, last);
        let many = (0..20).map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                put(
                    &store,
                    &format!("pods/{number}"),
                    Expected::Absent,
                    &[b'y'; 900],
                )
                .await
            })
        });
        for refused in many.collect::<Vec<_>>() {
            let refused = refused.await.expect("no panic");
            assert!(matches!(refused, Err(WriteError::NoRoom(_))), "{refused:?}");
        }
        let before = contents(&store.snapshot());
        // With room it goes on, and gives no revision twice.
        bench.faults().full = false;
        let stale = put(&store, "pods/a", Expected::Revision(last + 1), b"stale").await;
        assert!(
            matches!(stale, Err(WriteError::Conflict { .. })),
            "{stale:?}"
        );
        let next = put(&store, "pods/b", Expected::Absent, b"2")
            .await
            .expect("written");
        assert!(next > last + 20, "{next} after {last}");
        assert_eq!(
            store.snapshot_at(last).map(|old| contents(&old)),
            Ok(before.clone())
        );
        assert_eq!(
            store.snapshot_at(next - 1).map(|old| contents(&old)),
            Ok(before)
        );
        let mut feed = store.watch("pods", last).expect("a feed");
        let events = feed.next().await.expect("events");
        assert_eq!((events.len(), events[0].revision), (1, next));
        let after = contents(&store.snapshot());
        store.compact(next - 1).await.expect("compacted");
        assert!(store.watch("pods", last).is_err());
        store.close().await.expect("closed");
        let store = bench.open();
        assert_eq!(
            (store.revision(), contents(&store.snapshot())),
            (next, after)
        );
        assert_eq!(store.stats().history_events, 1);
        put(&store, "pods/c", Expected::Absent, b"3")
            .await
            .expect("written");
    }
}

#[tokio::test]
async fn a_broken_disk_ends_writing_and_not_reading() {
    let bench = Bench::new(1 << 20);
    let store = bench.open();
    put(&store, "pods/a", Expected::Any, b"1")
        .await
        .expect("written");
    bench.faults().broken = true;
    for _ in 0..2 {
        let failed = put(&store, "pods/a", Expected::Revision(1), b"2").await;
        assert!(matches!(failed, Err(WriteError::Failed(_))), "{failed:?}");
        // Also when the disk works again: what it has is not known.
        bench.faults().broken = false;
    }
    let failed = store.compact(1).await;
    assert!(
        matches!(failed, Err(CompactError::Write(WriteError::Failed(_)))),
        "{failed:?}"
    );
    assert_eq!(store.revision(), 1);
    assert_eq!(
        &store.snapshot().get("pods/a").expect("an entry").value[..],
        b"1"
    );
    let mut feed = store.watch("pods", 0).expect("a feed");
    assert_eq!(feed.next().await.expect("events").len(), 1);
    store.close().await.expect_err("it had failed");
    let store = bench.open();
    assert!((1..=2).contains(&store.revision()));
    put(&store, "pods/a", Expected::Any, b"3")
        .await
        .expect("written");
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
