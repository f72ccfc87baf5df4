//! Texts that occur often are held once.

use std::sync::Arc;

use foldhash::HashSet;

/// Shared texts. Those that nobody else holds are dropped when the set has doubled.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    texts: HashSet<Arc<str>>,
    sweep_at: usize,
}

impl Interner {
    pub(crate) fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(held) = self.texts.get(text) {
            return held.clone();
        }
        if self.texts.len() >= self.sweep_at.max(1024) {
            self.texts.retain(|held| Arc::strong_count(held) > 1);
            self.sweep_at = self.texts.len() * 2;
        }
        let held: Arc<str> = text.into();
        self.texts.insert(held.clone());
        held
    }

    pub(crate) fn key(&mut self, namespace: &str, name: &str) -> crate::key::ObjectKey {
        crate::key::ObjectKey {
            namespace: self.get(namespace),
            name: self.get(name),
        }
    }
}
