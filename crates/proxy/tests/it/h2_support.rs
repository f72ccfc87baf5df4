//! Clients and origins that speak HTTP/2 with prior knowledge.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use bytes::Bytes;
use h2::{RecvStream, SendStream, client::SendRequest, server::SendResponse};
use http::{HeaderMap, Request, Response};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use tokio_rustls::TlsAcceptor;

use crate::tls::Identity;

/// A message that has come whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    /// `METHOD URI` or the status.
    pub(crate) line: String,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Message {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.to_str().ok()
    }

    pub(crate) fn trailer(&self, name: &str) -> Option<&str> {
        self.trailers.as_ref()?.get(name)?.to_str().ok()
    }
}

/// Connects a client.
pub(crate) async fn connect(address: SocketAddr) -> SendRequest<Bytes> {
    speak(TcpStream::connect(address).await.expect("connected")).await
}

/// Begins HTTP/2 on a stream.
pub(crate) async fn speak<S>(stream: S) -> SendRequest<Bytes>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = h2::client::handshake(stream).await.expect("a handshake");
    tokio::spawn(connection);
    sender
}

/// A request without fields of its own.
pub(crate) fn request(method: &str, path: &str) -> Request<()> {
    Request::builder()
        .method(method)
        .uri(format!("http://test.example{path}"))
        .body(())
        .expect("a request")
}

/// Sends a request and reads the answer.
pub(crate) async fn ask(
    sender: &SendRequest<Bytes>,
    request: Request<()>,
    body: &[u8],
    trailers: Option<HeaderMap>,
) -> Result<Message, h2::Error> {
    let mut sender = sender.clone().ready().await?;
    let bodiless = body.is_empty() && trailers.is_none();
    let (answer, mut stream) = sender.send_request(request, bodiless)?;
    if !bodiless {
        let body = Bytes::copy_from_slice(body);
        tokio::spawn(async move {
            // What the proxy does not take is not the test's failure.
            let _ = write(&mut stream, body, trailers).await;
        });
    }
    read_answer(answer.await?).await
}

pub(crate) async fn read_answer(answer: Response<RecvStream>) -> Result<Message, h2::Error> {
    let (head, stream) = answer.into_parts();
    read(head.status.as_str().to_owned(), head.headers, stream).await
}

async fn read(
    line: String,
    fields: HeaderMap,
    mut stream: RecvStream,
) -> Result<Message, h2::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk?;
        body.extend_from_slice(&chunk);
        stream.flow_control().release_capacity(chunk.len())?;
    }
    Ok(Message {
        line,
        fields,
        body,
        trailers: stream.trailers().await?,
    })
}

/// Sends a body as the window allows, and ends the stream.
pub(crate) async fn write(
    stream: &mut SendStream<Bytes>,
    mut body: Bytes,
    trailers: Option<HeaderMap>,
) -> Result<(), h2::Error> {
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let room = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
        let room = room.ok_or(h2::Reason::CANCEL)??;
        stream.send_data(body.split_to(room.min(body.len())), false)?;
    }
    match trailers {
        Some(trailers) => stream.send_trailers(trailers),
        None => stream.send_data(Bytes::new(), true),
    }
}

/// What an origin does with a stream whose request it has read.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Answer(Box<Response<()>>, Vec<u8>, Option<HeaderMap>),
    /// The request's body and trailers.
    Echo,
    /// Breaks the stream.
    Reset(h2::Reason),
    /// Begins an answer, then breaks the stream.
    HalfThenReset(h2::Reason),
    Nothing,
}

/// A server that does as it is told.
#[derive(Clone)]
pub(crate) struct H2Origin {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Vec<Message>>>,
    pub(crate) connections: Arc<AtomicU32>,
    /// Told when a stream without an answer was reset.
    pub(crate) reset: Arc<Notify>,
    /// A connection takes so many streams, then says that it takes no more.
    streams_max: usize,
}

impl H2Origin {
    pub(crate) async fn start(
        reply: impl Fn(&Message, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::begin(usize::MAX, None, reply).await
    }

    /// Its connections end after so many streams, each of which is echoed.
    pub(crate) async fn ending_after(streams_max: usize) -> Self {
        Self::begin(streams_max, None, |_, _| Reply::Echo).await
    }

    /// Speaks TLS, and echoes.
    pub(crate) async fn secure(identity: &Identity) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(identity.chain.clone(), identity.key())
            .expect("an identity");
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::begin(usize::MAX, Some(acceptor), |_, _| Reply::Echo).await
    }

    async fn begin(
        streams_max: usize,
        acceptor: Option<TlsAcceptor>,
        reply: impl Fn(&Message, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = Self {
            address: listener.local_addr().expect("its address"),
            seen: Arc::default(),
            connections: Arc::default(),
            reset: Arc::default(),
            streams_max,
        };
        let (own, reply) = (origin.clone(), Arc::new(reply));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                own.connections.fetch_add(1, Ordering::Relaxed);
                let (own, reply) = (own.clone(), reply.clone());
                match acceptor.clone() {
                    None => tokio::spawn(own.serve(stream, reply)),
                    Some(acceptor) => tokio::spawn(async move {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            own.serve(stream, reply).await;
                        }
                    }),
                };
            }
        });
        origin
    }

    async fn serve<S, F>(self, stream: S, reply: Arc<F>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Fn(&Message, usize) -> Reply + Send + Sync + 'static,
    {
        let Ok(mut connection) = h2::server::handshake(stream).await else {
            return;
        };
        let mut count = 0;
        while let Some(Ok((request, respond))) = connection.accept().await {
            tokio::spawn(self.clone().answer(request, respond, reply.clone()));
            count += 1;
            if count == self.streams_max {
                connection.graceful_shutdown();
            }
        }
    }

    async fn answer<F>(
        self,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
        reply: Arc<F>,
    ) -> Result<(), h2::Error>
    where
        F: Fn(&Message, usize) -> Reply + Send + Sync + 'static,
    {
        let (head, stream) = request.into_parts();
        let line = format!("{} {}", head.method, head.uri);
        let message = read(line, head.headers, stream).await?;
        let number = {
            let mut seen = self.seen.lock().expect("unpoisoned");
            seen.push(message.clone());
            seen.len() - 1
        };
        match reply(&message, number) {
            Reply::Answer(head, body, trailers) => {
                let end = body.is_empty() && trailers.is_none();
                let mut stream = respond.send_response(*head, end)?;
                if !end {
                    write(&mut stream, body.into(), trailers).await?;
                }
            }
            Reply::Echo => {
                let mut stream = respond.send_response(Response::new(()), false)?;
                write(&mut stream, message.body.into(), message.trailers).await?;
            }
            Reply::Reset(reason) => respond.send_reset(reason),
            Reply::HalfThenReset(reason) => {
                let mut stream = respond.send_response(Response::new(()), false)?;
                stream.send_data(Bytes::from_static(b"half"), false)?;
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                stream.send_reset(reason);
            }
            Reply::Nothing => {
                let _ = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
                self.reset.notify_one();
            }
        }
        Ok(())
    }

    pub(crate) fn seen(&self) -> Vec<Message> {
        self.seen.lock().expect("unpoisoned").clone()
    }
}
