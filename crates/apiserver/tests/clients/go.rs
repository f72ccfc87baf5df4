//! The programs in Go, built once for all tests. Needs Go and its modules.

use std::path::{Path, PathBuf};
use tokio::{process::Command, sync::OnceCell};

/// Where a program is.
pub(crate) async fn program(name: &str) -> PathBuf {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    let build = async || {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/go");
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("go-clients");
        std::fs::create_dir_all(&folder).expect("a folder");
        let built = Command::new("go")
            .args(["build", "-mod=readonly", "-o"])
            .arg(&folder)
            .arg("./...")
            .current_dir(source)
            .status()
            .await
            .expect("Go is installed");
        assert!(built.success(), "the programs do not build");
        folder
    };
    BUILT.get_or_init(build).await.join(name)
}
