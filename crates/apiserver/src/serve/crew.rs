//! A connection, its streams and whoever else may end it, all in one task.
//!
//! hyper hands the streams of an HTTP/2 connection to an executor. On tasks of their own each event of a watch would
//! wake two tasks, one after the other, maybe on two threads: the stream's, and the connection's, which sends what the
//! stream gives it. Here the connection's task polls them all, streams first, and each only when it was woken itself.
//!
//! Invariant: who was woken is polled, or the task is woken again.

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered, task::AtomicWaker};
use hyper::rt::Executor;
use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};
use tokio::task::coop::has_budget_remaining;

/// After so many turns it is the turn of other tasks.
const TURNS: usize = 4;
/// In each of them members are polled at most so often before the connection sends what they gave it.
const MEMBER_TURNS: usize = 16;

/// Those who run beside a connection: streams, which end without a word, and those who have something to say.
pub(super) struct Crew<T> {
    members: FuturesUnordered<BoxFuture<'static, Option<T>>>,
    begun: Arc<Begun>,
    task: Arc<Task>,
    of_members: Bell,
    of_connection: Bell,
}

/// Puts the streams that hyper begins into the crew. Those of a connection that has ended are dropped.
#[derive(Clone)]
pub(super) struct Recruiter(Weak<Begun>);

/// Who has ended.
#[derive(Debug)]
pub(super) enum Ended<C, T> {
    Connection(C),
    Member(T),
}

/// Streams that have begun since the last look.
struct Begun {
    streams: Mutex<Vec<BoxFuture<'static, ()>>>,
    bell: Waker,
}

/// The task that they all run in.
#[derive(Default)]
struct Task {
    /// It need not be woken now: it looks at the bells before it rests.
    runs: AtomicBool,
    waker: AtomicWaker,
}

/// Tells that somebody was woken.
struct Bell {
    button: Arc<Button>,
    waker: Waker,
}

struct Button {
    pressed: AtomicBool,
    task: Arc<Task>,
}

