//! Who a request is from.

use std::collections::BTreeMap;

/// The user of every request that brings no credentials.
pub const ANONYMOUS: &str = "system:anonymous";
/// The group of all who have shown who they are.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group of those who have not.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The group that may do everything, whatever the rules say.
pub const MASTERS: &str = "system:masters";
/// The group of nodes' own agents.
pub(crate) const NODES: &str = "system:nodes";
/// The key in a user's extra data that says which credential was shown.
pub(crate) const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

const SERVICE_ACCOUNT: &str = "system:serviceaccount:";
const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
const NODE: &str = "system:node:";

/// Who a request is from, as Kubernetes' `user.Info`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The name that is unique among users.
    pub name: String,
    /// Tells users apart who had the same name at different times. May be empty.
    pub uid: String,
    /// The groups, in the order that the credential gave.
    pub groups: Vec<String>,
    /// What the authenticator knows beside.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// Who shows no credentials.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::named(ANONYMOUS, &[UNAUTHENTICATED])
    }

    /// The administrator that the server makes a kubeconfig for.
    #[must_use]
    pub fn admin() -> Self {
        Self::named("kubernetes-admin", &[MASTERS, AUTHENTICATED])
    }

    /// The server itself, as it asks itself.
    #[must_use]
    pub fn server() -> Self {
        Self::named("system:apiserver", &[MASTERS, AUTHENTICATED])
    }

    /// A service account, without what only a token tells.
    #[must_use]
    pub fn service_account(namespace: &str, name: &str, uid: &str) -> Self {
        Self {
            name: service_account_user(namespace, name),
            uid: uid.to_owned(),
            groups: service_account_groups(namespace),
            extra: BTreeMap::new(),
        }
    }

    /// A user of this name in these groups.
    #[must_use]
    pub fn named(name: &str, groups: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Whether the user is in the group.
    #[must_use]
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }

    /// Adds the group of all who have shown who they are, unless it is said already whether they have.
    pub(crate) fn add_authenticated(&mut self) {
        if self.name != ANONYMOUS && !self.is_in(AUTHENTICATED) && !self.is_in(UNAUTHENTICATED) {
            self.groups.push(AUTHENTICATED.to_owned());
        }
    }
}

/// The user name of a service account.
pub(crate) fn service_account_user(namespace: &str, name: &str) -> String {
    format!("{SERVICE_ACCOUNT}{namespace}:{name}")
}

/// The groups of every service account of a namespace.
pub(crate) fn service_account_groups(namespace: &str) -> Vec<String> {
    vec![
        SERVICE_ACCOUNTS.to_owned(),
        format!("{SERVICE_ACCOUNTS}:{namespace}"),
    ]
}

/// Namespace and name of the service account that has this user name.
pub(crate) fn split_service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(SERVICE_ACCOUNT)?.split_once(':')?;
    (is_label(namespace) && is_subdomain(name)).then_some((namespace, name))
}

/// The node that has this user name.
pub(crate) fn node_of(user: &str) -> Option<&str> {
    user.strip_prefix(NODE).filter(|name| is_subdomain(name))
}

/// RFC 1123 label.
fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_name(text)
}

/// RFC 1123 subdomain.
fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_name)
}

/// One label of such names, of any length.
pub(crate) fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().copied().is_some_and(inner)
        && bytes.last().copied().is_some_and(inner)
        && bytes.iter().all(|&byte| inner(byte) || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::{node_of, split_service_account};

    #[test]
    fn service_accounts_are_told_from_other_users() {
        fn check(user: &str, expect: Option<(&str, &str)>) {
            assert_eq!(split_service_account(user), expect, "{user}");
        }
        check("system:serviceaccount:a:b", Some(("a", "b")));
        check("system:serviceaccount:a:b.c", Some(("a", "b.c")));
        check("system:serviceaccount:a.b:c", None);
        check("system:serviceaccount:a:b:c", None);
        check("system:serviceaccount:a:", None);
        check("system:serviceaccount:a", None);
        check("system:serviceaccount:a:-b", None);
        check("system:serviceaccount:A:b", None);
        check("a:b", None);
    }

    #[test]
    fn nodes_are_told_from_other_users() {
        fn check(user: &str, expect: Option<&str>) {
            assert_eq!(node_of(user), expect, "{user}");
        }
        check("system:node:one", Some("one"));
        check("system:node:one.two", Some("one.two"));
        check("system:node:", None);
        check("system:node:a..b", None);
        check("system:node:_", None);
        check("one", None);
    }
}
