//! The values of the libraries' own types.

use super::{
    authorizer::AuthorizerBase,
    authorizer::{Decision, GroupCheck, PathCheck, ResourceCheck},
    formats::Format,
    net::{Cidr, Ip},
    quantity::Quantity,
    semver::Semver,
    url::Url,
};

/// A value of a library's type.
#[derive(Debug, Clone)]
pub(crate) enum Opaque<'a> {
    Quantity(Quantity),
    Ip(Ip),
    Cidr(Cidr),
    Url(Box<Url>),
    Semver(Semver),
    Format(&'static Format),
    Authorizer(AuthorizerBase<'a>),
    Path(PathCheck<'a>),
    Group(GroupCheck<'a>),
    Resource(Box<ResourceCheck<'a>>),
    Decision(Decision),
}

impl Opaque<'_> {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Ip(_) => "net.IP",
            Self::Cidr(_) => "net.CIDR",
            Self::Url(_) => "kubernetes.URL",
            Self::Semver(_) => "kubernetes.Semver",
            Self::Format(_) => "kubernetes.NamedFormat",
            Self::Authorizer(_) => "kubernetes.authorization.Authorizer",
            Self::Path(_) => "kubernetes.authorization.PathCheck",
            Self::Group(_) => "kubernetes.authorization.GroupCheck",
            Self::Resource(_) => "kubernetes.authorization.ResourceCheck",
            Self::Decision(_) => "kubernetes.authorization.Decision",
        }
    }

    /// What costs count as the size.
    pub(crate) fn size(&self) -> Option<usize> {
        match self {
            Self::Ip(ip) => Some(ip.bytes()),
            Self::Cidr(cidr) => Some(cidr.bytes()),
            _ => None,
        }
    }
}

impl PartialEq for Opaque<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Quantity(a), Self::Quantity(b)) => a == b,
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Cidr(a), Self::Cidr(b)) => a == b,
            (Self::Url(a), Self::Url(b)) => a == b,
            (Self::Semver(a), Self::Semver(b)) => a == b,
            (Self::Format(a), Self::Format(b)) => a.name() == b.name(),
            (Self::Decision(a), Self::Decision(b)) => a == b,
            _ => false,
        }
    }
}
