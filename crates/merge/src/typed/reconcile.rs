//! Sets of fields against a schema: named fields as members, and lists and maps that became atomic.

use super::atom::{List, Map, Shape, Ty};
use crate::fields::{FieldSet, PathElement};

/// The set in which every struct field that has something below it is a member too.
pub(crate) fn ensure_named(set: &FieldSet, ty: Ty<'_>) -> FieldSet {
    let atom = ty.resolve();
    let mut members = set.members().clone();
    let mut children = std::collections::BTreeMap::new();
    for (element, child) in set.children() {
        let below = match (element, atom.map, atom.list) {
            (PathElement::Field(name), Some(map), _) => {
                if map.named(name).is_some() {
                    members.insert(element.clone());
                }
                map.field(name)
            }
            (PathElement::Key(_), _, Some(list)) => list.element,
            _ => Ty::Nothing,
        };
        children.insert(element.clone(), ensure_named(child, below));
    }
    FieldSet::from_parts(members, children)
}

/// The set as the schema of today has it: where a list or map is atomic now, its owner owns it as a whole.
/// `None` is a set that need not change.
pub(crate) fn reconcile(set: &FieldSet, ty: Ty<'_>) -> Option<FieldSet> {
    let mut walk = Walk {
        path: Vec::new(),
        whole: FieldSet::new(),
    };
    walk.place(Some(set), false, ty);
    let whole = walk.whole;
    (!whole.is_empty()).then(|| set.recursive_difference(&whole).union(&whole))
}

struct Walk {
    path: Vec<PathElement>,
    /// What is owned in parts but atomic.
    whole: FieldSet,
}

impl Walk {
    fn place(&mut self, set: Option<&FieldSet>, is_whole: bool, ty: Ty<'_>) {
        match ty.resolve().shape() {
            Shape::Scalar(_) | Shape::Nothing => {}
            Shape::Map(map) => {
                if map.is_deduced() {
                    return;
                }
                if map.atomic && !is_whole {
                    if set.is_some_and(|set| !set.is_empty()) {
                        self.whole.insert(&self.path);
                    }
                } else if let Some(set) = set {
                    self.fields(set, &map);
                }
            }
            Shape::List(list) => {
                if list.keys.is_none() && !is_whole {
                    self.whole.insert(&self.path);
                } else if let Some(set) = set {
                    self.items(set, &list);
                }
            }
        }
    }

    fn fields(&mut self, set: &FieldSet, map: &Map<'_>) {
        self.each(set, |element| match element {
            PathElement::Field(name) => map.field(name),
            _ => map.element,
        });
    }

    fn items(&mut self, set: &FieldSet, list: &List<'_>) {
        self.each(set, |_| list.element);
    }

    fn each<'a>(&mut self, set: &FieldSet, ty: impl Fn(&PathElement) -> Ty<'a>) {
        let only_below = set
            .children()
            .keys()
            .filter(|element| !set.members().contains(element));
        for element in set.members().iter().chain(only_below) {
            // Fields that aren't in the schema are left alone.
            let ty = ty(element);
            if matches!(ty, Ty::Nothing) {
                continue;
            }
            let below = set.children().get(element);
            self.path.push(element.clone());
            self.place(below, below.is_none(), ty);
            self.path.pop();
        }
    }
}
