//! Coarse time for one worker: ticks, deadlines, and the text of the `Date` field.
//!
//! A deadline costs no entry in the runtime's timers: the first one that a task waits for is put into a wheel, and the
//! worker's ticker wakes the task when it has passed. A task that finds its time not over arms its timer again, so a
//! deadline that was never needed costs nothing but one idle wake-up.
//!
//! Invariant: nothing fires early; at most [`TICK`] and a bit late.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::sync::Notify;

use crate::date;

/// The grain of all timeouts.
pub(crate) const TICK: Duration = Duration::from_millis(TICK_MS);
const TICK_MS: u64 = 20;
/// 4096 ticks of 20 ms are 82 s. What ends later wakes its task once in that time.
const SLOTS: usize = 4096;

/// A moment in ticks since the worker began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline(u64);

/// The time was over before the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Elapsed;

/// Wakes one task. Each task that waits with deadlines has its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timer(Rc<TimerState>);

/// The worker's time.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    now: Cell<u64>,
    /// The last tick whose slot was emptied.
    done: Cell<u64>,
    slots: RefCell<Vec<Vec<Entry>>>,
    date: RefCell<Date>,
}

#[derive(Debug)]
struct TimerState {
    /// The tick of the entry that will wake the task; `u64::MAX` for none. Entries with other ticks are stale.
    armed: Cell<u64>,
    waker: RefCell<Option<Waker>>,
}

#[derive(Debug)]
struct Entry {
    tick: u64,
    timer: Rc<TimerState>,
}

#[derive(Debug)]
struct Date {
    /// When the text must be made anew.
    until: u64,
    text: [u8; 29],
}

/// Wakes all workers once per [`TICK`], from a thread of its own: cheaper for them than timers of their runtimes, which
/// are looked at before and after every wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ticker(Arc<Mutex<Option<Vec<Arc<Notify>>>>>);

impl Ticker {
    /// What is notified at every tick. The thread starts with the first one, and ends when nobody is left.
    pub(crate) fn subscribe(&self) -> Arc<Notify> {
        let notify = Arc::new(Notify::new());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.as_mut() {
            Some(all) => all.push(notify.clone()),
            None => {
                *all = Some(vec![notify.clone()]);
                let ticker = self.clone();
                std::thread::spawn(move || ticker.run());
            }
        }
        notify
    }

    fn run(self) {
        loop {
            std::thread::sleep(TICK);
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(subscribed) = all.as_mut() else {
                return;
            };
            subscribed.retain(|notify| Arc::strong_count(notify) > 1);
            subscribed.iter().for_each(|notify| notify.notify_one());
            if subscribed.is_empty() {
                *all = None;
                return;
            }
        }
    }
}

impl Deadline {
    /// Never reached.
    pub(crate) const NEVER: Self = Self(u64::MAX);
}

impl Default for TimerState {
    fn default() -> Self {
        Self {
            armed: Cell::new(u64::MAX),
            waker: RefCell::new(None),
        }
    }
}

