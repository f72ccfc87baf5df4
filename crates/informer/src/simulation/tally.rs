//! Counts of what happened in simulated histories, to show that they reach what they are for.

/// What happened, to show that the simulation reaches what it is for.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) events: u64,
    pub(super) relists: u64,
    pub(super) broken: u64,
    pub(super) refused: u64,
    pub(super) removed: u64,
    pub(super) restored: u64,
    pub(super) deletions: u64,
    pub(super) marked_unknown: u64,
    pub(super) late_handlers: u64,
}

impl Tally {
    /// A simulation that never reaches a case proves nothing about it.
    pub(super) fn assert_everything_happened(&self) {
        let Self {
            events,
            relists,
            broken,
            refused,
            removed,
            restored,
            deletions,
            marked_unknown,
            late_handlers,
        } = *self;
        for count in [
            events,
            relists,
            broken,
            refused,
            removed,
            restored,
            deletions,
            marked_unknown,
            late_handlers,
        ] {
            assert!(count > 0, "{self:?}");
        }
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |a, b| Self {
            events: a.events + b.events,
            relists: a.relists + b.relists,
            broken: a.broken + b.broken,
            refused: a.refused + b.refused,
            removed: a.removed + b.removed,
            restored: a.restored + b.restored,
            deletions: a.deletions + b.deletions,
            marked_unknown: a.marked_unknown + b.marked_unknown,
            late_handlers: a.late_handlers + b.late_handlers,
        })
    }
}
