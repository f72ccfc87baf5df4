//! The thread that calls one handler. It lives only while there is something to tell, and a moment longer.

use super::{
    handler::{Handler, call},
    mailbox::{Mailbox, Work},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Calls one handler whenever its mailbox has something.
pub(crate) struct Worker {
    mailbox: Arc<Mailbox>,
    handler: Mutex<Box<dyn Handler>>,
    name: String,
    resync: Box<dyn Fn(&Mailbox) + Send + Sync>,
}

/// An idle thread is kept this long, so that a steady trickle does not start one for each change.
const LINGER: Duration = Duration::from_secs(2);
/// Handlers are the user's code, so they get what a thread gets by default.
const STACK_BYTES: usize = 2 * 1024 * 1024;

impl Worker {
    pub(crate) fn new(
        name: String,
        mailbox: Arc<Mailbox>,
        handler: Box<dyn Handler>,
        resync: Box<dyn Fn(&Mailbox) + Send + Sync>,
    ) -> Arc<Self> {
        Arc::new(Self {
            mailbox,
            handler: Mutex::new(handler),
            name,
            resync,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }
}

/// Sees to it that a thread serves the mailbox, if anything waits in it.
pub(crate) fn start_worker(worker: &Arc<Worker>) {
    if !worker.mailbox.claim_thread() {
        return;
    }
    let served = Arc::clone(worker);
    let thread = std::thread::Builder::new()
        .name(worker.name.clone())
        .stack_size(STACK_BYTES);
    if let Err(error) = thread.spawn(move || serve(&served)) {
        tracing::error!(handler = %worker.name, %error, "cannot start a handler's thread; trying at the next change");
        worker.mailbox.unclaim_thread();
    }
}

fn serve(worker: &Worker) {
    // Uncontended: `claim_thread` lets only one thread serve at a time.
    let mut handler = worker
        .handler
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    loop {
        match worker.mailbox.next_work(LINGER) {
            Work::Leave => return,
            Work::Resync => (worker.resync)(&worker.mailbox),
            Work::Deliver(event) => {
                if catch_unwind(AssertUnwindSafe(|| call(&mut **handler, &event))).is_err() {
                    worker.mailbox.count_panic();
                    tracing::error!(handler = %worker.name, object = ?event.key(), "a handler panicked");
                }
                worker.mailbox.settle(&event);
            }
        }
    }
}
