//! Requests to a server, one after the other.

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};
use std::path::Path;
use tidegate_client::{Client, ClientOptions, Purpose, Source};
use tokio::runtime::{Builder, Runtime};

/// The longest answer that is read.
const LARGEST: usize = 64 << 20;

/// Where config maps of the namespace `default` are.
pub(crate) const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// A client of one user.
#[derive(Debug)]
pub(crate) struct Api {
    runtime: Runtime,
    client: Client,
}

/// A status code and a body.
pub(crate) type Answer = (u16, Value);

impl Api {
    pub(crate) fn of(kubeconfig: &Path) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let source = Source::Kubeconfig {
            path: Some(kubeconfig.to_owned()),
            context: None,
            cluster: None,
            user: None,
        };
        let connecting = Client::connect(source, ClientOptions::default());
        let client = runtime.block_on(connecting).expect("a client");
        Self { runtime, client }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.try_get(path).expect("an answer")
    }

    /// A server that is killed gives none.
    pub(crate) fn try_get(&self, path: &str) -> Option<Answer> {
        self.runtime.block_on(async {
            let answer = self
                .client
                .get(path, "application/json", Purpose::Call)
                .await
                .ok()?;
            let status = answer.status.as_u16();
            let bytes = answer.bytes(LARGEST).await.ok()?;
            Some((status, serde_json::from_slice(&bytes).unwrap_or_default()))
        })
    }

    pub(crate) fn send(&self, method: &Method, path: &str, body: &Value) -> Answer {
        self.try_send(method, path, body).expect("an answer")
    }

    pub(crate) fn try_send(&self, method: &Method, path: &str, body: &Value) -> Option<Answer> {
        let content_type = match *method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content_type)
            .body(Bytes::from(body.to_string()))
            .expect("a request");
        self.runtime.block_on(async {
            let answer = self.client.send(request).await.ok()?;
            let status = answer.status.as_u16();
            let bytes = answer.bytes(LARGEST).await.ok()?;
            Some((status, serde_json::from_slice(&bytes).unwrap_or_default()))
        })
    }

    /// Makes a config map in the namespace `default`.
    pub(crate) fn create(&self, name: &str) -> Value {
        let (status, object) = self.send(&Method::POST, CONFIG_MAPS, &config_map(name, "1"));
        assert_eq!(status, 201, "{object}");
        object
    }

    /// A config map of the namespace `default`, if it is there.
    pub(crate) fn config_map(&self, name: &str) -> Option<Value> {
        let (status, object) = self.get(&format!("{CONFIG_MAPS}/{name}"));
        (status == 200).then_some(object)
    }
}

pub(crate) fn config_map(name: &str, value: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": { "k": value } })
}
