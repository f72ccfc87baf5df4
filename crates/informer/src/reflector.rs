//! The state machine that keeps a cache equal to a resource on the server, by list and watch.
//!
//! It is told what happened (a response began, bytes came, silence, an end) and says what to do next (wait, send a
//! request). Does no IO and reads no clock: time comes in as the duration since the start, randomness as a seed.
//!
//! ```text
//!             ┌──────────────► Full ──(end mark | last page)──► Follow ──┐
//!             │                 ▲ │                              │  ▲    │
//!             │ resource served │ │ not served       410, lost   │  └────┘ any break: resume at the last version
//!             │                 │ ▼                  history     │
//!             └── Absent ◄──────┴───────────◄────────────────────┘
//! ```

mod after_failure;
mod backoff;
mod body;
mod failure;
mod request;

pub(crate) use self::request::{ListAt, Page, Request, Selectors};

use self::{
    backoff::{Backoff, Cause},
    body::Body,
    failure::Refusal,
};
use crate::{
    cache::Cache,
    event::Change,
    rng::Rng,
    status::{Failure, FailureKind, Phase, Status},
};
use std::time::Duration;

/// What the driver is to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing before this long has passed; may be cut short by `wake`.
    Wait(Duration),
    /// Send this, and tell how it goes.
    Send(Request),
}

/// Whether to go on reading a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    /// Drop the response and ask for the next step.
    Done,
}

/// How a response ended, or why there was none.
#[derive(Debug)]
pub(crate) enum End {
    /// The server ended it in good order.
    Clean,
    /// The connection could not be made, or broke.
    Broken(String),
    /// Nothing came until `silence_limit`.
    Silent,
}

/// Settings of a reflector.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Items a page, where lists are paged.
    pub(crate) page_limit: u32,
    /// Limit of one event or one item.
    pub(crate) object_bytes_max: usize,
    /// Try streaming lists.
    pub(crate) streaming_lists: bool,
    pub(crate) seed: u64,
}

/// Why a full picture is fetched, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RelistReason {
    First,
    Expired,
    TooNew,
    StoreReadError,
    BadData,
    Returned,
}

pub(crate) struct Reflector {
    config: Config,
    state: State,
    /// Wait this long before the next request.
    delay: Duration,
    body: Option<Body>,
    backoff: Backoff,
    rng: Rng,
    streaming: Streaming,
    /// Tries in a row that a full picture or a watch failed in ways that may not pass by themselves.
    stubborn: u32,
    status: Status,
    relist_reason: RelistReason,
    relists: Vec<RelistReason>,
}

#[derive(Debug, Clone)]
enum State {
    /// Fetch a full picture.
    Full { at: ListAt, by: Means },
    /// Watch on from the cache's version.
    Follow,
    /// Not served; `at` whatever full picture comes next.
    Absent { polls: u32 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Means {
    Stream,
    Pages {
        token: Option<String>,
    },
    /// One list without pages: the server's snapshot expired between two pages.
    Whole,
}

/// What is known of the server's streaming lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Streaming {
    Untried,
    Works,
    Unsupported,
}

/// A watch that lived less than this ended too soon to be resumed at once.
const SHORT_LIFE: Duration = Duration::from_secs(1);
const STUBBORN_MAX: u32 = 3;
const WATCH_TIMEOUT_MIN: Duration = Duration::from_secs(270);
const WATCH_TIMEOUT_MAX: Duration = Duration::from_secs(530);
const ABSENT_POLL_FIRST: Duration = Duration::from_millis(250);
const ABSENT_POLL_MAX: Duration = Duration::from_secs(30);
/// A resource that was there is believed gone only when it is still gone after this.
const ABSENT_CONFIRM: Duration = Duration::from_millis(500);

impl Reflector {
    pub(crate) fn new(config: Config) -> Self {
        let streaming = if config.streaming_lists {
            Streaming::Untried
        } else {
            Streaming::Unsupported
        };
        let mut reflector = Self {
            rng: Rng::new(config.seed),
            config,
            state: State::Absent { polls: 0 },
            delay: Duration::ZERO,
            body: None,
            backoff: Backoff::default(),
            streaming,
            stubborn: 0,
            status: Status::new(),
            relist_reason: RelistReason::First,
            relists: Vec::new(),
        };
        reflector.state = reflector.first_full();
        reflector
    }

