//! One exchange on one connection: the request goes up, an answer comes down, both at once if need be.

use std::{future::poll_fn, task::Poll, time::Duration};

use tidegate_http::{
    Framing, KnownName, RequestHead, StatusLine, Version, remove_hop_by_hop, write_response,
};

use super::{
    arrival::{Arrival, From},
    hedge::{self, Answered, Winner},
    reply,
    tries::{Failed, Tries},
    tunnel,
    upload::Upload,
};
use crate::{
    body::Body,
    client::Client,
    clock::Deadline,
    decide::Plan,
    failure::Failure,
    h2_head,
    handle::{Next, Origin},
    journey::Journey,
    options::Limits,
    pump::{Pauses, Pump, PumpError, Sink, Source},
    upstream::{Chosen, Way},
};

/// 1xx answers before the answer.
pub(super) const INTERIM_MAX: u32 = 16;

/// What a try is made with.
pub(super) struct Try<'a, 'c> {
    pub(super) plan: &'a Plan<'c>,
    pub(super) chosen: &'a Chosen,
    pub(super) deadline: Deadline,
}

/// What has come of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arrived {
    /// The head, with this status.
    Head(u16),
    /// Nothing, for longer than it is waited for alone.
    Late,
}

/// Both directions of one exchange.
pub(super) struct Exchange<'a> {
    origin: &'a Origin<'a>,
    pub(super) upload: Upload<'a>,
    arrival: Arrival<'a>,
    /// To the client.
    down: Sink<'a>,
    version: Version,
    deadline: Deadline,
    /// Longest silence of the upstream.
    patience: Duration,
    /// When the client must be told to send its body. Never, where it doesn't wait for that.
    encourage_at: Deadline,
}

/// What came of waiting for a head.
enum Heard {
    Head,
    /// Nothing for so long that a client that waits with its body must be told to send it.
    Silence,
    /// Nothing for longer than it is waited for alone.
    Late,
}

/// Sends the request, and passes the answer on.
pub(super) async fn run(
    origin: &Origin<'_>,
    client: &mut Client<'_>,
    this: Try<'_, '_>,
    mut way: Way,
    tries: &mut Tries<'_>,
    journey: &mut Journey<'_>,
) -> Result<Next, Failed> {
    let limits = origin.worker.limits();
    let mut replay = tries.replay();
    let delay = hedge::delay(client.head, &this, tries);
    let mut copied = tries.copy(way.may_refuse(), delay.is_some(), limits);
    let mut reply = reply::Reply::new(origin, client, this.plan);
    let watches = replay.is_none();
    let (source, down) = client.side.split();
    let source = match &mut replay {
        Some((buffer, body)) => Source::Kept { buffer, body },
        None => source,
    };
    let (sink, from) = match way.begin(client.head, this.plan, client.up) {
        Ok(both) => both,
        Err(failure) => return Err(way.failed(false, failure)),
    };
    let pump = Pump::new(source, sink, silences(client.head, limits).0);
    let upload = Upload::new(pump, watches);
    let arrival = Arrival::new(from, client.head, limits, client.answer);
    let mut exchange = Exchange::new(origin, client.head, upload, arrival, down, this.deadline);
    exchange.upload.pump.copy = copied.as_mut();
    let mut arrived = exchange.await_answer(delay).await;
    if let Ok(Arrived::Late) = arrived {
        let head = &*client.head;
        let racing = hedge::race(origin, head, &this, &mut exchange, tries, journey);
        match Box::pin(racing).await {
            Winner::First(result) => arrived = result,
            Winner::Second(answered) => {
                journey.request_bytes = exchange.upload.pump.bytes;
                tries.keep(journey.request_bytes > 0, copied);
                drop(way); // breaks the first try off
                let relaying = relay_second(origin, client, this.plan, answered, tries, journey);
                return Box::pin(relaying).await;
            }
        }
    }
    let (begun, sent) = (exchange.arrival.begun, exchange.upload.pump.bytes);
    journey.request_bytes = sent;
    if let Err(failure) = arrived {
        tries.keep(sent > 0, copied);
        return Err(way.failed(begun, failure));
    }
    journey.answered();
    if tries.wants(exchange.arrival.head.status) && exchange.upload.may_run_again(sent) {
        tries.keep(sent > 0, copied);
        return Err(Failed::wanted());
    }
    let relayed = exchange.relay(&mut reply, journey).await;
    let sent = exchange.upload.pump.is_done();
    journey.request_bytes = exchange.upload.pump.bytes;
    tries.keep(journey.request_bytes > 0, copied);
    relayed?;
    if reply.reusable && sent {
        way.keep(origin, &this.chosen.endpoint, this.plan);
    }
    Ok(next(client, &reply))
}

