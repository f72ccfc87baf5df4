//! The load: so many requests under way at once as fast as they are answered, or requests at fixed times.
//!
//! At a fixed rate, latency counts from the moment a request was due, not from when it could be sent: a proxy that stalls
//! is charged for everybody who had to wait.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use informer_bench_protocol::Histogram;

use crate::{
    connection::{Connection, Finished, Target},
    events::{Events, TIMER},
    requests::{Requests, name},
    tls,
};

/// How the load is made.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The proxy.
    #[arg(long)]
    target: SocketAddr,
    /// TLS 1.3.
    #[arg(long)]
    tls: bool,
    /// Every handshake is a full one.
    #[arg(long)]
    no_resumption: bool,
    /// HTTP/2, with prior knowledge or by ALPN.
    #[arg(long)]
    http2: bool,
    #[arg(long, default_value_t = 32)]
    connections: u64,
    /// Requests under way at once on each connection (HTTP/2 only).
    #[arg(long, default_value_t = 1)]
    streams: usize,
    /// Requests each second; without it, as many as are answered.
    #[arg(long)]
    rate: Option<f64>,
    /// Seconds before anything is counted.
    #[arg(long, default_value_t = 0.5)]
    warm_up: f64,
    /// Seconds that count.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    #[command(flatten)]
    requests: Requests,
}

/// How long answers may take once nothing is sent any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs the load. `WARM` is printed when counting begins, `COUNTED` when it ends, `DONE` with the figures at last.
#[expect(clippy::print_stdout, reason = "the runner reads it")]
pub(crate) fn run(options: Options) -> anyhow::Result<()> {
    let mut load = Load::new(options)?;
    load.until(load.warm_up_ns())?;
    println!("WARM");
    load.counting = true;
    load.counts_from = load.now();
    let end = load.counts_from + seconds(load.options.seconds);
    load.until(end)?;
    load.counting = false;
    println!("COUNTED n={}", load.counted);
    load.drain()?;
    println!("DONE {}", load.figures());
    Ok(())
}

struct Load {
    options: Options,
    target: Target,
    began: Instant,
    events: Events,
    connections: Vec<Option<Connection>>,
    /// Connections that can take a request; one that can take several stands here as often.
    free: VecDeque<usize>,
    sent: u64,
    /// When the next request is due.
    next: u64,
    /// What the timer is set to.
    armed: u64,
    sending: bool,
    counting: bool,
    counts_from: u64,
    /// Answers that came while counting.
    counted: u64,
    latencies: Histogram,
    errors: u64,
    first_error: Option<String>,
    handshakes: u64,
    resumed: u64,
    scratch: Vec<u8>,
    finished: Vec<Finished>,
}

