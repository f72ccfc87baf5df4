//! DELETE: at once, or after a grace period, or when the last finalizer is gone.

use super::{Write, decode, store_failed};
use crate::{
    admission::Operation,
    call::{Answer, Call},
    clock,
    cluster::Cluster,
    negotiate,
    object::{self, Meta},
    read::present,
    request::options::{DeleteOptions, WriteOptions},
    special,
    status::{ApiError, GroupResource},
};
use serde_json::{Value, json};
use tidegate_store::{self as store, Expected, WriteError};

/// The finalizer by which dependents go first.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer by which dependents stay.
pub(crate) const ORPHAN: &str = "orphan";

/// Answers a delete.
pub(crate) async fn delete(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    let options = options(call)?;
    let write_options = WriteOptions {
        dry_run: options.dry_run,
        ..WriteOptions::default()
    };
    let write = Write {
        cluster,
        call,
        options: &write_options,
    };
    if call.resource.collection == "jobs.batch"
        && options.propagation_policy.is_none()
        && options.orphan_dependents.is_none()
    {
        call.warnings.add(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them \
             or set propagationPolicy=Orphan to suppress this warning",
        );
    }
    let Deleted { object, gone } = write.delete(&call.info.name, &options).await?;
    let code = if !gone && options.orphan_dependents == Some(false) {
        202
    } else {
        200
    };
    if gone && !returns_object(call) {
        return Answer::document(code, &success(call, &object), call.output);
    }
    present::object(cluster, call, code, object)
}

/// The options of a delete, from the body or else from the query.
pub(super) fn options(call: &Call) -> Result<DeleteOptions, ApiError> {
    if call.body.is_empty() {
        return DeleteOptions::from_query(&call.query);
    }
    let parsed = match negotiate::input_format(&call.headers)? {
        negotiate::Format::Json => tidegate_schema::parse_json(&call.body),
        negotiate::Format::Yaml => tidegate_schema::parse_yaml(&call.body),
    };
    let parsed = parsed.map_err(|error| {
        ApiError::bad_request(format!(
            "couldn't get version/kind; json parse error: {error}"
        ))
    })?;
    let mut found = decode::type_meta(&parsed.value).map_err(ApiError::bad_request)?;
    if !matches!(found.kind.as_str(), "" | "DeleteOptions") {
        if found.api_version.is_empty() {
            "meta.k8s.io/v1".clone_into(&mut found.api_version);
        }
        let why = if found.kind == "Status" && found.api_version == "meta.k8s.io/v1" {
            "converting (v1.Status) to (v1.DeleteOptions): unknown conversion".to_owned()
        } else {
            found.not_registered()
        };
        return Err(ApiError::bad_request(why));
    }
    DeleteOptions::from_body(parsed.value)
}

/// Pods, services, namespaces and a few others are given back; of the others the client only learns that they are gone.
fn returns_object(call: &Call) -> bool {
    let resource = &call.resource;
    matches!(
        (resource.group.as_str(), resource.plural.as_str()),
        (
            "",
            "pods"
                | "services"
                | "serviceaccounts"
                | "persistentvolumes"
                | "persistentvolumeclaims"
                | "resourcequotas"
                | "namespaces"
        ) | ("storage.k8s.io", "storageclasses")
    )
}

fn success(call: &Call, object: &Value) -> Value {
    let resource = &call.resource;
    let mut details =
        json!({ "name": object.name(), "kind": resource.plural, "uid": object.uid() });
    if !resource.group.is_empty() {
        details["group"] = resource.group.as_str().into();
    }
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}

/// What a delete did.
pub(crate) struct Deleted {
    /// The object, as it is now or was last.
    pub(crate) object: Value,
    /// Whether it is gone.
    pub(crate) gone: bool,
}

