//! Copies of requests, sent elsewhere. Their answers are read and forgotten; nothing of them reaches the client.
//!
//! A request without a body is mirrored beside its exchange, one with a body after it, when the whole body is there.

use std::{future::poll_fn, rc::Rc};

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use tidegate_balance::{Outcome, PickRequest};
use tidegate_http::{Framing, Method, ResponseHead, write_request};
use tokio::task::spawn_local;

use super::{
    arrival::{Arrival, From},
    prepare,
};
use crate::{
    body::{Body, Next},
    client::Client,
    clock::Timer,
    decide::Plan,
    failure::Failure,
    h2_head,
    handle::Origin,
    upstream::{Chosen, ClusterState, Link, Need, Slot, Way},
    worker::Worker,
};

/// What is read of a mirror's answer before its connection is closed instead.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// The mirrors of one request.
pub(super) struct Mirrors {
    /// Each with the head in HTTP/2, where its endpoints may speak that.
    clusters: Vec<(Rc<ClusterState>, Option<Request<()>>)>,
    method: Method,
    /// The head, but for its last lines: the body's length and the empty line.
    head: Vec<u8>,
    bodiless: bool,
}

/// One copy on its way.
struct Copy {
    worker: Rc<Worker>,
    cluster: Rc<ClusterState>,
    method: Method,
    /// In HTTP/1.1.
    message: Vec<u8>,
    /// The head and the body in HTTP/2, where that may be spoken.
    h2: Option<(Request<()>, Bytes)>,
}

/// What a mirrored request looks like. `None`: nobody wants a copy.
pub(super) fn prepare(client: &Client<'_>, plan: &Plan<'_>) -> Option<Mirrors> {
    if plan.mirrors.is_empty() || client.head.upgrade.is_some() {
        return None;
    }
    let mut head = Vec::new();
    prepare::with_line(client.head, plan, None, Framing::None, |line| {
        write_request(line, &client.head.fields, &mut head);
    });
    head.truncate(head.len() - 2);
    let clusters = plan.mirrors.iter().map(|cluster| {
        let framing = Framing::None;
        let head = prepare::with_line(client.head, plan, None, framing, |line| {
            let secure = cluster.is_secure();
            let speaks = cluster.may_speak_h2().then_some(line);
            speaks.and_then(|line| h2_head::request(line, &client.head.fields, secure).ok())
        });
        (cluster.clone(), head)
    });
    Some(Mirrors {
        clusters: clusters.collect(),
        method: client.head.method.clone(),
        head,
        bodiless: client.head.framing == Framing::None,
    })
}

impl Mirrors {
    /// Sends the copies now if there is no body to wait for; else gives them back.
    pub(super) fn send_bodiless(self, origin: &Origin<'_>) -> Option<Self> {
        if !self.bodiless {
            return Some(self);
        }
        self.send(origin, &[]);
        None
    }

    /// Sends the copies. Beyond the worker's limit of copies under way, none go.
    pub(super) fn send(self, origin: &Origin<'_>, body: &[u8]) {
        let worker = origin.worker;
        let mut message = self.head;
        if !self.bodiless {
            message.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        message.extend_from_slice(b"\r\n");
        message.extend_from_slice(body);
        for (cluster, h2) in self.clusters {
            if worker.mirrors.get() >= worker.limits().mirrors_max {
                return;
            }
            worker.mirrors.set(worker.mirrors.get() + 1);
            let copy = Copy {
                worker: worker.clone(),
                cluster,
                method: self.method.clone(),
                message: message.clone(),
                h2: h2.map(|head| (head, Bytes::copy_from_slice(body))),
            };
            spawn_local(copy.run());
        }
    }
}

impl Copy {
    async fn run(self) {
        let timer = Timer::default();
        let pick = PickRequest {
            random: self.worker.ids.random(),
            ..PickRequest::default()
        };
        // A name without an answer leads to no endpoint.
        let settling = self
            .worker
            .clusters
            .settle(&self.worker, &timer, &self.cluster);
        let _ = settling.await;
        let now = self.worker.clock.coarse_ns();
        if self.cluster.refused().is_none()
            && let Some(chosen) = self.cluster.choose(&pick, now)
        {
            let mut result = self.exchange(&chosen, &timer).await;
            if let Err((_, true)) = result {
                chosen.endpoint.close_idle();
                result = self.exchange(&chosen, &timer).await;
            }
            let outcome = match &result {
                Ok(()) => Outcome::Success,
                Err((failure, _)) => failure.outcome(),
            };
            let now = self.worker.clock.coarse_ns();
            self.cluster.finish(&chosen, outcome, None, now);
        }
        self.worker.mirrors.set(self.worker.mirrors.get() - 1);
    }

