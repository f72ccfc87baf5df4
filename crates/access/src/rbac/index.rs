//! Who is bound to which role, kept up to date object by object, and found by user and group.
//!
//! Invariant: `users` and `groups` hold a binding once for each name among its subjects, and only bindings of `by_name`.

use super::{binding::Binding, rule::Rule};
use crate::user::User;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Roles by name.
pub(crate) type Roles = HashMap<String, Arc<[Rule]>>;

/// The bindings of the cluster, or of one namespace.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    by_name: BTreeMap<String, Arc<Binding>>,
    users: HashMap<String, Vec<Arc<Binding>>>,
    groups: HashMap<String, Vec<Arc<Binding>>>,
}

impl Bindings {
    /// Puts a binding in the place of the one with its name, or takes that one away.
    pub(crate) fn set(&mut self, name: &str, binding: Option<Binding>) {
        if let Some(old) = self.by_name.remove(name) {
            for user in old.users() {
                forget(&mut self.users, user, name);
            }
            for group in old.groups() {
                forget(&mut self.groups, group, name);
            }
        }
        let Some(binding) = binding.map(Arc::new) else {
            return;
        };
        for user in binding.users() {
            remember(&mut self.users, user, &binding);
        }
        for group in binding.groups() {
            remember(&mut self.groups, group, &binding);
        }
        self.by_name.insert(name.to_owned(), binding);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The bindings that name the user or one of their groups. One that names several is met several times.
    pub(crate) fn of<'a>(&'a self, user: &'a User) -> impl Iterator<Item = &'a Arc<Binding>> {
        let by_name = self.users.get(&user.name).into_iter();
        let by_group = user
            .groups
            .iter()
            .filter_map(|group| self.groups.get(group));
        by_name.chain(by_group).flatten()
    }

    /// The same, each once, in the order of their names.
    pub(crate) fn each_of<'a>(&'a self, user: &'a User) -> Vec<&'a Arc<Binding>> {
        let mut found: Vec<&Arc<Binding>> = self.of(user).collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        found.dedup_by(|one, other| Arc::ptr_eq(one, other));
        found
    }
}

/// What a namespace has of its own.
#[derive(Debug, Default)]
pub(crate) struct Namespace {
    pub(crate) roles: Roles,
    pub(crate) bindings: Bindings,
}

impl Namespace {
    pub(crate) fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.bindings.is_empty()
    }
}

/// Puts a role in the place of the one with its name, or takes that one away.
pub(crate) fn set_role(roles: &mut Roles, name: &str, object: Option<&Value>) {
    match object {
        Some(object) => {
            roles.insert(name.to_owned(), Rule::of_role(object).into());
        }
        None => {
            roles.remove(name);
        }
    }
}

fn remember(map: &mut HashMap<String, Vec<Arc<Binding>>>, key: &str, binding: &Arc<Binding>) {
    match map.get_mut(key) {
        Some(bindings) => {
            if !bindings.iter().any(|other| Arc::ptr_eq(other, binding)) {
                bindings.push(Arc::clone(binding));
            }
        }
        None => {
            map.insert(key.to_owned(), vec![Arc::clone(binding)]);
        }
    }
}

fn forget(map: &mut HashMap<String, Vec<Arc<Binding>>>, key: &str, name: &str) {
    if let Some(bindings) = map.get_mut(key) {
        bindings.retain(|binding| binding.name != name);
        if bindings.is_empty() {
            map.remove(key);
        }
    }
}
