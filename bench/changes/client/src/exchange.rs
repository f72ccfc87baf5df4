//! One client connection that sends requests and reads whole answers, strictly. It forgives nothing: no request is sent
//! twice, and a connection that ends without having said so is an error.

mod http1;
mod http2;

use std::net::SocketAddr;

pub(crate) use self::{
    http1::{Http1, read_head},
    http2::{Http2, next_data},
};
use crate::{
    dial::Way,
    fault::{Failure, Fault, in_time},
};

/// No answer here is longer.
const ANSWER_BYTES: usize = 64 << 10;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The server ends the connection after this answer.
    pub(crate) close: bool,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) host: String,
    pub(crate) path: String,
    /// Sent with POST; without one, it is a GET.
    pub(crate) body: Option<String>,
}

/// A connection that is kept.
#[derive(Debug)]
pub(crate) enum Exchange {
    Http1(Http1),
    Http2(Http2),
}

/// What is spoken on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    /// In clear by prior knowledge.
    Http2,
}

impl Ask {
    /// A GET.
    pub(crate) fn get(host: &str, path: &str) -> Self {
        Self {
            host: host.to_owned(),
            path: path.to_owned(),
            body: None,
        }
    }
}

impl Answer {
    /// Must be 200 with one of these bodies.
    pub(crate) fn expect(&self, bodies: &[String]) -> Result<(), Failure> {
        let words = || {
            let start: String = self.body.chars().take(120).collect();
            format!("{} {start:?}", self.status)
        };
        if self.status != 200 {
            return Err(Failure::new(Fault::Status, words()));
        }
        if !bodies.contains(&self.body) {
            return Err(Failure::new(Fault::Body, words()));
        }
        Ok(())
    }
}

impl Exchange {
    /// Connects to a name at an address.
    pub(crate) async fn open(
        way: &Way,
        protocol: Protocol,
        address: SocketAddr,
        name: &str,
    ) -> Result<Self, Failure> {
        let dialled = way.dial(address, name).await?;
        match protocol {
            Protocol::Http1 => Ok(Self::Http1(Http1::new(dialled.stream))),
            Protocol::Http2 => Http2::open(dialled.stream, way.scheme())
                .await
                .map(Self::Http2),
        }
    }

    /// Connects, in clear, for HTTP/1.1.
    pub(crate) async fn clear(address: SocketAddr) -> Result<Self, Failure> {
        Self::open(&Way::Clear, Protocol::Http1, address, "").await
    }

    /// Whether another request may be sent. HTTP/2 says goodbye between requests, HTTP/1 with an answer.
    pub(crate) async fn goes_on(&mut self) -> bool {
        match self {
            Self::Http1(_) => true,
            Self::Http2(http2) => http2.goes_on().await,
        }
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn send(&mut self, ask: &Ask) -> Result<Answer, Failure> {
        in_time("answer", async {
            match self {
                Self::Http1(http1) => http1.send(ask).await,
                Self::Http2(http2) => http2.send(ask).await,
            }
        })
        .await
    }
}