impl Load {
    fn new(options: Options) -> anyhow::Result<Self> {
        let tls = if options.tls {
            Some(tls::config(options.http2, !options.no_resumption)?)
        } else {
            None
        };
        let mut load = Self {
            target: Target {
                address: options.target,
                tls,
                http2: options.http2,
            },
            began: Instant::now(),
            events: Events::new()?,
            connections: Vec::new(),
            free: VecDeque::new(),
            sent: 0,
            next: 0,
            armed: 0,
            sending: true,
            counting: false,
            counts_from: 0,
            counted: 0,
            latencies: Histogram::default(),
            errors: 0,
            first_error: None,
            handshakes: 0,
            resumed: 0,
            scratch: vec![0; 256 * 1024],
            finished: Vec::new(),
            options,
        };
        for slot in 0..usize::try_from(load.options.connections)? {
            load.connections.push(None);
            load.make_free(slot, load.options.streams);
        }
        Ok(load)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn warm_up_ns(&self) -> u64 {
        self.now() + seconds(self.options.warm_up)
    }

    fn make_free(&mut self, slot: usize, times: usize) {
        self.free.extend(std::iter::repeat_n(slot, times));
    }

    /// Loads until a moment.
    fn until(&mut self, end: u64) -> anyhow::Result<()> {
        let mut ready = Vec::new();
        loop {
            self.send();
            let now = self.now();
            if now >= end {
                return Ok(());
            }
            let due = if self.sending && self.options.rate.is_some() && !self.free.is_empty() {
                self.next
            } else {
                end
            };
            self.wake_at(due.min(end), now)?;
            self.events.wait(&mut ready)?;
            for token in ready.drain(..) {
                if token != TIMER {
                    self.turn(usize::try_from(token)?);
                }
            }
        }
    }

    /// Sets the timer. What became due meanwhile is sent after a look at what is ready.
    fn wake_at(&mut self, at: u64, now: u64) -> anyhow::Result<()> {
        if at != self.armed || at <= now {
            self.events
                .wake_in(Duration::from_nanos(at.saturating_sub(now)))?;
            self.armed = at;
        }
        Ok(())
    }

    /// Sends nothing more, and waits for what is under way.
    fn drain(&mut self) -> anyhow::Result<()> {
        self.sending = false;
        let deadline = self.now() + u64::try_from(PATIENCE.as_nanos())?;
        while self.under_way() > 0 && self.now() < deadline {
            self.until((self.now() + 1_000_000).min(deadline))?;
        }
        let lost = self.under_way();
        if lost > 0 {
            self.failed(lost, "no answer in time");
        }
        Ok(())
    }

    fn under_way(&self) -> u64 {
        let open = self.connections.iter().flatten();
        open.map(|connection| connection.flights() as u64).sum()
    }

    /// Sends all requests that are due and have a connection.
    fn send(&mut self) {
        if !self.sending {
            return;
        }
        let now = self.now();
        while self.options.rate.is_none() || self.next <= now {
            let Some(slot) = self.free.pop_front() else {
                return;
            };
            let due = match self.options.rate {
                None => now,
                Some(rate) => {
                    let due = self.next;
                    self.next = due + seconds(1.0 / rate);
                    due
                }
            };
            if let Err(error) = self.send_on(slot, due) {
                self.lose(slot, &error);
            }
        }
    }

    fn send_on(&mut self, slot: usize, due: u64) -> anyhow::Result<()> {
        let requests = &self.options.requests;
        let host = requests.host_of_connection(slot as u64);
        if self.connections[slot].is_none() {
            let connection = Connection::open(&self.target, &name(host))?;
            self.events.add(&connection.socket, slot as u64)?;
            self.connections[slot] = Some(connection);
        }
        let Some(connection) = &mut self.connections[slot] else {
            return Ok(());
        };
        let route = if self.target.tls.is_some() {
            requests.route_of_host(self.sent, host)
        } else {
            requests.route(self.sent)
        };
        self.sent += 1;
        connection.request(requests, route, due);
        connection.flush()?;
        register(&self.events, slot, connection)
    }

    /// A connection's turn: something can be read or written.
    fn turn(&mut self, slot: usize) {
        let Some(connection) = &mut self.connections[slot] else {
            return;
        };
        let mut finished = std::mem::take(&mut self.finished);
        let outcome = connection
            .flush()
            .map_err(anyhow::Error::from)
            .and_then(|()| connection.read(&mut self.scratch, &mut finished))
            .and_then(|()| register(&self.events, slot, connection));
        let resumed = connection.resumed();
        let now = self.now();
        for answer in finished.drain(..) {
            self.answered(answer, now);
            if self.options.requests.connect {
                self.handshakes += u64::from(resumed.is_some());
                self.resumed += u64::from(resumed == Some(true));
                self.connections[slot] = None;
            }
            self.make_free(slot, 1);
        }
        self.finished = finished;
        if let (Err(error), true) = (outcome, self.connections[slot].is_some()) {
            self.lose(slot, &error);
        }
    }

    fn answered(&mut self, answer: Finished, now: u64) {
        if answer.length != self.options.requests.size {
            self.failed(1, &format!("a body of {} bytes", answer.length));
        }
        if self.counting {
            self.counted += 1;
        }
        // Requests count by when they were due, so that those at the end of a stall do too.
        if answer.due >= self.counts_from && self.counts_from > 0 {
            self.latencies.record(now.saturating_sub(answer.due));
        }
    }

    /// A connection is over, and with it the requests that wait on it.
    fn lose(&mut self, slot: usize, error: &anyhow::Error) {
        let Some(connection) = self.connections[slot].take() else {
            self.failed(1, &format!("{error:#}"));
            self.make_free(slot, 1);
            return;
        };
        // A proxy may close what is idle.
        let lost = connection.flights();
        if lost > 0 {
            self.failed(lost as u64, &format!("{error:#}"));
            self.make_free(slot, lost);
        }
    }

    fn failed(&mut self, requests: u64, why: &str) {
        self.errors += requests;
        self.first_error.get_or_insert_with(|| why.to_owned());
    }

    fn figures(&self) -> String {
        let at = |permille| self.latencies.permille(permille);
        let why = self.first_error.as_deref().unwrap_or("none");
        format!(
            "n={} late={} p50={} p99={} p999={} max={} errors={} handshakes={} resumed={} first_error={}",
            self.counted,
            self.latencies.count(),
            at(500),
            at(990),
            at(999),
            self.latencies.max(),
            self.errors,
            self.handshakes,
            self.resumed,
            why.replace(char::is_whitespace, "_"),
        )
    }
}

/// Lets the events know what a connection waits for.
fn register(events: &Events, slot: usize, connection: &mut Connection) -> anyhow::Result<()> {
    let wanted = connection.wanted();
    if wanted != connection.registered {
        connection.registered = wanted;
        events.change(&connection.socket, slot as u64, wanted)?;
    }
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "durations of runs"
)]
fn seconds(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}
