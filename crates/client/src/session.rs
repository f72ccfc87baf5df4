//! One set of credentials with the connections that use it: what a renewal replaces as a whole.
//!
//! Turns a path and headers into a request for the configured server. Never changes after it is made.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use kube::Config;

use crate::{
    credentials::Credentials,
    error::ClientError,
    no_proxy::is_loopback,
    options::{ClientOptions, Compression, Purpose},
    response::Response,
    source::blocking,
    transport::Transport,
};

/// A request before it is known with which credentials it travels.
pub(crate) struct Draft {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Credentials and connections.
pub(crate) struct Session {
    pub(crate) generation: u64,
    credentials: Credentials,
    transport: Transport,
    server: Uri,
    label: Arc<str>,
    compress: bool,
    user_agent: HeaderValue,
}

impl Session {
    /// Reads credentials and certificates and runs the credential plugin; opens no connection.
    pub(crate) async fn prepare(
        mut config: Config,
        options: ClientOptions,
        generation: u64,
    ) -> Result<Self, ClientError> {
        let user_agent =
            HeaderValue::try_from(options.user_agent.as_str()).map_err(ClientError::request)?;
        let server = config.cluster_url.clone();
        let compress = match options.compression {
            Compression::Always => true,
            Compression::Never => false,
            Compression::Auto => !config.disable_compression && !is_loopback(&server),
        };
        let prepare = blocking(move || {
            let credentials = Credentials::read(&mut config)?;
            Ok((credentials, Transport::prepare(config, &options)?))
        });
        let (credentials, transport) = prepare.await?;
        let label = Arc::from(transport.server());
        Ok(Self {
            generation,
            credentials,
            transport,
            server,
            label,
            compress,
            user_agent,
        })
    }

    /// Sends the draft with these credentials and waits for the head of the answer.
    pub(crate) async fn send(
        &self,
        draft: &Draft,
        purpose: Purpose,
    ) -> Result<Response, ClientError> {
        let request = self.address(draft).await?;
        let reply = self.transport.send(&request, purpose).await?;
        Response::new(reply, self.generation, Arc::clone(&self.label))
    }

    async fn address(&self, draft: &Draft) -> Result<Request<Bytes>, ClientError> {
        let mut request = Request::new(draft.body.clone());
        *request.method_mut() = draft.method.clone();
        *request.uri_mut() = join(&self.server, &draft.path)?;
        let mut headers = draft.headers.clone();
        headers
            .entry(header::USER_AGENT)
            .or_insert_with(|| self.user_agent.clone());
        if self.compress {
            headers
                .entry(header::ACCEPT_ENCODING)
                .or_insert(HeaderValue::from_static("gzip"));
        }
        let stamps = self.credentials.headers().await?;
        for name in stamps.keys() {
            headers.remove(name);
        }
        for (name, value) in &stamps {
            headers.append(name, value.clone());
        }
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// The server's URL may hold a path of its own, as behind Rancher.
fn join(server: &Uri, path: &str) -> Result<Uri, ClientError> {
    if !path.starts_with('/') {
        return Err(ClientError::request(format!(
            "the path {path:?} does not start with a slash"
        )));
    }
    let base = server.path().trim_end_matches('/');
    let authority = server
        .authority()
        .map_or("", |authority| authority.as_str());
    let scheme = server.scheme_str().unwrap_or("https");
    format!("{scheme}://{authority}{base}{path}")
        .parse()
        .map_err(ClientError::request)
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn paths_are_joined_to_the_server() {
        for (server, path, expect) in [
            ("https://h:6443", "/api", "https://h:6443/api"),
            (
                "https://h/",
                "/api/v1/pods?watch=1",
                "https://h/api/v1/pods?watch=1",
            ),
            ("https://h/k8s/c1/", "/apis", "https://h/k8s/c1/apis"),
        ] {
            assert_eq!(
                join(&server.parse().expect("a URL"), path).expect("a URL"),
                expect
            );
        }
        assert!(join(&"https://h".parse().expect("a URL"), "api").is_err());
        assert!(join(&"https://h".parse().expect("a URL"), "@evil/").is_err());
    }
}
