//! The estimate of what an expression may cost at most: cel-go's, with apiserver's for the libraries.

use super::{
    ast::{ACCU, Call, Expr, Fold, Id, Kind},
    sizes::Range,
    types::Type,
    value::{List, Map, Value},
};
use std::{collections::HashMap, rc::Rc};

mod calls;

/// What sizes the data may have, by the path from a variable.
pub(crate) trait Sizes {
    /// The size of what is at a path such as `self`, `list`, `@items`.
    fn size(&self, path: &[Rc<str>]) -> Option<Range>;
}

pub(super) type Path = Rc<[Rc<str>]>;

/// The sizes of a container's keys and values.
#[derive(Debug, Clone, Copy)]
struct Entries {
    list: bool,
    key: Range,
    value: Range,
}

#[derive(Debug, Clone)]
struct Local<'e> {
    name: &'e str,
    path: Path,
    size: Option<Range>,
    entries: Option<Entries>,
}

/// The state of one estimate.
pub(super) struct Estimator<'e, 't> {
    types: &'t [Type],
    sizes: &'t dyn Sizes,
    paths: HashMap<Id, Path>,
    computed: HashMap<Id, Range>,
    entries: HashMap<Id, Entries>,
    locals: Vec<Local<'e>>,
}

/// What is known of an argument.
#[derive(Debug, Clone)]
pub(super) struct Node<'e> {
    pub(super) expr: &'e Expr,
    pub(super) path: Path,
    pub(super) of: Type,
    pub(super) size: Option<Range>,
}

/// What an expression costs.
pub(crate) fn estimate(expr: &Expr, types: &[Type], sizes: &dyn Sizes) -> Range {
    let mut estimator = Estimator {
        types,
        sizes,
        paths: HashMap::new(),
        computed: HashMap::new(),
        entries: HashMap::new(),
        locals: Vec::new(),
    };
    estimator.cost(expr)
}

impl Entries {
    fn union(self, other: Self) -> Self {
        Self {
            list: self.list,
            key: self.key.union(other.key),
            value: self.value.union(other.value),
        }
    }
}

