//! The rules of one host, by path.
//!
//! One path stands inline, a few are a list, longest first; more make a hash map, probed with the request's path and its
//! prefixes at segment boundaries. A filter spares the probes that would find nothing, however many segments a request
//! has. Where memory is read decides what a lookup costs, so what is small is kept together.

use std::{ops::ControlFlow, sync::Arc};

use super::{ending::Ending, ranked::Ranking, walk::Visit};
use crate::{Attachment, Directory, Named, PathMatch, holds::prefix_holds};

/// More paths make a hash map.
const FEW: usize = 8;

#[derive(Clone, Debug)]
pub(super) struct HostRules {
    host: Arc<str>,
    paths: Paths,
    /// Tried one by one: of all that a host has, only they cost a request in proportion to their number.
    regexes: Ranking,
}

#[derive(Clone, Debug)]
enum Paths {
    One(PathRules),
    /// Longest path first.
    Few(Vec<Listed>),
    Many(Box<ManyPaths>),
}

/// Beside the rules in a list, so that a lookup reads those of the paths that match, and no others'.
#[derive(Clone, Debug)]
struct Listed {
    ending: Ending,
    rules: Arc<PathRules>,
}

#[derive(Clone, Debug, Default)]
struct ManyPaths {
    by_path: Directory<PathRules>,
    exact: Filter,
    prefixes: Filter,
}

/// What was attached to one path: to it alone, and to all below it.
#[derive(Clone, Debug)]
struct PathRules {
    path: Arc<str>,
    exact: Ranking,
    prefix: Ranking,
}

/// Which paths may be there, by their number of segments and their length modulo 64: spares probes that would find
/// nothing. What is removed stays in it: it may say yes too often, never no.
#[derive(Clone, Copy, Debug, Default)]
struct Filter {
    /// Lengths by number of segments; the last for all that have more.
    lengths: [u64; 8],
    longest: usize,
}

impl Named for HostRules {
    fn name(&self) -> &str {
        &self.host
    }
}

impl Named for PathRules {
    fn name(&self) -> &str {
        &self.path
    }
}

impl Filter {
    fn add(&mut self, path: &str) {
        self.lengths[segments(path).min(7)] |= 1 << (path.len() % 64);
        self.longest = self.longest.max(path.len());
    }

    fn may_have(&self, segments: usize, length: usize) -> bool {
        self.lengths[segments.min(7)] >> (length % 64) & 1 == 1
    }
}

impl Listed {
    fn new(rules: Arc<PathRules>) -> Self {
        Self {
            ending: Ending::of(&rules.path),
            rules,
        }
    }

    /// Whether it is for this path alone.
    fn is(&self, path: &str) -> bool {
        self.ending.ends(path) && *self.rules.path == *path
    }

    /// Whether what it holds for this path and all below it holds for `path`.
    fn holds(&self, path: &str) -> bool {
        let at_boundary = |rest: &str| rest.is_empty() || rest.starts_with('/');
        path.split_at_checked(self.ending.length as usize)
            .is_some_and(|(start, rest)| {
                at_boundary(rest) && self.ending.ends(start) && *self.rules.path == *start
            })
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

    fn attachments(&self) -> impl Iterator<Item = &Arc<Attachment>> {
        self.exact.iter().chain(self.prefix.iter())
    }
}

impl Paths {
    fn is_empty(&self) -> bool {
        match self {
            Self::One(rules) => rules.is_empty(),
            Self::Few(list) => list.is_empty(),
            Self::Many(many) => many.by_path.is_empty(),
        }
    }

    /// Says whether it is new.
    fn insert(&mut self, path: &Arc<str>, attachment: &Arc<Attachment>) -> bool {
        self.grow(path);
        let kind = &attachment.when.path;
        let rules = match self {
            Self::One(rules) => rules,
            Self::Few(list) => {
                let at = list.iter().position(|own| own.is(path));
                let at = at.unwrap_or_else(|| {
                    let at = list.partition_point(|own| own.rules.path.len() >= path.len());
                    list.reserve_exact(1);
                    list.insert(at, Listed::new(Arc::new(PathRules::new(path))));
                    at
                });
                Arc::make_mut(&mut list[at].rules)
            }
            Self::Many(many) => return many.insert(path, attachment),
        };
        rules.ranking(kind).insert(attachment.clone())
    }

    /// Makes room for a path that isn't there yet.
    fn grow(&mut self, path: &Arc<str>) {
        match self {
            Self::One(rules) if rules.path != *path => {
                *self = Self::Few(vec![Listed::new(Arc::new(rules.clone()))]);
            }
            Self::Few(list) if list.is_empty() => *self = Self::One(PathRules::new(path)),
            Self::Few(list) if list.len() == FEW && list.iter().all(|own| !own.is(path)) => {
                let mut many = ManyPaths::default();
                for one in list.drain(..) {
                    many.add(one.rules);
                }
                *self = Self::Many(Box::new(many));
            }
            _ => {}
        }
    }

    /// Says whether it was there.
    fn remove(&mut self, path: &str, attachment: &Arc<Attachment>) -> bool {
        let kind = &attachment.when.path;
        let removed = match self {
            Self::One(rules) => *rules.path == *path && rules.ranking(kind).remove(attachment),
            Self::Few(list) => {
                let Some(at) = list.iter().position(|own| own.is(path)) else {
                    return false;
                };
                let rules = Arc::make_mut(&mut list[at].rules);
                let removed = rules.ranking(kind).remove(attachment);
                if rules.is_empty() {
                    list.remove(at);
                }
                removed
            }
            Self::Many(many) => many.remove(path, attachment),
        };
        self.shrink();
        removed
    }

