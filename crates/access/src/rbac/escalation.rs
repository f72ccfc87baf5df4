//! Nobody grants more than they have: what is checked before a role or binding is written.

use super::{
    GROUP, Rbac,
    binding::{RoleKind, RoleRef},
    covers::missing,
    rule::Rule,
};
use crate::{
    attributes::Attributes,
    text::{Quoted, QuotedList},
    user::{MASTERS, User},
};
use serde_json::Value;

/// Why a role may not be written as it is: the text of a `Forbidden`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Escalation {
    /// Some rights would be granted that the user does not have.
    #[error(
        "user {user} (groups={groups}) is attempting to grant RBAC permissions not currently held:\n{missing}{unresolved}"
    )]
    NotHeld {
        /// The user's name, in quotes.
        user: String,
        /// The user's groups, in quotes.
        groups: String,
        /// The rules, one a line.
        missing: String,
        /// What kept the server from finding all rights of the user. Often empty.
        unresolved: String,
    },
    /// An aggregated role can gather anything.
    #[error("must have cluster-admin privileges to use the aggregationRule")]
    Aggregation,
    /// The rules multiply to more than the server compares.
    #[error("the rules grant too many single rights to compare them with the user's own")]
    TooMany,
}

/// Why a binding may not be written as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingRefusal {
    /// The role to bind is not there. Answer 404. As in Kubernetes, it names the kind that was written, not that of the
    /// role.
    #[error("{resource}.{GROUP} {name} not found", name = Quoted(name))]
    NoRole {
        /// `rolebindings` or `clusterrolebindings`.
        resource: &'static str,
        /// The role's name.
        name: String,
    },
    /// The reference is to no role. Answer 500; validation refuses it anyway.
    #[error("unsupported role reference kind: {}", Quoted(.0))]
    NoRoleKind(String),
    /// Answer 403.
    #[error(transparent)]
    Escalation(#[from] Escalation),
}

impl Rbac {
    /// Whether the user may write this Role or ClusterRole. `request` is what they asked for, `old` what is there.
    pub fn check_role(
        &self,
        user: &User,
        request: &Attributes<'_>,
        object: &Value,
        old: Option<&Value>,
    ) -> Result<(), Escalation> {
        if user.is_in(MASTERS) || old.is_some_and(|old| only_ownership_changed(object, old)) {
            return Ok(());
        }
        let escalate = Attributes {
            verb: "escalate",
            version: "*",
            subresource: "",
            path: "",
            ..*request
        };
        let of_roles =
            request.group == GROUP && matches!(request.resource, "roles" | "clusterroles");
        if of_roles && request.is_resource && self.authorize(user, &escalate).allowed {
            return Ok(());
        }
        self.check_rules(user, request.namespace, &Rule::of_role(object))?;
        let aggregated = has_aggregation(object) || old.is_some_and(has_aggregation);
        if aggregated && request.resource == "clusterroles" {
            self.check_rules(user, request.namespace, &everything())
                .map_err(|_| Escalation::Aggregation)?;
        }
        Ok(())
    }

    /// Whether the user may write this RoleBinding of the namespace, or ClusterRoleBinding where that is empty.
    pub fn check_binding(
        &self,
        user: &User,
        namespace: &str,
        object: &Value,
        old: Option<&Value>,
    ) -> Result<(), BindingRefusal> {
        if user.is_in(MASTERS) || old.is_some_and(|old| only_ownership_changed(object, old)) {
            return Ok(());
        }
        let role = RoleRef::from_value(&object["roleRef"]);
        let resource = match &role.kind {
            RoleKind::ClusterRole => "clusterroles",
            RoleKind::Role => "roles",
            RoleKind::Other(kind) => return Err(BindingRefusal::NoRoleKind(kind.clone())),
        };
        let bind = Attributes {
            verb: "bind",
            group: &role.group,
            version: "*",
            resource,
            namespace,
            name: &role.name,
            is_resource: true,
            ..Attributes::default()
        };
        if self.authorize(user, &bind).allowed {
            return Ok(());
        }
        let Ok(rules) = self.rules_of(&role, namespace) else {
            let resource = if namespace.is_empty() {
                "clusterrolebindings"
            } else {
                "rolebindings"
            };
            let name = role.name.clone();
            return Err(BindingRefusal::NoRole { resource, name });
        };
        Ok(self.check_rules(user, namespace, rules)?)
    }

    fn check_rules(&self, user: &User, namespace: &str, wanted: &[Rule]) -> Result<(), Escalation> {
        let owned = self.rules_for(user, namespace);
        let missing = missing(&owned.rules, wanted).map_err(|_| Escalation::TooMany)?;
        if missing.is_empty() {
            return Ok(());
        }
        let unresolved = match owned.error.as_str() {
            "" => String::new(),
            error => format!("; resolution errors: [{error}]"),
        };
        Err(Escalation::NotHeld {
            user: Quoted(&user.name).to_string(),
            groups: QuotedList(&user.groups).to_string(),
            missing: missing.join("\n"),
            unresolved,
        })
    }
}

/// Whether all that changed is who owns the object, and what holds back its end: the garbage collector may do that to
/// objects that grant more than it has.
#[must_use]
pub fn only_ownership_changed(object: &Value, old: &Value) -> bool {
    const IGNORED: [&str; 3] = ["ownerReferences", "finalizers", "managedFields"];
    let (Some(object), Some(old)) = (object.as_object(), old.as_object()) else {
        return false;
    };
    let rest = |fields: &serde_json::Map<String, Value>| -> Vec<(String, Value)> {
        let fields = fields.iter().filter(|(name, _)| *name != "metadata");
        fields
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    let metadata = |fields: &serde_json::Map<String, Value>| -> Value {
        let mut metadata = fields.get("metadata").cloned().unwrap_or_default();
        if let Some(fields) = metadata.as_object_mut() {
            fields.retain(|name, _| !IGNORED.contains(&name.as_str()));
        }
        metadata
    };
    rest(object) == rest(old) && metadata(object) == metadata(old)
}

fn has_aggregation(role: &Value) -> bool {
    let selectors = &role["aggregationRule"]["clusterRoleSelectors"];
    selectors
        .as_array()
        .is_some_and(|selectors| !selectors.is_empty())
}

fn everything() -> [Rule; 2] {
    let all = || vec!["*".to_owned()];
    let resources = Rule {
        verbs: all(),
        api_groups: all(),
        resources: all(),
        ..Rule::default()
    };
    let paths = Rule {
        verbs: all(),
        non_resource_urls: all(),
        ..Rule::default()
    };
    [resources, paths]
}