impl Write<'_> {
    /// Deletes an object of the call's resource and namespace, if admission has nothing against it.
    pub(crate) async fn delete(
        &self,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, ApiError> {
        let admit = |old: &Value| {
            let request = self.admission(Operation::Delete, name, None, Some(old));
            self.cluster.validate_admission(&request)
        };
        self.delete_if(name, options, &admit).await
    }

    /// Deletes an object if it is as it must be, whoever may have changed it meanwhile.
    pub(crate) async fn delete_if(
        &self,
        name: &str,
        options: &DeleteOptions,
        admit: &(dyn Fn(&Value) -> Result<(), ApiError> + Sync),
    ) -> Result<Deleted, ApiError> {
        let resource = self.resource();
        let key = resource.key(&self.call.info.namespace, name);
        loop {
            let entry = self.cluster.store.head(&key);
            let entry =
                entry.ok_or_else(|| ApiError::not_found(resource.group_resource(), name))?;
            let old = resource.tree(&entry.value)?;
            self.check_preconditions(&old, options)?;
            admit(&old)?;
            let step = self.step(&old, options);
            if self.options.dry_run {
                return Ok(match step {
                    Step::End(object) | Step::MarkAndEnd(object) => Deleted { object, gone: true },
                    Step::Wait => Deleted {
                        object: old,
                        gone: false,
                    },
                    Step::Mark(object) => Deleted {
                        object,
                        gone: false,
                    },
                });
            }
            let (object, marked, gone) = match step {
                Step::Wait => {
                    return Ok(Deleted {
                        object: old,
                        gone: false,
                    });
                }
                Step::Mark(object) if object == old => {
                    return Ok(Deleted {
                        object,
                        gone: false,
                    });
                }
                Step::Mark(object) => (object, true, false),
                Step::MarkAndEnd(object) => (object, true, true),
                Step::End(object) => (object, false, true),
            };
            let deleted = self.end_in_store(&key, entry.revision, object, marked, gone);
            if let Some(object) = deleted.await? {
                return Ok(Deleted { object, gone });
            }
        }
    }

    /// Marks an object, or deletes it, or both. Nothing where somebody was faster.
    async fn end_in_store(
        &self,
        key: &str,
        revision: u64,
        mut object: Value,
        marked: bool,
        gone: bool,
    ) -> Result<Option<Value>, ApiError> {
        let resource = self.resource();
        resource.strategy.to_storage(&mut object);
        let mut expected = Expected::Revision(revision);
        let mut stored = None;
        for delete in [false, true] {
            if !(if delete { gone } else { marked }) {
                continue;
            }
            let body = object::to_body(&object);
            let write = match delete {
                true => store::Write::Delete {
                    key,
                    expected,
                    body,
                },
                false => store::Write::Put {
                    key,
                    expected,
                    body,
                },
            };
            let committed = match self.cluster.commit(write).await {
                Ok(committed) => committed,
                Err(WriteError::Conflict { .. }) => return Ok(None),
                Err(error) => return Err(store_failed(error)),
            };
            expected = Expected::Revision(committed.entry.revision);
            stored = Some(resource.tree(&committed.entry.value)?);
        }
        Ok(stored)
    }

    pub(crate) fn check_preconditions(
        &self,
        object: &Value,
        options: &DeleteOptions,
    ) -> Result<(), ApiError> {
        let resource = self.resource();
        let uid = options.uid.as_deref().filter(|uid| *uid != object.uid());
        let version = options.resource_version.as_deref();
        let version = version.filter(|version| *version != object.resource_version());
        let (what, wanted, found, otherwise) = match (uid, version) {
            (Some(uid), _) => ("UID", uid, object.uid(), "deleted and then recreated"),
            (None, Some(version)) => (
                "ResourceVersion",
                version,
                object.resource_version(),
                "modified",
            ),
            (None, None) => return Ok(()),
        };
        if special::marks_itself(resource) {
            let word = match resource.plural.as_str() {
                "namespaces" => "Precondition",
                _ => "precondition",
            };
            let why = format!(
                "{word} failed: {what} in precondition: {wanted}, {what} in object meta: {found}"
            );
            let resource = resource.group_resource();
            return Err(ApiError::conflict(resource, object.name(), &why));
        }
        let why = format!(
            "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). The object might \
             have been {otherwise}"
        );
        // By the kind, as it is stored.
        let kind = GroupResource {
            group: match resource.plural.as_str() {
                "events" => "",
                _ => &resource.group,
            },
            resource: &resource.kind,
        };
        Err(ApiError::conflict(kind, object.name(), &why))
    }

    fn step(&self, old: &Value, options: &DeleteOptions) -> Step {
        let resource = self.resource();
        let now = self.cluster.clock.seconds();
        let mut object = old.clone();
        if special::marks_itself(resource) && !old.is_being_deleted() {
            object.set_finalizers(self.finalizers(old, options));
            special::mark(resource, &mut object, now);
            return Step::Mark(object);
        }
        let graceful = match graceful(resource, &mut object, options, now) {
            Grace::Pending => return Step::Wait,
            Grace::Started => Some(false),
            Grace::Over => Some(true),
            Grace::None => None,
        };
        object.set_finalizers(self.finalizers(&object, options));
        match graceful {
            Some(true) if object.finalizers().is_empty() => return Step::MarkAndEnd(object),
            Some(_) => return Step::Mark(object),
            None => {}
        }
        if !special::may_end(resource, &object) {
            return Step::Wait;
        }
        if object.finalizers().is_empty() {
            return Step::End(object);
        }
        mark(&mut object, now);
        Step::Mark(object)
    }

    /// The finalizers with which an object is deleted.
    fn finalizers(&self, object: &Value, options: &DeleteOptions) -> Vec<String> {
        let before = object.finalizers();
        let (group, plural) = (&self.resource().group, &self.resource().plural);
        if plural == "events" {
            return before;
        }
        // As it was before there was a garbage collector.
        let stay = matches!(
            (group.as_str(), plural.as_str()),
            ("", "replicationcontrollers") | ("batch", "jobs")
        );
        let has = |name: &str| before.iter().any(|finalizer| finalizer == name);
        let policy = options.propagation_policy.as_deref();
        let (orphan, foreground) = match (options.orphan_dependents, policy) {
            (Some(orphan), _) => (orphan, false),
            (None, Some("Orphan")) => (true, false),
            (None, Some("Foreground")) => (false, true),
            (None, Some(_)) => (false, false),
            (None, None) if has(ORPHAN) || has(FOREGROUND) => return before,
            (None, None) => (stay, false),
        };
        let mut after: Vec<String> = before
            .into_iter()
            .filter(|name| name != ORPHAN && name != FOREGROUND)
            .collect();
        if orphan {
            after.push(ORPHAN.to_owned());
        }
        if foreground {
            after.push(FOREGROUND.to_owned());
        }
        after
    }
}

