//! What follows a failure: the same again after a wait, a full picture, pages instead of a stream, or waiting for the
//! resource to be served. The only place where this is decided.

use super::{
    ABSENT_CONFIRM, ABSENT_POLL_FIRST, ABSENT_POLL_MAX, ListAt, Means, Reflector, RelistReason,
    STUBBORN_MAX, State, Streaming, backoff::Cause, failure::Refusal,
};
use crate::{
    cache::Cache,
    event::Change,
    status::{FailureKind, Phase},
};
use std::time::Duration;

impl Reflector {
    /// Decides, and leaves the cache fit for what is next.
    pub(super) fn failed(
        &mut self,
        now: Duration,
        refusal: Refusal,
        cache: &mut Cache,
        changes: &mut Vec<Change>,
    ) {
        self.body = None;
        self.note(refusal.kind, &refusal.message);
        self.stubborn = self.stubborn.saturating_add(1);
        let cause = match refusal.kind {
            FailureKind::Unreachable => Cause::Unreachable,
            _ => Cause::Refused,
        };
        self.delay = self.backoff.next(now, cause, &mut self.rng);
        if let Some(retry_after) = refusal.retry_after {
            self.delay = retry_after
                + self
                    .rng
                    .duration(Duration::ZERO, Duration::from_secs(1).min(retry_after));
        }
        if refusal.kind == FailureKind::NotFound {
            return self.not_found(cache, changes);
        }
        if self.is_absent() {
            self.probe_failed(&refusal);
            return;
        }
        match self.state.clone() {
            State::Follow => self.follow_failed(&refusal, cache),
            State::Full { at, by } => {
                cache.abort_relist();
                self.full_failed(&refusal, at, &by);
            }
            State::Absent { .. } => {}
        }
    }

    /// A server that refuses the streaming list as such serves the resource: it is listed by pages from now on.
    fn probe_failed(&mut self, refusal: &Refusal) {
        if refusal.is_unsupported && self.streaming != Streaming::Unsupported {
            self.streaming = Streaming::Unsupported;
            self.delay = Duration::ZERO;
        }
    }

    fn follow_failed(&mut self, refusal: &Refusal, cache: &Cache) {
        let not_older = || {
            cache
                .current()
                .resource_version()
                .cloned()
                .map_or(ListAt::Latest, ListAt::NotOlderThan)
        };
        let (reason, at) = match refusal.kind {
            FailureKind::Expired => (RelistReason::Expired, not_older()),
            FailureKind::TooNew => (RelistReason::TooNew, ListAt::Latest),
            FailureKind::Server if refusal.is_store_read_error => {
                (RelistReason::StoreReadError, not_older())
            }
            FailureKind::BadData if self.stubborn >= STUBBORN_MAX => {
                (RelistReason::BadData, not_older())
            }
            _ => return,
        };
        self.relist_reason = reason;
        self.state = State::Full {
            at,
            by: self.means(),
        };
        if self.backoff.failures() <= 1 {
            self.delay = Duration::ZERO; // the first of its kind is no reason to wait
        }
    }

    fn full_failed(&mut self, refusal: &Refusal, at: ListAt, by: &Means) {
        let stale = matches!(refusal.kind, FailureKind::Expired | FailureKind::TooNew);
        if stale && (at != ListAt::Latest || *by != Means::Stream) {
            let by = if *by == Means::Stream {
                Means::Stream
            } else {
                Means::Whole
            };
            self.state = State::Full {
                at: ListAt::Latest,
                by,
            };
            if at != ListAt::Latest {
                self.delay = Duration::ZERO;
            }
            return;
        }
        if *by == Means::Stream && self.stream_refused(refusal) {
            let at = if at == ListAt::Latest {
                ListAt::Any
            } else {
                at
            };
            let by = Means::Pages { token: None };
            self.state = State::Full { at, by };
            self.delay = Duration::ZERO;
            return;
        }
        if matches!(by, Means::Pages { token: Some(_) }) {
            self.state = State::Full {
                at,
                by: Means::Pages { token: None },
            };
        }
    }

    /// True if the full picture is to be fetched by pages this time; remembers what the server cannot do.
    fn stream_refused(&mut self, refusal: &Refusal) -> bool {
        if refusal.is_unsupported {
            self.streaming = Streaming::Unsupported;
        }
        let silent = refusal.kind == FailureKind::Silent;
        if silent && self.streaming == Streaming::Untried {
            self.streaming = Streaming::Unsupported;
        }
        let fickle = matches!(
            refusal.kind,
            FailureKind::BadData | FailureKind::Server | FailureKind::Unreachable
        );
        refusal.is_unsupported
            || refusal.kind == FailureKind::Forbidden
            || silent
            || (fickle && self.stubborn >= STUBBORN_MAX && refusal.retry_after.is_none())
    }

    fn not_found(&mut self, cache: &mut Cache, changes: &mut Vec<Change>) {
        cache.abort_relist();
        let polls = match self.state {
            State::Absent { polls } => polls.saturating_add(1),
            _ => 0,
        };
        self.state = State::Absent { polls };
        let held = !cache.current().is_empty() || cache.current().is_synced();
        if held && polls == 0 {
            self.delay = ABSENT_CONFIRM; // the cache stays as it is until a second answer confirms it
            return;
        }
        if held {
            cache.clear(changes);
        }
        self.status.synced = false;
        self.status.phase = Phase::Absent;
        let nominal = ABSENT_POLL_FIRST
            .saturating_mul(1 << polls.min(10))
            .min(ABSENT_POLL_MAX);
        self.delay = self.rng.duration(nominal / 2, nominal * 3 / 2);
    }
}
