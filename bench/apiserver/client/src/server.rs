//! An API server as the loads see it: connections to it, and the requests that they send.

use crate::configmap;
use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Method, Request, header};
use std::path::{Path, PathBuf};
use tidegate_client::{Client, ClientOptions, Purpose, Response, Source};

const JSON: &str = "application/json";
/// No answer to a write is longer.
const ANSWER_BYTES: usize = 1 << 20;

/// Where it is, and what is written there.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    kubeconfig: PathBuf,
    namespace: String,
    value_bytes: usize,
}

/// One client's connections: one for writes, one for watches.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Client,
    server: Server,
}

impl Server {
    pub(crate) fn new(kubeconfig: &Path, namespace: &str, value_bytes: usize) -> Self {
        Self {
            kubeconfig: kubeconfig.to_owned(),
            namespace: namespace.to_owned(),
            value_bytes,
        }
    }

    /// A client of its own, that shares nothing with others. It connects with its first request.
    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        let source = Source::Kubeconfig {
            path: Some(self.kubeconfig.clone()),
            context: None,
            cluster: None,
            user: None,
        };
        let client = Client::connect(source, ClientOptions::default())
            .await
            .context("read the kubeconfig")?;
        Ok(Connection {
            client,
            server: self.clone(),
        })
    }

    fn collection(&self) -> String {
        format!("/api/v1/namespaces/{}/configmaps", self.namespace)
    }
}

impl Connection {
    /// Opens the connection for writes, so that no write waits for it.
    pub(crate) async fn warm(&self) -> anyhow::Result<()> {
        let answer = self.client.get("/readyz", "*/*", Purpose::Call).await?;
        expect(200, answer).await.map(|_| ())
    }

    pub(crate) async fn create(&self, name: &str, turn: u64) -> anyhow::Result<Bytes> {
        let path = self.server.collection();
        expect(201, self.send(Method::POST, path, name, turn).await?).await
    }

    /// Replaces whatever is there.
    pub(crate) async fn replace(&self, name: &str, turn: u64) -> anyhow::Result<Bytes> {
        let path = format!("{}/{name}", self.server.collection());
        expect(200, self.send(Method::PUT, path, name, turn).await?).await
    }

    async fn send(
        &self,
        method: Method,
        path: String,
        name: &str,
        turn: u64,
    ) -> anyhow::Result<Response> {
        let Server {
            namespace,
            value_bytes,
            ..
        } = &self.server;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, JSON)
            .header(header::ACCEPT, JSON)
            .body(configmap::body(namespace, name, *value_bytes, turn).into())?;
        Ok(self.client.send(request).await?)
    }

    /// Watches the ConfigMaps from a version on.
    pub(crate) async fn watch(&self, version: &str) -> anyhow::Result<Response> {
        let path = format!(
            "{}?watch=true&allowWatchBookmarks=false&timeoutSeconds=3600&resourceVersion={version}",
            self.server.collection()
        );
        let answer = self.client.get(&path, JSON, Purpose::Watch).await?;
        if answer.status != 200 {
            bail!("a watch was answered with {}", answer.status);
        }
        Ok(answer)
    }
}

async fn expect(status: u16, answer: Response) -> anyhow::Result<Bytes> {
    let found = answer.status.as_u16();
    let body = answer.bytes(ANSWER_BYTES).await?;
    if found != status {
        bail!(
            "{found} instead of {status}: {}",
            String::from_utf8_lossy(&body)
        );
    }
    Ok(body)
}

/// The version in an object's JSON.
pub(crate) fn version_of(object: &[u8]) -> anyhow::Result<String> {
    const FIELD: &[u8] = b"\"resourceVersion\":\"";
    let start =
        memchr::memmem::find(object, FIELD).context("an object without a version")? + FIELD.len();
    let digits: Vec<u8> = object[start..]
        .iter()
        .copied()
        .take_while(u8::is_ascii_digit)
        .collect();
    Ok(String::from_utf8(digits)?)
}

#[cfg(test)]
mod tests {
    use super::version_of;

    #[test]
    fn versions_are_found() {
        let found = version_of(br#"{"metadata":{"resourceVersion":"812"}}"#);
        assert_eq!(found.expect("a version"), "812");
        assert!(version_of(b"{}").is_err());
    }
}
