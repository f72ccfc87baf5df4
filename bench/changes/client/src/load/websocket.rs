//! WebSockets whose frames come back, for as long as may be.

use std::time::Duration;

use tokio::{
    io::AsyncWriteExt as _,
    time::{Instant, Interval},
};

use super::{Reporter, Target, every};
use crate::{
    content,
    dial::Wire,
    exchange::read_head,
    fault::{Failure, Fault, in_time},
    frames::{ACCEPT, Frame, From, KEY, Opcode},
    lives::Lives,
    origin,
};

/// Between two frames.
const PAUSE: Duration = Duration::from_millis(20);
/// The lengths of frames, by turns.
const LENGTHS: [usize; 4] = [1, 125, 1000, 20_000];

/// WebSockets to one host.
#[derive(Debug, Clone)]
pub(crate) struct WebSockets {
    /// Its host, and how it is reached.
    pub(crate) target: Target,
    /// How long each shall last; without one, as long as its process.
    pub(crate) lasts: Option<Duration>,
    pub(crate) lives: Lives,
}

/// How one came to its end.
enum End {
    /// We have closed it.
    Ours,
    /// It has ended in order.
    Theirs,
}

impl WebSockets {
    /// What is counted when a client has closed one.
    pub(crate) const CLOSED: &'static str = "closed";
    /// What is counted when a process has ended one because its grace was over.
    pub(crate) const GRACE_OVER: &'static str = "ended after the grace";

    pub(super) async fn run(self, reporter: Reporter) {
        let mut ticks = every(PAUSE);
        while reporter.goes_on() {
            ticks.tick().await;
            let opened = Instant::now();
            let ended = match self.open().await {
                Ok(stream) => self.use_up(stream, opened, &mut ticks, &reporter).await,
                Err(failure) => Err(failure),
            };
            match ended {
                Ok(End::Ours) => reporter.event(Self::CLOSED),
                Ok(End::Theirs) if self.lives.may_end(opened, Instant::now()) => {
                    reporter.event(Self::GRACE_OVER)
                }
                Ok(End::Theirs) => {
                    let words = format!("after {:.1?}", opened.elapsed());
                    reporter.report(opened, Err(Failure::new(Fault::EndedEarly, words)));
                }
                Err(failure) => {
                    reporter.report(opened, Err(failure));
                }
            }
        }
    }

    async fn open(&self) -> Result<Box<dyn Wire>, Failure> {
        let mut stream = self.target.dial().await?.stream;
        let head = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n",
            origin::SOCKET,
            self.target.ask.host
        );
        write(&mut stream, head.as_bytes()).await?;
        let mut buffer = Vec::new();
        let head = in_time("upgrade", read_head(&mut stream, &mut buffer)).await?;
        let accepted = head.fields.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("sec-websocket-accept") && value == ACCEPT
        });
        match (head.status, accepted && buffer.is_empty()) {
            (101, true) => Ok(stream),
            (101, false) => Err(Failure::malformed("the upgrade is not as it should be")),
            (status, _) => Err(Failure::new(Fault::Status, status.to_string())),
        }
    }

    async fn use_up(
        &self,
        mut stream: Box<dyn Wire>,
        opened: Instant,
        ticks: &mut Interval,
        reporter: &Reporter,
    ) -> Result<End, Failure> {
        for turn in 0.. {
            ticks.tick().await;
            if !reporter.goes_on() || self.lasts.is_some_and(|lasts| opened.elapsed() > lasts) {
                return close(&mut stream).await;
            }
            let sent = Frame {
                opcode: Opcode::Binary,
                payload: content::at(turn, LENGTHS[turn % LENGTHS.len()]).collect(),
            };
            let began = Instant::now();
            let written = write(&mut stream, &sent.encode(From::Client)).await;
            // An end that came before says more than a write that failed.
            match in_time("echo", read(&mut stream)).await? {
                None => return Ok(End::Theirs),
                Some(frame) if frame == sent => {
                    written?;
                    reporter.report(began, Ok(()));
                }
                Some(frame) => {
                    let words = format!("a frame of {} bytes came back", frame.payload.len());
                    return Err(Failure::new(Fault::Body, words));
                }
            }
        }
        Ok(End::Ours)
    }
}

async fn write(stream: &mut Box<dyn Wire>, bytes: &[u8]) -> Result<(), Failure> {
    in_time("send", async {
        let written = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        written.await.map_err(|error| Failure::io("send", &error))
    })
    .await
}

async fn read(stream: &mut Box<dyn Wire>) -> Result<Option<Frame>, Failure> {
    Frame::read(stream)
        .await
        .map_err(|error| Failure::io("read", &error))
}

/// Says goodbye, hears it, and hears the end.
async fn close(stream: &mut Box<dyn Wire>) -> Result<End, Failure> {
    let goodbye = Frame {
        opcode: Opcode::Close,
        payload: 1000_u16.to_be_bytes().to_vec(),
    };
    write(stream, &goodbye.encode(From::Client)).await?;
    match in_time("close", read(stream)).await? {
        None => return Ok(End::Theirs),
        Some(frame) if frame == goodbye => {}
        Some(_) => return Err(Failure::new(Fault::Body, "no goodbye")),
    }
    match in_time("end", read(stream)).await? {
        None => Ok(End::Ours),
        Some(_) => Err(Failure::new(Fault::Body, "a frame after the goodbye")),
    }
}
