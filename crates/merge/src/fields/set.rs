//! The set itself: members of this level, and sets below.
//!
//! Invariant: operations never make an empty set below a member that had none, so `is_empty` is cheap in practice.

use super::element::{FieldPath, PathElement};
use std::collections::{BTreeMap, BTreeSet};

/// A set of fields, as a tree. A field may be a member, have members below it, or both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSet {
    pub(super) members: BTreeSet<PathElement>,
    pub(super) children: BTreeMap<PathElement, FieldSet>,
}

impl FieldSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The set of these paths.
    pub fn of(paths: impl IntoIterator<Item = FieldPath>) -> Self {
        let mut set = Self::new();
        for path in paths {
            set.insert(&path.0);
        }
        set
    }

    /// Adds one path. The empty path, which is the object, is owned by nobody.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => {
                if !self.members.contains(last) {
                    self.members.insert(last.clone());
                }
            }
            [first, rest @ ..] => match self.children.get_mut(first) {
                Some(child) => child.insert(rest),
                None => self.children.entry(first.clone()).or_default().insert(rest),
            },
        }
    }

    /// Whether this path is a member.
    pub fn has(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self
                .children
                .get(first)
                .is_some_and(|child| child.has(rest)),
        }
    }

    /// Whether there is no member, on any level.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// How many members there are, on all levels.
    pub fn len(&self) -> usize {
        self.members.len() + self.children.values().map(Self::len).sum::<usize>()
    }

    /// Everything that is in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.extend(other);
        out
    }

    fn extend(&mut self, other: &Self) {
        for member in &other.members {
            if !self.members.contains(member) {
                self.members.insert(member.clone());
            }
        }
        for (element, child) in &other.children {
            match self.children.get_mut(element) {
                Some(mine) => mine.extend(child),
                None => {
                    self.children.insert(element.clone(), child.clone());
                }
            }
        }
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let below = |(element, child): (&PathElement, &Self)| {
            let both = child.intersection(other.children.get(element)?);
            (!both.is_empty()).then(|| (element.clone(), both))
        };
        Self {
            members: self.members.intersection(&other.members).cloned().collect(),
            children: self.children.iter().filter_map(below).collect(),
        }
    }

    /// What is in this set but not in the other. A member of the other removes only itself, not what is below.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let below = |(element, child): (&PathElement, &Self)| match other.children.get(element) {
            None => Some((element.clone(), child.clone())),
            Some(minus) => {
                let rest = child.difference(minus);
                (!rest.is_empty()).then(|| (element.clone(), rest))
            }
        };
        Self {
            members: self.members.difference(&other.members).cloned().collect(),
            children: self.children.iter().filter_map(below).collect(),
        }
    }

    /// As [`FieldSet::difference`], but a member of the other set removes all below it too.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        let below = |(element, child): (&PathElement, &Self)| {
            if other.members.contains(element) {
                return None;
            }
            match other.children.get(element) {
                None => Some((element.clone(), child.clone())),
                Some(minus) => {
                    let rest = child.recursive_difference(minus);
                    (!rest.is_empty()).then(|| (element.clone(), rest))
                }
            }
        };
        Self {
            members: self.members.difference(&other.members).cloned().collect(),
            children: self.children.iter().filter_map(below).collect(),
        }
    }

    /// The members that have nothing below them.
    #[must_use]
    pub fn leaves(&self) -> Self {
        Self {
            members: self
                .members
                .iter()
                .filter(|member| !self.children.contains_key(member))
                .cloned()
                .collect(),
            children: self
                .children
                .iter()
                .map(|(element, child)| (element.clone(), child.leaves()))
                .collect(),
        }
    }

    /// Calls `visit` with every member's path: the members of a level first, then what is below.
    pub fn for_each(&self, visit: &mut impl FnMut(&[PathElement])) {
        self.visit(&mut Vec::new(), visit);
    }

    fn visit(&self, path: &mut Vec<PathElement>, visit: &mut impl FnMut(&[PathElement])) {
        for member in &self.members {
            path.push(member.clone());
            visit(path);
            path.pop();
        }
        for (element, child) in &self.children {
            path.push(element.clone());
            child.visit(path, visit);
            path.pop();
        }
    }

    /// Every member's path, in the order of [`FieldSet::for_each`].
    pub fn paths(&self) -> Vec<FieldPath> {
        let mut paths = Vec::new();
        self.for_each(&mut |path| paths.push(FieldPath(path.to_vec())));
        paths
    }

    /// Adds an element of this level: itself, what is below it, or both.
    pub(crate) fn put(&mut self, element: PathElement, is_member: bool, below: Self) {
        let has_below = !below.members.is_empty() || !below.children.is_empty();
        match (is_member, has_below) {
            (true, true) => {
                self.members.insert(element.clone());
                self.children.insert(element, below);
            }
            (true, false) => drop(self.members.insert(element)),
            (false, true) => drop(self.children.insert(element, below)),
            (false, false) => {}
        }
    }

    /// The members of this level.
    pub(crate) fn members(&self) -> &BTreeSet<PathElement> {
        &self.members
    }

    /// The sets below this level.
    pub(crate) fn children(&self) -> &BTreeMap<PathElement, FieldSet> {
        &self.children
    }

    /// The set below `element`, where something is in it.
    pub(crate) fn below(&self, element: &PathElement) -> Option<&Self> {
        self.children.get(element).filter(|child| !child.is_empty())
    }

    pub(crate) fn from_parts(
        members: BTreeSet<PathElement>,
        children: BTreeMap<PathElement, FieldSet>,
    ) -> Self {
        Self { members, children }
    }
}