impl<'e> Estimator<'e, '_> {
    fn of(&self, expr: &Expr) -> Type {
        self.types
            .get(expr.id as usize)
            .cloned()
            .unwrap_or(Type::Error)
    }

    fn local(&self, name: &str) -> Option<&Local<'e>> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    fn path(&self, expr: &Expr) -> Path {
        if let Some(local) = expr.ident().and_then(|name| self.local(name)) {
            return local.path.clone();
        }
        self.paths
            .get(&expr.id)
            .cloned()
            .unwrap_or_else(|| Rc::from([]))
    }

    fn longer(path: &Path, step: &str) -> Path {
        path.iter().cloned().chain([Rc::from(step)]).collect()
    }

    fn cost(&mut self, expr: &'e Expr) -> Range {
        match &expr.kind {
            Kind::Const(Value::Type(of)) => {
                // The name of a type counts as a variable.
                let path = Rc::from([Rc::from(of.runtime_name())]);
                self.paths.insert(expr.id, path);
                Range::ONE
            }
            Kind::Const(_) => Range::ZERO,
            Kind::Ident(name) => {
                let path = match self.local(name) {
                    Some(local) => local.path.clone(),
                    None => Rc::from([Rc::from(&**name)]),
                };
                self.paths.insert(expr.id, path);
                Range::ONE
            }
            Kind::Select {
                operand,
                field,
                test,
            } => self.select(expr, operand, field, *test),
            Kind::Call(call) => self.call(expr, call),
            Kind::List(items) => self.list(expr, items),
            Kind::Map(entries) => {
                let mut sum = Range::ZERO;
                let mut sizes: Option<(Range, Range)> = None;
                for entry in entries {
                    sum = sum.add(self.cost(&entry.key)).add(self.cost(&entry.value));
                    let (key, value) = (self.size_of(&entry.key), self.size_of(&entry.value));
                    sizes = Some(match sizes {
                        None => (key, value),
                        Some((k, v)) => (k.union(key), v.union(value)),
                    });
                }
                let (key, value) = sizes.unwrap_or((Range::ZERO, Range::ZERO));
                self.entries.insert(
                    expr.id,
                    Entries {
                        list: false,
                        key,
                        value,
                    },
                );
                sum.add(Range::fixed(30))
            }
            Kind::Struct(_, fields) => fields.iter().fold(Range::fixed(40), |sum, field| {
                sum.add(self.cost(&field.value))
            }),
            Kind::Fold(fold) if is_bind(fold) => self.bind(expr, fold),
            Kind::Fold(fold) => self.fold(expr, fold),
        }
    }

    fn select(&mut self, expr: &'e Expr, operand: &'e Expr, field: &str, test: bool) -> Range {
        let sum = self.cost(operand);
        if test {
            return sum;
        }
        let step = matches!(
            self.of(operand),
            Type::Map(..) | Type::Object(_) | Type::Param(_)
        );
        let path = Self::longer(&self.path(operand), field);
        self.paths.insert(expr.id, path);
        if step { sum.add(Range::ONE) } else { sum }
    }

    fn list(&mut self, expr: &'e Expr, items: &'e [(Expr, bool)]) -> Range {
        let mut sum = Range::ZERO;
        let mut size: Option<Range> = None;
        for (item, _) in items {
            sum = sum.add(self.cost(item));
            let of = self.size_of(item);
            size = Some(size.map_or(of, |size| size.union(of)));
        }
        self.entries.insert(
            expr.id,
            Entries {
                list: true,
                key: Range::ONE,
                value: size.unwrap_or(Range::ZERO),
            },
        );
        sum.add(Range::fixed(10))
    }

    fn call(&mut self, expr: &'e Expr, call: &'e Call) -> Range {
        if &*call.function == "dyn"
            && let [arg] = call.args.as_slice()
        {
            let cost = self.cost(arg).add(Range::ONE);
            self.copy(expr, arg);
            return cost;
        }
        let mut costs = Vec::new();
        let mut args = Vec::new();
        for arg in &call.args {
            costs.push(self.cost(arg));
            args.push(self.node(arg));
        }
        if call.overloads.is_empty() {
            return Range::ZERO;
        }
        let (mut sum, mut target) = (Range::ZERO, None);
        if let Some(of) = &call.target {
            sum = self.cost(of);
            target = Some(self.node(of));
        }
        let mut worst: Option<Range> = None;
        let mut size: Option<Range> = None;
        for overload in &call.overloads {
            let (cost, result) = self.overload(
                expr,
                &call.function,
                overload,
                target.as_ref(),
                &args,
                &costs,
            );
            worst = Some(worst.map_or(cost, |worst| worst.union(cost)));
            size = match (size, result) {
                (Some(a), Some(b)) => Some(a.union(b)),
                (a, b) => a.or(b),
            };
            let step = match *overload {
                "index_list" => Some("@items"),
                "index_map" => Some("@values"),
                _ => None,
            };
            if let (Some(step), Some(container)) = (step, call.args.first()) {
                size = self.entries_of(container).map(|entries| entries.value);
                let path = Self::longer(&self.path(container), step);
                self.paths.insert(expr.id, path);
            }
            if size.is_none() {
                size = self.size(expr);
            }
        }
        if let Some(size) = size {
            self.computed.insert(expr.id, size);
        }
        sum.add(worst.unwrap_or(Range::ZERO))
    }

    fn push(&mut self, name: &'e str, path: Path, size: Option<Range>, entries: Option<Entries>) {
        self.locals.push(Local {
            name,
            path,
            size,
            entries,
        });
    }

    fn push_accu(&mut self, name: &'e str, init: &Expr) {
        let path = self.path(init);
        let entries = self.entries_of(init);
        let size = self.size(init);
        self.push(name, path, size, entries);
    }

    fn fold(&mut self, expr: &'e Expr, fold: &'e Fold) -> Range {
        let mut sum = self.cost(&fold.range).add(self.cost(&fold.init));
        let bottom = self.locals.len();
        self.push_accu(&fold.accu, &fold.init);
        self.push_variables(fold);
        let condition = self.cost(&fold.condition);
        let step = self.cost(&fold.step);
        self.locals.truncate(bottom + 1);
        sum = sum.add(self.cost(&fold.result));
        self.locals.truncate(bottom);
        let count = self.size_of(&fold.range);
        sum = sum.add(count.times(step.add(condition)));
        match &fold.init.kind {
            Kind::Const(Value::List(_) | Value::Map(_)) | Kind::List(_) | Kind::Map(_) => {
                self.computed.insert(expr.id, count);
                if let Some(entries) = self.entries_of(&fold.step) {
                    self.entries.insert(expr.id, entries);
                }
            }
            Kind::Const(_) => {
                if let Some(size) = self.size(&fold.init) {
                    self.computed.insert(expr.id, size);
                }
            }
            _ => {}
        }
        sum
    }

    fn push_variables(&mut self, fold: &'e Fold) {
        let entries = self.entries_of(&fold.range);
        let list = match entries {
            Some(entries) => entries.list,
            None => matches!(self.of(&fold.range), Type::List(_)),
        };
        let path = self.path(&fold.range);
        let (keys, values) = if list {
            ("@indices", "@items")
        } else {
            ("@keys", "@values")
        };
        let key = entries.map(|entries| entries.key);
        let value = entries.map(|entries| entries.value);
        match &fold.var2 {
            Some(var2) => {
                self.push(&fold.var, Self::longer(&path, keys), key, None);
                self.push(var2, Self::longer(&path, values), value, None);
            }
            None if list => self.push(&fold.var, Self::longer(&path, values), value, None),
            None => self.push(&fold.var, Self::longer(&path, keys), key, None),
        }
    }

    fn bind(&mut self, expr: &'e Expr, fold: &'e Fold) -> Range {
        let sum = self.cost(&fold.range).add(self.cost(&fold.init));
        self.push_accu(&fold.accu, &fold.init);
        let sum = sum.add(self.cost(&fold.result));
        self.locals.pop();
        self.copy(expr, &fold.result);
        sum
    }

    fn copy(&mut self, to: &Expr, from: &Expr) {
        if let Some(size) = self.size(from) {
            self.computed.insert(to.id, size);
        }
        if let Some(entries) = self.entries_of(from) {
            self.entries.insert(to.id, entries);
        }
    }

    fn node(&mut self, expr: &'e Expr) -> Node<'e> {
        let mut path = self.path(expr);
        if path
            .first()
            .is_some_and(|first| &**first == ACCU || &**first == "__result__")
        {
            path = Rc::from([]);
        }
        Node {
            expr,
            path,
            of: self.of(expr),
            size: self.size(expr),
        }
    }

    fn size_of(&mut self, expr: &Expr) -> Range {
        self.size(expr).unwrap_or(Range::UNKNOWN)
    }

    fn size(&mut self, expr: &Expr) -> Option<Range> {
        if let Some(size) = self.computed.get(&expr.id) {
            return Some(*size);
        }
        if let Some(size) = literal_size(expr) {
            return Some(size);
        }
        let path = self.path(expr);
        if let Some(size) = self.sized(&path) {
            self.computed.insert(expr.id, size);
            return Some(size);
        }
        if self.of(expr).is_scalar() {
            return Some(Range::ONE);
        }
        expr.ident()
            .and_then(|name| self.local(name))
            .and_then(|local| local.size)
    }

    /// The size of the data at a path, in the schema's words.
    fn sized(&self, path: &Path) -> Option<Range> {
        if path.is_empty() {
            return None;
        }
        self.sizes.size(path)
    }

    fn entries_of(&self, expr: &Expr) -> Option<Entries> {
        if let Some(entries) = self.entries.get(&expr.id) {
            return Some(*entries);
        }
        expr.ident()
            .and_then(|name| self.local(name))
            .and_then(|local| local.entries)
    }
}

/// A fold over nothing, that binds a variable.
fn is_bind(fold: &Fold) -> bool {
    let empty = match &fold.range.kind {
        Kind::List(items) => items.is_empty(),
        Kind::Const(Value::List(List::Made(items))) => items.is_empty(),
        _ => false,
    };
    empty
        && matches!(fold.condition.kind, Kind::Const(Value::Bool(false)))
        && &*fold.accu != "__result__"
}

fn literal_size(expr: &Expr) -> Option<Range> {
    let size = match &expr.kind {
        Kind::Const(Value::Type(_) | Value::Optional(_) | Value::Opaque(_)) => return None,
        Kind::Const(Value::List(List::Made(items))) => items.len(),
        Kind::Const(Value::Map(Map::Made(fields))) => fields.len(),
        Kind::Const(value) => value.size().unwrap_or(1),
        Kind::List(items) => items.len(),
        Kind::Map(entries) => entries.len(),
        _ => return None,
    };
    Some(Range::fixed(size as u64))
}
