//! Acting as someone else: the headers that ask for it, and whether that is allowed.
//!
//! As kube-apiserver 1.37, there are five ways to be allowed, tried in this order: as the node that one's own pod runs on,
//! as any node, as a service account, as another user, each for single verbs (`impersonate-on:…`); and the old one, for
//! everything. When none allows it, the refusal is that of the first one that could have.

#[cfg(test)]
mod tests;

use crate::{
    attributes::{Attributes, forbidden_message},
    rbac::Decision,
    text::{GoSlice, Quoted},
    user::{
        ANONYMOUS, AUTHENTICATED, MASTERS, NODES, UNAUTHENTICATED, User, is_name, node_of,
        service_account_groups, split_service_account,
    },
};

const PREFIX: &str = "impersonate-";
const HEADER_USER: &str = "impersonate-user";
const HEADER_UID: &str = "impersonate-uid";
const HEADER_GROUP: &str = "impersonate-group";
const HEADER_EXTRA: &str = "impersonate-extra-";

const NODE_NAME: &str = "authentication.kubernetes.io/node-name";
/// From so many groups or values on, it is asked first whether all are allowed.
const MANY: usize = 4;

/// Whom the sender of a request wants to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impersonation {
    wanted: User,
}

/// Groups, uid or extra data without a user name. Answer 400 with this text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("requested {wanted} without impersonating a user name")]
pub struct NoUserName {
    wanted: String,
}

/// Why someone may not act as someone else. Answer 403 about this resource and name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ImpersonationRefusal {
    /// The group of what is refused.
    pub group: String,
    /// The resource of what is refused.
    pub resource: String,
    /// The name of what is refused.
    pub name: String,
    /// The words, without those about the resource and name.
    pub message: String,
}

/// One way to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    AssociatedNode,
    ArbitraryNode,
    ServiceAccount,
    UserInfo,
    Legacy,
}

const MODES: [Mode; 5] = [
    Mode::AssociatedNode,
    Mode::ArbitraryNode,
    Mode::ServiceAccount,
    Mode::UserInfo,
    Mode::Legacy,
];

impl Impersonation {
    /// Reads a request's headers: pairs of name and value, in their order. `None`: nothing of the kind is asked for.
    /// To be given all headers, whatever their bytes: one that were left out would leave the sender who they are.
    pub fn parse<'a, V: AsRef<[u8]>>(
        headers: impl IntoIterator<Item = (&'a str, V)>,
    ) -> Result<Option<Self>, NoUserName> {
        let mut wanted = User::default();
        let mut asked = false;
        for (name, value) in headers {
            // Nearly all headers are others.
            let prefix = name.get(..PREFIX.len()).unwrap_or_default();
            if !prefix.eq_ignore_ascii_case(PREFIX) {
                continue;
            }
            let name = name.to_ascii_lowercase();
            let value = String::from_utf8_lossy(value.as_ref()).into_owned();
            match name.as_str() {
                HEADER_USER if wanted.name.is_empty() => wanted.name = value,
                HEADER_UID if wanted.uid.is_empty() => wanted.uid = value,
                HEADER_GROUP => wanted.groups.push(value),
                _ => {
                    if let Some(key) = name.strip_prefix(HEADER_EXTRA) {
                        let values = wanted.extra.entry(path_unescape(key)).or_default();
                        values.push(value);
                    }
                }
            }
            asked |=
                !wanted.uid.is_empty() || !wanted.groups.is_empty() || !wanted.extra.is_empty();
        }
        match (wanted.name.is_empty(), asked) {
            (false, _) => Ok(Some(Self { wanted })),
            (true, false) => Ok(None),
            (true, true) => Err(NoUserName {
                wanted: go_user(&wanted),
            }),
        }
    }

    /// The user that the request is then from, if the sender may be that user. `attributes` is what the request wants to
    /// do; `decide` is the authorizer. The sender need not be allowed to do it themselves.
    pub fn authorize(
        &self,
        sender: &User,
        attributes: &Attributes<'_>,
        decide: impl Fn(&User, &Attributes<'_>) -> Decision,
    ) -> Result<User, ImpersonationRefusal> {
        let asking = Asking {
            sender,
            wanted: &self.wanted,
            decide: &decide,
        };
        let mut first = None;
        for mode in MODES {
            if !mode.applies(&self.wanted, sender) {
                continue;
            }
            match asking.check(mode, attributes) {
                Ok(user) => return Ok(user),
                Err(refusal) => first = first.or(Some(refusal)),
            }
        }
        Err(first.expect("invariant: the last mode applies to everyone"))
    }
}

impl Mode {
    fn name(self) -> Option<&'static str> {
        match self {
            Self::AssociatedNode => Some("associated-node"),
            Self::ArbitraryNode => Some("arbitrary-node"),
            Self::ServiceAccount => Some("serviceaccount"),
            Self::UserInfo => Some("user-info"),
            Self::Legacy => None,
        }
    }

