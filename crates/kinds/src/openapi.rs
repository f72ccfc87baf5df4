//! The published OpenAPI documents, as the real server gives them, restricted to what is served.

use crate::data;
use std::sync::OnceLock;

/// The paths below `/openapi/v3` that there are documents for: `api/v1`, `apis/apps/v1`, `version`, …
pub fn openapi_v3_paths() -> impl Iterator<Item = &'static str> {
    data::OPENAPI_V3.iter().map(|(path, _)| *path)
}

/// The document at such a path, as gzipped JSON: to be sent as it is, or unpacked.
pub fn openapi_v3_packed(path: &str) -> Option<&'static [u8]> {
    let found = data::OPENAPI_V3.iter().find(|(known, _)| *known == path);
    found.map(|(_, packed)| *packed)
}

/// The document at such a path, as JSON.
pub fn openapi_v3_document(path: &str) -> Option<Vec<u8>> {
    openapi_v3_packed(path).map(data::bytes)
}

/// The document of a group version, as JSON.
pub fn openapi_v3(group: &str, version: &str) -> Option<Vec<u8>> {
    if group.is_empty() {
        openapi_v3_document(&format!("api/{version}"))
    } else {
        openapi_v3_document(&format!("apis/{group}/{version}"))
    }
}

/// A stand-in for a document's content that changes as it does: what the hash in the list of documents is for.
pub fn openapi_v3_hash(path: &str) -> Option<String> {
    openapi_v3_packed(path).map(fingerprint)
}

/// The document of version 2 (`swagger.json`) as JSON.
pub fn openapi_v2() -> Vec<u8> {
    data::bytes(data::OPENAPI_V2)
}

/// The same, as gzipped JSON.
pub fn openapi_v2_packed() -> &'static [u8] {
    data::OPENAPI_V2
}

/// The stand-in of the document of version 2.
pub fn openapi_v2_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| fingerprint(data::OPENAPI_V2))
}

/// The checksum and the length that end a gzip file: enough to tell two releases' documents apart.
fn fingerprint(packed: &[u8]) -> String {
    let tail = &packed[packed.len().saturating_sub(8)..];
    tail.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{openapi_v2, openapi_v3_document, openapi_v3_hash, openapi_v3_paths};
    use serde_json::Value;

    #[test]
    fn every_document_unpacks() {
        for path in openapi_v3_paths() {
            let text = openapi_v3_document(path).expect("listed");
            let document: Value = serde_json::from_slice(&text).expect("JSON");
            assert_eq!(document["openapi"], "3.0.0", "{path}");
            assert_eq!(openapi_v3_hash(path).expect("listed").len(), 16);
        }
        let document: Value = serde_json::from_slice(&openapi_v2()).expect("JSON");
        assert!(document["definitions"]["io.k8s.api.core.v1.Pod"].is_object());
    }
}
