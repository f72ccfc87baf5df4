//! Names of objects: kinds that the compiler reads, and keys within a kind.

use std::{fmt, sync::Arc};

/// Namespace and name. The namespace of what has none is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl ObjectKey {
    pub fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// Kinds of objects that the compiler reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A CustomResourceDefinition. Only its metadata is read.
    Definition,
    GatewayClass,
    Gateway,
    ListenerSet,
    HttpRoute,
    ReferenceGrant,
    BackendTlsPolicy,
    Service,
    EndpointSlice,
    Secret,
    ConfigMap,
    Namespace,
    /// Our own: `tidegate.dev/v1alpha1`.
    Backend,
}

/// The group of Gateway API.
pub(crate) const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";
/// The group of our own resources.
pub(crate) const TIDEGATE_GROUP: &str = "tidegate.dev";

impl Kind {
    /// All kinds, in an order in which few references are dangling while objects are first read.
    pub const ALL: [Self; 13] = [
        Self::Namespace,
        Self::Definition,
        Self::ReferenceGrant,
        Self::GatewayClass,
        Self::Secret,
        Self::ConfigMap,
        Self::Service,
        Self::EndpointSlice,
        Self::Backend,
        Self::BackendTlsPolicy,
        Self::Gateway,
        Self::ListenerSet,
        Self::HttpRoute,
    ];

    /// API group; empty for the core group.
    pub fn group(self) -> &'static str {
        match self {
            Self::GatewayClass
            | Self::Gateway
            | Self::ListenerSet
            | Self::HttpRoute
            | Self::ReferenceGrant
            | Self::BackendTlsPolicy => GATEWAY_GROUP,
            Self::Definition => "apiextensions.k8s.io",
            Self::EndpointSlice => "discovery.k8s.io",
            Self::Backend => TIDEGATE_GROUP,
            Self::Service | Self::Secret | Self::ConfigMap | Self::Namespace => "",
        }
    }

    /// The version that the compiler reads.
    pub fn version(self) -> &'static str {
        match self {
            Self::ReferenceGrant => "v1beta1",
            Self::Backend => "v1alpha1",
            _ => "v1",
        }
    }

    /// As in `kind:`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Definition => "CustomResourceDefinition",
            Self::GatewayClass => "GatewayClass",
            Self::Gateway => "Gateway",
            Self::ListenerSet => "ListenerSet",
            Self::HttpRoute => "HTTPRoute",
            Self::ReferenceGrant => "ReferenceGrant",
            Self::BackendTlsPolicy => "BackendTLSPolicy",
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
            Self::Namespace => "Namespace",
            Self::Backend => "Backend",
        }
    }

    /// As in paths of the API.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Definition => "customresourcedefinitions",
            Self::GatewayClass => "gatewayclasses",
            Self::Gateway => "gateways",
            Self::ListenerSet => "listenersets",
            Self::HttpRoute => "httproutes",
            Self::ReferenceGrant => "referencegrants",
            Self::BackendTlsPolicy => "backendtlspolicies",
            Self::Service => "services",
            Self::EndpointSlice => "endpointslices",
            Self::Secret => "secrets",
            Self::ConfigMap => "configmaps",
            Self::Namespace => "namespaces",
            Self::Backend => "backends",
        }
    }

    pub fn is_namespaced(self) -> bool {
        !matches!(
            self,
            Self::Definition | Self::GatewayClass | Self::Namespace
        )
    }
}
