//! Tells who a request is from, by the client's certificate or a bearer token, as kube-apiserver does: the first
//! credential that is good counts; where none is, a bad one is an error, and none at all is nobody.

#[cfg(test)]
mod tests;

use crate::{
    pki::ClientTrust,
    service_account::{BoundObjects, ServiceAccountKeys, Verified},
    text::aggregate,
    token_file::TokenFile,
    user::User,
};

const INVALID: &str = "invalid bearer token";

/// All that tells who someone is.
#[derive(Debug)]
pub struct Authenticator {
    trust: Option<ClientTrust>,
    tokens: TokenFile,
    keys: ServiceAccountKeys,
}

/// Credentials were shown, and none of them is good. The answer is 401 with the one word `Unauthorized`; the reasons are
/// for a TokenReview and the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unauthorized {
    /// What is wrong with them.
    pub reason: String,
}

impl Authenticator {
    /// An authenticator of these credentials.
    #[must_use]
    pub fn new(trust: Option<ClientTrust>, tokens: TokenFile, keys: ServiceAccountKeys) -> Self {
        Self {
            trust,
            tokens,
            keys,
        }
    }

    /// Who a request is from; `None`: nobody, who is to be [`User::anonymous`] where that is allowed. `now` is Unix
    /// seconds.
    pub fn authenticate(
        &self,
        bearer: Option<&str>,
        peer_certificate: Option<&[u8]>,
        now: i64,
        bound: &dyn BoundObjects,
    ) -> Result<Option<User>, Unauthorized> {
        let mut errors = Vec::new();
        if let (Some(trust), Some(der)) = (&self.trust, peer_certificate) {
            match trust.user(der, now) {
                Ok(Some(user)) => return Ok(Some(user)),
                Ok(None) => {}
                Err(error) => errors.push(error.to_string()),
            }
        }
        if let Some(token) = bearer {
            match self.token(token, None, now, bound) {
                Ok(verified) => return Ok(Some(verified.user)),
                Err(error) => errors.push(error),
            }
            errors.insert(0, INVALID.to_owned());
        }
        if errors.is_empty() {
            return Ok(None);
        }
        let reason = aggregate(&errors);
        Err(Unauthorized { reason })
    }

    /// What a TokenReview answers. No audiences: those of this server.
    pub fn review(
        &self,
        token: &str,
        audiences: &[String],
        now: i64,
        bound: &dyn BoundObjects,
    ) -> Result<Verified, Unauthorized> {
        let audiences = match audiences {
            [] => self.keys.audiences(),
            audiences => audiences,
        };
        self.token(token, Some(audiences), now, bound)
            .map_err(|error| {
                let reason = aggregate(&[INVALID.to_owned(), error]);
                Unauthorized { reason }
            })
    }

    fn token(
        &self,
        token: &str,
        audiences: Option<&[String]>,
        now: i64,
        bound: &dyn BoundObjects,
    ) -> Result<Verified, String> {
        let own = self.keys.audiences();
        let wanted = audiences.unwrap_or(own);
        if let Some(user) = self.tokens.user(token) {
            // A static token is for this server.
            let audiences: Vec<String> = wanted
                .iter()
                .filter(|audience| own.contains(audience))
                .cloned()
                .collect();
            if !audiences.is_empty() {
                let mut user = user.clone();
                user.add_authenticated();
                return Ok(Verified { user, audiences });
            }
        }
        match self.keys.verify(token, wanted, now, bound) {
            Ok(Some(verified)) => Ok(verified),
            Ok(None) => Err(INVALID.to_owned()),
            Err(refusal) => Err(refusal.to_string()),
        }
    }
}

/// The token of an `Authorization` header; `None` where there is none, as kube-apiserver sees it.
#[must_use]
pub fn bearer_token(authorization: &str) -> Option<&str> {
    let mut parts = authorization.trim().splitn(3, ' ');
    let scheme = parts.next()?;
    let token = parts.next()?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
