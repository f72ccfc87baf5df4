//! Disks that fail, for tests, and what happens with them.

mod power;
mod tests;

use self::power::Power;
use crate::{
    error::WriteError,
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
    path::PathBuf,
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
        // Not on a disk where that can be: thousands of files come and go, and power is lost in the test only.
        let shared_memory = PathBuf::from("/dev/shm");
        let place = if shared_memory.is_dir() {
            shared_memory
        } else {
            std::env::temp_dir()
        };
        let path = place.join(name);
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
    /// No file gets longer: the error that says so.
    full: Option<i32>,
    /// Nothing is written any more.
    broken: bool,
    /// What would be left, if it were lost now.
    power: Option<Power>,
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
        if let Some(error) = faults.full
            && end > self.length
        {
            return Err(io::Error::from_raw_os_error(error));
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
