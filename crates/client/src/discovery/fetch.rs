//! Asks a server for its discovery documents: the thin part with IO.
//!
//! What comes back decides how to go on, not what was asked for: aggregated, not changed, or legacy.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use tokio::task::JoinSet;

use super::{Discovery, Root, aggregated, catalog::Catalog, legacy::Outline};
use crate::{client::Client, error::ClientError, response::Response};

/// In order of preference; the last is what every server has.
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,\
    application/json";
/// A hundred times what a cluster with 500 custom resources sends.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024 * 1024;
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
const CONCURRENT_MAX: usize = 8;

/// Asks for both roots, keeping of `known` what has not changed.
pub(super) async fn fetch(client: &Client, known: &Discovery) -> Result<Discovery, ClientError> {
    let core = root(client, "/api", &known.core, Outline::core);
    let named = root(client, "/apis", &known.named, Outline::named);
    let (core, named) = tokio::try_join!(core, named)?;
    Ok(Discovery { core, named })
}

async fn root(
    client: &Client,
    path: &'static str,
    known: &Root,
    outline: fn(&[u8]) -> Result<Outline, ClientError>,
) -> Result<Root, ClientError> {
    let response = ask(client, path, known.etag.as_ref()).await?;
    match response.status {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED => return Ok(known.clone()),
        StatusCode::NOT_FOUND => return Ok(Root::default()), // a server need not have both
        _ => return Err(refused(path, response).await),
    }
    let etag = response.headers.get(header::ETAG).cloned();
    let aggregated = is_aggregated(path, &response)?;
    let document = response.bytes(DOCUMENT_BYTES_MAX).await?;
    if aggregated {
        return Ok(Root {
            etag,
            catalog: Arc::new(aggregated::parse(path, &document)?),
        });
    }
    let catalog = walk(client, outline(&document)?).await;
    // A legacy list of groups does not change when a resource does, so its tag proves nothing.
    Ok(Root {
        etag: None,
        catalog: Arc::new(catalog),
    })
}

/// Asks for each group version, some at a time.
async fn walk(client: &Client, outline: Outline) -> Catalog {
    let paths = outline.paths();
    let mut answers: Vec<Result<Vec<u8>, String>> =
        vec![Err("the request was cut off".to_owned()); paths.len()];
    let mut running = JoinSet::new();
    for (index, path) in paths.into_iter().enumerate() {
        let client = client.clone();
        running.spawn(async move {
            (
                index,
                document(&client, &path)
                    .await
                    .map_err(|error| error.to_string()),
            )
        });
        if running.len() >= CONCURRENT_MAX
            && let Some(Ok((index, answer))) = running.join_next().await
        {
            answers[index] = answer;
        }
    }
    while let Some(done) = running.join_next().await {
        if let Ok((index, answer)) = done {
            answers[index] = answer;
        }
    }
    outline.fill(answers)
}

async fn document(client: &Client, path: &str) -> Result<Vec<u8>, ClientError> {
    let response = client
        .get(path, "application/json", crate::options::Purpose::Call)
        .await?;
    if response.status != StatusCode::OK {
        return Err(refused(path, response).await);
    }
    Ok(response.bytes(DOCUMENT_BYTES_MAX).await?.into())
}

async fn ask(
    client: &Client,
    path: &str,
    etag: Option<&HeaderValue>,
) -> Result<Response, ClientError> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
    if let Some(etag) = etag {
        headers.insert(header::IF_NONE_MATCH, etag.clone());
    }
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = path.parse().map_err(ClientError::request)?;
    *request.headers_mut() = headers;
    client.send(request).await
}

fn is_aggregated(path: &str, response: &Response) -> Result<bool, ClientError> {
    let value = response
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if response.media_type() != "application/json" {
        let reason = format!("the answer is of type {value:?}, not JSON");
        return Err(ClientError::Malformed {
            what: path.to_owned(),
            reason,
        });
    }
    Ok(value
        .split(';')
        .any(|parameter| parameter.trim() == "as=APIGroupDiscoveryList"))
}

/// The server's own words, if it sent a `Status`.
async fn refused(what: &str, response: Response) -> ClientError {
    #[derive(serde::Deserialize)]
    struct Status {
        message: String,
    }
    let status = response.status;
    let body = response.bytes(MESSAGE_BYTES_MAX).await.unwrap_or_default();
    let message = serde_json::from_slice::<Status>(&body)
        .map(|status| status.message)
        .unwrap_or_default();
    ClientError::Refused {
        what: what.to_owned(),
        status,
        message: message.chars().take(500).collect(),
    }
}
