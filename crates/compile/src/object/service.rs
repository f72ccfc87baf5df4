//! Services and EndpointSlices: what stands behind a name and a port.

use std::{net::IpAddr, sync::Arc};

use serde::Deserialize;
use serde_json::value::RawValue;
use tidegate_routing::{Near, Protocol};

use super::Envelope;
use crate::intern::Interner;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawService {
    #[serde(default)]
    ports: Option<Vec<RawPort>>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    ip_families: Option<Vec<String>>,
    #[serde(default)]
    traffic_distribution: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPort {
    #[serde(default)]
    name: Option<String>,
    port: u16,
    #[serde(default)]
    protocol: Option<String>,
    #[serde(default)]
    app_protocol: Option<String>,
}

/// What is used of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) ports: Box<[Port]>,
    /// It's only a name of something outside.
    pub(crate) is_external: bool,
    /// IPv6 is its first family.
    pub(crate) prefers_v6: bool,
    /// By its `trafficDistribution`.
    pub(crate) near: Near,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) name: Arc<str>,
    pub(crate) number: u16,
    pub(crate) is_tcp: bool,
    pub(crate) protocol: Protocol,
}

impl Service {
    pub(crate) fn read(spec: Option<&RawValue>, interner: &mut Interner) -> Result<Self, String> {
        let raw: RawService = super::read(spec)?;
        let ports = raw.ports.unwrap_or_default();
        Ok(Self {
            ports: ports
                .iter()
                .map(|port| Port {
                    name: interner.get(port.name.as_deref().unwrap_or_default()),
                    number: port.port,
                    is_tcp: port.protocol.as_deref().is_none_or(|name| name == "TCP"),
                    protocol: protocol(port.app_protocol.as_deref().unwrap_or_default()),
                })
                .collect(),
            is_external: raw.kind.as_deref() == Some("ExternalName"),
            prefers_v6: raw
                .ip_families
                .is_some_and(|families| families.first().is_some_and(|one| one == "IPv6")),
            near: near(raw.traffic_distribution.as_deref().unwrap_or_default()),
        })
    }

    pub(crate) fn port(&self, number: u16) -> Option<&Port> {
        self.ports
            .iter()
            .find(|port| port.number == number && port.is_tcp)
    }
}

/// What `trafficDistribution` asks for. What isn't known is no wish.
fn near(name: &str) -> Near {
    match name {
        // The older name of the second.
        "PreferClose" | "PreferSameZone" => Near::SameZone,
        "PreferSameNode" => Near::SameNode,
        _ => Near::Anywhere,
    }
}

/// What `appProtocol` asks for. What isn't known is taken for HTTP: many names are in use.
fn protocol(name: &str) -> Protocol {
    match name.to_ascii_lowercase().as_str() {
        "kubernetes.io/h2c" | "h2c" | "grpc" | "http2" => Protocol::Http2,
        "kubernetes.io/ws" | "kubernetes.io/wss" | "ws" | "wss" => Protocol::Http1,
        // For those who don't want what is chosen over TLS. The first is ALPN's name.
        "http/1.1" | "http1" => Protocol::Http1,
        _ => Protocol::Http,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEndpoint {
    #[serde(default)]
    addresses: Option<Vec<String>>,
    #[serde(default)]
    conditions: Option<RawConditions>,
    #[serde(default)]
    node_name: Option<String>,
    #[serde(default)]
    zone: Option<String>,
    #[serde(default)]
    hints: Option<RawHints>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHints {
    #[serde(default)]
    for_zones: Option<Vec<RawZone>>,
}

#[derive(Deserialize)]
struct RawZone {
    name: String,
}

#[derive(Default, Deserialize)]
struct RawConditions {
    #[serde(default)]
    ready: Option<bool>,
    #[serde(default)]
    serving: Option<bool>,
    #[serde(default)]
    terminating: Option<bool>,
}

#[derive(Deserialize)]
struct RawSlicePort {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    protocol: Option<String>,
}

/// What is used of an EndpointSlice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    /// The name of its Service, in the same namespace.
    pub(crate) service: Arc<str>,
    pub(crate) ports: Box<[(Arc<str>, u16)]>,
    pub(crate) endpoints: Box<[SliceEndpoint]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SliceEndpoint {
    pub(crate) address: IpAddr,
    pub(crate) draining: bool,
    pub(crate) zone: Option<Arc<str>>,
    pub(crate) node: Option<Arc<str>>,
    /// Whether the zone is that of who should use it, not its own.
    pub(crate) hinted: bool,
}

/// The label that names a slice's Service.
const SERVICE_LABEL: &str = "kubernetes.io/service-name";

impl Slice {
    /// `None` for a slice of no Service.
    pub(crate) fn read(
        envelope: &Envelope<'_>,
        interner: &mut Interner,
    ) -> Result<Option<Self>, String> {
        let labels = envelope.metadata.labels.as_ref();
        let Some(service) = labels.and_then(|labels| labels.get(SERVICE_LABEL)) else {
            return Ok(None);
        };
        let ports: Option<Vec<RawSlicePort>> = super::read(envelope.ports)?;
        let endpoints: Option<Vec<RawEndpoint>> = super::read(envelope.endpoints)?;
        Ok(Some(Self {
            service: interner.get(service),
            ports: ports
                .unwrap_or_default()
                .iter()
                .filter(|port| port.protocol.as_deref().is_none_or(|name| name == "TCP"))
                .filter_map(|port| {
                    let name = port.name.as_deref().unwrap_or_default();
                    Some((interner.get(name), port.port?))
                })
                .collect(),
            endpoints: endpoints
                .unwrap_or_default()
                .iter()
                .filter_map(|endpoint| endpoint.keep(interner))
                .collect(),
        }))
    }
}

impl RawEndpoint {
    /// `None` for what must not be used at all. Only the first address counts, as for all who read slices.
    fn keep(&self, interner: &mut Interner) -> Option<SliceEndpoint> {
        let address = self.addresses.as_ref()?.first()?.parse().ok()?;
        let none = RawConditions::default();
        let conditions = self.conditions.as_ref().unwrap_or(&none);
        let ready = conditions.ready.unwrap_or(true);
        let leaving =
            conditions.terminating.unwrap_or(false) && conditions.serving.unwrap_or(false);
        if !ready && !leaving {
            return None;
        }
        let hints = self
            .hints
            .as_ref()
            .and_then(|hints| hints.for_zones.as_ref());
        let own = self.zone.as_deref();
        // Of several, its own; where it is for others, the first.
        let hint = hints.and_then(|zones| {
            let same = zones.iter().find(|zone| Some(&*zone.name) == own);
            Some(&*same.or(zones.first())?.name)
        });
        Some(SliceEndpoint {
            address,
            draining: !ready,
            hinted: hint.is_some(),
            zone: hint.or(own).map(|text| interner.get(text)),
            node: self.node_name.as_deref().map(|text| interner.get(text)),
        })
    }
}

#[cfg(test)]
mod tests {
    use tidegate_routing::Protocol;

    use super::protocol;

    #[test]
    fn names_of_protocols_are_many() {
        for (names, expect) in [
            ("- http https HTTPS tls kubernetes.io/hoc", Protocol::Http),
            ("kubernetes.io/h2c H2C grpc http2", Protocol::Http2),
            ("kubernetes.io/ws kubernetes.io/wss WS wss", Protocol::Http1),
            ("http/1.1 HTTP1", Protocol::Http1),
        ] {
            for name in names.split(' ') {
                assert_eq!(protocol(name.trim_matches('-')), expect, "{name}");
            }
        }
    }
}
