//! How a client reads: the pieces of answers that are on their way to it, and since when.
//!
//! A piece is on its way until the connection has let go of its bytes, whatever the protocol. As long as it is, its
//! request keeps its place among those that run, so that answers that nobody reads are as few as requests at once.

use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

/// The pieces of one connection.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<UnderWay>);

/// By number, so that the first is the oldest.
#[derive(Debug, Default)]
struct UnderWay {
    since: BTreeMap<u64, Instant>,
    next: u64,
}

impl Pace {
    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A piece that is sent now.
    pub(crate) fn piece(
        self: &Arc<Self>,
        bytes: Bytes,
        place: &Arc<OwnedSemaphorePermit>,
    ) -> Bytes {
        let mut under_way = self.under_way();
        let number = under_way.next;
        under_way.next += 1;
        under_way.since.insert(number, Instant::now());
        drop(under_way);
        Bytes::from_owner(Piece {
            bytes,
            number,
            pace: Arc::clone(self),
            _place: Arc::clone(place),
        })
    }

    /// Waits until a piece has been on its way for longer than that.
    pub(super) async fn stalled(&self, patience: Duration) {
        loop {
            tokio::time::sleep(patience / 4).await;
            let oldest = self.under_way().since.first_key_value().map(|(_, at)| *at);
            if oldest.is_some_and(|oldest| oldest.elapsed() > patience) {
                return;
            }
        }
    }
}

struct Piece {
    bytes: Bytes,
    number: u64,
    pace: Arc<Pace>,
    _place: Arc<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.pace.under_way().since.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use bytes::Bytes;
    use std::{sync::Arc, time::Duration};
    use tokio::{sync::Semaphore, time::timeout};

    #[tokio::test]
    async fn a_piece_keeps_its_place_until_it_is_gone() {
        let room = Arc::new(Semaphore::new(1));
        let place = Arc::new(room.clone().try_acquire_owned().expect("room"));
        let pace = Arc::new(Pace::default());
        let piece = pace.piece(Bytes::from_static(b"abc"), &place);
        drop(place);
        let part = piece.slice(1..2);
        drop(piece);
        assert_eq!((&*part, room.available_permits()), (&b"b"[..], 0));
        let patience = Duration::from_millis(20);
        let stalled = timeout(Duration::from_secs(5), pace.stalled(patience)).await;
        assert!(stalled.is_ok(), "it is old by now");
        drop(part);
        assert_eq!(room.available_permits(), 1);
        let stalled = timeout(Duration::from_millis(60), pace.stalled(patience)).await;
        assert!(stalled.is_err(), "nothing is on its way");
    }
}
