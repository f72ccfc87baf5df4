//! From an answer or a refusal to an HTTP response.

use super::gzip;
use crate::{
    body::Body,
    call::{Answer, Warnings},
    negotiate::{Allowed, Output},
    status::ApiError,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

/// Texts of warnings are cut here, and no more of them are sent.
const LONGEST_WARNINGS: usize = 4 * 1024;

/// An answer, with its headers.
pub(super) fn response(
    answer: Answer,
    request: &HeaderMap,
    warnings: &Warnings,
    is_watch: bool,
) -> Response<Body> {
    let Answer {
        code,
        media_type,
        headers: more,
        body,
    } = answer;
    let compress = !is_watch && code == 200 && gzip::is_wanted(request, &body);
    let body = if compress {
        gzip::compressed(body)
    } else {
        body
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if !media_type.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, private"),
    );
    if compress {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    for (name, value) in more {
        if let Ok(value) = HeaderValue::from_str(&value) {
            if name == header::VARY {
                headers.append(name, value);
            } else {
                headers.insert(name, value);
            }
        }
    }
    add_warnings(headers, warnings);
    response
}

/// A refusal, in the encoding that the client wants where it wants one that we have.
pub(super) fn refusal(
    error: &ApiError,
    request: &HeaderMap,
    warnings: &Warnings,
) -> Response<Body> {
    let output = Output::negotiate(request, None, Allowed::Documents).unwrap_or_default();
    let status = error.to_value();
    let answer = Answer::document(error.code, &status, output)
        .unwrap_or_else(|_| Answer::json(error.code, crate::object::to_bytes(&status)));
    let mut response = response(answer, request, warnings, false);
    if let Some(seconds) = error.retry_after_seconds() {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// A code, and nothing else.
pub(super) fn bare(code: u16) -> Response<Body> {
    let mut response = text(code, "");
    response.headers_mut().remove(header::CONTENT_TYPE);
    response
}

/// What is said before anything is known of a request, not even whether the answer may be kept.
pub(super) fn unread(fault: String) -> Response<Body> {
    let mut response = text(500, fault);
    response.headers_mut().remove(header::CACHE_CONTROL);
    response
}

/// Plain text.
pub(crate) fn text(code: u16, text: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(Body::from(text.into().into_bytes()));
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

/// RFC 7234's `Warning`, as kube-apiserver writes it.
fn add_warnings(headers: &mut HeaderMap, warnings: &Warnings) {
    let mut length = 0;
    for text in warnings.take() {
        let text: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        length += text.len();
        if length > LONGEST_WARNINGS {
            return;
        }
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_bytes(format!("299 - \"{quoted}\"").as_bytes()) {
            headers.append(header::WARNING, value);
        }
    }
}
