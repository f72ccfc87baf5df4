//! Applies objects, and deletes those that are in no file any more.

use super::{
    document::Manifest,
    inventory::{self, Identity},
};
use crate::failure::Failure;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use std::collections::BTreeMap;
use tidegate_client::{Client, Discovery, Purpose, Resource};

/// Who owns the fields that are set from here.
const MANAGER: &str = "tidegate-manifests";
/// The longest answer that is read.
const LARGEST_ANSWER: usize = 16 << 20;

/// What was done so far.
#[derive(Debug)]
pub(super) struct Applier {
    client: Client,
    discovery: Discovery,
    applied: Vec<Identity>,
    /// What was said about each object the last time, so that it is said once.
    said: BTreeMap<String, String>,
    failed: bool,
}

impl Applier {
    /// Begins with the list of an earlier run.
    pub(super) async fn new(client: Client) -> Result<Self, Failure> {
        let discovery = Discovery::fetch(&client).await.map_err(Failure::error)?;
        let answer = client
            .get(inventory::PATH, "application/json", Purpose::Call)
            .await
            .map_err(Failure::error)?;
        let applied = if answer.status == StatusCode::OK {
            let bytes = answer.bytes(LARGEST_ANSWER).await.map_err(Failure::error)?;
            serde_json::from_slice(&bytes)
                .map(|object| inventory::from_object(&object))
                .unwrap_or_default()
        } else {
            Vec::new()
        };
        Ok(Self {
            client,
            discovery,
            applied,
            said: BTreeMap::new(),
            failed: false,
        })
    }

    /// Whether something failed that may succeed now.
    pub(super) fn must_try_again(&self) -> bool {
        self.failed
    }

    /// Applies all objects; where all files are known, deletes what is in none. Gives what there is to say.
    pub(super) async fn apply(
        &mut self,
        manifests: impl Iterator<Item = &Manifest>,
        whole: bool,
    ) -> Vec<String> {
        let mut manifests: Vec<&Manifest> = manifests.collect();
        manifests.sort_by_key(|manifest| rank(&manifest.object));
        self.failed = false;
        let mut lines = Vec::new();
        let mut wanted = Vec::new();
        for manifest in manifests {
            let place = format!("{}:{}", manifest.file, manifest.line);
            let outcome = self.apply_one(manifest).await;
            let text = match outcome {
                Ok((identity, changed)) => {
                    let text = format!("{} applied", identity.shown());
                    wanted.push(identity);
                    if !changed {
                        self.said.insert(place, text);
                        continue;
                    }
                    text
                }
                Err((identity, error)) => {
                    self.failed = true;
                    wanted.extend(identity);
                    format!("{place}: {error}")
                }
            };
            if self.said.insert(place, text.clone()).as_ref() != Some(&text)
                || text.ends_with(" applied")
            {
                lines.push(text);
            }
        }
        if whole {
            lines.extend(self.prune(&wanted).await);
        } else {
            wanted.extend(self.applied.iter().cloned());
            wanted.sort();
            wanted.dedup();
        }
        self.remember(wanted, &mut lines).await;
        lines
    }