impl<T: Send + 'static> Crew<T> {
    pub(super) fn new() -> Self {
        let task = Arc::<Task>::default();
        let of_members = Bell::new(&task);
        let begun = Begun {
            streams: Mutex::default(),
            bell: of_members.waker.clone(),
        };
        Self {
            members: FuturesUnordered::new(),
            begun: Arc::new(begun),
            of_connection: Bell::new(&task),
            of_members,
            task,
        }
    }

    /// For hyper.
    pub(super) fn recruiter(&self) -> Recruiter {
        Recruiter(Arc::downgrade(&self.begun))
    }

    /// Waits also for what somebody has to say.
    pub(super) fn add(&mut self, member: impl Future<Output = T> + Send + 'static) {
        self.members.push(Box::pin(async { Some(member.await) }));
        self.of_members.ring();
    }

    /// Runs until the connection ends or a member has said something.
    pub(super) async fn run<C: Future>(
        &mut self,
        mut connection: Pin<&mut C>,
    ) -> Ended<C::Output, T> {
        // It may have been changed since it was polled last.
        self.of_connection.ring();
        poll_fn(|context| self.poll(context, connection.as_mut())).await
    }

    fn poll<C: Future>(
        &mut self,
        context: &mut Context<'_>,
        connection: Pin<&mut C>,
    ) -> Poll<Ended<C::Output, T>> {
        self.task.waker.register(context.waker());
        self.task.runs.store(true, Ordering::SeqCst);
        let ended = self.turns(connection);
        self.task.runs.store(false, Ordering::SeqCst);
        if self.of_members.is_rung() || self.of_connection.is_rung() {
            context.waker().wake_by_ref();
        }
        ended
    }

    fn turns<C: Future>(&mut self, mut connection: Pin<&mut C>) -> Poll<Ended<C::Output, T>> {
        for _ in 0..TURNS {
            let mut rests = true;
            for _ in 0..MEMBER_TURNS {
                if !self.of_members.answer() {
                    break;
                }
                rests = false;
                if let Poll::Ready(said) = self.poll_members() {
                    return Poll::Ready(Ended::Member(said));
                }
            }
            if self.of_connection.answer() {
                rests = false;
                let mut context = Context::from_waker(&self.of_connection.waker);
                if let Poll::Ready(output) = connection.as_mut().poll(&mut context) {
                    return Poll::Ready(Ended::Connection(output));
                }
            }
            if rests || !has_budget_remaining() {
                break;
            }
        }
        Poll::Pending
    }

    fn poll_members(&mut self) -> Poll<T> {
        for stream in self.begun.take() {
            self.members.push(Box::pin(async {
                stream.await;
                None
            }));
        }
        let mut context = Context::from_waker(&self.of_members.waker);
        loop {
            match self.members.poll_next_unpin(&mut context) {
                Poll::Ready(Some(None)) => {}
                Poll::Ready(Some(Some(said))) => {
                    self.of_members.ring();
                    return Poll::Ready(said);
                }
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Begun {
    fn take(&self) -> Vec<BoxFuture<'static, ()>> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *streams)
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Recruiter {
    fn execute(&self, stream: F) {
        if let Some(begun) = self.0.upgrade() {
            let mut streams = begun.streams.lock().unwrap_or_else(PoisonError::into_inner);
            streams.push(Box::pin(stream));
            drop(streams);
            begun.bell.wake_by_ref();
        }
    }
}

impl Bell {
    fn new(task: &Arc<Task>) -> Self {
        let button = Arc::new(Button {
            pressed: AtomicBool::new(true),
            task: task.clone(),
        });
        Self {
            waker: button.clone().into(),
            button,
        }
    }

    fn ring(&self) {
        self.waker.wake_by_ref();
    }

    fn is_rung(&self) -> bool {
        self.button.pressed.load(Ordering::SeqCst)
    }

    /// Whether it was rung since the last answer.
    fn answer(&self) -> bool {
        self.button.pressed.swap(false, Ordering::SeqCst)
    }
}

impl Wake for Button {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let pressed = self.pressed.swap(true, Ordering::SeqCst);
        if !pressed && !self.task.runs.load(Ordering::SeqCst) {
            self.task.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Crew, Ended};
    use futures::FutureExt;
    use hyper::rt::Executor;
    use std::{
        future::{pending, poll_fn},
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Poll,
        time::Duration,
    };
    use tokio::sync::Notify;

    #[tokio::test]
    async fn who_was_not_woken_is_not_polled() {
        let (polled, wake) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let counted = polled.clone();
        let mut connection = pin!(poll_fn(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Poll::<()>::Pending
        }));
        let mut crew = Crew::<u8>::new();
        let woken = wake.clone();
        crew.recruiter().execute(async move {
            loop {
                woken.notified().await;
            }
        });
        let mut run = pin!(crew.run(connection.as_mut()));
        assert!(run.as_mut().now_or_never().is_none());
        for _ in 0..10 {
            wake.notify_one();
            assert!(run.as_mut().now_or_never().is_none());
        }
        assert_eq!(polled.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn streams_run_before_the_connection_that_sends_for_them() {
        let given = Arc::new(AtomicUsize::new(0));
        let wake = Arc::new(Notify::new());
        let (sent, ready) = (given.clone(), wake.clone());
        let mut connection = pin!(async move {
            while sent.load(Ordering::Relaxed) < 3 {
                ready.notified().await;
            }
            sent.load(Ordering::Relaxed)
        });
        let mut crew = Crew::<u8>::new();
        for _ in 0..3 {
            let (given, wake) = (given.clone(), wake.clone());
            crew.recruiter().execute(async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                given.fetch_add(1, Ordering::Relaxed);
                wake.notify_one();
            });
        }
        let ended = crew.run(connection.as_mut()).await;
        assert!(matches!(ended, Ended::Connection(3)));
    }

    #[tokio::test]
    async fn members_speak_and_a_busy_one_lets_others_speak() {
        let mut crew = Crew::new();
        crew.recruiter().execute(poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::Pending
        }));
        crew.add(async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            7
        });
        crew.add(async { 5 });
        let mut connection = pin!(pending::<()>());
        assert!(matches!(
            crew.run(connection.as_mut()).await,
            Ended::Member(5)
        ));
        assert!(matches!(
            crew.run(connection.as_mut()).await,
            Ended::Member(7)
        ));
    }

    #[tokio::test]
    async fn streams_end_with_their_crew() {
        let crew = Crew::<u8>::new();
        let recruiter = crew.recruiter();
        let stream = Arc::new(());
        let held = stream.clone();
        recruiter.execute(async move {
            pending::<()>().await;
            drop(held);
        });
        drop(crew);
        let held = stream.clone();
        recruiter.execute(async move { drop(held) });
        assert_eq!(Arc::strong_count(&stream), 1);
    }
}
