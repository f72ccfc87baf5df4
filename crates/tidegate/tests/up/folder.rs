//! A temporary folder, and files in it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A folder that goes with the test.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidegate-up-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The same for a command line.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder around it")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// A port of loopback that nobody uses now.
    pub(crate) fn free_port(&self) -> u16 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("the file was there");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nobody needs it any more; what is left is in the system's folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Who may do what with a file.
pub(crate) fn mode(path: &Path) -> u32 {
    let about = fs::metadata(path).expect("a file");
    about.permissions().mode() & 0o777
}
