//! From a backup to a directory.

use crate::{
    error::{OpenError, RestoreError},
    log::{
        self,
        dump::{self, DumpError},
        files::{self, failed},
    },
    state::LARGEST_REVISION,
};
use std::{
    fs,
    io::{BufReader, Read},
    path::Path,
};

/// A restored store goes on so many revisions after its backup: more than its former self can have made since.
const SKIPPED_REVISIONS: u64 = 1_000_000_000;

pub(crate) fn restore(dir: &Path, backup: impl Read) -> Result<(), RestoreError> {
    let _lock = files::lock(dir)?;
    for item in fs::read_dir(dir).map_err(failed("list", dir))? {
        let item = item.map_err(failed("list", dir))?;
        if item.file_name() != "lock" {
            return Err(RestoreError::NotEmpty {
                dir: dir.to_owned(),
            });
        }
    }
    let (_, mut state) = dump::read(&mut BufReader::new(backup)).map_err(|error| match error {
        DumpError::Damaged { offset, reason } => RestoreError::Damaged {
            offset,
            reason: reason.to_owned(),
        },
        DumpError::Version(found) => RestoreError::Version {
            found,
            expected: dump::VERSION,
        },
        DumpError::Io(source) => RestoreError::Read(source),
    })?;
    state.revision += SKIPPED_REVISIONS;
    if state.revision > LARGEST_REVISION {
        return Err(RestoreError::Damaged {
            offset: 0,
            reason: "its revision is too large".to_owned(),
        });
    }
    let store = log::new_store();
    let path = files::snapshot_path(dir, state.revision);
    let written = files::create(&path, true, |out| dump::write(out, &state, store, || true));
    written.map_err(|source| OpenError::Io {
        action: "write",
        path,
        source,
    })?;
    // Last: a directory without it is refused, so half a restore is never taken for a store.
    log::create_first(dir, store, state.revision + 1, true)?;
    Ok(())
}
