//! The ends of the pipeline: output, commands, webhook, each on a thread of its own.
//!
//! A thread, because they write to files and pipes that can block, and a blocked one must not hold
//! up the informers. Each has a short channel in front and ends when the channel is closed and empty.

use super::{
    event::WatchEvent,
    intake::{Arrival, CHANNEL, Entrance, Intake},
    output::{Format, Look, printer},
};
use jiff::Timestamp;
use std::{
    future::Future,
    io::{self, BufWriter, Write},
    thread,
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};

/// A running sink.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) name: &'static str,
    pub(super) events: mpsc::Sender<WatchEvent>,
    /// Comes when the sink has ended; an error for the output only.
    pub(super) end: oneshot::Receiver<io::Result<()>>,
}

const STDOUT_BUFFER: usize = 64 << 10;

/// Starts a sink on its own thread. `work` is called there, because filters don't move.
pub(super) fn start<F>(
    name: &'static str,
    entrance: &Entrance,
    work: impl FnOnce(Intake) -> F + Send + 'static,
) -> io::Result<Sink>
where
    F: Future<Output = io::Result<()>>,
{
    let (events, receiver) = mpsc::channel(CHANNEL);
    let (ended, end) = oneshot::channel();
    let entrance = entrance.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let result = runtime.block_on(work(entrance.intake(receiver, name)));
            // Nobody waits any more when the process is ending at once.
            let _ = ended.send(result);
        })?;
    Ok(Sink { name, events, end })
}

/// Writes events on standard output until they end or nobody reads them.
pub(super) async fn output(mut intake: Intake, format: Format, look: Look) -> io::Result<()> {
    let mut printer = printer(format, &look);
    let mut out = BufWriter::with_capacity(STDOUT_BUFFER, io::stdout().lock());
    loop {
        let mut pause = None;
        if intake.is_empty() {
            pause = printer.idle(Timestamp::now(), &mut out)?;
            out.flush()?;
        }
        let arrival = tokio::select! {
            biased;
            arrival = intake.next() => arrival,
            () = sleep(pause.unwrap_or(Duration::MAX)), if pause.is_some() => continue,
        };
        match arrival {
            Some(Arrival::Wanted(event)) => printer.event(&event, Timestamp::now(), &mut out)?,
            Some(Arrival::Unwanted(event)) => printer.unmatched(&event),
            None => break,
        }
    }
    printer.finish(Timestamp::now(), &mut out)?;
    out.flush()
}
