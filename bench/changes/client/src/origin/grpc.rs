//! An origin that speaks HTTP/2 in clear, and sends back what is sent to it as gRPC does.

use std::{future::poll_fn, sync::Arc};

use bytes::Bytes;
use h2::{RecvStream, SendStream, server::SendResponse};
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::net::TcpStream;

use super::Busy;
use crate::exchange::next_data;

/// Answers calls until the connection ends.
pub(super) async fn serve(stream: TcpStream, busy: &Arc<Busy>) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(accepted) = connection.accept().await {
        let (request, reply) = accepted?;
        let busy = Arc::clone(busy);
        tokio::spawn(async move { busy.with(echo(request, reply)).await });
    }
    Ok(())
}

/// Sends back each part of a call's body. The error says nothing that the client does not see.
async fn echo(
    request: Request<RecvStream>,
    mut reply: SendResponse<Bytes>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let head = Response::builder()
        .header("content-type", "application/grpc")
        .body(())?;
    let mut down = reply.send_response(head, false)?;
    let mut up = request.into_body();
    while let Some(part) = next_data(&mut up).await? {
        send(&mut down, part).await?;
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    down.send_trailers(trailers)?;
    Ok(())
}

async fn send(down: &mut SendStream<Bytes>, mut part: Bytes) -> Result<(), h2::Error> {
    while !part.is_empty() {
        down.reserve_capacity(part.len());
        let Some(room) = poll_fn(|cx| down.poll_capacity(cx)).await else {
            return Ok(());
        };
        down.send_data(part.split_to(room?.min(part.len())), false)?;
    }
    Ok(())
}
