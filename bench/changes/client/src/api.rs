//! The API server, as far as changes need it: create, replace, delete, read.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, bail};
use http::{Method, Request, header};
use serde_json::Value;
use tidegate_client::{Client, ClientOptions, Response, Source};
use tokio::time::{Instant, sleep};

const JSON: &str = "application/json";
/// No answer is longer.
const ANSWER_BYTES: usize = 8 << 20;
/// How long an API server may be away that is killed and started again.
const OUTAGE_MAX: Duration = Duration::from_secs(60);
/// How often a wait looks again.
const PAUSE: Duration = Duration::from_millis(20);

/// A connection to an API server.
#[derive(Debug)]
pub struct Api {
    client: Client,
}

/// Events as they come.
#[derive(Debug)]
pub struct Watch {
    answer: Response,
    buffer: Vec<u8>,
}

impl Watch {
    /// The next event; none when the watch has ended.
    pub async fn next(&mut self) -> anyhow::Result<Option<Value>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            match self.answer.chunk().await {
                Some(chunk) => self.buffer.extend_from_slice(&chunk?),
                None => return Ok(None),
            }
        }
    }
}

impl Api {
    /// With the credentials of a kubeconfig.
    pub async fn connect(kubeconfig: &Path) -> anyhow::Result<Self> {
        let source = Source::Kubeconfig {
            path: Some(kubeconfig.to_owned()),
            context: None,
            cluster: None,
            user: None,
        };
        let client = Client::connect(source, ClientOptions::default())
            .await
            .context("read the kubeconfig")?;
        Ok(Self { client })
    }