    /// Applies one object. Whether it changed, or what is wrong.
    async fn apply_one(
        &mut self,
        manifest: &Manifest,
    ) -> Result<(Identity, bool), (Option<Identity>, String)> {
        let text = |pointer: &str| {
            manifest
                .object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let (api_version, kind) = (text("/apiVersion"), text("/kind"));
        let resource = self
            .resource(api_version, kind)
            .await
            .map_err(|error| (None, error))?;
        let namespace = match (resource.namespaced, text("/metadata/namespace")) {
            (false, _) => "",
            (true, "") => "default",
            (true, namespace) => namespace,
        };
        let identity = Identity {
            group: resource.group.clone(),
            version: resource.version.clone(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: text("/metadata/name").to_owned(),
        };
        let before = self.version_of(&resource, &identity).await;
        let path = path(
            &resource,
            &identity,
            &format!("?fieldManager={MANAGER}&force=true&fieldValidation=Strict"),
        );
        let body = manifest.object.to_string();
        let answer = self
            .call(
                Method::PATCH,
                &path,
                "application/apply-patch+yaml",
                body.into(),
            )
            .await;
        match answer {
            Ok(object) => {
                let after = object
                    .pointer("/metadata/resourceVersion")
                    .and_then(Value::as_str)
                    .map(str::to_owned);
                Ok((identity, before.is_none() || before != after))
            }
            Err(error) => Err((Some(identity), error)),
        }
    }

    /// The resource of a kind. A kind that isn't known may have come since.
    async fn resource(&mut self, api_version: &str, kind: &str) -> Result<Resource, String> {
        let find = |discovery: &Discovery| {
            let mut all = discovery.resources();
            all.find(|resource| {
                resource.kind == kind && resource.gvr().api_version() == api_version
            })
            .cloned()
        };
        if let Some(resource) = find(&self.discovery) {
            return Ok(resource);
        }
        self.discovery = Discovery::fetch(&self.client)
            .await
            .map_err(|error| error.to_string())?;
        find(&self.discovery).ok_or_else(|| format!("no kind {kind} in {api_version} is served"))
    }

    async fn version_of(&self, resource: &Resource, identity: &Identity) -> Option<String> {
        let object = self
            .call(
                Method::GET,
                &path(resource, identity, ""),
                "application/json",
                Bytes::new(),
            )
            .await
            .ok()?;
        object
            .pointer("/metadata/resourceVersion")
            .and_then(Value::as_str)
            .map(str::to_owned)
    }

    /// Deletes what was applied once and is wanted no more.
    async fn prune(&mut self, wanted: &[Identity]) -> Vec<String> {
        let mut lines = Vec::new();
        for identity in self.applied.clone().into_iter().rev() {
            if wanted.iter().any(|one| one.key() == identity.key()) {
                continue;
            }
            let api_version = if identity.group.is_empty() {
                identity.version.clone()
            } else {
                format!("{}/{}", identity.group, identity.version)
            };
            let Ok(resource) = self.resource(&api_version, &identity.kind).await else {
                // Its kind is gone, and so is it.
                continue;
            };
            let body = Bytes::from_static(b"{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"propagationPolicy\":\"Background\"}");
            match self
                .call(
                    Method::DELETE,
                    &path(&resource, &identity, ""),
                    "application/json",
                    body,
                )
                .await
            {
                Ok(_) => lines.push(format!("{} deleted", identity.shown())),
                Err(error) => {
                    lines.push(format!("{} cannot be deleted: {error}", identity.shown()))
                }
            }
        }
        lines
    }

    /// Keeps the list on the server.
    async fn remember(&mut self, wanted: Vec<Identity>, lines: &mut Vec<String>) {
        if wanted == self.applied {
            return;
        }
        let path = format!("{}?fieldManager={MANAGER}&force=true", inventory::PATH);
        let body = inventory::to_object(&wanted).to_string();
        if let Err(error) = self
            .call(
                Method::PATCH,
                &path,
                "application/apply-patch+yaml",
                body.into(),
            )
            .await
        {
            self.failed = true;
            lines.push(format!(
                "the list of what was applied cannot be kept: {error}"
            ));
            return;
        }
        self.applied = wanted;
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> Result<Value, String> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content_type)
            .header("accept", "application/json")
            .body(body)
            .map_err(|error| error.to_string())?;
        let answer = self
            .client
            .send(request)
            .await
            .map_err(|error| error.to_string())?;
        let status = answer.status;
        let bytes = answer
            .bytes(LARGEST_ANSWER)
            .await
            .map_err(|error| error.to_string())?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        if status.is_success() {
            return Ok(value);
        }
        let message = value["message"]
            .as_str()
            .unwrap_or("the server gives no reason");
        Err(message.to_owned())
    }
}

fn path(resource: &Resource, identity: &Identity, query: &str) -> String {
    let namespace = (!identity.namespace.is_empty()).then_some(identity.namespace.as_str());
    format!(
        "{}/{}{query}",
        resource.gvr().path(namespace),
        identity.name
    )
}

/// What others need comes first.
fn rank(object: &Value) -> u8 {
    match object["kind"].as_str().unwrap_or_default() {
        "Namespace" => 0,
        "CustomResourceDefinition" => 1,
        "ServiceAccount" | "ClusterRole" | "Role" => 2,
        "Secret" | "ConfigMap" => 3,
        _ => 4,
    }
}