/// What a delete does to an object.
enum Step {
    /// It is being deleted already, and this request changes nothing.
    Wait,
    /// It stays for now, marked.
    Mark(Value),
    /// It goes; this is its last state.
    End(Value),
    /// It goes, and watchers see it marked before.
    MarkAndEnd(Value),
}

enum Grace {
    None,
    Started,
    /// There is none left.
    Over,
    Pending,
}

/// Starts, or shortens, the time that an object has to end in peace.
fn graceful(
    resource: &crate::resource::Resource,
    object: &mut Value,
    options: &DeleteOptions,
    now: i64,
) -> Grace {
    const PERIOD: &str = "deletionGracePeriodSeconds";
    let wanted = options
        .grace_period_seconds
        .map(|period| if period < 0 { 1 } else { period });
    let running = object
        .metadata()
        .and_then(|metadata| metadata.get(PERIOD))
        .and_then(Value::as_i64);
    if object.is_being_deleted() {
        let Some(running) = running.filter(|period| *period > 0) else {
            return Grace::None;
        };
        let Some(wanted) = wanted.filter(|wanted| *wanted < running) else {
            return Grace::Pending;
        };
        let end =
            clock::parse(object.meta_text("deletionTimestamp")).unwrap_or(now) - running + wanted;
        let (end, period) = if end < now {
            (now, wanted.min(1))
        } else {
            (end, wanted)
        };
        object.set_meta("deletionTimestamp", clock::text(end));
        object.set_meta(PERIOD, period);
        return if period == 0 {
            Grace::Over
        } else {
            Grace::Started
        };
    }
    match resource.strategy.grace_period(object, wanted) {
        None => Grace::None,
        Some(period) => {
            object.set_meta("deletionTimestamp", clock::text(now + period));
            object.set_meta(PERIOD, period);
            if object.generation() > 0 {
                object.set_meta("generation", object.generation() + 1);
            }
            if period == 0 {
                Grace::Over
            } else {
                Grace::Started
            }
        }
    }
}

/// Marks an object as one that goes when its finalizers are gone.
fn mark(object: &mut Value, now: i64) {
    if !object.is_being_deleted() && object.generation() > 0 {
        object.set_meta("generation", object.generation() + 1);
    }
    let later = clock::parse(object.meta_text("deletionTimestamp")).is_none_or(|time| time > now);
    if later {
        object.set_meta("deletionTimestamp", clock::text(now));
    }
    object.set_meta("deletionGracePeriodSeconds", 0);
}
