//! The JSON of HTTPRoutes.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::object::reference::RawReference;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawRoute<'a> {
    #[serde(default)]
    pub(super) parent_refs: Option<Vec<RawReference>>,
    #[serde(default)]
    pub(super) hostnames: Option<Vec<String>>,
    /// Each by itself, so that a bad one harms no other.
    #[serde(borrow, default)]
    pub(super) rules: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawParents {
    #[serde(default)]
    pub(super) parent_refs: Option<Vec<RawReference>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawRule {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) matches: Option<Vec<RawMatch>>,
    #[serde(default)]
    pub(super) filters: Option<Vec<RawFilter>>,
    #[serde(default)]
    pub(super) backend_refs: Option<Vec<RawBackendRef>>,
    #[serde(default)]
    pub(super) timeouts: Option<RawTimeouts>,
    #[serde(default)]
    pub(super) retry: Option<RawRetry>,
    #[serde(default)]
    pub(super) session_persistence: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawMatch {
    #[serde(default)]
    pub(super) path: Option<RawPath>,
    #[serde(default)]
    pub(super) headers: Option<Vec<RawText>>,
    #[serde(default)]
    pub(super) query_params: Option<Vec<RawText>>,
    #[serde(default)]
    pub(super) method: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RawPath {
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) value: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RawText {
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Deserialize)]
pub(super) struct RawBackendRef {
    #[serde(flatten)]
    pub(super) to: RawReference,
    #[serde(default)]
    pub(super) weight: Option<u32>,
    #[serde(default)]
    pub(super) filters: Option<Vec<RawFilter>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawTimeouts {
    #[serde(default)]
    pub(super) request: Option<String>,
    #[serde(default)]
    pub(super) backend_request: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RawRetry {
    #[serde(default)]
    pub(super) codes: Option<Vec<u16>>,
    #[serde(default)]
    pub(super) attempts: Option<i64>,
    #[serde(default)]
    pub(super) backoff: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawFilter {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) request_header_modifier: Option<RawHeaders>,
    #[serde(default)]
    pub(super) response_header_modifier: Option<RawHeaders>,
    #[serde(default)]
    pub(super) request_mirror: Option<RawMirror>,
    #[serde(default)]
    pub(super) request_redirect: Option<RawRedirect>,
    #[serde(default)]
    pub(super) url_rewrite: Option<RawRewrite>,
    #[serde(default)]
    pub(super) cors: Option<RawCors>,
    #[serde(default)]
    pub(super) extension_ref: Option<RawReference>,
}

#[derive(Deserialize)]
pub(super) struct RawHeaders {
    #[serde(default)]
    pub(super) set: Option<Vec<RawHeader>>,
    #[serde(default)]
    pub(super) add: Option<Vec<RawHeader>>,
    #[serde(default)]
    pub(super) remove: Option<Vec<String>>,
}

#[derive(Deserialize)]
pub(super) struct RawHeader {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawMirror {
    pub(super) backend_ref: RawReference,
    #[serde(default)]
    pub(super) percent: Option<u32>,
    #[serde(default)]
    pub(super) fraction: Option<RawFraction>,
}

#[derive(Deserialize)]
pub(super) struct RawFraction {
    pub(super) numerator: u32,
    #[serde(default)]
    pub(super) denominator: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawRedirect {
    #[serde(default)]
    pub(super) scheme: Option<String>,
    #[serde(default)]
    pub(super) hostname: Option<String>,
    #[serde(default)]
    pub(super) path: Option<RawPathChange>,
    #[serde(default)]
    pub(super) port: Option<u16>,
    #[serde(default)]
    pub(super) status_code: Option<u16>,
}

#[derive(Deserialize)]
pub(super) struct RawRewrite {
    #[serde(default)]
    pub(super) hostname: Option<String>,
    #[serde(default)]
    pub(super) path: Option<RawPathChange>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawPathChange {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) replace_full_path: Option<String>,
    #[serde(default)]
    pub(super) replace_prefix_match: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawCors {
    #[serde(default)]
    pub(super) allow_origins: Option<Vec<String>>,
    #[serde(default)]
    pub(super) allow_credentials: Option<bool>,
    #[serde(default)]
    pub(super) allow_methods: Option<Vec<String>>,
    #[serde(default)]
    pub(super) allow_headers: Option<Vec<String>>,
    #[serde(default)]
    pub(super) expose_headers: Option<Vec<String>>,
    #[serde(default)]
    pub(super) max_age: Option<i64>,
}
