//! Counts frames that cost us work and the client nothing: pings, settings, resets, empty ones. Bytes in, verdict out.
//!
//! Sees only the headers of frames as they come in; what they mean is for `h2`. Each such frame takes from a budget that
//! frames which ask or carry something fill up again, as do bytes that are sent, and time.

use std::{cell::Cell, rc::Rc};

/// Frames that may come at once.
const BUDGET: u32 = 1_000;
/// What comes back in a second.
const EARNED_BY_TIME: u64 = 20;
/// Bytes sent that give one back: who gets them says that it has taken them.
const BYTES_FOR_ONE: usize = 64;
/// What a request's head or a piece of its body gives back.
const EARNED: u32 = 4;
/// The length of what a client says first.
const PREFACE_BYTES: usize = 24;
const FRAME_HEAD_BYTES: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const END_STREAM: u8 = 1;

/// Looks at one connection's incoming bytes.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Bytes until the next frame's head.
    skip: usize,
    head: [u8; FRAME_HEAD_BYTES],
    head_count: usize,
    shared: Rc<Budget>,
}

/// What a connection may still waste, and whether it is over.
#[derive(Debug)]
pub(crate) struct Budget {
    left: Cell<u32>,
    /// Seconds that were counted.
    at: Cell<u64>,
    alarmed: Cell<bool>,
    /// The connection is over: nothing is heard any more.
    over: Cell<bool>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            left: Cell::new(BUDGET),
            at: Cell::new(0),
            alarmed: Cell::new(false),
            over: Cell::new(false),
        }
    }
}

impl Budget {
    /// Whether the client has gone too far.
    pub(crate) fn is_alarmed(&self) -> bool {
        self.alarmed.get()
    }

    pub(crate) fn alarm(&self) {
        self.alarmed.set(true);
    }

    /// Whether all has been said, and the client is only waited for.
    pub(crate) fn is_over(&self) -> bool {
        self.over.get()
    }

    /// It is so late, in nanoseconds since any time.
    pub(crate) fn now(&self, ns: u64) {
        let seconds = ns / 1_000_000_000;
        let passed = seconds.saturating_sub(self.at.replace(seconds));
        let earned = passed.saturating_mul(EARNED_BY_TIME);
        self.earn(u32::try_from(earned).unwrap_or(BUDGET));
    }

    fn earn(&self, count: u32) {
        self.left
            .set(self.left.get().saturating_add(count).min(BUDGET));
    }

    fn spend(&self, count: u32) {
        match self.left.get().checked_sub(count) {
            Some(left) => self.left.set(left),
            None => self.alarm(),
        }
    }
}

impl Watch {
    pub(crate) fn new(shared: Rc<Budget>) -> Self {
        Self {
            skip: PREFACE_BYTES,
            head: [0; FRAME_HEAD_BYTES],
            head_count: 0,
            shared,
        }
    }

    pub(crate) fn is_alarmed(&self) -> bool {
        self.shared.is_alarmed()
    }

    /// All has been said.
    pub(crate) fn over(&self) {
        self.shared.over.set(true);
    }

    /// So many bytes were sent.
    pub(crate) fn sent(&self, count: usize) {
        let earned = u32::try_from(count / BYTES_FOR_ONE);
        self.shared.earn(earned.unwrap_or(BUDGET));
    }

    /// These bytes came next.
    pub(crate) fn look(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let count = (FRAME_HEAD_BYTES - self.head_count).min(bytes.len());
            self.head[self.head_count..self.head_count + count].copy_from_slice(&bytes[..count]);
            self.head_count += count;
            bytes = &bytes[count..];
            if self.head_count == FRAME_HEAD_BYTES {
                self.head_count = 0;
                let [a, b, c, kind, flags, ..] = self.head;
                self.skip = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                self.frame(kind, flags);
            }
        }
    }

    fn frame(&self, kind: u8, flags: u8) {
        match kind {
            HEADERS => self.shared.earn(EARNED),
            DATA if self.skip > 0 => self.shared.earn(EARNED),
            DATA if flags & END_STREAM != 0 => {}
            _ => self.shared.spend(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::{Budget, Watch};

    /// A frame without a payload: length, kind, flags.
    fn head(length: u8, kind: u8, flags: u8) -> [u8; 9] {
        [0, 0, length, kind, flags, 0, 0, 0, 1]
    }

    fn check(label: &str, frames: &[u8], count: usize, sent: usize, expect: bool) {
        for size in [1, 7, 4096] {
            let budget = Rc::new(Budget::default());
            let mut watch = Watch::new(budget.clone());
            watch.look(&[0; 24]);
            let bytes = frames.repeat(count);
            for part in bytes.chunks(size) {
                watch.look(part);
                watch.sent(sent * part.len());
            }
            assert_eq!(budget.is_alarmed(), expect, "{label} by {size}");
        }
    }

    #[test]
    fn what_costs_the_client_nothing_is_counted() {
        let ping = [&head(8, 6, 0)[..], &[0; 8]].concat();
        let data = [&head(3, 0, 0)[..], &[0; 3]].concat();
        check("pings", &ping, 1_000, 0, false);
        check("more pings", &ping, 1_001, 0, true);
        check("empty data", &head(0, 0, 0), 1_001, 0, true);
        check("ends", &head(0, 0, 1), 5_000, 0, false);
        check("data", &data, 5_000, 0, false);
        check("heads", &head(0, 1, 4), 5_000, 0, false);
        check("windows", &head(0, 8, 0), 1_001, 0, true);
        check("windows of one who reads", &head(0, 8, 0), 5_000, 64, false);
        let asked = [&head(0, 1, 4)[..], &ping].concat();
        check("pings between requests", &asked, 5_000, 0, false);
    }

    #[test]
    fn time_forgives() {
        let budget = Rc::new(Budget::default());
        let mut watch = Watch::new(budget.clone());
        watch.look(&[0; 24]);
        for second in 0..100 {
            budget.now(second * 1_000_000_000);
            watch.look(&head(0, 6, 0).repeat(20));
        }
        assert!(!budget.is_alarmed());
    }
}
