//! Who refers to what, in both directions, so that a change finds what it concerns without looking at anything else.

use std::{collections::BTreeSet, sync::Arc};

use foldhash::{HashMap, HashSet};

use crate::{
    key::{Kind, ObjectKey},
    output::ReferenceChanges,
};

/// What can be referred to, whether it exists or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Node {
    /// An object.
    Object(Kind, ObjectKey),
    /// All ReferenceGrants of a namespace.
    GrantsIn(Arc<str>),
}

/// What refers: an object whose compiled form or status depends on others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct User {
    pub(crate) kind: Kind,
    pub(crate) key: ObjectKey,
}

/// A set that costs little while it's small.
#[derive(Debug)]
enum Users {
    Few(Vec<User>),
    Many(HashSet<User>),
}

/// More than this many users are hashed.
const FEW: usize = 8;

impl Users {
    fn insert(&mut self, user: User) {
        match self {
            Self::Few(few) if few.contains(&user) => {}
            Self::Few(few) if few.len() < FEW => few.push(user),
            Self::Few(few) => {
                let mut many: HashSet<User> = few.drain(..).collect();
                many.insert(user);
                *self = Self::Many(many);
            }
            Self::Many(many) => {
                many.insert(user);
            }
        }
    }

    /// Whether it is empty then.
    fn remove(&mut self, user: &User) -> bool {
        match self {
            Self::Few(few) => {
                few.retain(|one| one != user);
                few.is_empty()
            }
            Self::Many(many) => {
                many.remove(user);
                many.is_empty()
            }
        }
    }
}

/// The references between objects.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    users: HashMap<Node, Users>,
    uses: HashMap<User, Box<[Node]>>,
    appeared: BTreeSet<(Kind, ObjectKey)>,
    vanished: BTreeSet<(Kind, ObjectKey)>,
}

impl Graph {
    /// Replaces all that a user refers to. What it refers to must be without repetition.
    pub(crate) fn set(&mut self, user: &User, nodes: BTreeSet<Node>) {
        let old = self.uses.remove(user).unwrap_or_default();
        for node in old.iter().filter(|node| !nodes.contains(node)) {
            self.unlink(node, user);
        }
        for node in nodes.iter().filter(|node| old.binary_search(node).is_err()) {
            self.link(node, user);
        }
        if !nodes.is_empty() {
            self.uses
                .insert(user.clone(), nodes.into_iter().collect::<Box<[Node]>>());
        }
    }

    /// Those that refer to a node.
    pub(crate) fn users(&self, node: &Node) -> Vec<User> {
        match self.users.get(node) {
            None => Vec::new(),
            Some(Users::Few(few)) => few.clone(),
            Some(Users::Many(many)) => many.iter().cloned().collect(),
        }
    }

    /// What came to be referred to, or ceased to be, since this was asked before.
    pub(crate) fn take_changes(&mut self) -> ReferenceChanges {
        ReferenceChanges {
            added: std::mem::take(&mut self.appeared).into_iter().collect(),
            removed: std::mem::take(&mut self.vanished).into_iter().collect(),
        }
    }

    /// All objects of a kind that are referred to.
    pub(crate) fn needed(&self, kind: Kind) -> BTreeSet<ObjectKey> {
        self.users
            .keys()
            .filter_map(|node| match node {
                Node::Object(of, key) if *of == kind => Some(key.clone()),
                _ => None,
            })
            .collect()
    }

    fn link(&mut self, node: &Node, user: &User) {
        match self.users.get_mut(node) {
            Some(users) => users.insert(user.clone()),
            None => {
                self.users
                    .insert(node.clone(), Users::Few(vec![user.clone()]));
                self.note(node, true);
            }
        }
    }

    fn unlink(&mut self, node: &Node, user: &User) {
        if let Some(users) = self.users.get_mut(node)
            && users.remove(user)
        {
            self.users.remove(node);
            self.note(node, false);
        }
    }

    fn note(&mut self, node: &Node, here: bool) {
        let Node::Object(kind, key) = node else {
            return;
        };
        let name = (*kind, key.clone());
        let (to, from) = if here {
            (&mut self.appeared, &mut self.vanished)
        } else {
            (&mut self.vanished, &mut self.appeared)
        };
        if !from.remove(&name) {
            to.insert(name);
        }
    }
}
