//! The demo's two halves: a service that says who it is, and a client that asks for ever. `make run` starts them.
//!
//! `pier serve NAME ADDR:PORT` answers every request; `pier ask ADDR:PORT HOST PATH...` asks for each path in turn, five
//! times a second.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use hyper::{body::Incoming, client, server, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{convert::Infallible, net::SocketAddr, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

const PAUSE: Duration = Duration::from_millis(200);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", name, address] => serve((*name).to_owned(), address.parse()?).await,
        ["ask", address, host, paths @ ..] if !paths.is_empty() => {
            ask(address.parse()?, host, paths).await
        }
        _ => Err("pier serve NAME ADDR:PORT, or pier ask ADDR:PORT HOST PATH...".into()),
    }
}

async fn serve(name: String, address: SocketAddr) -> Outcome {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let name = name.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let text = format!("{name} answers {} {}\n", request.method(), request.uri());
                async move { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text)))) }
            });
            // A client that goes is no loss.
            let _ = server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// What is not answered now may be later.
async fn ask(address: SocketAddr, host: &str, paths: &[&str]) -> Outcome {
    for path in paths.iter().cycle() {
        let _ = ask_once(address, host, path).await;
        sleep(PAUSE).await;
    }
    Ok(())
}

async fn ask_once(address: SocketAddr, host: &str, path: &str) -> Outcome {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(path)
        .header("host", host)
        .body(Empty::<Bytes>::new())?;
    sender.send_request(request).await?;
    Ok(())
}