/// Passes the answer of a second try on, whose request went up whole.
async fn relay_second(
    origin: &Origin<'_>,
    client: &mut Client<'_>,
    plan: &Plan<'_>,
    answered: Box<Answered>,
    tries: &Tries<'_>,
    journey: &mut Journey<'_>,
) -> Result<Next, Failed> {
    let limits = origin.worker.limits();
    let Answered {
        mut way,
        head,
        deadline,
    } = *answered;
    *client.answer = head;
    journey.answered();
    journey.endpoint = Some(way.address());
    let mut reply = reply::Reply::new(origin, client, plan);
    let (source, down) = client.side.split();
    let (sink, from) = way.resume(client.up);
    let pump = Pump::ended(source, sink, silences(client.head, limits).0);
    let upload = Upload::new(pump, true);
    let arrival = Arrival::new(from, client.head, limits, client.answer);
    let mut exchange = Exchange::new(origin, client.head, upload, arrival, down, deadline);
    exchange.relay(&mut reply, journey).await?;
    if reply.reusable
        && let Some(second) = &tries.second
    {
        way.keep(origin, &second.chosen.endpoint, plan);
    }
    Ok(next(client, &reply))
}

/// What becomes of the client's connection after a whole answer.
fn next(client: &Client<'_>, reply: &reply::Reply<'_>) -> Next {
    match reply.go_on && client.side.body_ended() {
        true => Next::Again,
        false => Next::Close,
    }
}

impl Try<'_, '_> {
    /// Until when another try may take that begins now.
    pub(super) fn deadline_from_now(&self, origin: &Origin<'_>, overall: Deadline) -> Deadline {
        let limit = self.plan.rule.timeouts.backend_request;
        limit.map_or(overall, |time| origin.worker.clock.after(time).min(overall))
    }
}

impl<'a> Exchange<'a> {
    fn new(
        origin: &'a Origin<'a>,
        head: &RequestHead,
        upload: Upload<'a>,
        arrival: Arrival<'a>,
        down: Sink<'a>,
        deadline: Deadline,
    ) -> Self {
        Self {
            origin,
            upload,
            arrival,
            down,
            version: head.version,
            deadline,
            patience: silences(head, origin.worker.limits()).1,
            encourage_at: encouragement(origin, head),
        }
    }

    /// Returns with the head of the answer, or of a 101. Other 1xx are passed on. `delay`: how long it is waited for.
    pub(super) async fn await_answer(
        &mut self,
        delay: Option<Duration>,
    ) -> Result<Arrived, Failure> {
        for _ in 0..INTERIM_MAX {
            match self.await_head(delay).await? {
                Heard::Head => {}
                Heard::Late => return Ok(Arrived::Late),
                Heard::Silence => {
                    Box::pin(self.encourage()).await?;
                    continue;
                }
            }
            let status = self.arrival.head.status;
            if !self.arrival.head.is_informational() || status == 101 {
                return Ok(Arrived::Head(status));
            }
            if status == 100 {
                self.encourage_at = Deadline::NEVER;
            }
            if self.version != Version::Http10 {
                Box::pin(self.pass_interim(status)).await?;
            }
        }
        Err(Failure::BadAnswer)
    }

    async fn await_head(&mut self, delay: Option<Duration>) -> Result<Heard, Failure> {
        let origin = self.origin;
        let (clock, timer) = (&origin.worker.clock, origin.timer);
        let (mut quiet, mut late) = (None, None);
        poll_fn(|cx| {
            self.upload.poll(origin, cx)?;
            if let Poll::Ready(result) = self.arrival.poll(origin.worker, cx) {
                return Poll::Ready(result.map(|()| Heard::Head));
            }
            if let Sink::Stream(outgoing) = &mut self.down
                && outgoing.poll_gone(cx).is_ready()
            {
                return Poll::Ready(Err(Failure::ClientGone));
            }
            let mut deadline = self.deadline;
            if self.upload.is_over() {
                let patience = self.patience;
                deadline = deadline.min(*quiet.get_or_insert_with(|| clock.after(patience)));
                let late = late.or_else(|| delay.map(|delay| *late.insert(clock.after(delay))));
                if let Some(late) = late
                    && clock.poll_passed(timer, late, cx).is_ready()
                {
                    return Poll::Ready(Ok(Heard::Late));
                }
            }
            if self.upload.pump.bytes > 0 {
                self.encourage_at = Deadline::NEVER;
            }
            if self.encourage_at < deadline {
                return clock
                    .poll_passed(timer, self.encourage_at, cx)
                    .map(|()| Ok(Heard::Silence));
            }
            clock
                .poll_passed(timer, deadline, cx)
                .map(|()| Err(Failure::Timeout))
        })
        .await
    }

