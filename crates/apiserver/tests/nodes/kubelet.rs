//! A kubelet's stand-in: TLS with a certificate that nobody knows, and an answer for each container.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tidegate_access::Authority;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{broadcast, mpsc},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Long enough for many pieces.
pub(crate) const LONG: usize = 3 << 20;

#[derive(Debug)]
pub(crate) struct Kubelet {
    pub(crate) address: SocketAddr,
    /// The heads of all requests.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    /// What followers get.
    pub(crate) lines: broadcast::Sender<&'static str>,
    /// Says so when a follower has gone.
    pub(crate) gone: mpsc::UnboundedReceiver<()>,
}

#[derive(Debug, Clone)]
struct Worker {
    asked: Arc<Mutex<Vec<String>>>,
    lines: broadcast::Sender<&'static str>,
    gone: mpsc::UnboundedSender<()>,
}

impl Kubelet {
    pub(crate) async fn start() -> Self {
        const NOW: i64 = 1_700_000_000;
        let authority = Authority::in_memory(NOW).expect("an authority");
        let tls = authority
            .server_config(&["another.example"], NOW)
            .expect("a certificate");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (told, gone) = mpsc::unbounded_channel();
        let worker = Worker {
            asked: Arc::default(),
            lines: broadcast::Sender::new(16),
            gone: told,
        };
        let kubelet = Self {
            address,
            asked: worker.asked.clone(),
            lines: worker.lines.clone(),
            gone,
        };
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (worker, acceptor) = (worker.clone(), TlsAcceptor::from(tls.clone()));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        worker.serve(stream).await;
                    }
                });
            }
        });
        kubelet
    }
}

impl Worker {
    async fn serve(self, mut stream: TlsStream<TcpStream>) {
        let mut head = Vec::new();
        if stream.get_ref().1.peer_certificates().is_some() {
            head.extend_from_slice(b"with a certificate: ");
        }
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let head = String::from_utf8(head).expect("a head is text");
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        self.asked.lock().expect("no panic").push(head);
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let container = path.rsplit('/').next().unwrap_or_default();
        if query.contains("follow=true") {
            return self.follow(stream).await;
        }
        let answer = match container {
            "missing" => whole("404 Not Found", "no such pod"),
            "bad" => whole("400 Bad Request", "previous terminated container not found"),
            "broken" => whole("500 Internal Server Error", &"x".repeat(200_000)),
            "moved" => whole("302 Found\r\nLocation: https://192.0.2.1/", ""),
            "long" => whole("200 OK", &"y".repeat(LONG)),
            "cut" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_owned(),
            "garbage" => "no HTTP at all\r\n\r\n".to_owned(),
            other => whole(
                "200 OK\r\nContent-Type: text/html",
                &format!("log of {other}\n"),
            ),
        };
        // The other end may have gone.
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }

    /// Sends lines as they come, until the other end goes.
    async fn follow(self, mut stream: TlsStream<TcpStream>) {
        let mut lines = self.lines.subscribe();
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n";
        let mut sent = stream.write_all(head.as_bytes()).await;
        while sent.is_ok() {
            sent = tokio::select! {
                line = lines.recv() => match line {
                    Ok(line) => {
                        let chunk = format!("{:x}\r\n{line}\r\n", line.len());
                        stream.write_all(chunk.as_bytes()).await
                    }
                    Err(_) => return,
                },
                _ended = stream.read_u8() => break,
            };
        }
        // The test may be over.
        let _ = self.gone.send(());
    }
}

fn whole(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}
