//! The files of a directory, read again as they change.

use super::document::{self, Manifest};
use crate::failure::Failure;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Larger files are not read.
const LARGEST_FILE: u64 = 32 << 20;
/// Nor are folders in folders in folders beyond this.
const DEEPEST: usize = 16;

/// A directory and what was read from it.
#[derive(Debug)]
pub(super) struct Folder {
    dir: PathBuf,
    files: BTreeMap<PathBuf, File>,
    problems: Vec<String>,
    /// Whether the directory itself could be read the last time.
    readable: bool,
}

/// A file: when it was read, and its last good form.
#[derive(Debug)]
struct File {
    stamp: Stamp,
    manifests: Vec<Manifest>,
    good: bool,
}

/// By which a change is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

impl Folder {
    /// A directory, which must be there.
    pub(super) fn open(dir: &Path) -> Result<Self, Failure> {
        if !dir.is_dir() {
            return Err(Failure::error(format!("{} is no directory", dir.display())));
        }
        Ok(Self {
            dir: dir.to_owned(),
            files: BTreeMap::new(),
            problems: Vec::new(),
            readable: true,
        })
    }

    /// Reads what has changed. Whether anything has.
    pub(super) fn look(&mut self) -> bool {
        let mut search = Search::default();
        if let Err(error) = search.below(&self.dir, DEEPEST) {
            if std::mem::take(&mut self.readable) {
                self.problems.push(format!(
                    "{}: {error}; nothing is changed",
                    self.dir.display()
                ));
            }
            return false;
        }
        let mut changed = !std::mem::replace(&mut self.readable, true);
        let found = search.files;
        let before = self.files.len();
        self.files.retain(|path, _| found.contains_key(path));
        changed |= self.files.len() != before;
        for (path, stamp) in found {
            if self
                .files
                .get(&path)
                .is_some_and(|file| file.stamp == stamp)
            {
                continue;
            }
            changed |= self.read(path, stamp);
        }
        changed
    }

    /// Reads a file. A bad one keeps its last good form.
    fn read(&mut self, path: PathBuf, stamp: Stamp) -> bool {
        let name = path
            .strip_prefix(&self.dir)
            .unwrap_or(&path)
            .display()
            .to_string();
        let read = if stamp.length > LARGEST_FILE {
            Err(format!("{name}: {} bytes are too many", stamp.length))
        } else {
            fs::read_to_string(&path)
                .map_err(|error| format!("{name}: {error}"))
                .and_then(|text| document::read(&name, &text))
        };
        match read {
            Ok(manifests) => {
                let file = File {
                    stamp,
                    manifests,
                    good: true,
                };
                self.files.insert(path, file);
                true
            }
            Err(problem) => {
                self.problems.push(problem);
                let before = self
                    .files
                    .remove(&path)
                    .map_or_else(Vec::new, |file| file.manifests);
                let file = File {
                    stamp,
                    manifests: before,
                    good: false,
                };
                self.files.insert(path, file);
                false
            }
        }
    }

    /// What people should know since the last time.
    pub(super) fn take_problems(&mut self) -> Vec<String> {
        std::mem::take(&mut self.problems)
    }

    /// All objects of all files.
    pub(super) fn objects(&self) -> impl Iterator<Item = &Manifest> {
        self.files.values().flat_map(|file| &file.manifests)
    }

    /// Whether all files are good: only then is it known what is in none of them.
    pub(super) fn is_whole(&self) -> bool {
        self.readable && self.files.values().all(|file| file.good)
    }
}

/// A walk through a directory.
#[derive(Debug, Default)]
struct Search {
    files: BTreeMap<PathBuf, Stamp>,
    /// Where it has been: links may lead back there.
    seen: BTreeSet<PathBuf>,
}

impl Search {
    fn below(&mut self, dir: &Path, depth: usize) -> io::Result<()> {
        if !self.seen.insert(fs::canonicalize(dir)?) {
            return Ok(());
        }
        let mut paths = Vec::new();
        for entry in fs::read_dir(dir)? {
            paths.push(entry?.path());
        }
        // Of two ways to the same folder always the same one is taken.
        paths.sort_unstable();
        for path in paths {
            self.look_at(path, depth)?;
        }
        Ok(())
    }

    fn look_at(&mut self, path: PathBuf, depth: usize) -> io::Result<()> {
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        // Files come and go while they are looked at.
        let Ok(about) = fs::metadata(&path) else {
            return Ok(());
        };
        if hidden {
            return Ok(());
        }
        let is_manifest = path
            .extension()
            .is_some_and(|end| end == "yaml" || end == "yml" || end == "json");
        if about.is_dir() {
            if depth > 0 {
                self.below(&path, depth - 1)?;
            }
        } else if is_manifest && about.is_file() {
            // A pipe or a device may have no end, or not even a beginning.
            let stamp = Stamp {
                modified: about.modified().ok(),
                length: about.len(),
            };
            self.files.insert(path, stamp);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Folder;
    use std::fs;

    #[test]
    fn a_bad_file_keeps_its_last_good_form() {
        let dir = std::env::temp_dir().join(format!("tidegate-folder-{}", std::process::id()));
        fs::create_dir_all(dir.join("sub")).expect("a directory");
        let file = dir.join("sub/a.yaml");
        fs::write(
            &file,
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n",
        )
        .expect("a file");
        let mut folder = Folder::open(&dir).expect("a folder");
        assert!(folder.look() && folder.is_whole());
        assert!(!folder.look());
        fs::write(&file, "apiVersion: v1\nkind: [\n").expect("a file");
        assert!(!folder.look() && !folder.is_whole());
        assert_eq!(folder.objects().count(), 1);
        let problems = folder.take_problems();
        assert!(
            problems.len() == 1 && problems[0].starts_with("sub/a.yaml:"),
            "{problems:?}"
        );
        fs::remove_file(&file).expect("a file");
        assert!(folder.look() && folder.is_whole());
        assert_eq!(folder.objects().count(), 0);
        fs::remove_dir_all(&dir).expect("a directory");
    }
}
