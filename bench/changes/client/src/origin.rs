//! Origins on loopback: each answers every request with 200 and its name, and says how many it has answered.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A running origin. Dropping it refuses new connections.
#[derive(Debug)]
pub struct Origin {
    pub address: SocketAddr,
    answered: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Origin {
    /// Listens on a free port.
    pub async fn start(name: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let answered = Arc::new(AtomicU64::new(0));
        let answer: Arc<[u8]> = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{name}",
            name.len()
        )
        .into_bytes()
        .into();
        let count = Arc::clone(&answered);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answer), Arc::clone(&count)));
            }
        });
        Ok(Self {
            address,
            answered,
            accepting,
        })
    }

    /// Requests answered so far.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Answers requests without bodies until the connection ends.
async fn serve(mut stream: TcpStream, answer: Arc<[u8]>, count: Arc<AtomicU64>) {
    let _ = stream.set_nodelay(true);
    let mut buffer = vec![0; 16 << 10];
    let mut filled = 0;
    loop {
        while let Some(end) = buffer[..filled]
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
        {
            buffer.copy_within(end + 4..filled, 0);
            filled -= end + 4;
            count.fetch_add(1, Ordering::Relaxed);
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
        match stream.read(&mut buffer[filled..]).await {
            Ok(read) if read > 0 => filled += read,
            _ => return,
        }
    }
}
