//! One request to a resource, and the answer to it, between HTTP and the verbs.

use crate::{
    body::Body,
    negotiate::{Format, Output},
    request::{info::RequestInfo, query::Query},
    resource::Resource,
    status::ApiError,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use tidegate_access::User;

/// A request that was authenticated and authorized, and is about a resource that is served.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) info: RequestInfo,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) user: User,
    pub(crate) resource: Arc<Resource>,
    pub(crate) output: Output,
    pub(crate) body: Bytes,
    pub(crate) warnings: Warnings,
}

/// What the client is told beside the answer. Each text once, in order. Copies share the texts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Warnings(Arc<Mutex<Vec<String>>>);

/// What the client gets.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    /// Empty where there is nothing to have one.
    pub(crate) media_type: &'static str,
    /// Headers beside the usual ones.
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Body,
}

impl Warnings {
    /// Adds a warning.
    pub(crate) fn add(&self, text: impl Into<String>) {
        let text = text.into();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(&text) {
            all.push(text);
        }
    }

    /// All warnings.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Call {
    /// The object's key in the store.
    pub(crate) fn key(&self) -> String {
        self.resource.key(&self.info.namespace, &self.info.name)
    }

    /// A call that the server makes itself, about one object.
    pub(crate) fn internal(
        resource: Arc<Resource>,
        user: User,
        namespace: &str,
        name: &str,
    ) -> Self {
        let info = RequestInfo {
            is_resource: true,
            group: resource.group.clone(),
            version: resource.version.clone(),
            namespace: namespace.to_owned(),
            resource: resource.plural.clone(),
            name: name.to_owned(),
            ..RequestInfo::default()
        };
        Self {
            info,
            query: Query::default(),
            headers: HeaderMap::new(),
            user,
            resource,
            output: Output::default(),
            body: Bytes::new(),
            warnings: Warnings::default(),
        }
    }

    /// Who writes: the option, else what the client calls itself.
    pub(crate) fn user_agent(&self) -> &str {
        let agent = self.headers.get(http::header::USER_AGENT);
        agent
            .and_then(|agent| agent.to_str().ok())
            .unwrap_or_default()
    }
}

impl Answer {
    /// A document in the format asked for.
    pub(crate) fn document(code: u16, value: &Value, output: Output) -> Result<Self, ApiError> {
        let bytes = match output.format {
            Format::Yaml => serde_saphyr::to_string(value)
                .map_err(|error| ApiError::internal(error.to_string()))?
                .into_bytes(),
            Format::Json if output.pretty => {
                let mut bytes = serde_json::to_vec_pretty(value).map_err(ApiError::internal)?;
                bytes.push(b'\n');
                bytes
            }
            Format::Json => {
                let mut bytes = serde_json::to_vec(value).map_err(ApiError::internal)?;
                bytes.push(b'\n');
                bytes
            }
        };
        Ok(Self {
            code,
            media_type: output.format.media_type(),
            headers: Vec::new(),
            body: bytes.into(),
        })
    }

    /// JSON bytes as they are.
    pub(crate) fn json(code: u16, body: impl Into<Body>) -> Self {
        Self {
            code,
            media_type: crate::negotiate::JSON,
            headers: Vec::new(),
            body: body.into(),
        }
    }
}
