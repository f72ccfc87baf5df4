//! Admission policies: `ValidatingAdmissionPolicy` and its bindings.
//!
//! Which policies there are is kept compiled, and follows the objects. What a policy decides is `tidegate-rules`'
//! business; here is what the server brings to it: parameters, namespaces, the authorizer, and the words of a refusal.

mod authorize;
mod params;

use super::{Operation, Request};
use crate::{
    cluster::Cluster,
    object::{self, Meta},
    resource::Resource,
    status::{ApiError, Cause},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};
use tidegate_rules::{
    Admission, GroupVersionKind, GroupVersionResource, Matched, Matches, Outcome, Policy, Target,
    User, Violation,
};

/// The policies that are in force.
#[derive(Debug, Default)]
pub(crate) struct Policies(RwLock<Inner>);

#[derive(Debug, Default)]
struct Inner {
    policies: BTreeMap<String, Arc<Known>>,
    bindings: BTreeMap<String, Arc<Binding>>,
}

/// A policy.
#[derive(Debug)]
struct Known {
    name: String,
    policy: Policy,
    /// Version and kind of its parameters.
    param_kind: Option<(String, String)>,
}

/// A binding of a policy to requests and parameters.
#[derive(Debug)]
struct Binding {
    name: String,
    policy: String,
    matches: Matches,
    actions: Vec<String>,
    param_ref: Value,
}

/// Why a request is denied.
struct Denial {
    message: String,
    reason: String,
    code: u16,
}

impl Policies {
    /// A policy or binding has come, changed or gone.
    pub(crate) fn set(&self, key: &str, bytes: Option<&[u8]>) {
        let name = key.split_once('/').map_or("", |(_, name)| name).to_owned();
        let object = bytes.and_then(|bytes| object::from_bytes(bytes).ok());
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if key.starts_with("validatingadmissionpolicybindings.") {
            match object {
                Some(object) => drop(
                    inner
                        .bindings
                        .insert(name.clone(), Arc::new(Binding::read(name, &object))),
                ),
                None => drop(inner.bindings.remove(&name)),
            }
        } else {
            match object {
                Some(object) => drop(
                    inner
                        .policies
                        .insert(name.clone(), Arc::new(Known::read(name, &object))),
                ),
                None => drop(inner.policies.remove(&name)),
            }
        }
    }

    /// Refuses what a policy refuses.
    pub(crate) fn validate(
        &self,
        cluster: &Cluster,
        request: &Request<'_>,
    ) -> Result<(), ApiError> {
        let resource = &request.call.resource;
        let exempt = [
            "admissionregistration.k8s.io",
            "authorization.k8s.io",
            "authentication.k8s.io",
        ];
        if exempt.contains(&resource.group.as_str()) {
            return Ok(());
        }
        let pairs: Vec<(Arc<Known>, Vec<Arc<Binding>>)> = {
            let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if inner.policies.is_empty() {
                return Ok(());
            }
            let bound = |name: &str| {
                inner
                    .bindings
                    .values()
                    .filter(|binding| binding.policy == name)
                    .cloned()
                    .collect()
            };
            inner
                .policies
                .values()
                .map(|known| (known.clone(), bound(&known.name)))
                .collect()
        };
        let asked = Asked::new(cluster, request);
        let mut denials = Vec::new();
        for (known, bindings) in &pairs {
            asked.ask(known, bindings, &mut denials);
        }
        match denials.into_iter().next() {
            Some(denial) => Err(asked.refusal(denial)),
            None => Ok(()),
        }
    }
}