impl Timer {
    /// Wakes the task now, for reasons of its own.
    pub(crate) fn wake(&self) {
        self.0.armed.set(u64::MAX);
        if let Some(waker) = self.0.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Whether it wakes the same task.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Its task ends: whoever is still to be woken would be kept in memory until then.
    pub(crate) fn finish(&self) {
        self.0.armed.set(u64::MAX);
        self.0.waker.take();
    }

    /// Remembers whom to wake, for [`Timer::wake`].
    pub(crate) fn register(&self, cx: &Context<'_>) {
        let mut waker = self.0.waker.borrow_mut();
        match waker.as_mut() {
            Some(known) => known.clone_from(cx.waker()),
            None => *waker = Some(cx.waker().clone()),
        }
    }
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            now: Cell::new(0),
            done: Cell::new(0),
            slots: RefCell::new((0..SLOTS).map(|_| Vec::new()).collect()),
            date: RefCell::new(Date {
                until: 0,
                text: [0; 29],
            }),
        }
    }

    /// The moment `wait` from now.
    pub(crate) fn after(&self, wait: Duration) -> Deadline {
        // One tick more, as the present one has begun already.
        let ticks = wait.as_millis().div_ceil(TICK.as_millis()) + 1;
        Deadline(
            self.now
                .get()
                .saturating_add(u64::try_from(ticks).unwrap_or(u64::MAX)),
        )
    }

    /// Nanoseconds since the worker began, as of the last tick.
    pub(crate) fn coarse_ns(&self) -> u64 {
        self.now.get() * (1_000_000 * TICK_MS)
    }

    /// Nanoseconds since the worker began.
    pub(crate) fn nanoseconds(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX)
    }

    pub(crate) fn passed(&self, deadline: Deadline) -> bool {
        self.now.get() >= deadline.0
    }

    /// Makes sure that the task behind `cx` is woken when `deadline` has passed.
    pub(crate) fn arm(&self, timer: &Timer, deadline: Deadline, cx: &Context<'_>) {
        if deadline.0 >= timer.0.armed.get() {
            return;
        }
        let tick = deadline
            .0
            .min(self.done.get() + SLOTS as u64 - 1)
            .max(self.done.get() + 1);
        if tick >= timer.0.armed.get() {
            return;
        }
        timer.register(cx);
        timer.0.armed.set(tick);
        self.slots.borrow_mut()[slot(tick)].push(Entry {
            tick,
            timer: timer.0.clone(),
        });
    }

    /// Waits; for what is rare.
    pub(crate) async fn sleep(&self, timer: &Timer, wait: Duration) {
        let deadline = self.after(wait);
        poll_fn(|cx| self.poll_passed(timer, deadline, cx)).await;
    }

    /// `work`, unless `deadline` passes first.
    pub(crate) async fn limit<F: Future>(
        &self,
        timer: &Timer,
        deadline: Deadline,
        work: F,
    ) -> Result<F::Output, Elapsed> {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(value) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(value));
            }
            self.poll_passed(timer, deadline, cx).map(|()| Err(Elapsed))
        })
        .await
    }

    /// Ready once `deadline` has passed.
    pub(crate) fn poll_passed(
        &self,
        timer: &Timer,
        deadline: Deadline,
        cx: &Context<'_>,
    ) -> Poll<()> {
        if self.passed(deadline) {
            return Poll::Ready(());
        }
        self.arm(timer, deadline, cx);
        Poll::Pending
    }

    /// Moves the time on and wakes whoever waits for what has passed. The worker calls it once per [`TICK`].
    pub(crate) fn tick(&self) {
        let elapsed = self.start.elapsed().as_millis() / TICK.as_millis();
        let now = u64::try_from(elapsed).unwrap_or(u64::MAX);
        self.now.set(now);
        // After a pause longer than the wheel every slot is due once.
        let first = (self.done.get() + 1).max(now.saturating_sub(SLOTS as u64 - 1));
        for tick in first..=now {
            let due = std::mem::take(&mut self.slots.borrow_mut()[slot(tick)]);
            for entry in &due {
                if entry.timer.armed.get() == entry.tick {
                    Timer(entry.timer.clone()).wake();
                }
            }
        }
        self.done.set(now.max(self.done.get()));
    }

    /// The value of a `Date` field, at most a second old.
    pub(crate) fn date(&self) -> [u8; 29] {
        let mut date = self.date.borrow_mut();
        if self.now.get() >= date.until {
            let since = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            date.text = date::imf_fixdate(since.as_secs());
            let rest = u64::from(1000 - since.subsec_millis()) / TICK_MS;
            date.until = self.now.get() + rest + 1;
        }
        date.text
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the remainder is less than SLOTS"
)]
fn slot(tick: u64) -> usize {
    (tick % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Clock, Elapsed, TICK, Timer};

    #[tokio::test(flavor = "current_thread")]
    async fn a_limit_is_neither_early_nor_lost() {
        let clock = Clock::new();
        let timer = Timer::default();
        let wait = Duration::from_millis(90);
        let begun = std::time::Instant::now();
        let work = clock.limit(&timer, clock.after(wait), std::future::pending::<()>());
        let ticker = async {
            loop {
                tokio::time::sleep(TICK).await;
                clock.tick();
            }
        };
        tokio::select! {
            result = work => assert_eq!(result, Err(Elapsed)),
            () = ticker => {}
        }
        assert!(begun.elapsed() >= wait);
    }
}
