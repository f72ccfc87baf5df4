//! Compressed answers, chunk by chunk.

use crate::body::Body;
use bytes::{Buf, Bytes};
use flate2::{Compression, write::GzEncoder};
use futures::StreamExt;
use http::{HeaderMap, header};
use http_body_util::BodyStream;
use std::io;

/// Smaller answers are not worth it: so in kube-apiserver.
const LEAST: u64 = 128 * 1024;
/// Kubernetes' level.
const LEVEL: u32 = 4;

/// Whether an answer should be compressed.
pub(super) fn is_wanted(headers: &HeaderMap, body: &Body) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut accepted = accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','));
    let accepted = accepted.any(|coding| {
        let mut parts = coding.split(';');
        let gzip = parts.next().is_some_and(|name| name.trim() == "gzip");
        gzip && parts.all(|part| part.trim() != "q=0")
    });
    accepted && body.len().is_none_or(|len| len > LEAST)
}

/// A body, compressed while it is read.
pub(super) fn compressed(body: Body) -> Body {
    let state = (
        BodyStream::new(body),
        Some(GzEncoder::new(Vec::new(), Compression::new(LEVEL))),
    );
    Body::stream(futures::stream::unfold(
        state,
        |(mut chunks, encoder)| async move {
            let mut encoder = encoder?;
            loop {
                let Some(Ok(frame)) = chunks.next().await else {
                    // Writing to memory doesn't fail.
                    let rest = encoder.finish().unwrap_or_default();
                    return Some((Bytes::from(rest), (chunks, None)));
                };
                let data = frame.into_data().unwrap_or_default();
                if io::copy(&mut data.reader(), &mut encoder).is_err() {
                    return None;
                }
                let ready = std::mem::take(encoder.get_mut());
                if !ready.is_empty() {
                    return Some((Bytes::from(ready), (chunks, Some(encoder))));
                }
            }
        },
    ))
}
