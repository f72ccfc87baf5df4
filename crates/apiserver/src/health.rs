//! `/livez`, `/readyz` and the old `/healthz`.

use crate::{
    body::Body,
    serve::{
        handler::{Admitted, Handler},
        respond::text,
    },
};
use http::Response;
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
            Some((_, true)) => text(200, "ok".to_owned()),
            Some((name, false)) => text(500, format!("internal server error: {name}: not well\n")),
            None => text(404, "404 page not found\n".to_owned()),
        };
    }
    let excluded: Vec<&str> = request.query.all("exclude").collect();
    checks.retain(|(name, _)| !excluded.contains(name));
    let well = checks.iter().all(|(_, well)| *well);
    if well && request.query.get("verbose").is_none() {
        return text(200, "ok".to_owned());
    }
    let mut lines = String::new();
    for (name, well) in checks {
        let _ = if well {
            writeln!(lines, "[+]{name} ok")
        } else {
            writeln!(lines, "[-]{name} failed: reason withheld")
        };
    }
    let _ = writeln!(
        lines,
        "{endpoint} check {}",
        if well { "passed" } else { "failed" }
    );
    text(if well { 200 } else { 500 }, lines)
}
