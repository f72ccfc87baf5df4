//! Origins on loopback: each answers every request with 200 and its name, and says how many it has answered. One path is
//! answered slowly, with the name many times.

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
    time::{Duration, sleep},
};

/// What is asked for with this path takes [`SLOW_PARTS`] times [`SLOW_PAUSE`].
pub(crate) const SLOW_PATH: &str = "/slow";
/// How often the name comes in a slow answer.
pub(crate) const SLOW_PARTS: usize = 20;
const SLOW_PAUSE: Duration = Duration::from_millis(100);

/// A running origin. Dropping it refuses new connections.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    answered: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Origin {
    /// Listens on a free port.
    pub(crate) async fn start(name: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let answered = Arc::new(AtomicU64::new(0));
        let name: Arc<str> = name.into();
        let count = Arc::clone(&answered);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&name), Arc::clone(&count)));
            }
        });
        Ok(Self {
            address,
            answered,
            accepting,
        })
    }

    /// Requests answered so far.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Answers requests until the connection ends.
async fn serve(mut stream: TcpStream, name: Arc<str>, count: Arc<AtomicU64>) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(16 << 10);
    loop {
        while let Some((length, slowly)) = whole_request(&buffer) {
            buffer.drain(..length);
            count.fetch_add(1, Ordering::Relaxed);
            let answered = match slowly {
                false => answer(&mut stream, &name, 1, Duration::ZERO).await,
                true => answer(&mut stream, &name, SLOW_PARTS, SLOW_PAUSE).await,
            };
            if answered.is_err() {
                return;
            }
        }
        match stream.read_buf(&mut buffer).await {
            Ok(1..) => {}
            _ => return,
        }
    }
}

/// The length of the first request, once its body is here, and whether its answer shall take long.
fn whole_request(bytes: &[u8]) -> Option<(usize, bool)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.lines();
    let slowly = lines
        .next()
        .is_some_and(|line| line.contains(&format!(" {SLOW_PATH} ")));
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0);
    (bytes.len() >= end + length).then_some((end + length, slowly))
}

/// The name, so many times, with a pause before each but the first.
async fn answer(
    stream: &mut TcpStream,
    name: &str,
    times: usize,
    pause: Duration,
) -> std::io::Result<()> {
    let length = name.len() * times;
    let first = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{name}");
    stream.write_all(first.as_bytes()).await?;
    for _ in 1..times {
        sleep(pause).await;
        stream.write_all(name.as_bytes()).await?;
    }
    Ok(())
}
