//! The update loop: read, change, write if it is still as it was read, and again if it isn't.

use super::{Write, store_failed};
use crate::{
    admission::Operation,
    object::{self, Meta},
    special,
    status::ApiError,
};
use serde_json::Value;
use tidegate_schema::{FieldError, Path};
use tidegate_store::{self as store, Entry, Expected, WriteError};

/// How often a write that others overtake is tried again.
const TRIES: usize = 1000;

/// What becomes of an update.
#[derive(Debug)]
pub(crate) enum Outcome {
    Created(Value),
    Updated(Value),
    /// The last finalizer of an object that was to be deleted is gone.
    Deleted(Value),
}

impl Write<'_> {
    /// Updates, or creates where that is allowed. `make` gives the wanted object for the one that is there.
    pub(crate) async fn guaranteed(
        &self,
        allow_create: bool,
        make: &(dyn Fn(Option<&Value>) -> Result<Value, ApiError> + Sync),
    ) -> Result<Outcome, ApiError> {
        let resource = self.resource();
        let key = self.call.key();
        for _ in 0..TRIES {
            let entry = self.cluster.store.head(&key);
            let existing = entry
                .as_ref()
                .map(|entry| resource.tree(&entry.value))
                .transpose()?;
            if existing.is_none() && !allow_create {
                return Err(ApiError::not_found(
                    resource.group_resource(),
                    &self.call.info.name,
                ));
            }
            let object = make(existing.as_ref())?;
            let outcome = match (entry, existing) {
                (Some(entry), Some(old)) => self.replace(&key, &entry, &old, object).await?,
                _ => self.put_new(&key, object).await?,
            };
            if let Some(outcome) = outcome {
                return Ok(outcome);
            }
        }
        Err(self.overtaken())
    }

    fn overtaken(&self) -> ApiError {
        ApiError::conflict(
            self.resource().group_resource(),
            &self.call.info.name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// Creates by update. Nothing where somebody was faster.
    async fn put_new(&self, key: &str, mut object: Value) -> Result<Option<Outcome>, ApiError> {
        self.fill(&mut object);
        self.before_create(&mut object)?;
        self.authorize_create()?;
        let request = self.admission(Operation::Create, object.name(), Some(&object), None);
        self.cluster.validate_admission(&request)?;
        let stored = self.store(key, Expected::Absent, object).await?;
        Ok(stored.map(Outcome::Created))
    }

    /// One who may update may not yet create.
    fn authorize_create(&self) -> Result<(), ApiError> {
        self.cluster.authorize_as(self.call, "create")
    }

    async fn replace(
        &self,
        key: &str,
        entry: &Entry,
        old: &Value,
        mut new: Value,
    ) -> Result<Option<Outcome>, ApiError> {
        self.check_version(&mut new, old)?;
        self.before_update(&mut new, old)?;
        tidegate_merge::keep_times(&mut new, old);
        let request = self.admission(Operation::Update, new.name(), Some(&new), Some(old));
        self.cluster.validate_admission(&request)?;
        if deleted_by_update(&new, old) && special::may_end(self.resource(), &new) {
            return self.end(key, entry, old, new).await;
        }
        if new == *old {
            return Ok(Some(Outcome::Updated(new)));
        }
        let stored = self
            .store(key, Expected::Revision(entry.revision), new)
            .await?;
        Ok(stored.map(Outcome::Updated))
    }

    /// The versions must be the same, or there must be none where none is needed.
    fn check_version(&self, new: &mut Value, old: &Value) -> Result<(), ApiError> {
        let wanted = new.resource_version();
        let name = &self.call.info.name;
        if wanted.is_empty() || wanted == "0" {
            if !self.resource().strategy.allow_unconditional_update() {
                let root = Path::ROOT;
                let metadata = root.child("metadata");
                let error = FieldError::invalid(
                    &metadata.child("resourceVersion"),
                    &0.into(),
                    "must be specified for an update",
                );
                let resource = self.resource();
                return Err(ApiError::invalid(
                    &resource.group,
                    &resource.plural,
                    name,
                    &[error],
                ));
            }
            let version = old.resource_version().to_owned();
            new.set_meta("resourceVersion", version);
            return Ok(());
        }
        if wanted.parse::<u64>().is_err() {
            return Err(ApiError::other(
                500,
                "",
                format!("strconv.ParseUint: parsing {wanted:?}: invalid syntax"),
            ));
        }
        if wanted != old.resource_version() {
            return Err(self.overtaken());
        }
        Ok(())
    }

    /// Deletes an object whose last finalizer this update has removed.
    async fn end(
        &self,
        key: &str,
        entry: &Entry,
        old: &Value,
        object: Value,
    ) -> Result<Option<Outcome>, ApiError> {
        if self.options.dry_run {
            return Ok(Some(Outcome::Deleted(object)));
        }
        // Watchers see it as it was stored last.
        let mut last = old.clone();
        self.resource().strategy.to_storage(&mut last);
        let write = store::Write::Delete {
            key,
            expected: Expected::Revision(entry.revision),
            body: object::to_body(&last),
        };
        match self.cluster.commit(write).await {
            Ok(_) => Ok(Some(Outcome::Deleted(object))),
            Err(WriteError::Conflict { .. }) => Ok(None),
            Err(error) => Err(store_failed(error)),
        }
    }

    /// Stores an object. Gives it as it is now; nothing where the store's state is not the expected one.
    pub(crate) async fn store(
        &self,
        key: &str,
        expected: Expected,
        object: Value,
    ) -> Result<Option<Value>, ApiError> {
        let mut stored = object;
        tidegate_schema::settle_numbers(&mut stored);
        self.resource().strategy.to_storage(&mut stored);
        if self.options.dry_run {
            // What would be read again, but for the version that it has not got.
            let version = stored.resource_version().to_owned();
            let mut read = self.resource().tree(&object::to_bytes(&stored).into())?;
            read.set_meta_text("resourceVersion", &version);
            return Ok(Some(read));
        }
        let write = store::Write::Put {
            key,
            expected,
            body: object::to_body(&stored),
        };
        match self.cluster.commit(write).await {
            Ok(committed) => self.resource().tree(&committed.entry.value).map(Some),
            Err(WriteError::Conflict { .. }) => Ok(None),
            Err(error) => Err(store_failed(error)),
        }
    }
}

/// Whether nothing keeps a deleted object any more.
fn deleted_by_update(new: &Value, old: &Value) -> bool {
    let period = old
        .metadata()
        .and_then(|metadata| metadata.get("deletionGracePeriodSeconds"));
    new.finalizers().is_empty()
        && old.is_being_deleted()
        && period
            .and_then(Value::as_i64)
            .is_none_or(|period| period == 0)
}
