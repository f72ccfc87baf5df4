//! Asks DNS servers: by UDP, and by TCP where the answer is too long for that. Each question goes out by a port and with a
//! number of its own, both at random, so that nobody else can answer it.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

use super::{
    files::Conf,
    message::{Family, Reply, answer, question},
};
use crate::tls::random;

/// Datagrams that are no answer to the question, before it counts as lost.
const STRAY_MAX: usize = 64;
/// How long one family's addresses wait for the other's answer.
const GRACE: Duration = Duration::from_secs(1);

/// Why nothing is known.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error("no answer of the DNS server {0} in time")]
    Timeout(SocketAddr),
    #[error("the DNS server {0} can't be asked: {1}")]
    Io(SocketAddr, #[source] io::Error),
    #[error("the DNS server {0} can't say: {1}")]
    Failed(SocketAddr, &'static str),
    #[error("it is no name")]
    Name,
}

/// What was said of one name, by family.
pub(super) struct Answers {
    pub(super) v4: Result<Reply, AskError>,
    pub(super) v6: Result<Reply, AskError>,
}

/// Asks for both families at once. One that is found does not wait long for the other.
pub(super) async fn ask_both(conf: &Conf, turn: &AtomicUsize, name: &str) -> Answers {
    let mut v4 = pin!(ask(conf, turn, name, Family::V4));
    let mut v6 = pin!(ask(conf, turn, name, Family::V6));
    tokio::select! {
        v4 = &mut v4 => {
            let v6 = other(&v4, conf, v6).await;
            Answers { v4, v6 }
        }
        v6 = &mut v6 => {
            let v4 = other(&v6, conf, v4).await;
            Answers { v4, v6 }
        }
    }
}

async fn other(
    first: &Result<Reply, AskError>,
    conf: &Conf,
    asking: impl Future<Output = Result<Reply, AskError>>,
) -> Result<Reply, AskError> {
    match first {
        Ok(Reply::Found { .. }) => timeout(GRACE, asking)
            .await
            .unwrap_or(Err(AskError::Timeout(conf.servers[0]))),
        _ => asking.await,
    }
}

/// Asks one server after the other, and again.
async fn ask(
    conf: &Conf,
    turn: &AtomicUsize,
    name: &str,
    family: Family,
) -> Result<Reply, AskError> {
    let first = if conf.rotate {
        turn.fetch_add(1, Ordering::Relaxed)
    } else {
        0
    };
    let mut last = AskError::Name;
    for at in 0..conf.attempts as usize * conf.servers.len() {
        let server = conf.servers[(first + at) % conf.servers.len()];
        let asking = ask_one(server, conf.tcp, name, family);
        last = match timeout(conf.timeout, asking).await {
            Err(_elapsed) => AskError::Timeout(server),
            Ok(Err(error)) => AskError::Io(server, error),
            Ok(Ok(None)) => return Err(AskError::Name),
            Ok(Ok(Some(Reply::Truncated))) => AskError::Failed(server, "truncated"),
            Ok(Ok(Some(Reply::Failed(code)))) => AskError::Failed(server, meaning(code)),
            Ok(Ok(Some(reply))) => return Ok(reply),
        };
    }
    Err(last)
}

/// `None`: it is no name.
async fn ask_one(
    server: SocketAddr,
    tcp: bool,
    name: &str,
    family: Family,
) -> io::Result<Option<Reply>> {
    let id = random().ok_or(io::ErrorKind::Other)?;
    let Some(question) = question(id, name, family) else {
        return Ok(None);
    };
    if !tcp {
        let reply = by_udp(server, &question, |message| {
            answer(message, id, name, family)
        });
        match reply.await? {
            Reply::Truncated => {}
            reply => return Ok(Some(reply)),
        }
    }
    let message = by_tcp(server, &question).await?;
    match answer(&message, id, name, family) {
        Some(reply) => Ok(Some(reply)),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

async fn by_udp(
    server: SocketAddr,
    question: &[u8],
    read: impl Fn(&[u8]) -> Option<Reply>,
) -> io::Result<Reply> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    // From then on the kernel takes datagrams of this server only.
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut message = vec![0; 4096];
    for _ in 0..STRAY_MAX {
        let length = socket.recv(&mut message).await?;
        if let Some(reply) = read(&message[..length]) {
            return Ok(reply);
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

async fn by_tcp(server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(question);
    stream.write_all(&framed).await?;
    let length = stream.read_u16().await?;
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

/// RFC 1035, 4.1.1.
fn meaning(code: u8) -> &'static str {
    match code {
        1 => "FORMERR",
        2 => "SERVFAIL",
        4 => "NOTIMP",
        5 => "REFUSED",
        _ => "an unknown failure",
    }
}
