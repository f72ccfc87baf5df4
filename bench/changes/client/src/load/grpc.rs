//! Calls by gRPC that stream both ways: each message comes back before the next is sent.

use std::{future::poll_fn, time::Duration};

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::{RecvStream, SendStream};
use http::Request;
use tokio::time::Instant;

use super::{Reporter, Target, every};
use crate::{
    content,
    exchange::{Http2, next_data},
    fault::{Failure, Fault, in_time},
};

/// Between two messages.
const PAUSE: Duration = Duration::from_millis(20);
/// The lengths of messages, by turns.
const LENGTHS: [usize; 3] = [0, 100, 30_000];

/// Calls to one host.
#[derive(Debug, Clone)]
pub(crate) struct Grpc {
    /// Its host, and how it is reached.
    pub(crate) target: Target,
    /// How long each call lasts.
    pub(crate) lasts: Duration,
}

impl Grpc {
    /// What is counted when a call has ended well.
    pub(crate) const ENDED: &'static str = "calls";

    pub(super) async fn run(self, reporter: Reporter) {
        let mut ticks = every(PAUSE);
        while reporter.goes_on() {
            ticks.tick().await;
            let began = Instant::now();
            match self.connect().await {
                Ok(connection) => self.use_up(connection, &reporter).await,
                Err(failure) => {
                    reporter.report(began, Err(failure));
                }
            }
        }
    }

    async fn connect(&self) -> Result<Http2, Failure> {
        let dialled = self.target.dial().await?;
        Http2::open(dialled.stream, self.target.way.scheme()).await
    }

    /// One call after the other, until the connection takes no more.
    async fn use_up(&self, mut connection: Http2, reporter: &Reporter) {
        while reporter.goes_on() && connection.goes_on().await {
            let began = Instant::now();
            match self.call(&mut connection, began, reporter).await {
                Ok(()) => reporter.event(Self::ENDED),
                Err(failure) => {
                    reporter.report(began, Err(failure));
                    return;
                }
            }
        }
    }

    async fn call(
        &self,
        connection: &mut Http2,
        began: Instant,
        reporter: &Reporter,
    ) -> Result<(), Failure> {
        let request = Request::builder()
            .method("POST")
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        let (answer, mut up) = connection.begin(
            request,
            &self.target.ask.host,
            "/changes.Echo/Stream",
            false,
        )?;
        let answer = in_time("answer", async {
            answer.await.map_err(|error| Failure::h2("answer", &error))
        });
        let answer = answer.await?;
        if answer.status() != 200 {
            return Err(Failure::new(Fault::Status, answer.status().to_string()));
        }
        // A call that has failed at once has its status here.
        if let Some(status) = answer.headers().get("grpc-status") {
            return Err(Failure::new(Fault::Status, format!("gRPC {status:?}")));
        }
        let mut down = answer.into_body();
        let mut ticks = every(PAUSE);
        let mut turn = 0;
        while began.elapsed() < self.lasts && reporter.goes_on() {
            ticks.tick().await;
            let sent = message(LENGTHS[turn % LENGTHS.len()]);
            let began = Instant::now();
            in_time("echo", exchange(&mut up, &mut down, &sent)).await?;
            reporter.report(began, Ok(()));
            turn += 1;
        }
        up.send_data(Bytes::new(), true)
            .map_err(|error| Failure::h2("end", &error))?;
        in_time("end", ended(&mut down)).await
    }
}

/// A message with its prefix.
fn message(length: usize) -> Bytes {
    let mut bytes = BytesMut::with_capacity(5 + length);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    bytes.extend(content::at(0, length));
    bytes.freeze()
}

async fn exchange(
    up: &mut SendStream<Bytes>,
    down: &mut RecvStream,
    sent: &Bytes,
) -> Result<(), Failure> {
    let mut left = sent.clone();
    let mut back = Vec::with_capacity(sent.len());
    while !left.is_empty() {
        up.reserve_capacity(left.len());
        let room = poll_fn(|cx| up.poll_capacity(cx)).await;
        let room = room
            .ok_or_else(|| Failure::new(Fault::StreamLost, "no more can be sent"))?
            .map_err(|error| Failure::h2("send", &error))?;
        up.send_data(left.split_to(room.min(left.len())), false)
            .map_err(|error| Failure::h2("send", &error))?;
    }
    while back.len() < sent.len() {
        match next_data(down).await? {
            Some(part) => back.extend_from_slice(&part),
            None => return Err(Failure::new(Fault::EndedEarly, "the call has ended")),
        }
    }
    match back == sent[..] {
        true => Ok(()),
        false => Err(Failure::new(Fault::Body, "another message came back")),
    }
}

/// After our end, there must come theirs, with the status of the call.
async fn ended(down: &mut RecvStream) -> Result<(), Failure> {
    if next_data(down).await?.is_some_and(|part| !part.is_empty()) {
        return Err(Failure::new(Fault::Body, "a message that nobody sent"));
    }
    let trailers = down
        .trailers()
        .await
        .map_err(|error| Failure::h2("trailers", &error))?;
    let status = trailers.as_ref().and_then(|all| all.get("grpc-status"));
    match status.map(http::HeaderValue::as_bytes) {
        Some(b"0") => Ok(()),
        other => Err(Failure::new(Fault::Truncated, format!("gRPC {other:?}"))),
    }
}
