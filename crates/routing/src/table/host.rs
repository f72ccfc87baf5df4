//! The rules of one host, by path.
//!
//! A few paths are a list, longest first; more make a hash map, probed with the request's path and its prefixes at
//! segment boundaries. A filter of the lengths that occur spares most probes, however many segments a request has.

use std::{ops::ControlFlow, sync::Arc};

use super::{Texts, ranked::Ranking, walk::Visit};
use crate::{Attachment, PathMatch, holds::prefix_holds};

/// More paths make a hash map.
const FEW: usize = 8;

#[derive(Clone, Debug, Default)]
pub(super) struct HostRules {
    paths: Paths,
    regexes: Ranking,
}

#[derive(Clone, Debug)]
enum Paths {
    /// Longest path first.
    Few(Vec<Arc<PathRules>>),
    Many(Box<ManyPaths>),
}

#[derive(Clone, Debug, Default)]
struct ManyPaths {
    by_path: Texts<Arc<PathRules>>,
    prefix_lengths: Lengths,
}

/// What was attached to one path: to it alone, and to all below it.
#[derive(Clone, Debug)]
struct PathRules {
    path: Arc<str>,
    exact: Ranking,
    prefix: Ranking,
}

/// Which lengths occur, modulo 128. Lengths never leave it: it may say yes too often, never no.
#[derive(Clone, Copy, Debug, Default)]
struct Lengths {
    bits: u128,
    longest: usize,
}

impl Lengths {
    fn add(&mut self, length: usize) {
        self.bits |= 1 << (length % 128);
        self.longest = self.longest.max(length);
    }

    fn may_have(self, length: usize) -> bool {
        self.bits >> (length % 128) & 1 == 1
    }
}

impl Default for Paths {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl PathRules {
    fn new(path: &Arc<str>) -> Self {
        Self {
            path: path.clone(),
            exact: Ranking::default(),
            prefix: Ranking::default(),
        }
    }

    fn ranking(&mut self, path: &PathMatch) -> &mut Ranking {
        match path {
            PathMatch::Prefix(_) => &mut self.prefix,
            PathMatch::Exact(_) | PathMatch::Regex(_) => &mut self.exact,
        }
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefix.is_empty()
    }
}

impl Paths {
    fn is_empty(&self) -> bool {
        match self {
            Self::Few(list) => list.is_empty(),
            Self::Many(many) => many.by_path.is_empty(),
        }
    }

    /// Says whether it is new.
    fn insert(&mut self, path: &Arc<str>, attachment: &Arc<Attachment>) -> bool {
        let kind = &attachment.when.path;
        let rules = match self {
            Self::Few(list) => {
                let at = list
                    .iter()
                    .position(|own| own.path == *path)
                    .unwrap_or_else(|| {
                        let at = list.partition_point(|own| own.path.len() >= path.len());
                        list.reserve_exact(1);
                        list.insert(at, Arc::new(PathRules::new(path)));
                        at
                    });
                &mut list[at]
            }
            Self::Many(many) => {
                if matches!(kind, PathMatch::Prefix(_)) {
                    many.prefix_lengths.add(path.len());
                }
                let new = || Arc::new(PathRules::new(path));
                many.by_path.entry(path.clone()).or_insert_with(new)
            }
        };
        let new = Arc::make_mut(rules)
            .ranking(kind)
            .insert(attachment.clone());
        self.grow();
        new
    }

    /// Says whether it was there.
    fn remove(&mut self, path: &str, attachment: &Attachment) -> bool {
        let kind = &attachment.when.path;
        match self {
            Self::Few(list) => {
                let Some(at) = list.iter().position(|own| *own.path == *path) else {
                    return false;
                };
                let rules = Arc::make_mut(&mut list[at]);
                let removed = rules.ranking(kind).remove(attachment);
                if rules.is_empty() {
                    list.remove(at);
                }
                removed
            }
            Self::Many(many) => {
                let Some(rules) = many.by_path.get_mut(path) else {
                    return false;
                };
                let rules = Arc::make_mut(rules);
                let removed = rules.ranking(kind).remove(attachment);
                if rules.is_empty() {
                    many.by_path.remove(path);
                }
                self.shrink();
                removed
            }
        }
    }

