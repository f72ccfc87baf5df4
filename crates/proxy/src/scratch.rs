//! Memory for one request, used again by the next: heads and output. An idle connection holds none of it.

use std::cell::RefCell;

use tidegate_http::{RequestHead, ResponseHead};

/// Kept for later by one worker.
const KEPT_MAX: usize = 256;
/// Output that has grown beyond this is not kept.
const OUT_MAX: usize = 128 * 1024;

/// The memory of one request.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) request: RequestHead,
    pub(crate) answer: ResponseHead,
    /// To the client.
    pub(crate) down: Vec<u8>,
    /// To the upstream.
    pub(crate) up: Vec<u8>,
}

/// What is free.
#[derive(Debug, Default)]
pub(crate) struct Scratches {
    #[expect(
        clippy::vec_box,
        reason = "tasks hold them by pointer: they are large, and idle tasks are many"
    )]
    free: RefCell<Vec<Box<Scratch>>>,
}

impl Scratches {
    pub(crate) fn take(&self) -> Box<Scratch> {
        self.free.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn give(&self, mut scratch: Box<Scratch>) {
        let mut free = self.free.borrow_mut();
        if free.len() >= KEPT_MAX
            || scratch.down.capacity() > OUT_MAX
            || scratch.up.capacity() > OUT_MAX
        {
            return;
        }
        scratch.request.clear();
        scratch.answer.clear();
        scratch.down.clear();
        scratch.up.clear();
        free.push(scratch);
    }
}
