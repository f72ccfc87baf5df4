//! A store's files as a kill leaves them, to be damaged, and what was acknowledged.

use crate::support::{Dir, put, run, show};
use std::{collections::BTreeMap, fs};
use tidegate_store::{Expected, FileLimits, HistoryLimits, OpenError, Options, Store};

pub(crate) fn options(segment_bytes: u64, snapshot_bytes: u64) -> Options {
    Options {
        fsync: false,
        files: FileLimits {
            segment_bytes,
            snapshot_bytes,
        },
        ..Options::default()
    }
}

/// A store's files as a kill leaves them, and what was acknowledged: the state at each revision.
pub(crate) struct Image {
    pub(crate) dir: Dir,
    pub(crate) options: Options,
    states: BTreeMap<u64, String>,
}

impl Image {
    pub(crate) async fn new(options: Options, lines: &[&str]) -> Self {
        let origin = Dir::new();
        let store = Store::open(origin.path(), options.clone()).expect("a store");
        let mut states = BTreeMap::from([(0, show(&store.snapshot()))]);
        for line in lines {
            run(&store, line).await;
            states.insert(store.revision(), show(&store.snapshot()));
        }
        Self {
            dir: origin.copy(),
            options,
            states,
        }
    }

    pub(crate) async fn small() -> Self {
        Self::new(options(1 << 14, 1 << 20), LINES).await
    }

    pub(crate) async fn files() -> Self {
        Self::new(options(400, 1 << 20), LINES).await
    }

    /// With a snapshot, and little history.
    pub(crate) async fn snapshot() -> Self {
        let mut image = Self::new(options(200, 1 << 20), LINES).await;
        image.options = options(200, 100);
        image.options.history = HistoryLimits {
            max_events: 3,
            ..HistoryLimits::default()
        };
        // The snapshot is made beside the writing: go on until there is one.
        for _ in 0..200 {
            if image.names("snapshot-").len() == 1 && image.names("log-")[0] != log_name(1) {
                return image;
            }
            let store = image.open(&image.dir).expect("a store");
            put(&store, "pods/more", Expected::Any, "more")
                .await
                .expect("written");
            image
                .states
                .insert(store.revision(), show(&store.snapshot()));
            store.close().await.expect("closed");
        }
        panic!("no snapshot was made: {:?}", image.names(""));
    }

    pub(crate) fn names(&self, prefix: &str) -> Vec<String> {
        let names = self.dir.files().into_iter().map(|(name, _)| name);
        names.filter(|name| name.starts_with(prefix)).collect()
    }

    pub(crate) fn open(&self, dir: &Dir) -> Result<Store, OpenError> {
        Store::open(dir.path(), self.options.clone())
    }

    pub(crate) fn last(&self) -> u64 {
        *self.states.keys().last().expect("a state")
    }

    /// A copy in which one file was changed; `None` removes it.
    pub(crate) fn with(&self, name: &str, bytes: Option<&[u8]>) -> Dir {
        let copy = self.dir.copy();
        let path = copy.path().join(name);
        match bytes {
            Some(bytes) => fs::write(path, bytes).expect("written"),
            None => fs::remove_file(path).expect("removed"),
        }
        copy
    }

    /// Opens, and says what state that yields. One that opens must be a former state, all of it, and go on.
    pub(crate) async fn outcome(&self, dir: &Dir) -> Result<u64, OpenError> {
        let store = self.open(dir)?;
        let revision = store.revision();
        assert_eq!(
            Some(&show(&store.snapshot())),
            self.states.get(&revision),
            "not a former state"
        );
        let next = put(&store, "pods/next", Expected::Any, "next")
            .await
            .expect("written");
        assert_eq!(next, revision + 1);
        let state = show(&store.snapshot());
        store.close().await.expect("closed");
        let store = self.open(dir).expect("opens again");
        assert_eq!(show(&store.snapshot()), state);
        assert_eq!(
            run(&store, &format!("at {revision}")).await,
            self.states[&revision]
        );
        Ok(revision)
    }
}

pub(crate) const LINES: &[&str] = &[
    "put pods/a 1",
    "put pods/b 22",
    "put nodes/n v#",
    "put pods/a 333",
    "delete pods/b gone",
    "put pods/c 4",
    "compact 2",
    "put pods/c 55",
    "delete pods/a 6#",
];

pub(crate) fn log_name(first: u64) -> String {
    format!("log-{first:020}")
}
