//! The directory with the two newest files. A new one takes its place whole, or not at all.

use super::file::{Damage, Saved, decode};
use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

/// The newest, and the one before it.
const NAMES: [&str; 2] = ["objects", "objects.before"];

/// A directory for state.
#[derive(Debug)]
pub(crate) struct Generations {
    dir: PathBuf,
    /// Whether the newest file is whole, so that it may take the place of the older one.
    newest_is_whole: bool,
}

/// Why state can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The directory can't be made. Someone must give another one, or rights to it.
    #[error("cannot make {}: {source}", dir.display())]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Generations {
    /// Makes the directory if it isn't there.
    pub(crate) fn open(dir: &Path) -> Result<Self, StateError> {
        make_private(dir).map_err(|source| StateError::Directory {
            dir: dir.to_owned(),
            source,
        })?;
        Ok(Self {
            dir: dir.to_owned(),
            newest_is_whole: false,
        })
    }

    /// The objects of the newest file that is whole. Nothing where there is none.
    pub(crate) fn load(&mut self) -> Option<Vec<Saved>> {
        for (age, name) in NAMES.into_iter().enumerate() {
            let path = self.dir.join(name);
            let file = match fs::read(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "state can't be read");
                    continue;
                }
            };
            match decode(&file) {
                Ok(objects) => {
                    self.newest_is_whole = age == 0;
                    return Some(objects);
                }
                Err(error) => warn_damage(&path, &error),
            }
        }
        None
    }

    /// Puts a file in the newest one's place.
    pub(crate) fn store(&mut self, file: &[u8]) -> io::Result<()> {
        let beside = self
            .dir
            .join(format!("{}.{}.new", NAMES[0], std::process::id()));
        let written = create_private(&beside).and_then(|mut created| {
            created.write_all(file)?;
            created.sync_all()
        });
        let placed = written.and_then(|()| {
            let (newest, before) = (self.dir.join(NAMES[0]), self.dir.join(NAMES[1]));
            if self.newest_is_whole {
                fs::rename(&newest, &before)?;
            }
            fs::rename(&beside, &newest)
        });
        if placed.is_err() {
            // The first error is the one to tell.
            let _ = fs::remove_file(&beside);
            return placed;
        }
        self.newest_is_whole = true;
        sync_dir(&self.dir)
    }
}

fn warn_damage(path: &Path, error: &Damage) {
    tracing::warn!(path = %path.display(), %error, "state is damaged; an older generation is looked for");
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// A file that only its owner may read. One that an earlier run left half-written goes.
fn create_private(path: &Path) -> io::Result<fs::File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(unix)]
fn sync_dir(dir: &Path) -> io::Result<()> {
    fs::File::open(dir)?.sync_all()
}

#[cfg(not(unix))]
fn sync_dir(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    //! What is loaded after what was stored and damaged.

    use super::{Generations, NAMES};
    use crate::state::file::Encoder;
    use std::{fs, path::PathBuf};

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("tidegate-state-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn file(name: &str) -> Vec<u8> {
        let mut encoder = Encoder::new().expect("an encoder");
        encoder
            .push("Namespace", None, name, b"{}")
            .expect("pushed");
        encoder.finish().expect("a file")
    }

    /// Steps: `store NAME`, `damage 0|1`, `open` (a new process), `load NAME|-`.
    #[track_caller]
    fn check(name: &str, steps: &str) {
        let folder = Folder::new(name);
        let mut state = Generations::open(&folder.0).expect("opens");
        for step in steps.split(';').map(str::trim) {
            let (verb, word) = step.split_once(' ').unwrap_or((step, ""));
            match verb {
                "store" => state.store(&file(word)).expect("stored"),
                "open" => state = Generations::open(&folder.0).expect("opens"),
                "damage" => {
                    let at: usize = word.parse().expect("an age");
                    fs::write(folder.0.join(NAMES[at]), b"tideobj1 nonsense").expect("written");
                }
                _ => {
                    let found = state.load();
                    let found = found.as_ref().map_or("-", |all| all[0].name.as_str());
                    assert_eq!(found, word, "{step} in {steps}");
                }
            }
        }
    }

    #[test]
    fn the_newest_whole_one_is_loaded() {
        check("none", "load -");
        check("one", "store a; open; load a");
        check("two", "store a; store b; open; load b");
        check("damaged", "store a; store b; damage 0; open; load a");
        check("both", "store a; store b; damage 0; damage 1; open; load -");
        // A damaged newest file never takes the older one's place.
        check(
            "kept",
            "store a; store b; damage 0; open; load a; store c; damage 0; open; load a",
        );
        check("three", "store a; store b; store c; damage 0; open; load b");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("mode");
        let mut state = Generations::open(&folder.0).expect("opens");
        state.store(&file("a")).expect("stored");
        let mode = |path: PathBuf| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(folder.0.join(NAMES[0])), 0o600);
        assert_eq!(mode(folder.0.clone()), 0o700);
    }
}
