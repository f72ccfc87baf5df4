//! The API server, as commands for people need it: find it, read an object, apply one.

use crate::failure::Failure;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tidegate_client::Client;
use tidegate_compile::Kind;

/// Where `tidegate up` leaves its kubeconfig, if it was started here.
const BESIDE: &str = "tidegate-data/admin.kubeconfig";
/// Who owns the fields that commands set.
const MANAGER: &str = "tidegate-cli";
const LARGEST_ANSWER: usize = 64 << 20;

/// A connection.
#[derive(Debug)]
pub(crate) struct Remote {
    client: Client,
}

impl Remote {
    /// By a kubeconfig's name, else as kubectl would; with neither flag nor `KUBECONFIG`, a `tidegate up` that was
    /// started in this directory comes first.
    pub(crate) async fn connect(kubeconfig: Option<PathBuf>) -> Result<Self, Failure> {
        let beside = Path::new(BESIDE);
        let chosen = kubeconfig.or_else(|| {
            (std::env::var_os("KUBECONFIG").is_none() && beside.exists()).then(|| beside.to_owned())
        });
        let client = crate::gateway::connect(chosen).await?;
        Ok(Self { client })
    }

    /// The namespace to use where none is given.
    pub(crate) fn namespace(&self) -> &str {
        self.client.default_namespace()
    }

    /// An object, or nothing.
    pub(crate) async fn get(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, Failure> {
        let path = format!("{}/{name}", collection(kind, Some(namespace)));
        match self
            .call(Method::GET, &path, "application/json", Bytes::new())
            .await?
        {
            (StatusCode::NOT_FOUND, _) => Ok(None),
            (_, object) => Ok(Some(object)),
        }
    }

    /// All objects of a kind, in one namespace or in all. Where the kind is not served there are none.
    pub(crate) async fn list(
        &self,
        kind: Kind,
        namespace: Option<&str>,
    ) -> Result<Vec<Value>, Failure> {
        let path = collection(kind, namespace);
        let (_, mut list) = self
            .call(Method::GET, &path, "application/json", Bytes::new())
            .await?;
        Ok(match list["items"].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        })
    }

    /// Whether the server would take an object. Changes nothing.
    pub(crate) async fn check(&self, kind: Kind, object: &Value) -> Result<(), Failure> {
        self.patch(kind, object, "&dryRun=All").await.map(|_| ())
    }

    /// Applies an object by force.
    pub(crate) async fn apply(&self, kind: Kind, object: &Value) -> Result<Value, Failure> {
        self.patch(kind, object, "").await
    }

    async fn patch(&self, kind: Kind, object: &Value, more: &str) -> Result<Value, Failure> {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        let path = format!(
            "{}/{}?fieldManager={MANAGER}&force=true&fieldValidation=Strict{more}",
            collection(kind, Some(text("namespace"))),
            text("name")
        );
        let body = Bytes::from(object.to_string());
        match self
            .call(Method::PATCH, &path, "application/apply-patch+yaml", body)
            .await?
        {
            (StatusCode::NOT_FOUND, answer) => Err(refused(&answer)),
            (_, object) => Ok(object),
        }
    }

    /// A 404 is an answer; other refusals are errors in the server's words.
    async fn call(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Value), Failure> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content_type)
            .header("accept", "application/json")
            .body(body)
            .map_err(Failure::error)?;
        let answer = self.client.send(request).await.map_err(Failure::error)?;
        let status = answer.status;
        let bytes = answer.bytes(LARGEST_ANSWER).await.map_err(Failure::error)?;
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() || status == StatusCode::NOT_FOUND {
            return Ok((status, value));
        }
        Err(refused(&value))
    }
}

fn refused(answer: &Value) -> Failure {
    let message = answer["message"]
        .as_str()
        .unwrap_or("the server gives no reason");
    Failure::new(format!("Error from server: {message}"))
}

fn collection(kind: Kind, namespace: Option<&str>) -> String {
    tidegate_client::Gvr::new(kind.group(), kind.version(), kind.plural())
        .path(namespace.filter(|_| kind.is_namespaced()))
}

/// `apiVersion` of a kind.
pub(crate) fn api_version(kind: Kind) -> String {
    tidegate_client::Gvr::new(kind.group(), kind.version(), kind.plural()).api_version()
}

/// The status of a condition, and what is said about it.
pub(crate) fn condition<'a>(conditions: &'a Value, name: &str) -> Option<(&'a str, &'a str)> {
    let found = conditions
        .as_array()?
        .iter()
        .find(|one| one["type"] == name)?;
    Some((
        found["status"].as_str().unwrap_or_default(),
        found["message"].as_str().unwrap_or_default(),
    ))
}