    fn shrink(&mut self) {
        match self {
            Self::Few(list) if list.len() == 1 => *self = Self::One((*list[0].rules).clone()),
            Self::Many(many) if many.by_path.len() <= FEW / 2 => {
                let all = many.by_path.iter().cloned();
                let mut list: Vec<_> = all.map(Listed::new).collect();
                list.sort_by_key(|one| std::cmp::Reverse(one.ending.length));
                *self = Self::Few(list);
            }
            _ => {}
        }
    }

    /// `between` visits what comes after the exact path and before prefixes.
    #[inline]
    fn walk<'a, V: Visit<'a>>(
        &'a self,
        path: &str,
        visit: &mut V,
        between: impl FnOnce(&mut V) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self {
            Self::One(rules) => {
                if !rules.exact.is_empty() && *rules.path == *path {
                    rules.exact.walk(visit)?;
                }
                between(visit)?;
                match prefix_holds(&rules.path, path) {
                    true => rules.prefix.walk(visit),
                    false => ControlFlow::Continue(()),
                }
            }
            Self::Few(list) => {
                if let Some(one) = list.iter().find(|one| one.is(path)) {
                    one.rules.exact.walk(visit)?;
                }
                between(visit)?;
                list.iter()
                    .filter(|one| one.holds(path))
                    .try_for_each(|one| one.rules.prefix.walk(visit))
            }
            Self::Many(many) => many.walk(path, visit, between),
        }
    }

    fn attachments(&self) -> Box<dyn Iterator<Item = &Arc<Attachment>> + '_> {
        match self {
            Self::One(rules) => Box::new(rules.attachments()),
            Self::Few(list) => Box::new(list.iter().flat_map(|one| one.rules.attachments())),
            Self::Many(many) => {
                let all = many.by_path.iter();
                Box::new(all.flat_map(|rules| rules.attachments()))
            }
        }
    }
}

impl ManyPaths {
    fn add(&mut self, rules: Arc<PathRules>) {
        if !rules.exact.is_empty() {
            self.exact.add(&rules.path);
        }
        if !rules.prefix.is_empty() {
            self.prefixes.add(&rules.path);
        }
        self.by_path.insert(rules);
    }

    fn insert(&mut self, path: &Arc<str>, attachment: &Arc<Attachment>) -> bool {
        let kind = &attachment.when.path;
        match kind {
            PathMatch::Prefix(_) => self.prefixes.add(path),
            PathMatch::Exact(_) | PathMatch::Regex(_) => self.exact.add(path),
        }
        if let Some(rules) = self.by_path.get_mut(path) {
            return rules.ranking(kind).insert(attachment.clone());
        }
        let mut rules = PathRules::new(path);
        rules.ranking(kind).insert(attachment.clone());
        self.by_path.insert(Arc::new(rules));
        true
    }

    fn remove(&mut self, path: &str, attachment: &Arc<Attachment>) -> bool {
        let Some(rules) = self.by_path.get_mut(path) else {
            return false;
        };
        let removed = rules.ranking(&attachment.when.path).remove(attachment);
        if rules.is_empty() {
            self.by_path.remove(path);
        }
        removed
    }

    fn walk<'a, V: Visit<'a>>(
        &'a self,
        path: &str,
        visit: &mut V,
        between: impl FnOnce(&mut V) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut segments = segments(path);
        if self.exact.may_have(segments, path.len())
            && let Some(rules) = self.by_path.get(path)
        {
            rules.exact.walk(visit)?;
        }
        between(visit)?;
        let mut prefix = path;
        // What is longer than all there are can't be found: begin with the last boundary before that.
        if let Some((start, _)) = path.split_at_checked(self.prefixes.longest + 1) {
            prefix = start.rsplit_once('/').map_or("", |(prefix, _)| prefix);
            segments = self::segments(prefix);
        }
        loop {
            if self.prefixes.may_have(segments, prefix.len())
                && let Some(rules) = self.by_path.get(prefix)
            {
                rules.prefix.walk(visit)?;
            }
            let Some((shorter, _)) = prefix.rsplit_once('/') else {
                return ControlFlow::Continue(());
            };
            prefix = shorter;
            segments = segments.saturating_sub(1);
        }
    }
}

fn segments(path: &str) -> usize {
    path.bytes().filter(|byte| *byte == b'/').count()
}

impl HostRules {
    pub(super) fn new(host: impl Into<Arc<str>>) -> Self {
        Self {
            host: host.into(),
            paths: Paths::default(),
            regexes: Ranking::default(),
        }
    }

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
    pub(super) fn remove(&mut self, attachment: &Arc<Attachment>) -> bool {
        match &attachment.when.path {
            PathMatch::Exact(path) | PathMatch::Prefix(path) => self.paths.remove(path, attachment),
            PathMatch::Regex(_) => self.regexes.remove(attachment),
        }
    }

    /// All whose path matches: the exact one, regular expressions from the longest to the shortest, prefixes likewise.
    #[inline]
    pub(super) fn walk<'a, V: Visit<'a>>(&'a self, path: &str, visit: &mut V) -> ControlFlow<()> {
        let regexes = |visit: &mut V| match self.regexes.is_empty() {
            true => ControlFlow::Continue(()),
            false => self
                .regexes
                .walk_where(visit, |attachment| attachment.when.path.holds(path)),
        };
        self.paths.walk(path, visit, regexes)
    }

    pub(super) fn attachments(&self) -> impl Iterator<Item = &Arc<Attachment>> {
        self.paths.attachments().chain(self.regexes.iter())
    }
}
