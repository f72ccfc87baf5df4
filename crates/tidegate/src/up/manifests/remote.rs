//! The server, as far as manifests need it: find a resource, get, apply and delete an object.

use super::inventory::Identity;
use crate::failure::Failure;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tidegate_client::{Client, Discovery, Resource};
use tokio::time::Instant;

/// Who owns the fields that are set from here.
const MANAGER: &str = "tidegate-manifests";
/// The longest answer that is read.
const LARGEST_ANSWER: usize = 16 << 20;
/// How long a new definition may take until its objects are served.
const ESTABLISHING: Duration = Duration::from_secs(5);
/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A connection, and what is known to be served.
#[derive(Debug)]
pub(super) struct Remote {
    client: Client,
    discovery: Discovery,
    /// Whether that may have changed since it was asked for.
    stale: bool,
}

/// What a server said instead of doing it.
#[derive(Debug)]
pub(super) struct Refused {
    /// Whether there is no such object.
    pub(super) missing: bool,
    pub(super) message: String,
}

impl Remote {
    pub(super) async fn new(client: Client) -> Result<Self, Failure> {
        let discovery = Discovery::fetch(&client).await.map_err(Failure::error)?;
        Ok(Self {
            client,
            discovery,
            stale: false,
        })
    }

    /// What is served may have changed.
    pub(super) fn forget_discovery(&mut self) {
        self.stale = true;
    }

    /// The resource of a kind. One that isn't known may have come since.
    pub(super) async fn resource(
        &mut self,
        api_version: &str,
        kind: &str,
    ) -> Result<Resource, String> {
        let find = |discovery: &Discovery| {
            let mut all = discovery.resources();
            all.find(|resource| resource.kind == kind && resource.api_version() == api_version)
                .cloned()
        };
        if !self.stale
            && let Some(resource) = find(&self.discovery)
        {
            return Ok(resource);
        }
        if self.stale {
            self.discovery = Discovery::fetch(&self.client)
                .await
                .map_err(|error| error.to_string())?;
            self.stale = false;
        }
        find(&self.discovery)
            .ok_or_else(|| format!("no kind {kind} in {api_version} is served yet"))
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, Refused> {
        self.call(Method::GET, path, "application/json", Bytes::new())
            .await
    }

    /// Applies an object by force: what stands in a manifest is what is wanted.
    pub(super) async fn apply(&self, path: &str, json: String) -> Result<Value, Refused> {
        let path = format!("{path}?fieldManager={MANAGER}&force=true&fieldValidation=Strict");
        self.call(
            Method::PATCH,
            &path,
            "application/apply-patch+yaml",
            json.into(),
        )
        .await
    }

    /// Deletes an object if it was applied from here. Whether it did.
    pub(super) async fn delete(&self, path: &str) -> Result<bool, Refused> {
        let object = match self.get(path).await {
            Err(refused) if refused.missing => return Ok(false),
            answer => answer?,
        };
        let managers = object
            .pointer("/metadata/managedFields")
            .and_then(Value::as_array);
        let ours = managers.is_some_and(|all| {
            all.iter()
                .any(|one| one["manager"] == MANAGER && one["operation"] == "Apply")
        });
        if !ours || object.pointer("/metadata/deletionTimestamp").is_some() {
            return Ok(false);
        }
        let options = json!({
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Background",
            "preconditions": { "uid": object["metadata"]["uid"] },
        });
        match self
            .call(
                Method::DELETE,
                path,
                "application/json",
                options.to_string().into(),
            )
            .await
        {
            Err(refused) if !refused.missing => Err(refused),
            _ => Ok(true),
        }
    }

    /// Waits until the objects of a definition are served, for a while.
    pub(super) async fn established(&mut self, path: &str) {
        let deadline = Instant::now() + ESTABLISHING;
        while Instant::now() < deadline {
            let found = self.get(path).await.ok();
            let conditions = found
                .as_ref()
                .and_then(|found| found.pointer("/status/conditions")?.as_array());
            let is = |one: &Value| one["type"] == "Established" && one["status"] == "True";
            if conditions.is_some_and(|all| all.iter().any(is)) {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.stale = true;
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> Result<Value, Refused> {
        let failed = |error: &dyn std::fmt::Display| Refused {
            missing: false,
            message: error.to_string(),
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content_type)
            .header("accept", "application/json")
            .body(body)
            .map_err(|error| failed(&error))?;
        let answer = self
            .client
            .send(request)
            .await
            .map_err(|error| failed(&error))?;
        let status = answer.status;
        let bytes = answer
            .bytes(LARGEST_ANSWER)
            .await
            .map_err(|error| failed(&error))?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| failed(&error))?;
        if status.is_success() {
            return Ok(value);
        }
        Err(Refused {
            missing: status == StatusCode::NOT_FOUND,
            message: value["message"]
                .as_str()
                .unwrap_or("the server gives no reason")
                .to_owned(),
        })
    }
}

/// Where an object is.
pub(super) fn path(resource: &Resource, identity: &Identity) -> String {
    let namespace = (!identity.namespace.is_empty()).then_some(identity.namespace.as_str());
    format!("{}/{}", resource.gvr().path(namespace), identity.name)
}
