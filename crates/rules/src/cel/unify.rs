//! Assignability of types, with substitutions for type variables.

use super::types::Type;
use std::{collections::HashMap, sync::Arc};

/// What type variables stand for so far.
#[derive(Debug, Default)]
pub(super) struct Mapping {
    bound: HashMap<Arc<str>, Type>,
    /// What the running check replaced, to be put back where it fails.
    trail: Vec<(Arc<str>, Option<Type>)>,
}

impl Mapping {
    pub(super) fn add(&mut self, name: Arc<str>, to: Type) {
        let before = self.bound.insert(name.clone(), to);
        self.trail.push((name, before));
    }

    /// Whether `from` may be used where `to` is asked for. Keeps what was learned only if so.
    pub(super) fn assignable(&mut self, from: &Type, to: &Type) -> bool {
        self.assignable_list(std::slice::from_ref(from), std::slice::from_ref(to))
    }

    /// As `assignable`, of lists of the same length.
    pub(super) fn assignable_list(&mut self, from: &[Type], to: &[Type]) -> bool {
        self.trail.clear();
        if self.all(from, to) {
            return true;
        }
        while let Some((name, before)) = self.trail.pop() {
            match before {
                Some(before) => self.bound.insert(name, before),
                None => self.bound.remove(&name),
            };
        }
        false
    }

    fn all(&mut self, from: &[Type], to: &[Type]) -> bool {
        from.len() == to.len() && from.iter().zip(to).all(|(a, b)| self.fits(a, b))
    }

    fn fits(&mut self, a: &Type, b: &Type) -> bool {
        if let Type::Param(name) = b {
            let (valid, bound) = self.substitutes(a, b, name);
            if valid {
                return true;
            }
            if bound {
                return false;
            }
        }
        if let Type::Param(name) = a {
            return self.substitutes(b, a, name).0;
        }
        if a.is_dyn_or_error() || b.is_dyn_or_error() {
            return true;
        }
        let nullable = |of: &Type| {
            matches!(
                of,
                Type::Null | Type::Opaque(..) | Type::Object(_) | Type::Duration | Type::Timestamp
            )
        };
        if *a == Type::Null {
            return nullable(b);
        }
        if *b == Type::Null {
            return nullable(a);
        }
        match (a, b) {
            (Type::List(a), Type::List(b)) => self.fits(a, b),
            (Type::Map(a, c), Type::Map(b, d)) => self.fits(a, b) && self.fits(c, d),
            (Type::Opaque(a, c), Type::Opaque(b, d)) => a == b && self.all(c, d),
            (Type::Of(_), Type::Of(_)) => true,
            (a, b) => a == b,
        }
    }

    /// Whether `a` can stand for the variable `b`, and whether that already stands for something.
    fn substitutes(&mut self, a: &Type, b: &Type, name: &Arc<str>) -> (bool, bool) {
        if a == b {
            return (true, true);
        }
        if let Some(bound) = self.bound.get(name).cloned() {
            if *a == bound {
                return (true, true);
            }
            if self.fits(a, &bound) {
                let general = most_general(a, &bound).clone();
                if self.absent(b, &general) {
                    self.add(name.clone(), general);
                }
                return (true, true);
            }
            return (false, true);
        }
        if self.absent(b, a) {
            self.add(name.clone(), a.clone());
            return (true, false);
        }
        (false, false)
    }

    /// Whether a variable is nowhere in a type.
    fn absent(&self, variable: &Type, within: &Type) -> bool {
        if variable == within {
            return false;
        }
        match within {
            Type::Param(name) => match self.bound.get(name) {
                None => true,
                Some(bound) => self.absent(variable, bound),
            },
            Type::List(item) => self.absent(variable, item),
            Type::Map(key, value) => self.absent(variable, key) && self.absent(variable, value),
            Type::Opaque(_, params) => params.iter().all(|param| self.absent(variable, param)),
            Type::Of(Some(of)) => self.absent(variable, of),
            _ => true,
        }
    }

    /// The type with its variables replaced; `free` ones become `dyn` if asked.
    pub(super) fn substitute(&self, of: &Type, free_to_dyn: bool) -> Type {
        let go = |of: &Type| self.substitute(of, free_to_dyn);
        match of {
            Type::Param(name) => match self.bound.get(name) {
                Some(bound) => go(bound),
                None if free_to_dyn => Type::Dyn,
                None => of.clone(),
            },
            Type::List(item) => Type::list(go(item)),
            Type::Map(key, value) => Type::map(go(key), go(value)),
            Type::Opaque(name, params) if !params.is_empty() => {
                Type::Opaque(name.clone(), params.iter().map(go).collect())
            }
            Type::Of(Some(of)) => Type::Of(Some(Arc::new(go(of)))),
            other => other.clone(),
        }
    }
}

/// The more general of two types that are known to fit.
pub(super) fn most_general<'t>(a: &'t Type, b: &'t Type) -> &'t Type {
    if less_specific(a, b) { a } else { b }
}

fn less_specific(a: &Type, b: &Type) -> bool {
    if matches!(a, Type::Dyn | Type::Param(_)) {
        return true;
    }
    if matches!(b, Type::Dyn | Type::Param(_)) {
        return false;
    }
    match (a, b) {
        (Type::Opaque(a, c), Type::Opaque(b, d)) => {
            a == b && c.len() == d.len() && c.iter().zip(d.iter()).all(|(x, y)| less_specific(x, y))
        }
        (Type::List(a), Type::List(b)) => less_specific(a, b),
        (Type::Map(a, c), Type::Map(b, d)) => less_specific(a, b) && less_specific(c, d),
        (Type::Of(_), Type::Of(_)) => true,
        (a, b) => a == b,
    }
}
