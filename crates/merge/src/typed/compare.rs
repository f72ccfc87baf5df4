//! What differs between two values of one type: fields that were added, modified and removed.

use super::{
    atom::{List, Map, Scalar, Shape, Ty},
    item,
    problems::Problems,
    validate::scalar,
};
use crate::fields::{FieldSet, PathElement, equal};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The outcome of [`compare`]. No field is in more than one of the sets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Comparison {
    pub(crate) added: FieldSet,
    pub(crate) modified: FieldSet,
    pub(crate) removed: FieldSet,
}

impl Comparison {
    /// Without the fields that the server resets, and all below them.
    pub(crate) fn without(self, reset: Option<&FieldSet>) -> Self {
        match reset {
            None => self,
            Some(reset) => Self {
                added: self.added.recursive_difference(reset),
                modified: self.modified.recursive_difference(reset),
                removed: self.removed.recursive_difference(reset),
            },
        }
    }
}

/// Compares `left` with `right`.
pub(crate) fn compare(left: &Value, right: &Value, ty: Ty<'_>) -> Result<Comparison, Problems> {
    let mut walk = Walk::default();
    let problems = walk.value(Some(left), Some(right), ty);
    if problems.is_empty() {
        Ok(walk.out)
    } else {
        Err(problems)
    }
}

type Side<'a> = Option<&'a Value>;

#[derive(Default)]
struct Walk {
    path: Vec<PathElement>,
    out: Comparison,
}

impl Walk {
    fn value(&mut self, left: Side<'_>, right: Side<'_>, ty: Ty<'_>) -> Problems {
        let atom = ty.resolve();
        let of = |side: Side<'_>| side.map_or(atom, |value| atom.of(value));
        let (left_atom, right_atom) = (of(left), of(right));
        let mut problems = Problems::default();
        let leaf = if right.is_none() {
            self.shape(left_atom.shape(), left, right, &mut problems)
        } else {
            if left.is_some() && left_atom.kinds() != right_atom.kinds() {
                self.shape(left_atom.shape(), left, right, &mut problems);
            }
            self.shape(right_atom.shape(), left, right, &mut problems)
        };
        match (leaf, left, right) {
            (false, None, _) => self.out.added.insert(&self.path),
            (false, _, None) => self.out.removed.insert(&self.path),
            _ => {}
        }
        problems
    }

    /// Whether it was a leaf.
    fn shape(
        &mut self,
        shape: Shape<'_>,
        left: Side<'_>,
        right: Side<'_>,
        problems: &mut Problems,
    ) -> bool {
        match shape {
            Shape::Scalar(kind) => match invalid(left, right, kind) {
                Some(found) => {
                    problems.add(found);
                    false
                }
                None => self.leaf(left, right),
            },
            Shape::Map(map) => {
                if map.atomic || (is_blank(left) && is_blank(right)) {
                    return self.leaf(left, right);
                }
                problems.add(self.map(&map, left, right));
                false
            }
            Shape::List(list) => {
                let blank = |side| items(side).is_empty();
                if list.keys.is_none() || (blank(left) && blank(right)) {
                    return self.leaf(left, right);
                }
                problems.add(self.list(&list, items(left), items(right)));
                false
            }
            Shape::Nothing => {
                problems.add(Problems::one("schema error: invalid atom: inlined"));
                false
            }
        }
    }

    fn leaf(&mut self, left: Side<'_>, right: Side<'_>) -> bool {
        match (left, right) {
            (None, _) => self.out.added.insert(&self.path),
            (_, None) => self.out.removed.insert(&self.path),
            (Some(left), Some(right)) if !equal(left, right) => {
                self.out.modified.insert(&self.path);
            }
            (Some(_), Some(_)) => {}
        }
        true
    }

    fn map(&mut self, map: &Map<'_>, left: Side<'_>, right: Side<'_>) -> Problems {
        let names: BTreeSet<&String> = names(left).chain(names(right)).collect();
        let mut problems = Problems::default();
        for name in names {
            let left = left.and_then(|left| left.get(name));
            let right = right.and_then(|right| right.get(name));
            // Most of an object is as it was.
            if left.is_some() && left == right {
                continue;
            }
            problems.add(self.below(PathElement::field(name), left, right, map.field(name)));
        }
        problems
    }

