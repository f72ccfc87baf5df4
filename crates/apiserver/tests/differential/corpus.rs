//! The corpus: every text file under `corpus/`, and the generated sequences.

use std::{
    collections::BTreeSet,
    env, fs, io,
    path::{Path, PathBuf},
};

use crate::{
    generate,
    script::{self, Sequence},
};

/// Another folder of this shape, whose sequences are run instead: those of an experiment, say.
const FOLDER: &str = "TIDEGATE_DIFFERENTIAL_FOLDER";

/// The folder with everything that this test keeps.
pub(crate) fn folder() -> PathBuf {
    match env::var_os(FOLDER) {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential"),
    }
}

/// All sequences, by file. `shared.txt` has texts that every file may use.
pub(crate) fn load() -> Vec<Sequence> {
    let root = folder().join("corpus");
    let shared = fs::read_to_string(root.join("shared.txt")).expect("shared texts");
    let shared = script::snippets(&shared);
    let mut files = Vec::new();
    collect(&root, &mut files).expect("the corpus can be listed");
    files.sort();
    let mut sequences = Vec::new();
    for path in files {
        let file = path
            .strip_prefix(&root)
            .expect("invariant: found under it")
            .with_extension("");
        let file = file.to_string_lossy().replace('\\', "/");
        if file == "shared" {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a corpus file is text");
        sequences.extend(
            script::parse(&file, &text, &shared).unwrap_or_else(|reason| panic!("{reason}")),
        );
    }
    let generated = match env::var_os(FOLDER) {
        Some(_) => Vec::new(),
        None => generate::files(),
    };
    for (file, text) in generated {
        sequences.extend(
            script::parse(&file, &text, &shared).unwrap_or_else(|reason| panic!("{reason}")),
        );
    }
    let namespaces: BTreeSet<String> = sequences.iter().map(Sequence::namespace).collect();
    assert_eq!(
        namespaces.len(),
        sequences.len(),
        "two sequences have the same namespace: rename one"
    );
    sequences
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|it| it == "txt") {
            files.push(path);
        }
    }
    Ok(())
}