    pub(crate) fn status(&self) -> &Status {
        &self.status
    }

    /// Full pictures that were completed since the last call, and why each was fetched.
    pub(crate) fn take_relists(&mut self) -> Vec<RelistReason> {
        std::mem::take(&mut self.relists)
    }

    /// The server's resources changed: a resource that is waited for may have come. Try at once, and often for a while.
    pub(crate) fn wake(&mut self) {
        if let State::Absent { polls } = &mut self.state {
            *polls = 1;
            self.delay = Duration::ZERO;
        }
    }

    /// True while waiting for the resource to be served.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self.state, State::Absent { .. })
    }

    /// What to do next. Every `Send` is answered by `refused`, or by `started`, `chunk`s and at most one `ended`.
    pub(crate) fn step(&mut self, cache: &mut Cache) -> Step {
        self.body = None;
        let delay = std::mem::take(&mut self.delay);
        if !delay.is_zero() {
            return Step::Wait(delay);
        }
        if let State::Absent { .. } = self.state {
            return Step::Send(self.full_request(self.probe_at(), &self.means()));
        }
        match (self.state.clone(), cache.current().resource_version()) {
            (State::Follow, Some(version)) => Step::Send(Request::Watch {
                from: version.clone(),
                timeout: self.watch_timeout(),
            }),
            (State::Follow, None) => {
                self.state = self.first_full();
                self.step(cache)
            }
            (State::Full { at, by }, _) => Step::Send(self.full_request(at, &by)),
            (State::Absent { .. }, _) => Step::Wait(ABSENT_POLL_FIRST),
        }
    }

    /// The server answers the request of the last step with 200; chunks follow.
    pub(crate) fn started(&mut self, now: Duration, cache: &mut Cache) {
        if self.is_absent() {
            self.relist_reason = RelistReason::Returned;
            self.state = State::Full {
                at: self.probe_at(),
                by: self.means(),
            };
        }
        let limit = self.config.object_bytes_max;
        self.body = Some(match &self.state {
            State::Follow => Body::watch(now, limit),
            State::Full {
                by: Means::Stream, ..
            } => {
                cache.begin_relist();
                Body::streaming_list(now, limit)
            }
            State::Full { by, .. } => {
                if !matches!(by, Means::Pages { token: Some(_) }) {
                    cache.begin_relist();
                }
                Body::list(now, limit)
            }
            State::Absent { .. } => unreachable!("invariant: left above"),
        });
        if matches!(self.state, State::Follow) {
            self.status.phase = Phase::Watching;
            self.recovered();
        } else {
            self.status.phase = Phase::Listing;
        }
    }

    /// How long the response may stay silent from `now` on before `ended(Silent)` is due.
    pub(crate) fn silence_limit(&self, now: Duration) -> Duration {
        let proven = self.streaming == Streaming::Works;
        self.body
            .as_ref()
            .map_or(Duration::MAX, |body| body.silence_limit(now, proven))
    }

    /// Bytes of the response.
    pub(crate) fn chunk(
        &mut self,
        now: Duration,
        bytes: &[u8],
        cache: &mut Cache,
        changes: &mut Vec<Change>,
    ) -> Flow {
        let Some(mut body) = self.body.take() else {
            return Flow::Done;
        };
        let outcome = body.feed(now, bytes, cache, changes);
        let quiet_until_end = body.seems_endless(now) && self.streaming != Streaming::Works;
        self.body = Some(body);
        match outcome {
            Ok(body::Progress::More) if quiet_until_end => {
                self.ended(now, End::Silent, cache, changes);
                Flow::Done
            }
            Ok(body::Progress::More) => Flow::More,
            Ok(body::Progress::Synced) => {
                self.streaming = Streaming::Works;
                self.synced();
                self.status.phase = Phase::Watching;
                Flow::More
            }
            Ok(body::Progress::Healthy) => {
                self.healthy();
                Flow::More
            }
            Err(refusal) => {
                self.failed(now, refusal, cache, changes);
                Flow::Done
            }
        }
    }

