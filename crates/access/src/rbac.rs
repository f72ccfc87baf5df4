//! Role-based access control: which rules the roles and bindings give to whom.
//!
//! [`Rbac`] follows the four kinds object by object; deciding reads only what concerns the user, and allocates nothing
//! where the request is allowed. Members of `system:masters` may do everything.

mod aggregation;
mod binding;
mod bootstrap;
mod covers;
mod decision;
mod escalation;
mod index;
mod rule;
#[cfg(test)]
mod tests;

pub use self::{
    aggregation::{aggregate, is_aggregated},
    bootstrap::bootstrap,
    decision::{Decision, Reason},
    escalation::{BindingRefusal, Escalation, only_ownership_changed},
    rule::Rule,
};

use self::{
    binding::{Binding, RoleKind, RoleRef},
    index::{Bindings, Namespace, Roles, set_role},
};
use crate::{
    attributes::Attributes,
    text::{Quoted, aggregate as joined},
    user::{MASTERS, User},
};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The API group of roles and bindings.
pub(crate) const GROUP: &str = "rbac.authorization.k8s.io";

/// All roles and bindings of a cluster.
#[derive(Debug, Default)]
pub struct Rbac {
    cluster_roles: Roles,
    cluster: Bindings,
    namespaces: HashMap<String, Namespace>,
}

/// All rules that a user has in a namespace, with those of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRules {
    /// The rules, binding by binding.
    pub rules: Vec<Rule>,
    /// What kept the authorizer from finding all of them. Often empty.
    pub error: String,
}

impl Rbac {
    /// Follows one object: `None` when it was deleted. Kinds other than the four are ignored.
    pub fn set(&mut self, kind: &str, object: Option<&Value>, namespace: &str, name: &str) {
        let read = || object.map(|object| Binding::from_value(object, namespace, name));
        match kind {
            "ClusterRole" => set_role(&mut self.cluster_roles, name, object),
            "ClusterRoleBinding" => self.cluster.set(name, read()),
            "Role" => {
                let own = self.namespaces.entry(namespace.to_owned()).or_default();
                set_role(&mut own.roles, name, object);
                self.drop_if_empty(namespace);
            }
            "RoleBinding" => {
                let own = self.namespaces.entry(namespace.to_owned()).or_default();
                own.bindings.set(name, read());
                self.drop_if_empty(namespace);
            }
            _ => {}
        }
    }

    /// Whether the user may do this. Asked for every request.
    #[must_use]
    pub fn authorize(&self, user: &User, attributes: &Attributes<'_>) -> Decision {
        if user.is_in(MASTERS) {
            return Decision::privileged();
        }
        let mut errors = Vec::new();
        for bindings in self.scopes(attributes.namespace) {
            for binding in bindings.of(user) {
                match self.rules_of(&binding.role, &binding.namespace) {
                    Ok(rules) if rules.iter().any(|rule| rule.allows(attributes)) => {
                        let subject = binding.subject_of(user).unwrap_or_default();
                        return Decision::granted(binding, subject);
                    }
                    Ok(_) => {}
                    Err(error) => errors.push(error.to_string()),
                }
            }
        }
        Decision::refused(joined(&errors))
    }

    /// All rules that the user has in the namespace (empty: only those of the cluster).
    #[must_use]
    pub fn rules_for(&self, user: &User, namespace: &str) -> UserRules {
        let mut rules = Vec::new();
        let mut errors = Vec::new();
        for bindings in self.scopes(namespace) {
            for binding in bindings.each_of(user) {
                match self.rules_of(&binding.role, &binding.namespace) {
                    Ok(found) => rules.extend_from_slice(found),
                    Err(error) => errors.push(error.to_string()),
                }
            }
        }
        let error = joined(&errors);
        UserRules { rules, error }
    }

    /// The cluster's bindings, then those of the namespace.
    fn scopes(&self, namespace: &str) -> impl Iterator<Item = &Bindings> {
        let own = match namespace {
            "" => None,
            namespace => self.namespaces.get(namespace),
        };
        std::iter::once(&self.cluster).chain(own.map(|own| &own.bindings))
    }

    fn rules_of<'a>(
        &'a self,
        role: &'a RoleRef,
        namespace: &str,
    ) -> Result<&'a [Rule], MissingRole<'a>> {
        let found = match &role.kind {
            RoleKind::ClusterRole => self.cluster_roles.get(&role.name),
            RoleKind::Role => self
                .namespaces
                .get(namespace)
                .and_then(|own| own.roles.get(&role.name)),
            RoleKind::Other(_) => None,
        };
        found.map(AsRef::as_ref).ok_or(MissingRole(role))
    }

    fn drop_if_empty(&mut self, namespace: &str) {
        if self
            .namespaces
            .get(namespace)
            .is_some_and(Namespace::is_empty)
        {
            self.namespaces.remove(namespace);
        }
    }
}

impl UserRules {
    /// The status of a SelfSubjectRulesReview.
    #[must_use]
    pub fn to_status(&self) -> Value {
        let mut resource_rules = Vec::new();
        let mut non_resource_rules = Vec::new();
        for rule in &self.rules {
            if !rule.resources.is_empty() {
                let of_resources = Rule {
                    non_resource_urls: Vec::new(),
                    ..rule.clone()
                };
                resource_rules.push(of_resources.to_value());
            }
            if !rule.non_resource_urls.is_empty() {
                let of_paths = Rule {
                    verbs: rule.verbs.clone(),
                    non_resource_urls: rule.non_resource_urls.clone(),
                    ..Rule::default()
                };
                non_resource_rules.push(of_paths.to_value());
            }
        }
        let mut status = Map::new();
        status.insert("resourceRules".to_owned(), resource_rules.into());
        status.insert("nonResourceRules".to_owned(), non_resource_rules.into());
        status.insert("incomplete".to_owned(), false.into());
        if !self.error.is_empty() {
            status.insert("evaluationError".to_owned(), self.error.clone().into());
        }
        Value::Object(status)
    }
}

/// A binding names a role that is not there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MissingRole<'a>(&'a RoleRef);

impl std::fmt::Display for MissingRole<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = Quoted(&self.0.name);
        match &self.0.kind {
            RoleKind::Role => write!(f, "role.{GROUP} {name} not found"),
            RoleKind::ClusterRole => write!(f, "clusterrole.{GROUP} {name} not found"),
            RoleKind::Other(kind) => write!(f, "unsupported role reference kind: {}", Quoted(kind)),
        }
    }
}
