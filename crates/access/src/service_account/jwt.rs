//! JSON Web Tokens in their compact form, signed by ES256: three parts in base64 with dots between.

use super::refusal::TokenRefusal;
use crate::key::{KeyError, SecretKey};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const ALGORITHM: &str = "ES256";

/// Signs claims.
pub(crate) fn sign(claims: &Value, key: &SecretKey, key_id: &str) -> Result<String, KeyError> {
    let header = json!({"alg": ALGORITHM, "kid": key_id});
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut token = format!("{}.{}", encode(&header), encode(claims));
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// A token taken apart. Nothing of it is to be believed before [`Parts::verify`].
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    signed: &'a str,
    header: Value,
    pub(crate) claims: Value,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    /// `None`: no token of this form.
    pub(crate) fn split(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        if claims.contains('.') {
            return None;
        }
        let object = |text: &str| -> Option<Value> {
            let value: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
            value.is_object().then_some(value)
        };
        Some(Self {
            signed,
            header: object(header)?,
            claims: object(claims)?,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether the key signed it.
    pub(crate) fn verify(&self, public_point: &[u8], key_id: &str) -> Result<(), TokenRefusal> {
        let text = |name: &str| self.header.get(name).and_then(Value::as_str);
        if text("kid").is_some_and(|kid| !kid.is_empty() && kid != key_id) {
            return Err(TokenRefusal::NoKey);
        }
        // Extensions that must be understood are not.
        if self.header.get("crit").is_some() {
            return Err(TokenRefusal::Signature);
        }
        if text("alg") != Some(ALGORITHM) {
            return Err(TokenRefusal::Algorithm);
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public_point)
            .verify(self.signed.as_bytes(), &self.signature)
            .map_err(|_| TokenRefusal::Signature)
    }
}
