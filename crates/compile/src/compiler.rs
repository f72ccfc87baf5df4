//! The compiler: takes changes of objects, and gives a snapshot and statuses.

use std::collections::BTreeSet;

use crate::{
    change::{Change, ChangeError},
    key::{Kind, ObjectKey},
    options::Options,
    output::Output,
};

/// Objects of Gateway API in, routing snapshot and statuses out. Pure: no IO, no clock.
#[derive(Debug)]
pub struct Compiler {
    options: Options,
}

impl Compiler {
    /// A compiler that knows no object yet.
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    /// Takes one change. What follows from it is worked out by the next [`Compiler::build`].
    ///
    /// # Errors
    /// The object's metadata can't be read. Everything else that is wrong with objects ends up in their statuses.
    pub fn apply(&mut self, change: Change<'_>) -> Result<(), ChangeError> {
        let _ = (&self.options, change);
        Ok(())
    }

    /// Works out what follows from all changes since the build before. `now_s` is seconds since 1970: statuses bear it.
    pub fn build(&mut self, now_s: i64) -> Output {
        let _ = now_s;
        Output::default()
    }

    /// Asks the next build to give this object's status again if it still differs, as after a write that failed.
    pub fn recheck(&mut self, kind: Kind, key: &ObjectKey) {
        let _ = (kind, key);
    }

    /// All objects of a kind that others refer to: of Secrets and ConfigMaps, only these need be watched.
    pub fn references(&self, kind: Kind) -> BTreeSet<ObjectKey> {
        let _ = kind;
        BTreeSet::new()
    }
}
