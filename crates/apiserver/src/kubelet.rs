//! Requests to kubelets, for what only they have: logs.
//!
//! A kubelet is where its Node says it is, and whoever may write a node's status decides that: the server dials any
//! address and port they name. What limits it: addresses only, no names that somebody resolves; TLS only; one path;
//! nothing of the caller's request but checked options; no credentials. As kube-apiserver without
//! `--kubelet-certificate-authority`, it looks at no certificate.

mod tls;

use crate::status::{ApiError, GroupResource};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{Request, Response, header};
use http_body_util::{BodyStream, Empty};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::{net::TcpStream, task::JoinSet, time::timeout};

/// How long a kubelet may take to be reached, TLS included, and then to begin its answer.
const REACH_TIME: Duration = Duration::from_secs(10);
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// So much of a refusal is told on.
const LONGEST_REFUSAL: usize = 50_000;
/// Where kubelets listen whose node says nothing.
const USUAL_PORT: i64 = 10250;

/// A kubelet's answer: its body, and the connection, which ends with this value.
#[derive(Debug)]
pub(crate) struct Reply {
    response: Response<Incoming>,
    connection: JoinSet<()>,
}

/// Why a kubelet gives no answer, in Go's words.
#[derive(Debug, thiserror::Error)]
enum Unreachable {
    #[error("dial tcp {address}: connect: {}", words(.source))]
    Connect {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("dial tcp {0}: i/o timeout")]
    Slow(SocketAddr),
    #[error("{0}")]
    Tls(io::Error),
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("net/http: timeout awaiting response headers")]
    Silent,
    #[error("redirects forbidden")]
    Redirect,
}

/// What Go calls an error of the system.
fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::NetworkUnreachable => "network is unreachable".to_owned(),
        io::ErrorKind::HostUnreachable => "no route to host".to_owned(),
        _ => error.to_string(),
    }
}

/// Where the kubelet of a node listens: the first internal address, else the first external one.
pub(crate) fn address(node: &Value) -> Result<SocketAddr, ApiError> {
    let status = &node["status"];
    let addresses = || status["addresses"].as_array().into_iter().flatten();
    let of_type = |wanted: &str| {
        let mut found = addresses().filter(|address| address["type"] == wanted);
        found.find_map(|address| address["address"].as_str()?.parse::<IpAddr>().ok())
    };
    let Some(address) = of_type("InternalIP").or_else(|| of_type("ExternalIP")) else {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let known = addresses().map(|address| {
            format!(
                "{{{} {}}}",
                text(&address["type"]),
                text(&address["address"])
            )
        });
        let known: Vec<String> = known.collect();
        let why = format!(
            "no preferred addresses found; known addresses: [{}]",
            known.join(" ")
        );
        return Err(ApiError::other(500, "", why));
    };
    let port = status["daemonEndpoints"]["kubeletEndpoint"]["Port"].as_i64();
    let port = port.filter(|port| *port > 0).unwrap_or(USUAL_PORT);
    match u16::try_from(port) {
        Ok(port) => Ok(SocketAddr::new(address, port)),
        Err(_) => {
            let why = format!("dial tcp: address {port}: invalid port");
            Err(ApiError::other(500, "", why))
        }
    }
}

/// Asks a kubelet for something. The answer is a good one. Refusals are told as ones of `what`.
pub(crate) async fn get(
    address: SocketAddr,
    path: &str,
    what: &str,
    name: &str,
) -> Result<Reply, ApiError> {
    let reply = ask(address, path).await.map_err(|error| {
        ApiError::other(500, "", format!("Get \"https://{address}{path}\": {error}"))
    })?;
    match reply.response.status().as_u16() {
        200..=206 => Ok(reply),
        code => Err(refusal(code, reply, what, name).await),
    }
}

