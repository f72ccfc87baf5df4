//! Subprotocols of a WebSocket. One of them may be the client's token: a browser can't send other fields.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, header};
use secrecy::SecretString;

/// What a token comes behind, in base64 for URLs without padding.
const TOKEN: &str = "base64url.bearer.authorization.k8s.io.";

/// The subprotocols that a client offers.
#[derive(Debug, Default)]
pub(in crate::serve) struct Protocols {
    names: Vec<String>,
    token: Token,
}

#[derive(Debug, Default)]
enum Token {
    #[default]
    None,
    One(SecretString),
    /// Two, or one that can't be read.
    Broken,
}

/// A token that is not in order is nobody's.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::serve) struct BrokenToken;

impl Protocols {
    pub(in crate::serve) fn read(headers: &HeaderMap) -> Self {
        let mut protocols = Self::default();
        for value in headers.get_all(header::SEC_WEBSOCKET_PROTOCOL) {
            for name in value.to_str().unwrap_or_default().split(',') {
                match name.trim().strip_prefix(TOKEN) {
                    Some(encoded) => protocols.token.come(encoded),
                    None if name.trim().is_empty() => {}
                    None => protocols.names.push(name.trim().to_owned()),
                }
            }
        }
        protocols
    }

    /// All but the token.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The client's token. There must be something else that the server can choose: it never sends the token back.
    pub(in crate::serve) fn token(&self) -> Result<Option<&SecretString>, BrokenToken> {
        match &self.token {
            Token::None => Ok(None),
            Token::One(token) if !self.names.is_empty() => Ok(Some(token)),
            Token::One(_) | Token::Broken => Err(BrokenToken),
        }
    }
}

impl Token {
    fn come(&mut self, encoded: &str) {
        let decoded = URL_SAFE_NO_PAD.decode(encoded).ok();
        let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        *self = match (&self, text) {
            (Self::None, Some(text)) => Self::One(text.into()),
            _ => Self::Broken,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::{BrokenToken, Protocols};
    use http::{HeaderMap, HeaderValue, header};
    use secrecy::ExposeSecret;

    /// `secret` in base64.
    const ONE: &str = "base64url.bearer.authorization.k8s.io.c2VjcmV0";

    #[test]
    fn a_token_may_come_with_another_protocol() {
        let check = |values: &[&str], token: Result<Option<&str>, BrokenToken>, names: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = HeaderValue::from_str(value).expect("a value");
                headers.append(header::SEC_WEBSOCKET_PROTOCOL, value);
            }
            let protocols = Protocols::read(&headers);
            let found = protocols.token();
            let found = found.map(|token| token.map(|token| token.expose_secret()));
            assert_eq!(found, token, "{values:?}");
            assert_eq!(protocols.names(), names, "{values:?}");
        };
        check(&[], Ok(None), &[]);
        check(&["a, b"], Ok(None), &["a", "b"]);
        check(&[&format!("{ONE}, a")], Ok(Some("secret")), &["a"]);
        check(&["a", ONE], Ok(Some("secret")), &["a"]);
        check(&[ONE], Err(BrokenToken), &[]);
        check(&[&format!("{ONE}, a, {ONE}")], Err(BrokenToken), &["a"]);
        check(&[&format!("{ONE}!, a")], Err(BrokenToken), &["a"]);
        check(&[&format!("{ONE}_w, a")], Err(BrokenToken), &["a"]);
    }
}
