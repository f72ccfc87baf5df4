//! Definitions that Tidegate brings along: Gateway API's standard channel, and our own resources. Installed where they
//! are missing; what is there, in whatever version, stays as it is.

use crate::failure::Failure;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use std::time::Duration;
use tidegate_client::{Client, ClientError};
use tidegate_schema::parse_yaml;
use tokio::time::Instant;

/// A file's name and its text.
macro_rules! file {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../manifests/gateway-api/", $name)),
        )
    };
}

/// The definitions of Gateway API.
const GATEWAY_API: [(&str, &str); 10] = [
    file!("gateway.networking.k8s.io_gatewayclasses.yaml"),
    file!("gateway.networking.k8s.io_gateways.yaml"),
    file!("gateway.networking.k8s.io_listenersets.yaml"),
    file!("gateway.networking.k8s.io_httproutes.yaml"),
    file!("gateway.networking.k8s.io_grpcroutes.yaml"),
    file!("gateway.networking.k8s.io_tlsroutes.yaml"),
    file!("gateway.networking.k8s.io_tcproutes.yaml"),
    file!("gateway.networking.k8s.io_udproutes.yaml"),
    file!("gateway.networking.k8s.io_referencegrants.yaml"),
    file!("gateway.networking.k8s.io_backendtlspolicies.yaml"),
];

const COLLECTION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const MANAGER: &str = "tidegate";
/// How long a new definition may take until its objects are served, and a request that broke is tried again: much longer
/// than it takes, for machines that are too busy.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(10);
const LARGEST_ANSWER: usize = 16 << 20;

/// Installs what is missing. How many definitions that were.
pub(super) async fn install(client: &Client) -> Result<usize, Failure> {
    let own = tidegate_compile::CUSTOM_RESOURCE_DEFINITIONS;
    let all = GATEWAY_API.iter().chain(own.iter());
    let each = all.map(|(file, text)| install_one(client, file, text));
    let installed = futures::future::try_join_all(each).await?;
    let count = installed.into_iter().filter(|new| *new).count();
    if count > 0 {
        // All must be there, so that waiting for one after the other takes no longer than for all at once.
        for (file, _) in GATEWAY_API.iter().chain(own.iter()) {
            established(client, file).await?;
        }
    }
    Ok(count)
}

/// Waits until the objects of a definition are served, for a while.
async fn established(client: &Client, file: &str) -> Result<(), Failure> {
    let (group, plural) = parts(file);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let path = format!("/apis/{group}");
        let (_, answer) = call(client, Method::GET, &path, Bytes::new()).await?;
        let version = answer["preferredVersion"]["version"].as_str();
        if let Some(version) = version {
            let path = format!("/apis/{group}/{version}/{plural}?limit=1");
            let (status, _) = call(client, Method::GET, &path, Bytes::new()).await?;
            if status.is_success() {
                return Ok(());
            }
        }
        if Instant::now() > deadline {
            return Err(Failure::error(format!(
                "{plural}.{group} is not served in time"
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Group and plural of what a file defines.
fn parts(file: &str) -> (&str, &str) {
    let (group, plural) = file.split_once('_').unwrap_or_default();
    (group, plural.trim_end_matches(".yaml"))
}

/// What a file defines: `tidegate.dev_backends.yaml` has `backends.tidegate.dev`.
fn name(file: &str) -> String {
    let (group, plural) = parts(file);
    format!("{plural}.{group}")
}

/// Whether it was missing.
async fn install_one(client: &Client, file: &str, text: &'static str) -> Result<bool, Failure> {
    let name = name(file);
    let path = format!("{COLLECTION}/{name}");
    let (status, _) = call(client, Method::GET, &path, Bytes::new()).await?;
    if status != StatusCode::NOT_FOUND {
        return Ok(false);
    }
    let failed = |why: &dyn std::fmt::Display| {
        Failure::error(format!("cannot install the definition {name}: {why}"))
    };
    // A megabyte in all: each on a thread of its own, while the server takes in the others.
    let parsing = tokio::task::spawn_blocking(move || {
        parse_yaml(text.as_bytes()).map(|parsed| Bytes::from(parsed.value.to_string()))
    });
    let body = match parsing.await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return Err(failed(&error)),
        Err(error) => return Err(failed(&error)),
    };
    let path = format!("{COLLECTION}?fieldManager={MANAGER}");
    let (status, answer) = call(client, Method::POST, &path, body).await?;
    match status {
        StatusCode::CONFLICT => Ok(false),
        status if status.is_success() => Ok(true),
        _ => Err(failed(&answer["message"])),
    }
}

async fn call(
    client: &Client,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<(StatusCode, Value), Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask(client, method.clone(), path, body.clone()).await {
            Err(ClientError::Interrupted { .. }) if Instant::now() < deadline => {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            done => return done.map_err(Failure::error),
        }
    }
}

async fn ask(
    client: &Client,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<(StatusCode, Value), ClientError> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .body(body)
        .map_err(|error| ClientError::Request {
            reason: error.to_string(),
        })?;
    let answer = client.send(request).await?;
    let status = answer.status;
    let bytes = answer.bytes(LARGEST_ANSWER).await?;
    Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::{GATEWAY_API, name};
    use tidegate_schema::parse_yaml;

    #[test]
    fn every_text_is_the_definition_of_its_name() {
        for (file, text) in GATEWAY_API
            .iter()
            .chain(tidegate_compile::CUSTOM_RESOURCE_DEFINITIONS.iter())
        {
            let parsed = parse_yaml(text.as_bytes()).expect("YAML");
            assert_eq!(parsed.value["metadata"]["name"], name(file));
            assert_eq!(parsed.value["kind"], "CustomResourceDefinition");
        }
    }
}
