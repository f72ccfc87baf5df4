//! `--metrics`: `GET /metrics` over plain HTTP, on the address as given.

use super::metrics::Metrics;
use crate::{
    failure::Failure,
    side_http::{self, METRICS, TEXT, reply},
};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;

/// Binds now, so that a taken port is an error at the start, and serves in the background.
pub(super) async fn start(
    address: SocketAddr,
    metrics: Arc<Metrics>,
) -> Result<SocketAddr, Failure> {
    let failed = |error| Failure::error(format!("--metrics {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    tokio::spawn(side_http::serve(listener, move |request| {
        answer(request, &metrics)
    }));
    Ok(bound)
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        "/metrics" if is_get => reply(StatusCode::OK, METRICS, metrics.render()),
        "/metrics" => reply(StatusCode::METHOD_NOT_ALLOWED, TEXT, String::new()),
        _ => reply(StatusCode::NOT_FOUND, TEXT, "see /metrics\n".to_owned()),
    }
}
