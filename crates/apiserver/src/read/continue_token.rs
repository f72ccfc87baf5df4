//! The token of a paged list: where to go on, and in which state. Written as kube-apiserver writes it.

use crate::status::ApiError;
use base64::{
    Engine, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

/// As Go reads it: what is left over at the end may be anything.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// A decoded token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContinueToken {
    /// The state to read: a version, or the latest where the token says so.
    pub(crate) revision: Option<u64>,
    /// The key, below the list's prefix, at which to go on.
    pub(crate) start: String,
}

impl ContinueToken {
    /// Writes a token.
    pub(crate) fn encode(&self) -> String {
        let revision = self.revision.map_or(json!(-1), Value::from);
        let token =
            json!({"v": "meta.k8s.io/v1", "rv": revision, "start": format!("/{}", self.start)});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    /// Reads a token.
    pub(crate) fn decode(text: &str) -> Result<Self, ApiError> {
        let refused = |why: &str| ApiError::bad_request(format!("invalid continue token: {why}"));
        let generic = |why: String| refused(&format!("continue key is not valid: {why}"));
        let bytes = LENIENT.decode(text).map_err(|error| match error {
            base64::DecodeError::InvalidByte(at, _)
            | base64::DecodeError::InvalidLastSymbol(at, _) => {
                generic(format!("illegal base64 data at input byte {at}"))
            }
            _ => {
                let at = text.find('=').unwrap_or(text.len() - text.len() % 4);
                generic(format!("illegal base64 data at input byte {at}"))
            }
        })?;
        let token = tidegate_schema::parse_json(&bytes)
            .map_err(|error| generic(error.to_string()))?
            .value;
        if token["v"] != "meta.k8s.io/v1" {
            let version = token["v"].as_str().unwrap_or_default();
            return Err(refused(&format!(
                "continue key is not valid: server does not recognize this encoded version {version}"
            )));
        }
        let revision = token["rv"].as_i64().unwrap_or_default();
        if revision == 0 {
            return Err(refused(
                "continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
            ));
        }
        let start = token["start"].as_str().unwrap_or_default();
        if start.is_empty() {
            return Err(refused(
                "continue key is not valid: encoded start key empty (version meta.k8s.io/v1)",
            ));
        }
        if start.split('/').any(|part| part == ".." || part == ".") || start.contains("//") {
            return Err(generic(start.to_owned()));
        }
        Ok(Self {
            revision: u64::try_from(revision).ok(),
            start: start.trim_start_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ContinueToken;

    #[test]
    fn tokens_come_back() {
        for revision in [Some(7), None] {
            let token = ContinueToken {
                revision,
                start: "ns/name\0".to_owned(),
            };
            assert_eq!(
                ContinueToken::decode(&token.encode()).expect("a token"),
                token
            );
        }
    }

    #[test]
    fn broken_tokens_are_refused() {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        for (json, expected) in [
            (
                r#"{"v":"x","rv":1,"start":"a"}"#,
                "invalid continue token: continue key is not valid: server does not recognize this encoded version x",
            ),
            (
                r#"{"v":"meta.k8s.io/v1","rv":0,"start":"a"}"#,
                "invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
            ),
            (
                r#"{"v":"meta.k8s.io/v1","rv":1,"start":""}"#,
                "invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)",
            ),
            (
                r#"{"v":"meta.k8s.io/v1","rv":1,"start":"../secrets/a"}"#,
                "invalid continue token: continue key is not valid: ../secrets/a",
            ),
        ] {
            let error =
                ContinueToken::decode(&URL_SAFE_NO_PAD.encode(json)).expect_err("a refusal");
            assert_eq!(error.message, expected);
        }
    }
}
