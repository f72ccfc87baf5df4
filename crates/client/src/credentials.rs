//! The headers that say who we are, for each request.
//!
//! kube's layers know every way to log in; they are run here over an empty request, and what they
//! add is taken. Tokens and token files are read here instead, so that a trailing newline does no
//! harm; as in Go's clients, a file wins over a token, and both over anything else.
//! Credential plugins may run for seconds: they run on their own thread, and with a time limit.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::Empty;
use kube::{
    Config,
    client::{AuthError, ConfigExt},
    config::AuthInfo,
};
use secrecy::ExposeSecret;
use tokio::sync::Mutex;
use tower::{BoxError, Layer, ServiceExt, service_fn, util::BoxCloneSyncService};

use crate::error::ClientError;

/// How old a token read from a file may be; kubelets write the next one long before the old expires.
const TOKEN_AGE_MAX: Duration = Duration::from_secs(60);

/// A credential plugin that waits for a person must not hold everyone for ever.
pub(crate) const PLUGIN_TIME_MAX: Duration = Duration::from_secs(60);

type Stamp = BoxCloneSyncService<Request<Empty<Bytes>>, Response<HeaderMap>, BoxError>;

/// Yields the headers of one identity.
pub(crate) struct Credentials {
    stamp: Stamp,
    token: Option<Token>,
}

enum Token {
    Fixed(HeaderValue),
    File(TokenFile),
}

impl Credentials {
    /// Runs the credential plugin, if there is one. Afterwards `config` holds no `exec` part if the
    /// plugin gave a token, so that building TLS from it will not run the plugin once more.
    pub(crate) fn read(config: &mut Config) -> Result<Self, ClientError> {
        let token = Token::take(&mut config.auth_info)?;
        let auth = if token.is_some() {
            None
        } else {
            config.auth_layer()?
        };
        if auth.is_some() || token.is_some() {
            config.auth_info.exec = None;
        }
        let extra = config.extra_headers_layer()?;
        let inner = extra.layer(service_fn(|request: Request<Empty<Bytes>>| async move {
            Ok::<_, BoxError>(Response::new(request.into_parts().0.headers))
        }));
        let stamp = match auth {
            Some(auth) => BoxCloneSyncService::new(auth.layer(inner)),
            None => BoxCloneSyncService::new(inner),
        };
        Ok(Self { stamp, token })
    }

    /// The headers to add to the next request. Reads the token file or runs the plugin again when it is due.
    pub(crate) async fn headers(&self) -> Result<HeaderMap, ClientError> {
        let stamping = self.stamp.clone().oneshot(Request::new(Empty::new()));
        let stamped = tokio::time::timeout(PLUGIN_TIME_MAX, stamping).await;
        let stamped = stamped.map_err(|_| ClientError::Credentials {
            reason: format!("the credential plugin did not end within {PLUGIN_TIME_MAX:?}"),
        })?;
        let mut headers = stamped.map_err(refusal)?.into_body();
        let token = match &self.token {
            None => return Ok(headers),
            Some(Token::Fixed(header)) => header.clone(),
            Some(Token::File(file)) => file.header().await,
        };
        headers.insert(header::AUTHORIZATION, token);
        Ok(headers)
    }
}

fn refusal(error: BoxError) -> ClientError {
    match error.downcast_ref::<AuthError>() {
        Some(auth) => auth.into(),
        None => ClientError::Credentials {
            reason: "the credential plugin failed".to_owned(),
        },
    }
}

impl Token {
    fn take(auth: &mut AuthInfo) -> Result<Option<Self>, ClientError> {
        let token = auth.token.take();
        if let Some(path) = auth.token_file.take().filter(|path| !path.is_empty()) {
            return TokenFile::read(path.into()).map(|file| Some(Self::File(file)));
        }
        let text = token
            .as_ref()
            .map(ExposeSecret::expose_secret)
            .filter(|text| !text.is_empty());
        let header = text.map(|text| bearer(Ok(text.to_owned()))).transpose();
        let unusable = |reason| ClientError::Credentials {
            reason: format!("the token cannot be used: {reason}"),
        };
        header
            .map(|header| header.map(Self::Fixed))
            .map_err(unusable)
    }
}

/// A bearer token in a file that someone else keeps fresh.
struct TokenFile {
    path: PathBuf,
    last: Mutex<(HeaderValue, Instant)>,
}

impl TokenFile {
    fn read(path: PathBuf) -> Result<Self, ClientError> {
        let text = std::fs::read_to_string(&path);
        let header = bearer(text).map_err(|reason| {
            let reason = format!("the token file {} cannot be used: {reason}", path.display());
            ClientError::Credentials { reason }
        })?;
        Ok(Self {
            path,
            last: Mutex::new((header, Instant::now())),
        })
    }

    /// An unreadable file keeps the last token: some make the file, let it be read, and remove it.
    async fn header(&self) -> HeaderValue {
        let mut last = self.last.lock().await;
        if last.1.elapsed() >= TOKEN_AGE_MAX {
            match bearer(tokio::fs::read_to_string(&self.path).await) {
                Ok(header) => last.0 = header,
                Err(reason) => {
                    tracing::debug!(path = %self.path.display(), reason, "token file not read again")
                }
            }
            last.1 = Instant::now();
        }
        last.0.clone()
    }
}

/// A basic login's header, for proxies. Escapes such as `%40` in a URL's login are taken literally.
pub(crate) fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    let login = base64(format!("{user}:{password}").as_bytes());
    let mut header = HeaderValue::try_from(format!("Basic {login}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = three
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - three.len()));
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) as usize & 63;
            text.push(if digit <= three.len() {
                char::from(DIGITS[index])
            } else {
                '='
            });
        }
    }
    text
}

fn bearer(text: std::io::Result<String>) -> Result<HeaderValue, String> {
    let text = text.map_err(|error| error.to_string())?;
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    let mut header = HeaderValue::try_from(format!("Bearer {}", text.trim()))
        .map_err(|_| "it holds characters that no token has".to_owned())?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::{basic, bearer};

    #[test]
    fn proxy_logins() {
        for (user, password, expect) in [
            ("a", "b", "Basic YTpi"),
            ("user", "pass", "Basic dXNlcjpwYXNz"),
            ("", "", "Basic Og=="),
        ] {
            assert_eq!(basic(user, password).expect("a header"), expect);
        }
    }

    #[test]
    fn tokens_in_files() {
        let good = bearer(Ok("abc.def\n".to_owned())).expect("a token");
        assert_eq!(good, "Bearer abc.def");
        assert!(good.is_sensitive());
        assert_eq!(bearer(Ok(" \n".to_owned())), Err("it is empty".to_owned()));
        let bad = bearer(Ok("sec\nret".to_owned())).expect_err("not a token");
        assert!(!bad.contains("sec"), "{bad}");
    }
}