impl Known {
    fn read(name: String, object: &Value) -> Self {
        let spec = &object["spec"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let kind = &spec["paramKind"];
        Self {
            name,
            policy: Policy::compile(spec),
            param_kind: kind
                .is_object()
                .then(|| (text(&kind["apiVersion"]), text(&kind["kind"]))),
        }
    }
}

impl Binding {
    fn read(name: String, object: &Value) -> Self {
        let spec = &object["spec"];
        let actions = spec["validationActions"].as_array().into_iter().flatten();
        Self {
            name,
            policy: spec["policyName"].as_str().unwrap_or_default().to_owned(),
            matches: Matches::read(&spec["matchResources"]),
            actions: actions
                .filter_map(|action| action.as_str().map(str::to_owned))
                .collect(),
            param_ref: spec["paramRef"].clone(),
        }
    }
}

/// A request, in the words of policies.
struct Asked<'a> {
    cluster: &'a Cluster,
    request: &'a Request<'a>,
    resource: GroupVersionResource,
    kind: GroupVersionKind,
    equivalents: Vec<(GroupVersionResource, GroupVersionKind)>,
    user: User,
    namespace: Option<Value>,
    labels: Option<BTreeMap<String, String>>,
    options: Value,
}

fn resource_of(resource: &Resource) -> GroupVersionResource {
    GroupVersionResource {
        group: resource.group.clone(),
        version: resource.version.clone(),
        resource: resource.plural.clone(),
    }
}

fn kind_of(resource: &Resource) -> GroupVersionKind {
    GroupVersionKind {
        group: resource.group.clone(),
        version: resource.version.clone(),
        kind: resource.kind.clone(),
    }
}

impl<'a> Asked<'a> {
    fn new(cluster: &'a Cluster, request: &'a Request<'a>) -> Self {
        let resource = &*request.call.resource;
        let resources = cluster.registry.now();
        let others = resources
            .all()
            .filter(|other| other.collection == resource.collection);
        let namespace = cluster
            .store
            .head(&format!("namespaces/{}", request.namespace()));
        let namespace = namespace.and_then(|entry| object::from_bytes(&entry.value).ok());
        let labels = namespace.as_ref().map(|namespace| {
            let labels = namespace
                .pointer("/metadata/labels")
                .and_then(Value::as_object)
                .into_iter()
                .flatten();
            labels
                .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect()
        });
        let user = &request.call.user;
        Self {
            cluster,
            request,
            resource: resource_of(resource),
            kind: kind_of(resource),
            equivalents: others
                .map(|other| (resource_of(other), kind_of(other)))
                .collect(),
            user: User {
                name: user.name.clone(),
                uid: user.uid.clone(),
                groups: user.groups.clone(),
                extra: user.extra.clone(),
            },
            namespace: namespace.filter(|_| !request.is_namespace()),
            labels,
            options: options(request),
        }
    }

    fn ask(&self, known: &Known, bindings: &[Arc<Binding>], denials: &mut Vec<Denial>) {
        let matched = match known.policy.matches().matched(&self.target()) {
            Ok(Some(matched)) => matched,
            Ok(None) => return,
            Err(error) => {
                let why = format!("failed to configure policy: {error}");
                return self.misconfigured(known, None, &why, denials);
            }
        };
        for binding in bindings {
            match binding.matches.matched(&self.target()) {
                Ok(Some(_)) => {}
                Ok(None) => continue,
                Err(error) => {
                    let why = format!("failed to configure binding: {error}");
                    self.misconfigured(known, Some(binding), &why, denials);
                    continue;
                }
            }
            match self.params(known, binding) {
                Ok(params) => {
                    for param in params {
                        let outcome = known
                            .policy
                            .evaluate(&self.admission(&matched, param.as_ref()));
                        self.judge(known, binding, &outcome, denials);
                    }
                }
                Err(error) => {
                    let why = format!("failed to configure binding: {error}");
                    self.misconfigured(known, Some(binding), &why, denials);
                }
            }
        }
    }