    /// One try; an error says whether the connection had been used before.
    async fn exchange(&self, chosen: &Chosen, timer: &Timer) -> Result<(), (Failure, bool)> {
        let worker = &self.worker;
        let limits = worker.limits();
        let deadline = worker
            .clock
            .after(limits.write_timeout + limits.answer_timeout);
        let need = Need::default();
        let way = match self.cluster.kept(worker, &chosen.endpoint, need) {
            Some(way) => way,
            None => {
                let opening = self.cluster.open(worker, timer, &chosen.endpoint, need);
                opening.await.map_err(|error| (error.into(), false))?
            }
        };
        match way {
            Way::Wire(mut link) => {
                let talking = self.talk(&mut link);
                let result = worker.clock.limit(timer, deadline, talking).await;
                let clean = result
                    .unwrap_or(Err(Failure::Timeout))
                    .map_err(|failure| (failure, link.reused))?;
                if clean && link.buffer.is_empty() {
                    let timeout = self.cluster.idle_timeout();
                    chosen.endpoint.give(link, worker, timeout);
                }
            }
            Way::Stream(slot) => {
                let reused = slot.reused;
                let talking = self.talk_h2(slot);
                let result = worker.clock.limit(timer, deadline, talking).await;
                result
                    .unwrap_or(Err(Failure::Timeout))
                    .map_err(|failure| (failure, reused))?;
            }
        }
        Ok(())
    }

    /// Sends, reads the answer and forgets it. True when the connection can be used again.
    async fn talk(&self, link: &mut Link) -> Result<bool, Failure> {
        let worker = &self.worker;
        let sent = link.write.write(&self.message, &[]).await;
        sent.map_err(|_gone| Failure::UpstreamReset)?;
        let mut head = ResponseHead::new();
        let from = From::Wire(&mut link.read, &mut link.buffer);
        self.await_head(from, &mut head).await?;
        let mut body = Body::new(head.framing);
        let mut left = ANSWER_BYTES_MAX;
        loop {
            match body.next(&mut link.buffer) {
                Err(_rule) => return Err(Failure::BadAnswer),
                Ok(Next::End) => return Ok(head.keep_alive),
                Ok(Next::Data(count)) if count > left => return Ok(false),
                Ok(Next::Data(count)) => {
                    left -= count;
                    body.take(count, &mut link.buffer);
                }
                Ok(Next::More) => match link.read.read(&mut link.buffer, &worker.buffers).await {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => return Ok(false),
                },
            }
        }
    }

    /// The same by HTTP/2.
    async fn talk_h2(&self, mut slot: Slot) -> Result<(), Failure> {
        // What can't be said in HTTP/2 isn't mirrored there.
        let Some((mut head, mut body)) = self.h2.clone() else {
            return Ok(());
        };
        if !body.is_empty() {
            let length = HeaderValue::from(body.len());
            head.headers_mut().insert(header::CONTENT_LENGTH, length);
        }
        slot.send(head, body.is_empty())?;
        while !body.is_empty() {
            let room = poll_fn(|cx| slot.outgoing.poll_room(body.len(), cx)).await;
            let part = body.split_to(room.map_err(|_gone| Failure::UpstreamReset)?);
            let sent = slot.outgoing.send(part, body.is_empty());
            sent.map_err(|_gone| Failure::UpstreamReset)?;
        }
        let mut head = ResponseHead::new();
        self.await_head(From::Stream(&mut slot.answer), &mut head)
            .await?;
        let incoming = &mut slot.answer.incoming;
        let mut left = ANSWER_BYTES_MAX;
        loop {
            match incoming.next() {
                Next::Data(count) if count <= left => {
                    left -= count;
                    incoming.take(count);
                }
                Next::Data(_) | Next::End => return Ok(()),
                Next::More => {
                    let filled = poll_fn(|cx| incoming.poll_fill(cx)).await;
                    filled.map_err(|_broken| Failure::UpstreamReset)?;
                }
            }
        }
    }

    async fn await_head(&self, from: From<'_>, head: &mut ResponseHead) -> Result<(), Failure> {
        let mut arrival = Arrival {
            from,
            head,
            method: &self.method,
            limits: &self.worker.limits().head,
            begun: false,
        };
        loop {
            poll_fn(|cx| arrival.poll(&self.worker, cx)).await?;
            if !arrival.head.is_informational() {
                return Ok(());
            }
        }
    }
}