    fn applies(self, wanted: &User, sender: &User) -> bool {
        let only_name =
            wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty();
        let node = node_of(&wanted.name);
        let account = split_service_account(&wanted.name);
        match self {
            Self::AssociatedNode => {
                let own = sender.extra.get(NODE_NAME).map(Vec::as_slice);
                let is_own = node.is_some_and(|node| matches!(own, Some([own]) if own == node));
                only_name && is_own && split_service_account(&sender.name).is_some()
            }
            Self::ArbitraryNode => only_name && node.is_some(),
            Self::ServiceAccount => only_name && account.is_some(),
            Self::UserInfo => node.is_none() && account.is_none(),
            Self::Legacy => true,
        }
    }
}

/// Who asks to be whom.
struct Asking<'a, D> {
    sender: &'a User,
    wanted: &'a User,
    decide: &'a D,
}

impl<D: Fn(&User, &Attributes<'_>) -> Decision> Asking<'_, D> {
    fn check(&self, mode: Mode, request: &Attributes<'_>) -> Result<User, ImpersonationRefusal> {
        let verb = match mode.name() {
            Some(name) => {
                let verb = format!("impersonate-on:{name}:{}", request.verb);
                self.ask(&Attributes {
                    verb: &verb,
                    ..*request
                })?;
                format!("impersonate:{name}")
            }
            None => "impersonate".to_owned(),
        };
        let constrained = mode != Mode::Legacy;
        // Users and groups have another group since they can be allowed one by one.
        let group = if constrained {
            "authentication.k8s.io"
        } else {
            ""
        };
        let base = Attributes {
            verb: &verb,
            group,
            version: "v1",
            is_resource: true,
            ..Attributes::default()
        };
        let mut user = self.wanted.clone();
        self.check_name(mode, &base, &mut user)?;
        let extended = Attributes {
            group: "authentication.k8s.io",
            ..base
        };
        if !self.wanted.uid.is_empty() {
            let resource = "uids";
            self.ask(&Attributes {
                resource,
                name: &self.wanted.uid,
                ..extended
            })?;
        }
        self.check_groups(
            constrained,
            &Attributes {
                resource: "groups",
                ..base
            },
        )?;
        self.check_extra(
            constrained,
            &Attributes {
                resource: "userextras",
                ..extended
            },
        )?;
        if user.name == ANONYMOUS {
            if !user.is_in(UNAUTHENTICATED) {
                user.groups.push(UNAUTHENTICATED.to_owned());
            }
        } else if !user.is_in(UNAUTHENTICATED) && !user.is_in(AUTHENTICATED) {
            user.groups.push(AUTHENTICATED.to_owned());
        }
        Ok(user)
    }

    fn check_name(
        &self,
        mode: Mode,
        base: &Attributes<'_>,
        user: &mut User,
    ) -> Result<(), ImpersonationRefusal> {
        let wanted = self.wanted;
        let mut attributes = Attributes {
            resource: "users",
            name: &wanted.name,
            ..*base
        };
        if let (Some(node), true) = (node_of(&wanted.name), mode != Mode::Legacy) {
            attributes.resource = "nodes";
            // What is allowed for one's own node has to be allowed for all, as any of them may be it.
            attributes.name = if mode == Mode::AssociatedNode {
                "*"
            } else {
                node
            };
            user.groups = vec![NODES.to_owned()];
        }
        if let Some((namespace, name)) = split_service_account(&wanted.name) {
            attributes.resource = "serviceaccounts";
            attributes.namespace = namespace;
            attributes.name = name;
            if wanted.groups.is_empty() {
                user.groups = service_account_groups(namespace);
            }
        }
        self.ask(&attributes)
    }

    fn check_groups(
        &self,
        constrained: bool,
        attributes: &Attributes<'_>,
    ) -> Result<(), ImpersonationRefusal> {
        let groups = &self.wanted.groups;
        if constrained {
            if groups.iter().any(String::is_empty) {
                let why = "impersonating the empty string group is not allowed";
                return Err(self.refusal(attributes, why));
            }
            if self.wanted.is_in(MASTERS) {
                let attributes = Attributes {
                    name: MASTERS,
                    ..*attributes
                };
                let why = "impersonating the system:masters group is not allowed";
                return Err(self.refusal(&attributes, why));
            }
            if groups.len() >= MANY
                && self
                    .ask(&Attributes {
                        name: "*",
                        ..*attributes
                    })
                    .is_ok()
            {
                return Ok(());
            }
        }
        groups.iter().try_for_each(|group| {
            self.ask(&Attributes {
                name: group,
                ..*attributes
            })
        })
    }

    fn check_extra(
        &self,
        constrained: bool,
        attributes: &Attributes<'_>,
    ) -> Result<(), ImpersonationRefusal> {
        let extra = &self.wanted.extra;
        if constrained {
            for (key, values) in extra {
                check_extra_item(key, values).map_err(|why| self.refusal(attributes, &why))?;
            }
            let values: usize = extra.values().map(Vec::len).sum();
            let all = Attributes {
                subresource: "*",
                name: "*",
                ..*attributes
            };
            if (extra.len() >= MANY || values >= MANY) && self.ask(&all).is_ok() {
                return Ok(());
            }
        }
        for (key, values) in extra {
            for value in values {
                self.ask(&Attributes {
                    subresource: key,
                    name: value,
                    ..*attributes
                })?;
            }
        }
        Ok(())
    }

    fn ask(&self, attributes: &Attributes<'_>) -> Result<(), ImpersonationRefusal> {
        let decision = (self.decide)(self.sender, attributes);
        if decision.allowed {
            return Ok(());
        }
        Err(self.refusal(attributes, &decision.reason.to_string()))
    }

    fn refusal(&self, attributes: &Attributes<'_>, why: &str) -> ImpersonationRefusal {
        let message = forbidden_message(self.sender, attributes);
        ImpersonationRefusal {
            group: attributes.group.to_owned(),
            resource: attributes.resource.to_owned(),
            name: attributes.name.to_owned(),
            message: if why.is_empty() {
                message
            } else {
                format!("{message}: {why}")
            },
        }
    }
}

fn check_extra_item(key: &str, values: &[String]) -> Result<(), String> {
    if key.is_empty() {
        return Err("impersonating the empty string key in extra is not allowed".to_owned());
    }
    if let Some(error) = domain_prefixed_path_error(key) {
        return Err(format!(
            "impersonating an invalid key in extra is not allowed: {error}"
        ));
    }
    if key.chars().any(char::is_uppercase) {
        let key = Quoted(key);
        return Err(format!(
            "impersonating a non-lowercase key in extra is not allowed: {key}"
        ));
    }
    if values.iter().any(String::is_empty) {
        return Err("impersonating the empty string value in extra is not allowed".to_owned());
    }
    Ok(())
}

/// apimachinery's `IsDomainPrefixedPath` for the field `extra.key`.
fn domain_prefixed_path_error(key: &str) -> Option<String> {
    let invalid =
        |value: &str, why: &str| format!("extra.key: Invalid value: {}: {why}", Quoted(value));
    let parts = key
        .split_once('/')
        .filter(|(host, path)| !host.is_empty() && !path.is_empty());
    let Some((host, path)) = parts else {
        return Some(invalid(
            key,
            "must be a domain-prefixed path (such as \"acme.io/foo\")",
        ));
    };
    let mut errors = Vec::new();
    if host.len() > 253 {
        errors.push(invalid(host, "must be no more than 253 bytes"));
    }
    if !host.split('.').all(is_name) {
        errors.push(invalid(host, "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"));
    }
    let in_path = |char: char| char.is_ascii_alphanumeric() || "/-._~%!$&'()*+,;=:".contains(char);
    if !path.chars().all(in_path) {
        errors.push(invalid(
            path,
            "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
        ));
    }
    match errors.as_slice() {
        [] => None,
        _ => Some(crate::text::aggregate(&errors)),
    }
}

/// Go's `url.PathUnescape`; what can't be decoded stays as it is.
fn path_unescape(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return text.to_owned();
        };
        decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

/// As Go prints a user with `%#v`.
fn go_user(user: &User) -> String {
    let name = Quoted(&user.name);
    let uid = Quoted(&user.uid);
    let groups = GoSlice(&user.groups);
    let extra = if user.extra.is_empty() {
        "(nil)".to_owned()
    } else {
        let item =
            |(key, values): (&String, &Vec<String>)| format!("{}:{}", Quoted(key), GoSlice(values));
        let items: Vec<String> = user.extra.iter().map(item).collect();
        format!("{{{}}}", items.join(", "))
    };
    format!(
        "&user.DefaultInfo{{Name:{name}, UID:{uid}, Groups:{groups}, Extra:map[string][]string{extra}}}"
    )
}