    fn target(&self) -> Target<'_> {
        Target {
            resource: &self.resource,
            kind: &self.kind,
            subresource: &self.request.call.info.subresource,
            operation: self.request.operation.as_str(),
            name: self.request.name,
            namespace: self.request.namespace(),
            object: self.request.object,
            old_object: self.request.old,
            namespace_labels: self.labels.as_ref(),
            equivalents: &self.equivalents,
        }
    }

    fn admission<'b>(&'b self, matched: &'b Matched, params: Option<&'b Value>) -> Admission<'b> {
        Admission {
            object: self.request.object,
            old_object: self.request.old,
            operation: self.request.operation.as_str(),
            kind: &matched.kind,
            resource: &matched.resource,
            request_kind: &self.kind,
            request_resource: &self.resource,
            subresource: &self.request.call.info.subresource,
            name: self.request.name,
            namespace: self.request.namespace(),
            user: &self.user,
            options: Some(&self.options),
            namespace_object: self.namespace.as_ref(),
            params,
            dry_run: self.request.dry_run,
            authorizer: self,
        }
    }

    /// A policy that can't be used denies, unless it lets failures pass.
    fn misconfigured(
        &self,
        known: &Known,
        binding: Option<&Binding>,
        why: &str,
        denials: &mut Vec<Denial>,
    ) {
        if !known.policy.ignores_failures() {
            denials.push(Denial {
                message: words(known, binding, why),
                reason: "Invalid".to_owned(),
                code: 422,
            });
        }
    }

    /// Does with an outcome what the binding says.
    fn judge(
        &self,
        known: &Known,
        binding: &Binding,
        outcome: &Outcome,
        denials: &mut Vec<Denial>,
    ) {
        let denial = |violation: &Violation| Denial {
            message: words(known, Some(binding), &violation.message),
            reason: violation.reason.clone(),
            code: violation.code,
        };
        for violation in &outcome.violations {
            for action in &binding.actions {
                match action.as_str() {
                    "Deny" => denials.push(denial(violation)),
                    "Warn" => self.request.call.warnings.add(format!(
                        "Validation failed for ValidatingAdmissionPolicy '{}' with binding '{}': {}",
                        known.name, binding.name, violation.message
                    )),
                    _ => tracing::info!(
                        policy = known.name,
                        binding = binding.name,
                        message = violation.message,
                        "a policy's validation failed"
                    ),
                }
            }
        }
        denials.extend(outcome.audit_errors.iter().map(denial));
    }

    fn refusal(&self, denial: Denial) -> ApiError {
        let Denial {
            message,
            reason,
            code,
        } = denial;
        let named = self.request.object.map_or("", |object| {
            if object.name().is_empty() {
                object.meta_text("generateName")
            } else {
                object.name()
            }
        });
        let name = [self.request.name, named, "Unknown"]
            .into_iter()
            .find(|name| !name.is_empty());
        let what = self.request.call.resource.group_resource();
        let mut error =
            ApiError::forbidden(what, name.unwrap_or_default(), &message).with_cause(Cause {
                message,
                ..Cause::default()
            });
        error.code = code;
        error.reason = match reason.as_str() {
            "Forbidden" => "Forbidden",
            "Unauthorized" => "Unauthorized",
            "RequestEntityTooLarge" => "RequestEntityTooLarge",
            _ => "Invalid",
        };
        error
    }
}

fn words(known: &Known, binding: Option<&Binding>, why: &str) -> String {
    match binding {
        Some(binding) => format!(
            "ValidatingAdmissionPolicy '{}' with binding '{}' denied request: {why}",
            known.name, binding.name
        ),
        None => format!(
            "ValidatingAdmissionPolicy '{}' denied request: {why}",
            known.name
        ),
    }
}

/// The options of the request, as policies see them.
fn options(request: &Request<'_>) -> Value {
    let kind = match request.operation {
        Operation::Create => "CreateOptions",
        Operation::Update => "UpdateOptions",
        Operation::Delete => "DeleteOptions",
    };
    let query = &request.call.query;
    let mut options = json!({ "kind": kind, "apiVersion": "meta.k8s.io/v1" });
    for key in ["fieldManager", "fieldValidation"] {
        if let Some(value) = query.get(key) {
            options[key] = value.into();
        }
    }
    if request.dry_run {
        options["dryRun"] = json!(["All"]);
    }
    options
}
