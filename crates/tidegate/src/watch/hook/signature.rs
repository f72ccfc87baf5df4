//! Signatures after the Standard Webhooks specification: `v1,` and the base64 of an HMAC-SHA256.
//!
//! The secret comes from a file or the environment, never from the command line, and no form of it
//! is ever printed. Several secrets, one a line, sign together, so that a receiver can rotate.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt;

/// Why a secret cannot be used. Never holds any part of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("the webhook secret is empty")]
    Empty,
    #[error("the webhook secret starts with whsec_ but does not continue as base64")]
    NotBase64,
}

pub(crate) struct Signer {
    keys: Vec<hmac::Key>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("keys", &self.keys.len())
            .finish()
    }
}

impl Signer {
    /// `whsec_` and base64, as the specification writes secrets, or any other text as it is.
    pub(crate) fn new(secrets: &str) -> Result<Self, SecretError> {
        let lines = secrets
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty());
        let keys: Vec<hmac::Key> = lines.map(key).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            Err(SecretError::Empty)
        } else {
            Ok(Self { keys })
        }
    }

    /// The value of `webhook-signature`.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let signatures: Vec<String> = self
            .keys
            .iter()
            .map(|key| {
                let mut context = hmac::Context::with_key(key);
                context.update(format!("{id}.{timestamp}.").as_bytes());
                context.update(body);
                format!("v1,{}", STANDARD.encode(context.sign()))
            })
            .collect();
        signatures.join(" ")
    }
}

fn key(secret: &str) -> Result<hmac::Key, SecretError> {
    let bytes = match secret.strip_prefix("whsec_") {
        Some(encoded) => STANDARD
            .decode(encoded)
            .map_err(|_| SecretError::NotBase64)?,
        None => secret.as_bytes().to_vec(),
    };
    if bytes.is_empty() {
        Err(SecretError::Empty)
    } else {
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }
}

#[cfg(test)]
mod tests {
    //! The specification's published example, and secrets that are none.

    use super::{SecretError, Signer};

    #[test]
    fn signs_as_the_specification_does() {
        let signer = Signer::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").expect("a secret");
        let signature = signer.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_sign_side_by_side() {
        let both =
            Signer::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\nplain text").expect("secrets");
        let signature = both.sign("id", 1, b"body");
        assert_eq!(signature.split(' ').count(), 2);
        assert!(!format!("{both:?}").contains("plain"));
    }

    #[test]
    fn unusable_secrets_are_refused() {
        assert!(matches!(Signer::new(" \n"), Err(SecretError::Empty)));
        assert!(matches!(Signer::new("whsec_"), Err(SecretError::Empty)));
        assert!(matches!(
            Signer::new("whsec_!!"),
            Err(SecretError::NotBase64)
        ));
    }
}
