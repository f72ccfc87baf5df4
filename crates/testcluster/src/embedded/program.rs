//! The server's program: an example of the crate `tidegate-apiserver`, built once per process.
//!
//! Not a dependency: a crate's tests may use this fixture without building the server, and the server's own tests too.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use crate::Error;

/// Builds the program beside the tests that run, which takes a minute or two the first time.
pub(crate) fn build() -> Result<PathBuf, Error> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(program) = built.as_ref() {
        return Ok(program.clone());
    }
    let failed = |reason: String| Error::Build { reason };
    // target/PROFILE/deps/TEST
    let test = env::current_exe().map_err(|error| failed(error.to_string()))?;
    let profile = test.parent().and_then(Path::parent);
    let Some((profile, target)) = profile.and_then(|it| Some((it, it.parent()?))) else {
        return Err(failed(format!(
            "{} is not in a target folder",
            test.display()
        )));
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args([
            "build",
            "--quiet",
            "--package",
            "tidegate-apiserver",
            "--example",
            "process",
        ])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    if profile.ends_with("release") {
        command.arg("--release");
    }
    let output = command
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let program = profile.join("examples/process");
    *built = Some(program.clone());
    Ok(program)
}
