//! How a client reads: the pieces of answers that are on their way to it, and since when.
//!
//! A piece is on its way until the connection has let go of its bytes, whatever the protocol. As long as it is, its
//! request keeps its place among those that run, so that answers that nobody reads are as few as requests at once.

use super::limits::Place;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The pieces of one connection.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<UnderWay>);

#[derive(Debug, Default)]
struct UnderWay {
    /// By number, so that the first is the oldest. They are few.
    since: Vec<(u64, Instant)>,
    next: u64,
}

impl Pace {
    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A piece that is sent now.
    pub(crate) fn piece(self: &Arc<Self>, place: &Arc<Place>) -> Piece {
        let mut under_way = self.under_way();
        let number = under_way.next;
        under_way.next += 1;
        under_way.since.push((number, Instant::now()));
        drop(under_way);
        Piece {
            number,
            pace: Arc::clone(self),
            _place: Arc::clone(place),
        }
    }

    /// Waits until a piece has been on its way for longer than that.
    pub(super) async fn stalled(&self, patience: Duration) {
        loop {
            tokio::time::sleep(patience / 4).await;
            let oldest = self.under_way().since.first().map(|(_, at)| *at);
            if oldest.is_some_and(|oldest| oldest.elapsed() > patience) {
                return;
            }
        }
    }
}

/// A piece on its way, until it is dropped.
#[derive(Debug)]
pub(crate) struct Piece {
    number: u64,
    pace: Arc<Pace>,
    _place: Arc<Place>,
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut under_way = self.pace.under_way();
        if let Ok(at) = under_way
            .since
            .binary_search_by_key(&self.number, |(number, _)| *number)
        {
            under_way.since.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use crate::serve::limits::{Class, Limits, Turnstile};
    use std::{sync::Arc, time::Duration};
    use tokio::time::timeout;

    #[tokio::test]
    async fn a_piece_keeps_its_place_until_it_is_gone() {
        let limits = Limits {
            reading: 1,
            ..Limits::default()
        };
        let turnstile = Turnstile::new(&limits);
        let has_room = || turnstile.enter(Class::Reading).is_some();
        let place = Arc::new(turnstile.enter(Class::Reading).expect("room"));
        let pace = Arc::new(Pace::default());
        let piece = pace.piece(&place);
        drop(place);
        assert!(!has_room());
        let patience = Duration::from_millis(20);
        let stalled = timeout(Duration::from_secs(5), pace.stalled(patience)).await;
        assert!(stalled.is_ok(), "it is old by now");
        drop(piece);
        assert!(has_room());
        let stalled = timeout(Duration::from_millis(60), pace.stalled(patience)).await;
        assert!(stalled.is_err(), "nothing is on its way");
    }
}
