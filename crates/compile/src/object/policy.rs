//! TLS to backends, as BackendTLSPolicies and Backends write it.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::reference::{RawReference, Reference};
use crate::{intern::Interner, text};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPolicy {
    #[serde(default)]
    target_refs: Option<Vec<RawReference>>,
    validation: RawTrust,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawTrust {
    #[serde(default)]
    ca_certificate_refs: Option<Vec<RawReference>>,
    #[serde(default, rename = "wellKnownCACertificates")]
    well_known: Option<String>,
    #[serde(default)]
    hostname: Option<String>,
    #[serde(default)]
    subject_alt_names: Option<Vec<RawName>>,
}

#[derive(Debug, Deserialize)]
struct RawName {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    hostname: Option<String>,
    #[serde(default)]
    uri: Option<String>,
}

/// What is used of a BackendTLSPolicy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// The object, and its section (a port's name).
    pub(crate) targets: Box<[(Reference, Option<Arc<str>>)]>,
    pub(crate) trust: Trust,
}

/// Whom to trust as a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trust {
    pub(crate) authorities: Box<[Reference]>,
    /// A named set of authorities.
    pub(crate) well_known: Option<Arc<str>>,
    pub(crate) hostname: Arc<str>,
    /// DNS names and URIs.
    pub(crate) names: Vec<Arc<str>>,
    /// What can't be used of it.
    pub(crate) fault: Option<Arc<str>>,
}

impl Policy {
    pub(crate) fn read(
        spec: Option<&RawValue>,
        home: &str,
        interner: &mut Interner,
    ) -> Result<Self, String> {
        let raw: RawPolicy = super::read(spec)?;
        Ok(Self {
            targets: raw
                .target_refs
                .unwrap_or_default()
                .iter()
                .map(|one| {
                    // A policy and its target share a namespace.
                    let local = RawReference {
                        namespace: None,
                        ..one.clone()
                    };
                    let section = one.section_name.as_deref().map(|text| interner.get(text));
                    (local.keep("", "Service", home, interner), section)
                })
                .collect(),
            trust: Trust::keep(raw.validation, home, interner),
        })
    }
}

impl RawTrust {
    pub(crate) fn hostname(&self) -> Option<&str> {
        self.hostname.as_deref()
    }

    pub(crate) fn set_hostname(&mut self, hostname: Option<String>) {
        self.hostname = hostname;
    }

    /// Trusts the machine's authorities where none are named.
    pub(crate) fn default_to_system(&mut self) {
        if self.ca_certificate_refs.as_ref().is_none_or(Vec::is_empty) && self.well_known.is_none()
        {
            self.well_known = Some("System".to_owned());
        }
    }
}

impl Trust {
    pub(crate) fn keep(raw: RawTrust, home: &str, interner: &mut Interner) -> Self {
        let hostname = raw.hostname.unwrap_or_default().to_ascii_lowercase();
        let mut fault = None;
        if !text::is_dns_name(&hostname) {
            fault = Some(format!("hostname {hostname:?} is no DNS name").into());
        }
        let mut names = Vec::new();
        for name in raw.subject_alt_names.unwrap_or_default() {
            match (name.kind.as_str(), name.hostname, name.uri) {
                ("Hostname", Some(host), _) if text::host(&host).is_some() => {
                    names.push(interner.get(&host.to_ascii_lowercase()));
                }
                ("URI", _, Some(uri)) if uri.contains(':') => names.push(interner.get(&uri)),
                (kind, ..) => {
                    fault = Some(
                        format!("a subject alternative name of type {kind:?} is wrong").into(),
                    );
                }
            }
        }
        let authorities = raw.ca_certificate_refs.unwrap_or_default();
        let well_known = raw.well_known.filter(|name| !name.is_empty());
        if authorities.is_empty() == well_known.is_none() {
            fault =
                Some("either caCertificateRefs or wellKnownCACertificates must be given".into());
        }
        Self {
            authorities: authorities
                .iter()
                .map(|one| {
                    let local = RawReference {
                        namespace: None,
                        ..one.clone()
                    };
                    local.keep("", "ConfigMap", home, interner)
                })
                .collect(),
            well_known: well_known.map(|name| interner.get(&name)),
            hostname: interner.get(&hostname),
            names,
            fault,
        }
    }
}
