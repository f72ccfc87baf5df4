//! Attachments of the same host and path, the first by precedence first; or all regular expressions of a host, the
//! longest first.
//!
//! Almost always one, which stands inline; a few are a plain list; many, as with one rule per tenant's header, make a
//! tree, so that a change of one never copies all.

use std::{cmp::Ordering, ops::ControlFlow, sync::Arc};

use super::walk::Visit;
use crate::{Attachment, PathMatch};

/// More make a tree.
const FEW: usize = 16;

/// An attachment as a key: equal and ordered by precedence, and before that by the length of its regular expression.
#[derive(Clone, Debug)]
pub(super) struct Ranked(Arc<Attachment>);

impl Ranked {
    /// Whether it is this very one, not only in the same place.
    fn is(&self, attachment: &Arc<Attachment>) -> bool {
        Arc::ptr_eq(&self.0, attachment)
    }
}

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
    let by_precedence = || one.precedence().cmp(&other.precedence());
    match (&one.when.path, &other.when.path) {
        (PathMatch::Regex(this), PathMatch::Regex(that)) => {
            let (this, that) = (this.as_str(), that.as_str());
            let by_length = that.len().cmp(&this.len());
            by_length.then_with(by_precedence).then(this.cmp(that))
        }
        _ => by_precedence(),
    }
}

/// The list. Two words, for there are two of them at every path.
#[derive(Clone, Debug, Default)]
pub(super) enum Ranking {
    #[default]
    None,
    One(Ranked),
    More(Box<More>),
}

/// At least two.
#[derive(Clone, Debug)]
pub(super) enum More {
    Few(Vec<Ranked>),
    Many(imbl::OrdSet<Ranked>),
}

impl Ranking {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Says whether it is new, rather than in the place of an equal one.
    pub(super) fn insert(&mut self, attachment: Arc<Attachment>) -> bool {
        let new = Ranked(attachment);
        match self {
            Self::None => *self = Self::One(new),
            Self::One(own) if *own == new => {
                *own = new;
                return false;
            }
            Self::One(own) => {
                let mut list = vec![own.clone(), new];
                list.sort_unstable();
                *self = Self::More(Box::new(More::Few(list)));
            }
            Self::More(more) => return more.insert(new),
        }
        true
    }

    /// Takes out this very attachment; what has taken its place stays. Says whether it was there.
    pub(super) fn remove(&mut self, attachment: &Arc<Attachment>) -> bool {
        let (removed, left) = match self {
            Self::None => return false,
            Self::One(own) => (own.is(attachment), Self::None),
            Self::More(more) => {
                let removed = more.remove(attachment);
                match more.only() {
                    Some(last) => (removed, Self::One(last.clone())),
                    None => return removed,
                }
            }
        };
        if removed {
            *self = left;
        }
        removed
    }

    #[inline]
    pub(super) fn walk<'a, V: Visit<'a>>(&'a self, visit: &mut V) -> ControlFlow<()> {
        match self {
            Self::None => ControlFlow::Continue(()),
            Self::One(own) => visit.candidate(&own.0),
            Self::More(more) => more.try_each(|own| visit.candidate(&own.0)),
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
            Self::None => ControlFlow::Continue(()),
            Self::One(own) => one(own),
            Self::More(more) => more.try_each(one),
        }
    }

    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = &Arc<Attachment>> + '_> {
        match self {
            Self::None => Box::new(std::iter::empty()),
            Self::One(own) => Box::new(std::iter::once(&own.0)),
            Self::More(more) => match &**more {
                More::Few(list) => Box::new(list.iter().map(|own| &own.0)),
                More::Many(tree) => Box::new(tree.iter().map(|own| &own.0)),
            },
        }
    }
}

impl More {
    fn insert(&mut self, new: Ranked) -> bool {
        let list = match self {
            Self::Many(tree) => return tree.insert(new).is_none(),
            Self::Few(list) => list,
        };
        match list.binary_search(&new) {
            Ok(at) => {
                list[at] = new;
                return false;
            }
            Err(at) => list.insert(at, new),
        }
        if list.len() > FEW {
            *self = Self::Many(std::mem::take(list).into_iter().collect());
        }
        true
    }

    fn remove(&mut self, attachment: &Arc<Attachment>) -> bool {
        match self {
            Self::Few(list) => {
                let at = list.iter().position(|own| own.is(attachment));
                at.map(|at| list.remove(at)).is_some()
            }
            Self::Many(tree) => {
                let sought = Ranked(attachment.clone());
                let is_it = tree.get(&sought).is_some_and(|own| own.is(attachment));
                let removed = is_it && tree.remove(&sought).is_some();
                if tree.len() <= FEW / 2 {
                    *self = Self::Few(tree.iter().cloned().collect());
                }
                removed
            }
        }
    }

    /// The last one that is left.
    fn only(&self) -> Option<&Ranked> {
        match self {
            Self::Few(list) if list.len() == 1 => list.first(),
            _ => None,
        }
    }

    fn try_each<'a>(&'a self, visit: impl FnMut(&'a Ranked) -> ControlFlow<()>) -> ControlFlow<()> {
        match self {
            Self::Few(list) => list.iter().try_for_each(visit),
            Self::Many(tree) => tree.iter().try_for_each(visit),
        }
    }
}
