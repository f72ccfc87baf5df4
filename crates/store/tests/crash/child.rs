//! What gets killed: some writers that share keys, and a watcher. Each says on its output what it was told, in lines
//! that are written whole: `open REVISION`, `ack REVISION KEY DIGEST`, `see REVISION KEY DIGEST`.

use crate::common::{COLLECTIONS, Random, compose, digest, options};
use std::{
    io::{self, Write as _},
    path::Path,
};
use tidegate_store::{Body, CompactError, Expected, Store, Write, WriteError};

const WRITERS: u64 = 6;

pub(crate) fn run(dir: &Path, seed: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime");
    let store = Store::open(dir, options()).expect("a store");
    let opened = store.revision();
    say(&format!("open {opened}\n"));
    runtime.block_on(async {
        for collection in COLLECTIONS {
            tokio::spawn(watch(store.clone(), collection, opened));
        }
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                tokio::spawn(write(
                    store.clone(),
                    Random::new(seed * WRITERS + number),
                    opened,
                ))
            })
            .collect();
        for writer in writers {
            writer.await.expect("no panic");
        }
    });
}

fn say(line: &str) {
    // The parent may be gone; then nobody cares.
    let _ = io::stdout().lock().write_all(line.as_bytes());
}

async fn watch(store: Store, collection: &str, after: u64) {
    let mut feed = store.watch(collection, after).expect("a feed");
    loop {
        for event in feed.next().await.expect("events") {
            say(&format!(
                "see {} {} {:x}\n",
                event.revision,
                event.key,
                digest(&event.value)
            ));
        }
    }
}

async fn write(store: Store, mut random: Random, opened: u64) {
    loop {
        let collection = COLLECTIONS[usize::try_from(random.below(3)).expect("small")];
        let key = format!("{collection}/{}", random.below(8));
        let current = if random.below(2) == 0 {
            store.head(&key)
        } else {
            store.snapshot().get(&key).cloned()
        };
        let current = current.map(|entry| entry.revision);
        let blind = random.below(6) == 0;
        let expected = match current {
            _ if blind => Expected::Any,
            Some(revision) => Expected::Revision(revision),
            None => Expected::Absent,
        };
        let longest = if random.below(40) == 0 { 60_000 } else { 2000 };
        let filler = "abcdefgh".repeat(usize::try_from(random.below(longest) / 8).expect("small"));
        let (bytes, at) = compose((!blind).then(|| current.unwrap_or(0)), &filler);
        let body = Body {
            bytes: bytes.into_bytes(),
            revision_at: Some(at),
        };
        let key = &key[..];
        let write = if current.is_some() && random.below(5) == 0 {
            Write::Delete {
                key,
                expected,
                body,
            }
        } else {
            Write::Put {
                key,
                expected,
                body,
            }
        };
        match store.write(write).await {
            Ok(done) => say(&format!(
                "ack {} {key} {:x}\n",
                done.revision,
                digest(&done.entry.value)
            )),
            Err(WriteError::Conflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        if random.below(100) == 0 {
            match store.compact(opened).await {
                Ok(()) | Err(CompactError::History(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}
