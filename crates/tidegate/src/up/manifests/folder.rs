//! The files of a directory, read again as they change.

use super::document::{self, Manifest};
use crate::failure::Failure;
use std::{
    collections::BTreeMap,
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
        let mut found = BTreeMap::new();
        if let Err(error) = find(&self.dir, DEEPEST, &mut found) {
            if std::mem::take(&mut self.readable) {
                self.problems.push(format!(
                    "{}: {error}; nothing is changed",
                    self.dir.display()
                ));
            }
            return false;
        }
        let mut changed = !std::mem::replace(&mut self.readable, true);
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

fn find(dir: &Path, depth: usize, found: &mut BTreeMap<PathBuf, Stamp>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        // Files come and go while they are looked at.
        let Ok(about) = fs::metadata(&path) else {
            continue;
        };
        if hidden {
            continue;
        }
        if about.is_dir() {
            if depth > 0 {
                find(&path, depth - 1, found)?;
            }
        } else if path
            .extension()
            .is_some_and(|end| end == "yaml" || end == "yml" || end == "json")
        {
            let stamp = Stamp {
                modified: about.modified().ok(),
                length: about.len(),
            };
            found.insert(path, stamp);
        }
    }
    Ok(())
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
