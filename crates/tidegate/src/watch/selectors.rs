//! Asks the server whether a resource takes the user's selectors, by a list of one object.

use super::{targets::Target, words};
use crate::failure::Failure;
use http::StatusCode;
use serde_json::Value;
use std::fmt::Write;
use tidegate_client::{Client, Purpose};

const ANSWER_MAX_BYTES: usize = 8 << 20;

/// Fails only where the server says that the request itself is wrong; all other trouble is the
/// informer's to deal with.
pub(super) async fn check(client: &Client, target: &Target) -> Result<(), Failure> {
    let mut path = format!("{}?limit=1", target.gvr().path(target.namespace.as_deref()));
    for (name, selector) in [
        ("labelSelector", &target.labels),
        ("fieldSelector", &target.fields),
    ] {
        if let Some(selector) = selector {
            let _ = write!(path, "&{name}={}", escaped(selector));
        }
    }
    let Ok(response) = client.get(&path, "application/json", Purpose::Call).await else {
        return Ok(());
    };
    let status = response.status;
    if !matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY
    ) {
        return Ok(());
    }
    let body = response.bytes(ANSWER_MAX_BYTES).await.unwrap_or_default();
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    Err(words::refused(
        status,
        answer["message"].as_str().unwrap_or_default(),
    ))
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