async fn ask(address: SocketAddr, path: &str) -> Result<Reply, Unreachable> {
    let reached = timeout(REACH_TIME, async {
        let connecting = TcpStream::connect(address).await;
        let stream = connecting.map_err(|source| Unreachable::Connect { address, source })?;
        tls::connect(address.ip(), stream)
            .await
            .map_err(Unreachable::Tls)
    });
    let stream = reached.await.map_err(|_| Unreachable::Slow(address))??;
    let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
    let mut connection = JoinSet::new();
    connection.spawn(async {
        if let Err(error) = driver.await {
            tracing::debug!(%error, "a connection to a kubelet ended");
        }
    });
    let request = Request::get(path)
        .header(header::HOST, address.to_string())
        .header(header::USER_AGENT, "tidegate")
        .body(Empty::<Bytes>::new())
        .expect("invariant: an address and an encoded path are sound");
    let answered = timeout(ANSWER_TIME, sender.send_request(request)).await;
    let response = answered.map_err(|_| Unreachable::Silent)??;
    if response.status().is_redirection() && response.headers().contains_key(header::LOCATION) {
        return Err(Unreachable::Redirect);
    }
    Ok(Reply {
        response,
        connection,
    })
}

/// A kubelet's refusal, as Kubernetes tells it on.
async fn refusal(code: u16, reply: Reply, what: &str, name: &str) -> ApiError {
    let mut text = Vec::new();
    let mut chunks = BodyStream::new(reply.response.into_body());
    let reading = timeout(ANSWER_TIME, async {
        while text.len() < LONGEST_REFUSAL
            && let Some(Ok(frame)) = chunks.next().await
        {
            text.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        }
    });
    // What has come by then is what is told.
    let _ = reading.await;
    text.truncate(LONGEST_REFUSAL);
    let text = String::from_utf8_lossy(&text).into_owned();
    match code {
        500 => ApiError::internal(text),
        400 => ApiError::bad_request(text),
        _ => generic(code, &text, what, name),
    }
}

/// `errors.NewGenericServerResponse`.
fn generic(code: u16, text: &str, what: &str, name: &str) -> ApiError {
    let (reason, message) = match code {
        401 => (
            "Unauthorized",
            "the server has asked for the client to provide credentials".to_owned(),
        ),
        403 => ("Forbidden", text.to_owned()),
        404 => (
            "NotFound",
            "the server could not find the requested resource".to_owned(),
        ),
        405 => (
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource".to_owned(),
        ),
        409 => ("Conflict", "the server reported a conflict".to_owned()),
        429 => (
            "TooManyRequests",
            "the server has received too many requests and has asked us to try again later"
                .to_owned(),
        ),
        503 => (
            "ServiceUnavailable",
            "the server is currently unable to handle the request".to_owned(),
        ),
        504 => (
            "Timeout",
            "the server was unable to return a response in the time allotted, but may still be processing the request"
                .to_owned(),
        ),
        500.. => (
            "InternalError",
            format!("an error on the server ({text:?}) has prevented the request from succeeding"),
        ),
        _ => (
            "",
            format!("the server responded with the status code {code} but did not return more information"),
        ),
    };
    let group_resource = GroupResource {
        group: "",
        resource: what,
    };
    ApiError::other(code, reason, format!("{message} ( {what} {name})")).about(group_resource, name)
}

impl Reply {
    /// The bytes as they come. They end when the kubelet ends them, however it does, or when it says nothing for that
    /// long.
    pub(crate) fn bytes(self, patience: Option<Duration>) -> impl Stream<Item = Bytes> + Send {
        let chunks = BodyStream::new(self.response.into_body());
        let state = (chunks, self.connection);
        futures::stream::unfold(state, move |(mut chunks, connection)| async move {
            loop {
                let next = match patience {
                    Some(patience) => timeout(patience, chunks.next()).await.ok()?,
                    None => chunks.next().await,
                };
                let frame = next?
                    .inspect_err(|error| tracing::debug!(%error, "a kubelet's answer broke off"))
                    .ok()?;
                match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Some((data, (chunks, connection))),
                    _ => {}
                }
            }
        })
    }
}

#[cfg(test)]
mod tests;