    /// The object's path, from what it says of itself.
    fn path(object: &Value, named: bool) -> anyhow::Result<String> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let version = text("/apiVersion").context("an object without apiVersion")?;
        let kind = text("/kind").context("an object without kind")?;
        let name = text("/metadata/name").context("an object without a name")?;
        let root = if version.contains('/') { "apis" } else { "api" };
        let space = text("/metadata/namespace")
            .map_or_else(String::new, |space| format!("/namespaces/{space}"));
        let tail = if named {
            format!("/{name}")
        } else {
            String::new()
        };
        Ok(format!("/{root}/{version}{space}/{}{tail}", plural(kind)))
    }

    /// The answer, once there is an API server that gives one.
    async fn send(
        &self,
        method: Method,
        path: &str,
        content: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<(u16, Vec<u8>)> {
        let deadline = Instant::now() + OUTAGE_MAX;
        let mut again = false;
        loop {
            let answered = self.send_once(&method, path, content, &body).await;
            match answered {
                // The first one had come in before the server was killed.
                Ok((409, answer)) if again && method == Method::POST => return Ok((200, answer)),
                Ok((429 | 500.., _)) | Err(_) if Instant::now() < deadline => again = true,
                other => return other,
            }
            sleep(PAUSE).await;
        }
    }

    async fn send_once(
        &self,
        method: &Method,
        path: &str,
        content: &str,
        body: &[u8],
    ) -> anyhow::Result<(u16, Vec<u8>)> {
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(header::CONTENT_TYPE, content)
            .header(header::ACCEPT, JSON)
            .body(body.to_vec().into())?;
        let answer = self.client.send(request).await?;
        let status = answer.status.as_u16();
        Ok((status, answer.bytes(ANSWER_BYTES).await?.to_vec()))
    }

    async fn expect(
        &self,
        method: Method,
        path: &str,
        content: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<Value> {
        let said = format!("{method} {path}");
        let (status, answer) = self.send(method, path, content, body).await?;
        if !(200..300).contains(&status) {
            bail!("{said}: {status}: {}", String::from_utf8_lossy(&answer));
        }
        Ok(serde_json::from_slice(&answer)?)
    }

    /// Creates an object. Returns it as the server keeps it.
    pub async fn create(&self, object: &Value) -> anyhow::Result<Value> {
        self.expect(
            Method::POST,
            &Self::path(object, false)?,
            JSON,
            serde_json::to_vec(object)?,
        )
        .await
    }

    /// Creates an object that the server may refuse; says whether it didn't.
    pub async fn is_accepted(&self, object: &Value) -> anyhow::Result<bool> {
        let path = Self::path(object, false)?;
        let (status, answer) = self
            .send(Method::POST, &path, JSON, serde_json::to_vec(object)?)
            .await?;
        match status {
            200..300 => Ok(true),
            400 | 422 => Ok(false),
            _ => bail!(
                "POST {path}: {status}: {}",
                String::from_utf8_lossy(&answer)
            ),
        }
    }

    /// Server-side apply, with force.
    pub async fn apply(&self, object: &Value) -> anyhow::Result<Value> {
        let path = format!(
            "{}?fieldManager=changes&force=true",
            Self::path(object, true)?
        );
        self.expect(
            Method::PATCH,
            &path,
            "application/apply-patch+yaml",
            serde_json::to_vec(object)?,
        )
        .await
    }

    /// JSON merge patch of an object's parts. `object` says which one.
    pub async fn patch(&self, object: &Value, patch: &Value) -> anyhow::Result<Value> {
        let path = Self::path(object, true)?;
        self.expect(
            Method::PATCH,
            &path,
            "application/merge-patch+json",
            serde_json::to_vec(patch)?,
        )
        .await
    }

    /// Deletes an object; it is no fault if it is gone.
    pub async fn delete(&self, object: &Value) -> anyhow::Result<()> {
        let (status, answer) = self
            .send(Method::DELETE, &Self::path(object, true)?, JSON, Vec::new())
            .await?;
        if !(200..300).contains(&status) && status != 404 {
            bail!("delete: {status}: {}", String::from_utf8_lossy(&answer));
        }
        Ok(())
    }

    /// The object as it is now.
    pub async fn get(&self, object: &Value) -> anyhow::Result<Option<Value>> {
        let (status, answer) = self
            .send(Method::GET, &Self::path(object, true)?, JSON, Vec::new())
            .await?;
        match status {
            200 => Ok(Some(serde_json::from_slice(&answer)?)),
            404 => Ok(None),
            _ => bail!("get: {status}: {}", String::from_utf8_lossy(&answer)),
        }
    }

    /// A watch of the objects beside this one, from now on.
    pub async fn watch(&self, object: &Value) -> anyhow::Result<Watch> {
        let path = Self::path(object, false)?;
        let first = format!("{path}?limit=1");
        let list = self.expect(Method::GET, &first, JSON, Vec::new()).await?;
        let version = list["metadata"]["resourceVersion"]
            .as_str()
            .context("a list without resourceVersion")?;
        let request = Request::builder()
            .uri(format!("{path}?watch=true&resourceVersion={version}"))
            .header(header::ACCEPT, JSON)
            .body(Vec::new().into())?;
        Ok(Watch {
            answer: self.client.send(request).await?,
            buffer: Vec::new(),
        })
    }

    /// Waits until an object is as it should be.
    pub async fn wait(
        &self,
        object: &Value,
        patience: Duration,
        is: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let deadline = Instant::now() + patience;
        loop {
            let found = self.get(object).await?;
            if let Some(found) = &found
                && is(found)
            {
                return Ok(found.clone());
            }
            if Instant::now() > deadline {
                bail!("not as it should be after {patience:?}: {found:#?}");
            }
            sleep(PAUSE).await;
        }
    }
}

fn plural(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    match kind {
        "GatewayClass" => lower + "es",
        "BackendTLSPolicy" => "backendtlspolicies".to_owned(),
        _ => lower + "s",
    }
}

/// Whether a condition of `status.conditions` is True for the object's present generation.
pub fn holds(object: &Value, condition: &str) -> bool {
    let generation = &object["metadata"]["generation"];
    object["status"]["conditions"]
        .as_array()
        .is_some_and(|all| {
            all.iter().any(|one| {
                one["type"] == condition
                    && one["status"] == "True"
                    && one["observedGeneration"] == *generation
            })
        })
}