    fn grow(&mut self) {
        let Self::Few(list) = self else { return };
        if list.len() <= FEW {
            return;
        }
        let mut many = ManyPaths::default();
        for rules in list.drain(..) {
            if !rules.prefix.is_empty() {
                many.prefix_lengths.add(rules.path.len());
            }
            many.by_path.insert(rules.path.clone(), rules);
        }
        *self = Self::Many(Box::new(many));
    }

    fn shrink(&mut self) {
        let Self::Many(many) = self else { return };
        if many.by_path.len() > FEW / 2 {
            return;
        }
        let mut list: Vec<_> = many.by_path.values().cloned().collect();
        list.sort_by_key(|rules| std::cmp::Reverse(rules.path.len()));
        *self = Self::Few(list);
    }

    fn walk<'a, V: Visit<'a>>(&'a self, path: &str, visit: &mut V) -> ControlFlow<()> {
        match self {
            Self::Few(list) => {
                if let Some(rules) = list.iter().find(|rules| *rules.path == *path) {
                    rules.exact.walk(visit)?;
                }
                list.iter()
                    .filter(|rules| prefix_holds(&rules.path, path))
                    .try_for_each(|rules| rules.prefix.walk(visit))
            }
            Self::Many(many) => many.walk(path, visit),
        }
    }

    fn iter(&self) -> Box<dyn Iterator<Item = &Arc<PathRules>> + '_> {
        match self {
            Self::Few(list) => Box::new(list.iter()),
            Self::Many(many) => Box::new(many.by_path.values()),
        }
    }
}

impl ManyPaths {
    fn walk<'a, V: Visit<'a>>(&'a self, path: &str, visit: &mut V) -> ControlFlow<()> {
        if let Some(rules) = self.by_path.get(path) {
            rules.exact.walk(visit)?;
            rules.prefix.walk(visit)?;
        }
        let mut rest = path;
        // A longer prefix than all there are can't be found: the first cut is at the longest, or before it.
        if let Some((start, _)) = path.split_at_checked(self.prefix_lengths.longest + 1) {
            rest = start;
        }
        while let Some((prefix, _)) = rest.rsplit_once('/') {
            if self.prefix_lengths.may_have(prefix.len())
                && let Some(rules) = self.by_path.get(prefix)
            {
                rules.prefix.walk(visit)?;
            }
            rest = prefix;
        }
        ControlFlow::Continue(())
    }
}

impl HostRules {
    pub(super) fn is_empty(&self) -> bool {
        self.regexes.is_empty() && self.paths.is_empty()
    }

    /// Says whether it is new, rather than in the place of an equal one.
    pub(super) fn insert(&mut self, attachment: &Arc<Attachment>) -> bool {
        match &attachment.when.path {
            PathMatch::Exact(path) | PathMatch::Prefix(path) => self.paths.insert(path, attachment),
            PathMatch::Regex(_) => self.regexes.insert(attachment.clone()),
        }
    }

    /// Says whether it was there.
    pub(super) fn remove(&mut self, attachment: &Attachment) -> bool {
        match &attachment.when.path {
            PathMatch::Exact(path) | PathMatch::Prefix(path) => self.paths.remove(path, attachment),
            PathMatch::Regex(_) => self.regexes.remove(attachment),
        }
    }

    /// All whose path matches: the exact one, prefixes from the longest to the shortest, regular expressions.
    #[inline]
    pub(super) fn walk<'a, V: Visit<'a>>(&'a self, path: &str, visit: &mut V) -> ControlFlow<()> {
        self.paths.walk(path, visit)?;
        if self.regexes.is_empty() {
            return ControlFlow::Continue(());
        }
        self.regexes
            .walk_where(visit, |attachment| attachment.when.path.holds(path))
    }

    pub(super) fn attachments(&self) -> impl Iterator<Item = &Arc<Attachment>> {
        self.paths
            .iter()
            .flat_map(|rules| rules.exact.iter().chain(rules.prefix.iter()))
            .chain(self.regexes.iter())
    }
}