    fn below(
        &mut self,
        element: PathElement,
        left: Side<'_>,
        right: Side<'_>,
        ty: Ty<'_>,
    ) -> Problems {
        self.path.push(element);
        let found = self.value(left, right, ty);
        let element = self.path.pop();
        let mut problems = Problems::default();
        if let Some(element) = element {
            problems.add_below(&element, found);
        }
        problems
    }

    fn list(&mut self, list: &List<'_>, left: &[Value], right: &[Value]) -> Problems {
        let mut problems = Problems::default();
        let left = by_element(list, left, &mut problems);
        let right = by_element(list, right, &mut problems);
        let elements: BTreeSet<&PathElement> = left.keys().chain(right.keys()).collect();
        let none = Vec::new();
        for element in elements {
            let left = left.get(element).unwrap_or(&none);
            let right = right.get(element).unwrap_or(&none);
            problems.add(self.items(list, element, left, right));
        }
        problems
    }

    /// Compares the items of one element on both sides. There is more than one where there are duplicates.
    fn items(
        &mut self,
        list: &List<'_>,
        element: &PathElement,
        left: &[&Value],
        right: &[&Value],
    ) -> Problems {
        match (left, right) {
            ([] | [_], [] | [_]) => {
                let (left, right) = (left.first().copied(), right.first().copied());
                self.below(element.clone(), left, right, list.element)
            }
            ([_, _, ..], [_, _, ..]) => {
                let same = left.len() == right.len()
                    && left
                        .iter()
                        .zip(right)
                        .all(|(left, right)| equal(left, right));
                if !same {
                    let path = self.path_to(element);
                    self.out.modified.insert(&path);
                }
                Problems::default()
            }
            ([_, _, ..], _) => {
                let mut problems = Problems::default();
                if let Some(item) = right.first() {
                    problems = self.below(element.clone(), None, Some(item), list.element);
                }
                let path = self.path_to(element);
                self.out.removed.insert(&path);
                problems
            }
            (_, [_, _, ..]) => {
                let mut problems = Problems::default();
                if let Some(item) = left.first() {
                    problems = self.below(element.clone(), Some(item), None, list.element);
                }
                let path = self.path_to(element);
                self.out.added.insert(&path);
                problems
            }
        }
    }

    fn path_to(&self, element: &PathElement) -> Vec<PathElement> {
        let mut path = self.path.clone();
        path.push(element.clone());
        path
    }
}

/// What is wrong with both sides, if both are invalid.
pub(super) fn invalid(left: Side<'_>, right: Side<'_>, kind: Scalar) -> Option<Problems> {
    let check = |side: Side<'_>, prefix| side.map_or(Ok(()), |value| scalar(value, kind, prefix));
    match (check(left, "lhs: "), check(right, "rhs: ")) {
        (Err(mut left), Err(right)) => {
            left.add(right);
            Some(left)
        }
        _ => None,
    }
}

/// The names of a map's fields; none where it is absent, null, or no map at all.
pub(super) fn names<'a>(side: Side<'a>) -> impl Iterator<Item = &'a String> {
    side.and_then(Value::as_object)
        .into_iter()
        .flat_map(serde_json::Map::keys)
}

/// Absent, empty, null, or no map at all.
pub(super) fn is_blank(side: Side<'_>) -> bool {
    side.and_then(Value::as_object)
        .is_none_or(serde_json::Map::is_empty)
}

/// The items of a list; none where it is absent, null, or no list at all.
pub(super) fn items<'a>(side: Side<'a>) -> &'a [Value] {
    side.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn by_element<'a>(
    list: &List<'_>,
    items: &'a [Value],
    problems: &mut Problems,
) -> BTreeMap<PathElement, Vec<&'a Value>> {
    let mut out: BTreeMap<PathElement, Vec<&'a Value>> = BTreeMap::new();
    for (i, item) in items.iter().enumerate() {
        match item::element(list, item) {
            Ok(element) => out.entry(element).or_default().push(item),
            Err(error) => problems.add(Problems::one(format!("element {i}: {error}"))),
        }
    }
    out
}
