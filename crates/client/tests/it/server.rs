//! A small HTTP/1.1 server for one test, whose answers the test writes in a closure.
//!
//! Counts connections and requests. Knows nothing of Kubernetes.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use hyper::{
    body::{Body, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tidegate_client::{Client, ClientOptions, Source};
use tokio::{net::TcpListener, sync::mpsc};

/// The pieces of a body; an `Err` breaks the connection off.
pub(crate) type Pieces = mpsc::UnboundedReceiver<io::Result<Bytes>>;

pub(crate) struct Server {
    pub(crate) url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

/// A body that is sent as the test writes it.
pub(crate) struct Streamed(Pieces);

impl Server {
    pub(crate) async fn start<F, A>(answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response<Streamed>> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (connections, requests) =
            (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (opened, asked) = (Arc::clone(&connections), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                opened.fetch_add(1, Ordering::SeqCst);
                let (answer, asked) = (answer.clone(), Arc::clone(&asked));
                let service = service_fn(move |request| {
                    asked.fetch_add(1, Ordering::SeqCst);
                    let answer = answer.clone();
                    async move { Ok::<_, Infallible>(answer(request).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self {
            url,
            connections,
            requests,
        }
    }

    pub(crate) async fn client(&self) -> Client {
        self.client_with(ClientOptions::default()).await
    }

    pub(crate) async fn client_with(&self, options: ClientOptions) -> Client {
        Client::connect(Source::Url(self.url.clone()), options)
            .await
            .expect("a client")
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// An answer with this status and body.
pub(crate) fn answer(status: u16, body: impl Into<Bytes>) -> Response<Streamed> {
    let (response, pieces) = stream(status);
    pieces.send(Ok(body.into())).expect("the receiver lives");
    response
}

/// An answer whose body is still to be written.
pub(crate) fn stream(
    status: u16,
) -> (Response<Streamed>, mpsc::UnboundedSender<io::Result<Bytes>>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let response = Response::builder()
        .status(status)
        .body(Streamed(receiver))
        .expect("a response");
    (response, sender)
}

/// The same answer with one more header.
pub(crate) fn with(
    mut response: Response<Streamed>,
    name: &'static str,
    value: &str,
) -> Response<Streamed> {
    response
        .headers_mut()
        .insert(name, value.parse().expect("a header"));
    response
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0
            .poll_recv(context)
            .map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
