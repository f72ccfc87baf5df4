//! What the real server answered, kept in the repository: one compressed file for each file of the corpus.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use crate::{corpus::folder, script::Sequence};

/// Records take little room, so compressing well is worth the time.
const LEVEL: i32 = 19;
/// No record of one file comes near this.
const SIZE_MAX: usize = 64 << 20;

/// Answers by the sequence's id.
#[derive(Debug, Default)]
pub(crate) struct Golden {
    by_id: BTreeMap<String, Recorded>,
}

#[derive(Debug)]
struct Recorded {
    fingerprint: String,
    steps: Vec<Value>,
}

impl Golden {
    /// Reads what there is for these sequences.
    pub(crate) fn load(sequences: &[Sequence]) -> Self {
        let mut golden = Self::default();
        let mut files: Vec<&str> = sequences.iter().map(|it| it.file.as_str()).collect();
        files.dedup();
        for file in files {
            let Ok(packed) = fs::read(path(file)) else {
                continue;
            };
            let text =
                zstd::bulk::decompress(&packed, SIZE_MAX).expect("a record is compressed by zstd");
            let Ok(Value::Object(entries)) = serde_json::from_slice(&text) else {
                panic!("the record of {file} is not a JSON object");
            };
            for (name, entry) in entries {
                let recorded = Recorded {
                    fingerprint: entry["fingerprint"].as_str().unwrap_or_default().to_owned(),
                    steps: entry["steps"].as_array().cloned().unwrap_or_default(),
                };
                golden.by_id.insert(format!("{file}: {name}"), recorded);
            }
        }
        golden
    }

    /// The answers recorded for a sequence as it stands now.
    pub(crate) fn steps(&self, sequence: &Sequence) -> Result<&[Value], String> {
        let id = sequence.id();
        match self.by_id.get(&id) {
            None => Err(format!("{id}: not recorded yet")),
            Some(recorded) if recorded.fingerprint != sequence.fingerprint() => {
                Err(format!("{id}: changed since it was recorded"))
            }
            Some(recorded) => Ok(&recorded.steps),
        }
    }

    pub(crate) fn set(&mut self, sequence: &Sequence, steps: Vec<Value>) {
        let fingerprint = sequence.fingerprint();
        self.by_id
            .insert(sequence.id(), Recorded { fingerprint, steps });
    }

    /// Writes the records of all sequences, and drops those of sequences that are gone.
    pub(crate) fn save(&self, sequences: &[Sequence]) {
        let mut files: BTreeMap<&str, serde_json::Map<String, Value>> = BTreeMap::new();
        for sequence in sequences {
            if let Some(recorded) = self.by_id.get(&sequence.id()) {
                let entry = json!({"fingerprint": recorded.fingerprint, "steps": recorded.steps});
                files
                    .entry(&sequence.file)
                    .or_default()
                    .insert(sequence.name.clone(), entry);
            }
        }
        for (file, entries) in files {
            let text = serde_json::to_vec(&entries).expect("invariant: JSON");
            let packed = zstd::bulk::compress(&text, LEVEL).expect("invariant: memory to memory");
            fs::write(path(file), packed).expect("the golden folder can be written");
        }
    }
}

fn path(file: &str) -> std::path::PathBuf {
    folder()
        .join("golden")
        .join(format!("{}.json.zst", file.replace('/', "-")))
}
