//! Waiting for what seldom happens, beside what happens all the time.
//!
//! A future in a `select!` is polled whenever its task is woken, for whatever reason. A server with thousands of
//! watches wakes them for every event, so here a future is polled only when it was woken itself.

use futures::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{FuturesUnordered, SelectNextSome},
};

/// Futures of which each yields once.
#[derive(Debug)]
pub(crate) struct Quiet<T>(FuturesUnordered<BoxFuture<'static, T>>);

impl<T> Default for Quiet<T> {
    fn default() -> Self {
        Self(FuturesUnordered::new())
    }
}

impl<T> Quiet<T> {
    /// Waits for this one too.
    pub(crate) fn add(&mut self, future: impl Future<Output = T> + Send + 'static) {
        self.0.push(future.boxed());
    }

    /// What the next one yields; for ever, where there is none.
    pub(crate) fn next(&mut self) -> SelectNextSome<'_, FuturesUnordered<BoxFuture<'static, T>>> {
        self.0.select_next_some()
    }
}

#[cfg(test)]
mod tests {
    use super::Quiet;
    use futures::FutureExt;
    use std::{
        future::poll_fn,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Poll,
    };

    #[tokio::test]
    async fn what_was_not_woken_is_not_polled() {
        let polled = Arc::new(AtomicUsize::new(0));
        let counted = polled.clone();
        let mut quiet = Quiet::default();
        quiet.add(poll_fn(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Poll::<u8>::Pending
        }));
        for _ in 0..10 {
            assert_eq!(quiet.next().now_or_never(), None);
        }
        assert_eq!(polled.load(Ordering::Relaxed), 1);
        quiet.add(async { 7 });
        assert_eq!(quiet.next().await, 7);
        assert_eq!(polled.load(Ordering::Relaxed), 1);
    }
}
