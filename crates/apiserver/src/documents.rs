//! Documents that are made of all resources, kept until the resources change.

use std::sync::{Arc, Mutex, PoisonError};
use std::{collections::HashMap, fmt};

/// Made documents, by name.
#[derive(Default)]
pub(crate) struct Documents(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    generation: u64,
    /// Only what is small is kept whole; of large documents only the hash.
    hashes: HashMap<String, Arc<str>>,
}

impl Documents {
    /// The hash of a document, made by `make` unless it is known for this generation of the resources.
    pub(crate) fn hash(
        &self,
        generation: u64,
        name: &str,
        make: impl FnOnce() -> String,
    ) -> Arc<str> {
        {
            let mut kept = self.kept();
            if kept.generation != generation {
                kept.generation = generation;
                kept.hashes.clear();
            }
            if let Some(hash) = kept.hashes.get(name) {
                return hash.clone();
            }
        }
        let hash: Arc<str> = make().into();
        let mut kept = self.kept();
        if kept.generation == generation {
            kept.hashes.insert(name.to_owned(), hash.clone());
        }
        hash
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Documents")
            .field("hashes", &self.kept().hashes.len())
            .finish()
    }
}