    /// Tells the client to send its body, though the upstream didn't.
    async fn encourage(&mut self) -> Result<(), Failure> {
        self.encourage_at = Deadline::NEVER;
        self.arrival.head.fields.clear();
        self.pass_interim(100).await
    }

    async fn pass_interim(&mut self, status: u16) -> Result<(), Failure> {
        remove_hop_by_hop(&mut self.arrival.head.fields);
        let line = StatusLine {
            status,
            date: b"",
            framing: Framing::None,
            close: false,
            keep_alive: false,
            upgrade: None,
        };
        let fields = &self.arrival.head.fields;
        let (write, out) = match &mut self.down {
            Sink::Wire { write, out, .. } => (write, out),
            Sink::Stream(outgoing) => {
                let head = h2_head::response(&line, fields).map_err(|_| Failure::BadAnswer)?;
                let sent = outgoing.send_interim(head);
                return sent.map_err(|_gone| Failure::ClientGone);
            }
        };
        out.clear();
        write_response(&line, fields, out);
        let worker = self.origin.worker;
        let deadline = worker.clock.after(worker.limits().write_timeout);
        let writing = write.write(out, &[]);
        let timer = self.origin.timer;
        let written = worker.clock.limit(timer, deadline, writing).await;
        out.clear();
        match written {
            Ok(Ok(())) => Ok(()),
            _ => Err(Failure::ClientGone),
        }
    }

    /// Passes the answer on, head and body; in a tunnel also what follows of the client's.
    async fn relay(
        &mut self,
        reply: &mut reply::Reply<'_>,
        journey: &mut Journey<'_>,
    ) -> Result<(), Failure> {
        let origin = self.origin;
        let framing = reply.write(
            origin,
            self.arrival.head,
            self.upload.is_over(),
            &mut self.down,
        )?;
        let head_sent = matches!(self.down, Sink::Stream(_));
        let tunnel = self.arrival.head.status == 101;
        let limits = origin.worker.limits();
        let pauses = Pauses {
            read: if tunnel {
                limits.tunnel_timeout
            } else {
                self.patience
            },
            write: limits.write_timeout,
        };
        let mut body = Body::new(framing);
        let source = match &mut self.arrival.from {
            From::Wire(read, buffer) => Source::Wire {
                read,
                buffer,
                body: &mut body,
            },
            From::Stream(answer) => Source::Stream(&mut answer.incoming),
        };
        let mut download = Pump::new(source, self.down.lend(), pauses);
        download.started = head_sent;
        journey.status = self.arrival.head.status;
        if tunnel {
            let running = tunnel::run(origin, &mut self.upload.pump, &mut download, journey);
            return Box::pin(running).await;
        }
        let (clock, timer) = (&origin.worker.clock, origin.timer);
        let (upload, deadline) = (&mut self.upload, self.deadline);
        let result = poll_fn(|cx| {
            upload.poll(origin, cx)?;
            match download.poll(origin.worker, timer, cx) {
                Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => Poll::Ready(Err(broken(&error))),
                Poll::Pending => clock
                    .poll_passed(timer, deadline, cx)
                    .map(|()| Err(Failure::Timeout)),
            }
        })
        .await;
        journey.answer_bytes = download.bytes;
        let started = download.started;
        reply.reusable &= result.is_ok() && self.arrival.head.keep_alive;
        result.map_err(|failure| match started && failure.status().is_some() {
            true => Failure::Truncated,
            false => failure,
        })
    }
}

/// How long the client may be silent in its body, and the upstream. In calls of gRPC as long as in tunnels: they have
/// deadlines of their own.
pub(super) fn silences(head: &RequestHead, limits: &Limits) -> (Pauses, Duration) {
    let kind = head.fields.known(KnownName::ContentType);
    let (read, patience) = match kind.is_some_and(|kind| kind.starts_with(b"application/grpc")) {
        true => (limits.tunnel_timeout, limits.tunnel_timeout),
        false => (limits.request_body_timeout, limits.answer_timeout),
    };
    let write = limits.write_timeout;
    (Pauses { read, write }, patience)
}

/// When a client that waits for a 100 gets ours.
fn encouragement(origin: &Origin<'_>, head: &RequestHead) -> Deadline {
    let worker = origin.worker;
    match head.expect_continue {
        true => worker.clock.after(worker.limits().continue_timeout),
        false => Deadline::NEVER,
    }
}

/// What a broken download means.
fn broken(error: &PumpError) -> Failure {
    match error {
        PumpError::Cut => Failure::UpstreamReset,
        PumpError::Malformed => Failure::BadAnswer,
        PumpError::SourceTimeout => Failure::Timeout,
        PumpError::SinkGone | PumpError::SinkTimeout => Failure::ClientGone,
    }
}
