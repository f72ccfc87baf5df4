//! Attachments of the same host and path, the first by precedence first.
//!
//! Almost always one or two, so that they are a plain list; many, as with one rule per tenant's header, make a tree, so
//! that a change of one never copies all.

use std::{cmp::Ordering, ops::ControlFlow, sync::Arc};

use super::walk::Visit;
use crate::Attachment;

/// More make a tree.
const FEW: usize = 16;

/// An attachment as a key: equal and ordered by precedence.
#[derive(Clone, Debug)]
pub(super) struct Ranked(Arc<Attachment>);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

fn compare(one: &Attachment, other: &Attachment) -> Ordering {
    one.precedence().cmp(&other.precedence())
}

/// The list.
#[derive(Clone, Debug)]
pub(super) enum Ranking {
    Few(Vec<Ranked>),
    Many(imbl::OrdSet<Ranked>),
}

impl Default for Ranking {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Ranking {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Few(list) => list.is_empty(),
            Self::Many(tree) => tree.is_empty(),
        }
    }

    /// Says whether it is new, rather than in the place of an equal one.
    pub(super) fn insert(&mut self, attachment: Arc<Attachment>) -> bool {
        match self {
            Self::Few(list) => {
                match list.binary_search_by(|own| compare(&own.0, &attachment)) {
                    Ok(at) => {
                        list[at] = Ranked(attachment);
                        return false;
                    }
                    Err(at) => {
                        list.reserve_exact(1);
                        list.insert(at, Ranked(attachment));
                    }
                }
                if list.len() > FEW {
                    *self = Self::Many(std::mem::take(list).into_iter().collect());
                }
                true
            }
            Self::Many(tree) => tree.insert(Ranked(attachment)).is_none(),
        }
    }

    /// Says whether it was there.
    pub(super) fn remove(&mut self, attachment: &Attachment) -> bool {
        match self {
            Self::Few(list) => {
                let at = list.binary_search_by(|own| compare(&own.0, attachment));
                at.map(|at| list.remove(at)).is_ok()
            }
            Self::Many(tree) => {
                let removed = tree.remove(&Ranked(Arc::new(attachment.clone()))).is_some();
                if tree.len() <= FEW / 2 {
                    *self = Self::Few(tree.iter().cloned().collect());
                }
                removed
            }
        }
    }

    #[inline]
    pub(super) fn walk<'a, V: Visit<'a>>(&'a self, visit: &mut V) -> ControlFlow<()> {
        match self {
            Self::Few(list) => list.iter().try_for_each(|own| visit.candidate(&own.0)),
            Self::Many(tree) => tree.iter().try_for_each(|own| visit.candidate(&own.0)),
        }
    }

    /// Visits those that pass.
    pub(super) fn walk_where<'a, V: Visit<'a>>(
        &'a self,
        visit: &mut V,
        pass: impl Fn(&Attachment) -> bool,
    ) -> ControlFlow<()> {
        let mut one = |own: &'a Ranked| match pass(&own.0) {
            true => visit.candidate(&own.0),
            false => ControlFlow::Continue(()),
        };
        match self {
            Self::Few(list) => list.iter().try_for_each(&mut one),
            Self::Many(tree) => tree.iter().try_for_each(&mut one),
        }
    }

    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = &Arc<Attachment>> + '_> {
        match self {
            Self::Few(list) => Box::new(list.iter().map(|own| &own.0)),
            Self::Many(tree) => Box::new(tree.iter().map(|own| &own.0)),
        }
    }
}
