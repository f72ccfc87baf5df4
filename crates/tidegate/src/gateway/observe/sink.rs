//! A file that is appended to, and that others may move away or delete: then the next lines make it anew.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The file that is at `path` now.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    file: fs::File,
}

impl File {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: append(path)?,
        })
    }
}

fn append(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().append(true).create(true).open(path)
}

impl Write for File {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        // Lines come in batches, a few times a second: a look at the directory costs nothing.
        if !same(&self.path, &self.file) {
            self.file = append(&self.path)?;
        }
        self.file.write(lines)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(unix)]
fn same(path: &Path, file: &fs::File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(there), Ok(open)) = (fs::metadata(path), file.metadata()) else {
        return false;
    };
    (there.dev(), there.ino()) == (open.dev(), open.ino())
}

#[cfg(not(unix))]
fn same(path: &Path, _: &fs::File) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::File;
    use std::{fs, io::Write as _};

    #[test]
    fn a_file_that_goes_is_made_anew() {
        let dir = std::env::temp_dir().join(format!("tidegate-sink-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a directory");
        let (path, moved) = (dir.join("log"), dir.join("log.1"));
        fs::write(&path, "before\n").expect("written");
        let mut file = File::open(&path).expect("opened");
        file.write_all(b"one\n").expect("written");
        fs::rename(&path, &moved).expect("moved");
        file.write_all(b"two\n").expect("written");
        let read = |path| fs::read_to_string(path).expect("read");
        assert_eq!(
            (read(&moved), read(&path)),
            ("before\none\n".into(), "two\n".into())
        );
        fs::remove_file(&path).expect("deleted");
        file.write_all(b"three\n").expect("written");
        assert_eq!(read(&path), "three\n");
        fs::remove_dir_all(&dir).expect("cleaned up");
    }
}
