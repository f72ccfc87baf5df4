//! `Backend` of `tidegate.dev/v1alpha1`: endpoints that Kubernetes has no name for.

mod health;

use std::{net::IpAddr, ops::RangeInclusive, sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::value::RawValue;
use tidegate_routing::{
    Balance, ConsistentHash, Destination, Endpoint, HealthCheck, Hedging, Limits, Locality,
    OutlierEjection, Protocol, ProxyProtocol, is_local,
};

use super::{
    policy::{RawTrust, Trust},
    reference::{RawReference, Reference},
};
use crate::{intern::Interner, text};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBackend {
    endpoints: Vec<RawEndpoint>,
    #[serde(default)]
    protocol: Option<String>,
    #[serde(default)]
    proxy_protocol: Option<String>,
    #[serde(default)]
    tls: Option<RawTls>,
    #[serde(default)]
    balancing: Option<RawBalancing>,
    #[serde(default)]
    health_check: Option<health::RawHealthCheck>,
    #[serde(default)]
    limits: Option<RawLimits>,
    #[serde(default)]
    outlier_detection: Option<RawOutliers>,
    #[serde(default)]
    hedging: Option<RawHedging>,
}

#[derive(Deserialize)]
struct RawEndpoint {
    host: String,
    port: u16,
    #[serde(default)]
    weight: Option<u32>,
    #[serde(default)]
    zone: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTls {
    #[serde(flatten)]
    trust: RawTrust,
    #[serde(default)]
    insecure_skip_verify: bool,
    #[serde(default)]
    client_certificate_ref: Option<RawReference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBalancing {
    #[serde(default)]
    policy: Option<String>,
    #[serde(default)]
    slow_start: Option<String>,
    #[serde(default)]
    hash: Option<RawHash>,
}

#[derive(Deserialize)]
struct RawHash {
    source: String,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLimits {
    #[serde(default)]
    connections: Option<u32>,
    #[serde(default)]
    pending: Option<u32>,
    #[serde(default)]
    requests: Option<u32>,
    #[serde(default)]
    connect_timeout: Option<String>,
    #[serde(default)]
    idle_timeout: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawOutliers {
    #[serde(default)]
    consecutive_failures: Option<u32>,
    #[serde(default)]
    base_ejection: Option<String>,
    #[serde(default)]
    max_ejected_percent: Option<u8>,
}

#[derive(Deserialize)]
struct RawHedging {
    delay: String,
}

/// What is used of a Backend.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Backend {
    pub(crate) endpoints: Arc<[Endpoint]>,
    pub(crate) protocol: Protocol,
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    pub(crate) tls: Option<BackendTls>,
    pub(crate) balance: Balance,
    pub(crate) slow_start: Option<Duration>,
    pub(crate) health: Option<HealthCheck>,
    pub(crate) limits: Limits,
    pub(crate) outliers: Option<OutlierEjection>,
    pub(crate) hedging: Option<Hedging>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BackendTls {
    pub(crate) trust: Trust,
    pub(crate) skip_verify: bool,
    pub(crate) client_certificate: Option<Reference>,
}

/// Longest time that any setting may have.
const TIME_MAX: Duration = Duration::from_secs(3600);

/// Below it, the workers' clocks are too coarse, and the network's moods would make most requests two.
const HEDGING_DELAYS: RangeInclusive<Duration> =
    Duration::from_millis(20)..=Duration::from_secs(60);

impl Backend {
    pub(crate) fn read(
        spec: Option<&RawValue>,
        home: &str,
        allow_local: bool,
        interner: &mut Interner,
    ) -> Result<Self, String> {
        let raw: RawBackend = super::read(spec)?;
        if raw.endpoints.is_empty() {
            return Err("it has no endpoints".to_owned());
        }
        let endpoints: Arc<[Endpoint]> = raw
            .endpoints
            .iter()
            .map(|one| one.keep(allow_local, interner))
            .collect::<Result<_, _>>()?;
        let first = raw.endpoints.first().map(|one| one.host.clone());
        Ok(Self {
            endpoints,
            protocol: match raw.protocol.as_deref() {
                None | Some("HTTP") => Protocol::Http,
                Some("HTTP1") => Protocol::Http1,
                Some("HTTP2") => Protocol::Http2,
                Some(other) => return Err(format!("protocol {other:?} is not known")),
            },
            proxy_protocol: match raw.proxy_protocol.as_deref() {
                None => None,
                Some(_) if raw.protocol.as_deref() == Some("HTTP2") => {
                    return Err("proxyProtocol can't go with protocol HTTP2".to_owned());
                }
                Some("v1") => Some(ProxyProtocol::V1),
                Some("v2") => Some(ProxyProtocol::V2),
                Some(other) => return Err(format!("proxyProtocol {other:?} is not known")),
            },
            tls: raw
                .tls
                .map(|tls| tls.keep(first, home, interner))
                .transpose()?,
            slow_start: {
                let balancing = raw.balancing.as_ref();
                time(
                    balancing.and_then(|one| one.slow_start.as_deref()),
                    "balancing.slowStart",
                )?
            },
            balance: raw
                .balancing
                .map_or(Ok(Balance::default()), |one| one.keep(interner))?,
            health: raw.health_check.map(|one| one.keep()).transpose()?,
            limits: raw.limits.map_or(Ok(Limits::default()), |one| one.keep())?,
            outliers: raw.outlier_detection.map(|one| one.keep()).transpose()?,
            hedging: raw.hedging.map(|one| one.keep()).transpose()?,
        })
    }
}

impl RawEndpoint {
    fn keep(&self, allow_local: bool, interner: &mut Interner) -> Result<Endpoint, String> {
        if self.port == 0 {
            return Err(format!("{}: port 0 can't be used", self.host));
        }
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        let destination = match bare.parse::<IpAddr>() {
            Ok(address) if !allow_local && is_local(address) => {
                return Err(format!(
                    "{address}: loopback, link-local and metadata addresses are not allowed here"
                ));
            }
            Ok(address) => Destination::Address((address, self.port).into()),
            Err(_) if !text::is_dns_name(&self.host) => {
                return Err(format!(
                    "{:?} is neither an address nor a DNS name",
                    self.host
                ));
            }
            Err(_) if !allow_local && is_local_name(&self.host) => {
                return Err(format!("{}: local names are not allowed here", self.host));
            }
            Err(_) => Destination::Name {
                host: interner.get(&self.host.to_ascii_lowercase()),
                port: self.port,
            },
        };
        Ok(Endpoint {
            destination,
            weight: self.weight.unwrap_or(1).clamp(1, 1_000_000),
            draining: false,
            locality: Locality {
                zone: self.zone.as_deref().map(|text| interner.get(text)),
                node: None,
            },
        })
    }
}

/// Names of one's own machine, or of clouds' metadata. (What other names resolve to, the proxy looks at.)
fn is_local_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower == "localhost" || lower.ends_with(".localhost") || lower == "metadata.google.internal"
}

impl RawTls {
    fn keep(
        self,
        first: Option<String>,
        home: &str,
        interner: &mut Interner,
    ) -> Result<BackendTls, String> {
        let mut raw = self.trust;
        if raw.hostname().is_none() {
            raw.set_hostname(first);
        }
        if !self.insecure_skip_verify {
            raw.default_to_system();
        }
        let trust = Trust::keep(raw, home, interner);
        if let Some(fault) = trust.fault.as_ref().filter(|_| !self.insecure_skip_verify) {
            return Err(format!("tls: {fault}"));
        }
        Ok(BackendTls {
            trust,
            skip_verify: self.insecure_skip_verify,
            client_certificate: self.client_certificate_ref.map(|one| {
                let local = RawReference {
                    namespace: None,
                    ..one
                };
                local.keep("", "Secret", home, interner)
            }),
        })
    }
}

impl RawBalancing {
    fn keep(&self, interner: &mut Interner) -> Result<Balance, String> {
        Ok(match self.policy.as_deref() {
            None | Some("LeastRequest") => Balance::LeastRequest,
            Some("RoundRobin") => Balance::RoundRobin,
            Some("PeakEwma") => Balance::PeakEwma,
            Some("Random") => Balance::Random,
            Some("ConsistentHash") => {
                let hash = self.hash.as_ref();
                let source = hash.map_or("SourceAddress", |hash| hash.source.as_str());
                let name = hash
                    .and_then(|hash| hash.name.as_deref())
                    .unwrap_or_default();
                Balance::ConsistentHash(match source {
                    "SourceAddress" => ConsistentHash::SourceAddress,
                    "Header" if text::is_token(name) => {
                        ConsistentHash::Header(interner.get(&name.to_ascii_lowercase()))
                    }
                    "Cookie" if text::is_token(name) => ConsistentHash::Cookie(interner.get(name)),
                    _ => return Err(format!("balancing: can't hash {source} {name:?}")),
                })
            }
            Some(other) => return Err(format!("balancing policy {other:?} is not known")),
        })
    }
}

impl RawLimits {
    fn keep(&self) -> Result<Limits, String> {
        Ok(Limits {
            connections: self.connections,
            pending: self.pending,
            requests: self.requests,
            connect_timeout: time(self.connect_timeout.as_deref(), "limits.connectTimeout")?,
            idle_timeout: time(self.idle_timeout.as_deref(), "limits.idleTimeout")?,
        })
    }
}

impl RawOutliers {
    fn keep(&self) -> Result<OutlierEjection, String> {
        Ok(OutlierEjection {
            consecutive_failures: self.consecutive_failures.unwrap_or(5).max(1),
            base_ejection: time(
                self.base_ejection.as_deref(),
                "outlierDetection.baseEjection",
            )?
            .unwrap_or(Duration::from_secs(30)),
            max_ejected_percent: self.max_ejected_percent.unwrap_or(50).min(100),
        })
    }
}

impl RawHedging {
    fn keep(&self) -> Result<Hedging, String> {
        let written = &self.delay;
        let delay = text::duration(written).filter(|delay| HEDGING_DELAYS.contains(delay));
        delay
            .map(|delay| Hedging { delay })
            .ok_or_else(|| format!("hedging.delay: {written:?} is no time between 20ms and 1m"))
    }
}

/// A time between one millisecond and an hour.
fn time(written: Option<&str>, what: &str) -> Result<Option<Duration>, String> {
    let Some(written) = written else {
        return Ok(None);
    };
    match text::duration(written) {
        Some(time) if !time.is_zero() && time <= TIME_MAX => Ok(Some(time)),
        _ => Err(format!("{what}: {written:?} is no time between 1ms and 1h")),
    }
}
