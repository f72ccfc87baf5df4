//! What is changed in an answer on its way, and how its end is told to the client.

use tidegate_http::{
    Framing, KnownName, RequestHead, ResponseHead, StatusLine, Version, remove_hop_by_hop,
    write_response,
};
use tidegate_routing::{CORS_FIELDS, Cors};

use crate::{
    client::Client,
    decide::Plan,
    failure::Failure,
    fields, h2_head,
    handle::Origin,
    pump::{OutFraming, Sink},
};

/// How one request is replied to.
pub(super) struct Reply<'c> {
    plan: &'c Plan<'c>,
    version: Version,
    upgrades: bool,
    /// The client's `Origin`, where the rule has CORS.
    origin: Option<Vec<u8>>,
    /// Whether the client's connection goes on afterwards.
    pub(super) go_on: bool,
    /// Whether the upstream's may.
    pub(super) reusable: bool,
}

/// What a client of HTTP/2 is told of the WebSocket that it asked for: it is there with a 200, and with nothing else.
///
/// # Errors
/// The endpoint took the request for another one, and said yes to that.
fn tunnelled(answer: &mut ResponseHead) -> Result<(), Failure> {
    match answer.status {
        101 => {
            answer.fields.remove("sec-websocket-accept");
            answer.fields.remove("content-length");
            Ok(())
        }
        200..=299 => Err(Failure::BadAnswer),
        _ => Ok(()),
    }
}

impl<'c> Reply<'c> {
    pub(super) fn new(origin: &Origin<'_>, client: &Client<'_>, plan: &'c Plan<'c>) -> Self {
        let head: &RequestHead = client.head;
        let own = |_cors| head.fields.known(KnownName::Origin).map(<[u8]>::to_vec);
        Self {
            plan,
            version: head.version,
            upgrades: head.upgrade.is_some(),
            origin: plan.rule.cors.as_ref().and_then(own),
            go_on: client.may_go_on(origin),
            reusable: true,
        }
    }

    /// Writes the head for the client, or sends it. Returns how the upstream's body is framed.
    ///
    /// # Errors
    /// The answer is none to this request.
    pub(super) fn write(
        &mut self,
        origin: &Origin<'_>,
        answer: &mut ResponseHead,
        request_over: bool,
        down: &mut Sink<'_>,
    ) -> Result<Framing, Failure> {
        let switches = answer.status == 101;
        if switches && (!self.upgrades || answer.upgrade.is_none()) {
            return Err(Failure::BadAnswer);
        }
        let inner = if switches {
            Framing::UntilClose
        } else {
            answer.framing
        };
        let outer = match inner {
            Framing::Chunked | Framing::UntilClose if self.version == Version::Http10 => {
                Framing::UntilClose
            }
            Framing::UntilClose if !switches => Framing::Chunked,
            same => same,
        };
        self.go_on &= request_over && outer != Framing::UntilClose && origin.goes_on();
        self.change(answer);
        let on_stream = matches!(down, Sink::Stream(_));
        if on_stream && self.upgrades {
            tunnelled(answer)?;
        }
        let date = origin.worker.clock.date();
        let line = StatusLine {
            status: if switches && on_stream {
                200
            } else {
                answer.status
            },
            date: &date,
            framing: if switches { Framing::None } else { outer },
            close: !self.go_on && !switches,
            keep_alive: self.go_on && self.version == Version::Http10,
            upgrade: answer.upgrade,
        };
        match down {
            Sink::Wire { out, framing, .. } => {
                *framing = OutFraming::of(outer);
                out.clear();
                write_response(&line, &answer.fields, out);
            }
            Sink::Stream(outgoing) => {
                let head = h2_head::response(&line, &answer.fields);
                let head = head.map_err(|_| Failure::BadAnswer)?;
                let sent = outgoing.send_head(head, !outer.has_body());
                sent.map_err(|_gone| Failure::ClientGone)?;
            }
        }
        Ok(inner)
    }

    fn change(&self, answer: &mut ResponseHead) {
        let (rule, backend) = (self.plan.rule, self.plan.backend);
        let fields = &mut answer.fields;
        remove_hop_by_hop(fields);
        if let Some(cors) = rule.cors.as_deref() {
            self.allow(cors, fields);
        }
        fields::change(fields, backend.filters.response());
        fields::change(fields, rule.filters.response());
    }

    fn allow(&self, cors: &Cors, fields: &mut tidegate_http::Fields) {
        for name in CORS_FIELDS {
            fields.remove(name);
        }
        let origin = self.origin.as_deref();
        let origin = origin.and_then(|text| std::str::from_utf8(text).ok());
        for (name, value) in cors.actual(origin) {
            // It came as a field, or was checked by the compiler.
            let _ = fields.push(name.as_bytes(), value.as_bytes());
        }
    }
}