    /// The response ended, or the request could not be sent.
    pub(crate) fn ended(
        &mut self,
        now: Duration,
        end: End,
        cache: &mut Cache,
        changes: &mut Vec<Change>,
    ) {
        let body = self.body.take();
        let refusal = match (end, body) {
            (End::Clean, Some(body)) => match body.finish(now, cache, changes) {
                Ok(finish) => return self.finished(now, finish),
                Err(refusal) => refusal,
            },
            (End::Clean, None) => Refusal::new(FailureKind::Server, "the response has no body"),
            (End::Broken(message), body) => {
                let lived = body.map_or(Duration::ZERO, |body| body.age(now));
                self.note(FailureKind::Unreachable, &message);
                if lived >= SHORT_LIFE && matches!(self.state, State::Follow) {
                    self.delay = self
                        .rng
                        .duration(Duration::ZERO, Duration::from_millis(100));
                    return;
                }
                Refusal::new(FailureKind::Unreachable, message)
            }
            (End::Silent, _) => Refusal::new(FailureKind::Silent, "nothing was heard for too long"),
        };
        self.failed(now, refusal, cache, changes);
    }

    /// The server answered with something else than 200.
    pub(crate) fn refused(
        &mut self,
        now: Duration,
        status: u16,
        retry_after: Option<Duration>,
        body: &[u8],
        cache: &mut Cache,
        changes: &mut Vec<Change>,
    ) {
        self.body = None;
        let refusal = Refusal::of_response(status, retry_after, body);
        self.failed(now, refusal, cache, changes);
    }

    fn finished(&mut self, now: Duration, finish: body::Finish) {
        match finish {
            body::Finish::Page { token } => {
                let State::Full { by, .. } = &mut self.state else {
                    return;
                };
                *by = Means::Pages { token: Some(token) };
            }
            body::Finish::Listed => self.synced(),
            body::Finish::WatchEnded { lived } if lived >= SHORT_LIFE => {
                self.backoff.reset();
            }
            body::Finish::WatchEnded { .. } => {
                self.delay = self.backoff.next(now, Cause::Refused, &mut self.rng);
            }
        }
    }

    fn synced(&mut self) {
        self.state = State::Follow;
        self.relists.push(self.relist_reason);
        self.relist_reason = RelistReason::Expired;
        self.status.synced = true;
        self.status.failure = None;
        self.stubborn = 0;
    }

    /// The server took the watch. A failure in what it sends is another matter: that is over only when an event came.
    fn recovered(&mut self) {
        let of_data = |failure: &Failure| failure.kind == FailureKind::BadData;
        if !self.status.failure.as_ref().is_some_and(of_data) {
            self.status.failure = None;
        }
    }

    /// An event or a bookmark came on a watch.
    fn healthy(&mut self) {
        self.backoff.reset();
        self.stubborn = 0;
        self.status.failure = None;
        self.status.phase = Phase::Watching;
    }

    fn note(&mut self, kind: FailureKind, message: &str) {
        let same = self
            .status
            .failure
            .as_ref()
            .is_some_and(|known| known.kind == kind && *known.message == *message);
        if !same {
            self.status.failure = Some(Failure {
                kind,
                message: message.into(),
            });
        }
        if self.status.phase != Phase::Absent {
            self.status.phase = Phase::Waiting;
        }
    }

    fn first_full(&self) -> State {
        State::Full {
            at: self.probe_at(),
            by: self.means(),
        }
    }

    /// A first list may be whatever the server has at hand; a first streaming list is always fresh.
    fn probe_at(&self) -> ListAt {
        match self.means() {
            Means::Stream => ListAt::Latest,
            _ => ListAt::Any,
        }
    }

    fn means(&self) -> Means {
        match self.streaming {
            Streaming::Unsupported => Means::Pages { token: None },
            _ => Means::Stream,
        }
    }

    fn full_request(&mut self, at: ListAt, by: &Means) -> Request {
        let limit = self.config.page_limit;
        match by {
            Means::Stream => Request::StreamingList {
                at,
                timeout: self.watch_timeout(),
            },
            Means::Whole => Request::List { at, page: None },
            Means::Pages { token } => Request::List {
                at,
                page: Some(Page {
                    limit,
                    token: token.clone(),
                }),
            },
        }
    }

    fn watch_timeout(&mut self) -> Duration {
        self.rng.duration(WATCH_TIMEOUT_MIN, WATCH_TIMEOUT_MAX)
    }
}

#[cfg(test)]
mod tests;
