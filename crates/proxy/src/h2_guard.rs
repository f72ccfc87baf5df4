//! Counts frames that cost us work and the client nothing: pings, settings, resets, empty ones. Bytes in, verdict out.
//!
//! Sees only the headers of frames as they come in; what they mean is for `h2`. Each such frame takes from a budget that
//! frames which ask or carry something fill up again, as does time.

use std::{cell::Cell, rc::Rc};

/// Frames that may come at once.
const BUDGET: u32 = 1_000;
/// What a request's head or a piece of its body gives back.
const EARNED: u32 = 4;
/// The length of what a client says first.
const PREFACE_BYTES: usize = 24;
const FRAME_HEAD_BYTES: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const WINDOW_UPDATE: u8 = 8;
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

/// What a connection may still waste.
#[derive(Debug)]
pub(crate) struct Budget {
    left: Cell<u32>,
    alarmed: Cell<bool>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            left: Cell::new(BUDGET),
            alarmed: Cell::new(false),
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

    pub(crate) fn earn(&self, count: u32) {
        self.left.set((self.left.get() + count).min(BUDGET));
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
            // One or two for each piece of an answer are usual.
            WINDOW_UPDATE => {}
            _ => self.shared.spend(1),
        }
    }
}
