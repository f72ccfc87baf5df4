//! `/livez`, `/readyz` and the old `/healthz`.

use crate::{
    body::Body,
    serve::handler::{Admitted, Handler},
};
use http::{HeaderValue, Response, StatusCode, header};
use std::fmt::Write;

/// Answers a health check: in one word, or a line for each part where `verbose` is asked for.
pub(crate) fn answer(handler: &Handler, request: &Admitted, parts: &[&str]) -> Response<Body> {
    let endpoint = parts.first().copied().unwrap_or_default();
    let mut checks = vec![("ping", true), ("etcd", handler.cluster.store_is_well())];
    if endpoint == "readyz" {
        checks.push(("shutdown", !handler.cluster.is_stopping()));
    }
    if let [_, name, ..] = parts {
        return match checks.iter().find(|(known, _)| known == name) {
            Some((_, true)) => respond(200, "ok".to_owned()),
            Some((name, false)) => {
                respond(500, format!("internal server error: {name}: not well\n"))
            }
            None => respond(404, "404 page not found\n".to_owned()),
        };
    }
    let excluded: Vec<&str> = request.query.all("exclude").collect();
    checks.retain(|(name, _)| !excluded.contains(name));
    let well = checks.iter().all(|(_, well)| *well);
    if well && request.query.get("verbose").is_none() {
        return respond(200, "ok".to_owned());
    }
    let mut text = String::new();
    for (name, well) in checks {
        let _ = if well {
            writeln!(text, "[+]{name} ok")
        } else {
            writeln!(text, "[-]{name} failed: reason withheld")
        };
    }
    let _ = writeln!(
        text,
        "{endpoint} check {}",
        if well { "passed" } else { "failed" }
    );
    respond(if well { 200 } else { 500 }, text)
}

fn respond(code: u16, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text.into_bytes()));
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, private"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
