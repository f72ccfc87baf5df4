//! GatewayClasses, Gateways and ListenerSets, as they are written.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use serde_json::value::RawValue;
use tidegate_routing::Host;

use super::reference::{RawReference, Reference};
use crate::{
    intern::Interner,
    key::{GATEWAY_GROUP, ObjectKey},
    text::{self, Selector},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawClass {
    controller_name: String,
    #[serde(default)]
    parameters_ref: Option<serde::de::IgnoredAny>,
}

/// What is used of a GatewayClass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) controller: Arc<str>,
    pub(crate) has_parameters: bool,
}

impl Class {
    pub(crate) fn read(spec: Option<&RawValue>, interner: &mut Interner) -> Result<Self, String> {
        let raw: RawClass = super::read(spec)?;
        Ok(Self {
            controller: interner.get(&raw.controller_name),
            has_parameters: raw.parameters_ref.is_some(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawGateway {
    gateway_class_name: String,
    #[serde(default)]
    listeners: Option<Vec<RawListener>>,
    #[serde(default)]
    addresses: Option<Vec<RawAddress>>,
    #[serde(default)]
    infrastructure: Option<RawInfrastructure>,
    #[serde(default)]
    allowed_listeners: Option<RawAllowedListeners>,
    #[serde(default)]
    tls: Option<RawGatewayTls>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawListener {
    name: String,
    #[serde(default)]
    hostname: Option<String>,
    #[serde(default)]
    port: Option<u16>,
    protocol: String,
    #[serde(default)]
    tls: Option<RawListenerTls>,
    #[serde(default)]
    allowed_routes: Option<RawAllowedRoutes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawListenerTls {
    #[serde(default)]
    mode: Option<String>,
    #[serde(default)]
    certificate_refs: Option<Vec<RawReference>>,
}

#[derive(Deserialize)]
struct RawAllowedRoutes {
    #[serde(default)]
    namespaces: Option<RawNamespaces>,
    #[serde(default)]
    kinds: Option<Vec<RawRouteKind>>,
}

#[derive(Deserialize)]
struct RawNamespaces {
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    selector: Option<Selector>,
}

#[derive(Deserialize)]
struct RawRouteKind {
    #[serde(default)]
    group: Option<String>,
    kind: String,
}

#[derive(Deserialize)]
struct RawAddress {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawInfrastructure {
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    parameters_ref: Option<RawReference>,
}

#[derive(Deserialize)]
struct RawAllowedListeners {
    #[serde(default)]
    namespaces: Option<RawNamespaces>,
}

#[derive(Deserialize)]
struct RawGatewayTls {
    #[serde(default)]
    backend: Option<RawBackendTls>,
    #[serde(default)]
    frontend: Option<RawFrontend>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBackendTls {
    #[serde(default)]
    client_certificate_ref: Option<RawReference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawFrontend {
    #[serde(default)]
    default: Option<RawTlsConfig>,
    #[serde(default)]
    per_port: Option<Vec<RawPortConfig>>,
}

#[derive(Deserialize)]
struct RawTlsConfig {
    #[serde(default)]
    validation: Option<RawValidation>,
}

#[derive(Deserialize)]
struct RawPortConfig {
    port: u16,
    tls: RawTlsConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawValidation {
    #[serde(default)]
    ca_certificate_refs: Option<Vec<RawReference>>,
    #[serde(default)]
    mode: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawListenerSet {
    parent_ref: RawReference,
    #[serde(default)]
    listeners: Option<Vec<RawListener>>,
}

/// What is used of a Gateway.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gateway {
    pub(crate) class: Arc<str>,
    pub(crate) listeners: Vec<Entry>,
    pub(crate) addresses: Vec<Address>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) parameters: Option<Reference>,
    /// Which ListenerSets may join.
    pub(crate) allowed_sets: Allowed,
    pub(crate) client_certificate: Option<Reference>,
    pub(crate) validation: Option<Validation>,
    pub(crate) port_validations: BTreeMap<u16, Option<Validation>>,
}

/// A listener as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: Arc<str>,
    /// `None` when it's no hostname.
    pub(crate) host: Option<Host>,
    pub(crate) port: u16,
    pub(crate) protocol: Arc<str>,
    pub(crate) mode: Arc<str>,
    pub(crate) certificates: Vec<Reference>,
    pub(crate) allowed: Allowed,
    /// Group and kind; empty is what the protocol implies.
    pub(crate) kinds: Vec<(Arc<str>, Arc<str>)>,
}

/// Whose objects may join something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    Same,
    All,
    Selector(Arc<Selector>),
    None,
}

/// An address that is asked for: type and, maybe, value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) kind: Arc<str>,
    pub(crate) value: Option<Arc<str>>,
}

/// How clients are to be validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Validation {
    pub(crate) authorities: Vec<Reference>,
    pub(crate) allow_insecure: bool,
}

/// What is used of a ListenerSet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ListenerSet {
    /// `None` when it's no Gateway.
    pub(crate) parent: Option<ObjectKey>,
    pub(crate) listeners: Vec<Entry>,
}

impl Gateway {
    pub(crate) fn read(
        spec: Option<&RawValue>,
        home: &str,
        interner: &mut Interner,
    ) -> Result<Self, String> {
        let raw: RawGateway = super::read(spec)?;
        let (backend, frontend) = raw
            .tls
            .map_or((None, None), |tls| (tls.backend, tls.frontend));
        let (default, ports) = frontend.map_or((None, None), |all| (all.default, all.per_port));
        let infrastructure = raw.infrastructure;
        let (labels, annotations, parameters) = infrastructure.map_or((None, None, None), |one| {
            (one.labels, one.annotations, one.parameters_ref)
        });
        Ok(Self {
            class: interner.get(&raw.gateway_class_name),
            listeners: entries(raw.listeners, home, interner),
            addresses: raw
                .addresses
                .unwrap_or_default()
                .iter()
                .map(|one| Address {
                    kind: interner.get(one.kind.as_deref().unwrap_or("IPAddress")),
                    value: one
                        .value
                        .as_deref()
                        .filter(|value| !value.is_empty())
                        .map(|value| interner.get(value)),
                })
                .collect(),
            labels: labels.unwrap_or_default(),
            annotations: annotations.unwrap_or_default(),
            parameters: parameters.map(|one| one.keep("", "", home, interner)),
            allowed_sets: allowed(
                raw.allowed_listeners.and_then(|all| all.namespaces),
                Allowed::None,
            ),
            client_certificate: backend
                .and_then(|tls| tls.client_certificate_ref)
                .map(|one| one.keep("", "Secret", home, interner)),
            validation: default.and_then(|tls| validation(tls.validation, home, interner)),
            port_validations: ports
                .unwrap_or_default()
                .into_iter()
                .map(|one| (one.port, validation(one.tls.validation, home, interner)))
                .collect(),
        })
    }
}

impl ListenerSet {
    pub(crate) fn read(
        spec: Option<&RawValue>,
        home: &str,
        interner: &mut Interner,
    ) -> Result<Self, String> {
        let raw: RawListenerSet = super::read(spec)?;
        let parent = raw
            .parent_ref
            .keep(GATEWAY_GROUP, "Gateway", home, interner);
        Ok(Self {
            parent: parent
                .known(&[crate::key::Kind::Gateway])
                .map(|_| parent.key.clone()),
            listeners: entries(raw.listeners, home, interner),
        })
    }
}

fn entries(raw: Option<Vec<RawListener>>, home: &str, interner: &mut Interner) -> Vec<Entry> {
    raw.unwrap_or_default()
        .into_iter()
        .map(|one| entry(one, home, interner))
        .collect()
}

fn entry(raw: RawListener, home: &str, interner: &mut Interner) -> Entry {
    let (mode, certificates) = raw
        .tls
        .map_or((None, None), |tls| (tls.mode, tls.certificate_refs));
    let (namespaces, kinds) = raw
        .allowed_routes
        .map_or((None, None), |routes| (routes.namespaces, routes.kinds));
    Entry {
        name: interner.get(&raw.name),
        host: text::host(raw.hostname.as_deref().unwrap_or_default()),
        port: raw.port.unwrap_or(0),
        protocol: interner.get(&raw.protocol),
        mode: interner.get(mode.as_deref().unwrap_or("Terminate")),
        certificates: certificates
            .unwrap_or_default()
            .iter()
            .map(|one| one.keep("", "Secret", home, interner))
            .collect(),
        allowed: allowed(namespaces, Allowed::Same),
        kinds: kinds
            .unwrap_or_default()
            .iter()
            .map(|one| {
                let group = one.group.as_deref().unwrap_or(GATEWAY_GROUP);
                (interner.get(group), interner.get(&one.kind))
            })
            .collect(),
    }
}

fn allowed(raw: Option<RawNamespaces>, default: Allowed) -> Allowed {
    let Some(raw) = raw else {
        return default;
    };
    match raw.from.as_deref() {
        None | Some("") => default,
        Some("All") => Allowed::All,
        Some("Same") => Allowed::Same,
        Some("Selector") => raw
            .selector
            .map_or(Allowed::None, |one| Allowed::Selector(Arc::new(one))),
        Some(_) => Allowed::None,
    }
}

fn validation(
    raw: Option<RawValidation>,
    home: &str,
    interner: &mut Interner,
) -> Option<Validation> {
    raw.map(|raw| Validation {
        authorities: raw
            .ca_certificate_refs
            .unwrap_or_default()
            .iter()
            .map(|one| one.keep("", "ConfigMap", home, interner))
            .collect(),
        allow_insecure: raw.mode.as_deref() == Some("AllowInsecureFallback"),
    })
}
