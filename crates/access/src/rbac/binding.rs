//! A RoleBinding or ClusterRoleBinding: who gets which role.

use crate::{
    text::Quoted,
    user::{User, service_account_user},
};
use serde_json::Value;
use std::fmt;

/// A binding, read once when the object is written.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) name: String,
    /// Empty for a ClusterRoleBinding.
    pub(crate) namespace: String,
    pub(crate) role: RoleRef,
    subjects: Vec<Subject>,
}

/// Which role is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleRef {
    pub(crate) kind: RoleKind,
    pub(crate) group: String,
    pub(crate) name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RoleKind {
    Role,
    ClusterRole,
    /// What validation refuses, had it been asked.
    Other(String),
}

#[derive(Debug)]
enum Subject {
    User(String),
    Group(String),
    ServiceAccount {
        /// The user name that the account has.
        user: String,
        /// As Kubernetes describes it: name first.
        described: String,
    },
}

impl Binding {
    /// Reads an object that was checked before it was stored. Subjects of unknown kinds mean nobody.
    pub(crate) fn from_value(object: &Value, namespace: &str, name: &str) -> Self {
        let subjects = object.get("subjects").and_then(Value::as_array);
        let subjects = subjects.into_iter().flatten();
        Self {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            role: RoleRef::from_value(&object["roleRef"]),
            subjects: subjects
                .filter_map(|subject| Subject::from_value(subject, namespace))
                .collect(),
        }
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &str> {
        self.subjects.iter().filter_map(|subject| match subject {
            Subject::User(user) | Subject::ServiceAccount { user, .. } => Some(user.as_str()),
            Subject::Group(_) => None,
        })
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        self.subjects.iter().filter_map(|subject| match subject {
            Subject::Group(group) => Some(group.as_str()),
            Subject::User(_) | Subject::ServiceAccount { .. } => None,
        })
    }

    /// The place of the first subject that is the user or a group of theirs.
    pub(crate) fn subject_of(&self, user: &User) -> Option<usize> {
        self.subjects.iter().position(|subject| match subject {
            Subject::User(name) | Subject::ServiceAccount { user: name, .. } => *name == user.name,
            Subject::Group(group) => user.is_in(group),
        })
    }

    /// `ClusterRoleBinding "x" of ClusterRole "y" to User "z"`.
    pub(crate) fn describe(&self, subject: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "ClusterRoleBinding {}", Quoted(&self.name))?;
        } else {
            let name = format!("{}/{}", self.name, self.namespace);
            write!(f, "RoleBinding {}", Quoted(&name))?;
        }
        let role = &self.role;
        write!(f, " of {} {} to ", role.kind.as_str(), Quoted(&role.name))?;
        match self.subjects.get(subject) {
            Some(Subject::User(name)) => write!(f, "User {}", Quoted(name)),
            Some(Subject::Group(name)) => write!(f, "Group {}", Quoted(name)),
            Some(Subject::ServiceAccount { described, .. }) => {
                write!(f, "ServiceAccount {}", Quoted(described))
            }
            None => Ok(()),
        }
    }
}

impl RoleRef {
    pub(crate) fn from_value(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            kind: match text("kind").as_str() {
                "Role" => RoleKind::Role,
                "ClusterRole" => RoleKind::ClusterRole,
                other => RoleKind::Other(other.to_owned()),
            },
            group: text("apiGroup"),
            name: text("name"),
        }
    }
}

impl RoleKind {
    fn as_str(&self) -> &str {
        match self {
            Self::Role => "Role",
            Self::ClusterRole => "ClusterRole",
            Self::Other(kind) => kind,
        }
    }
}

impl Subject {
    /// A service account without a namespace is one of the binding's own; a ClusterRoleBinding has none.
    fn from_value(value: &Value, binding_namespace: &str) -> Option<Self> {
        let text = |name: &str| value[name].as_str().unwrap_or_default();
        let name = text("name");
        match text("kind") {
            "User" => Some(Self::User(name.to_owned())),
            "Group" => Some(Self::Group(name.to_owned())),
            "ServiceAccount" => {
                let namespace = match text("namespace") {
                    "" => binding_namespace,
                    namespace => namespace,
                };
                (!namespace.is_empty()).then(|| Self::ServiceAccount {
                    user: service_account_user(namespace, name),
                    described: format!("{name}/{namespace}"),
                })
            }
            _ => None,
        }
    }
}
