//! Tells the linker to put the functions that run together: see `bench/layout/run.py`, which wrote the list.
//!
//! Only where code is optimised, and only for GNU's linker and LLVM's, which Rust uses on Linux. Others may not know the
//! words: `TIDEGATE_LAYOUT=no` leaves them out.

use std::{env, path::PathBuf};

const LIST: &str = "layout.ld";

fn main() {
    println!("cargo::rerun-if-changed={LIST}");
    println!("cargo::rerun-if-env-changed=TIDEGATE_LAYOUT");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let wanted = is("PROFILE", "release") && !is("TIDEGATE_LAYOUT", "no");
    let known = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    let folder = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    if let (true, true, Some(folder)) = (wanted, known, folder) {
        let list = folder.join(LIST);
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", list.display());
    }
}
