//! How long a connection may last at least: to the end of the grace of the process that took it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// When processes of the gateway have taken over from each other.
#[derive(Debug, Clone)]
pub(crate) struct Lives {
    grace: Duration,
    takeovers: Arc<Mutex<Vec<Takeover>>>,
}

#[derive(Debug, Clone, Copy)]
struct Takeover {
    /// The old process gets no notice before.
    asked: Instant,
    /// It has ended; none while it has not.
    done: Option<Instant>,
}

impl Lives {
    /// Of processes that give connections so long.
    pub(crate) fn new(grace: Duration) -> Self {
        Self {
            grace,
            takeovers: Arc::default(),
        }
    }

    /// What a drain gives connections.
    pub(crate) fn grace(&self) -> Duration {
        self.grace
    }

    /// Another process is asked for.
    pub(crate) fn asked(&self, now: Instant) {
        self.all().push(Takeover {
            asked: now,
            done: None,
        });
    }

    /// The old process has ended.
    pub(crate) fn done(&self, now: Instant) {
        if let Some(last) = self.all().last_mut() {
            last.done = Some(now);
        }
    }

    /// Whether the process that took a connection then has no time left for it.
    pub(crate) fn may_end(&self, opened: Instant, now: Instant) -> bool {
        self.all().iter().any(|takeover| {
            let was_its = takeover.done.is_none_or(|done| done >= opened);
            was_its && now >= takeover.asked + self.grace
        })
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<Takeover>> {
        self.takeovers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Lives;

    #[test]
    fn connections_end_with_their_process() {
        let opened = Instant::now();
        let at = |seconds| opened + Duration::from_secs(seconds);
        let lives = Lives::new(Duration::from_secs(10));
        assert!(!lives.may_end(opened, at(100)), "nobody takes over");
        lives.asked(at(100));
        assert!(!lives.may_end(opened, at(109)));
        assert!(lives.may_end(opened, at(110)));
        lives.done(at(112));
        assert!(!lives.may_end(at(113), at(120)), "of the new process");
    }
}
