//! The two documents by which others learn to check service accounts' tokens.

use super::keys::ServiceAccountKeys;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// How long clients may keep the documents, in seconds: `Cache-Control: public, max-age=3600`.
pub const DISCOVERY_MAX_AGE: u32 = 3600;

impl ServiceAccountKeys {
    /// What `/.well-known/openid-configuration` answers. `jwks_uri` is where [`Self::jwks`] is served, by the address
    /// under which this server is reached: `https://…/openid/v1/jwks`.
    #[must_use]
    pub fn openid_configuration(&self, jwks_uri: &str) -> Vec<u8> {
        // In Kubernetes' order of fields.
        format!(
            r#"{{"issuer":{},"jwks_uri":{},"response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["ES256"]}}"#,
            Value::from(self.issuer()),
            Value::from(jwks_uri)
        )
        .into_bytes()
    }

    /// What `/openid/v1/jwks` answers: the public key.
    #[must_use]
    pub fn jwks(&self) -> Vec<u8> {
        let (x, y) = self.coordinates();
        let text = |bytes: &[u8]| json!(URL_SAFE_NO_PAD.encode(bytes));
        format!(
            r#"{{"keys":[{{"use":"sig","kty":"EC","kid":{},"crv":"P-256","alg":"ES256","x":{},"y":{}}}]}}"#,
            Value::from(self.key_id()),
            text(x),
            text(y)
        )
        .into_bytes()
    }
}
