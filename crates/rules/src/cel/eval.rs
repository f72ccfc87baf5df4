//! Evaluation, with cel-go's run-time costs.
//!
//! Costs count what cel-go counts: a variable or a field is one, a literal list ten, a call what it traverses.
//! What cel-go does without counting (comparing deep trees, copying lists) burns fuel instead, so that every
//! evaluation ends soon and keeps its memory small. Recursion is as deep as the tree, which the parser bounds.

use super::{
    ast::{ACCU, Call, Entry, Expr, Fold, Kind},
    cost, equal, functions,
    resolve::Resolver,
    value::{Fault, Key, List, Map, Outcome, Value},
};
use std::{collections::BTreeMap, sync::Arc};
use tidegate_schema::Pattern;

/// What the variables of an expression stand for.
pub(crate) trait Activation<'a> {
    /// The value of a variable; none where there is no such one.
    fn resolve(&self, name: &str) -> Option<Outcome<'a>>;
}

const FUEL: usize = 5_000_000;
/// How much fuel is worth one unit of cost, where much more was burnt than what was counted.
const FUEL_PER_COST: usize = 20;
const DEEPEST: usize = 512;

/// A bound on work that has no cost of its own.
#[derive(Debug)]
pub(crate) struct Fuel {
    left: usize,
    depth: usize,
}

impl Fuel {
    pub(crate) fn new() -> Self {
        Self {
            left: FUEL,
            depth: 0,
        }
    }

    /// The cost of what was burnt. Less than what is counted, but for rare work on deep trees.
    fn cost(&self) -> u64 {
        ((FUEL - self.left) / FUEL_PER_COST) as u64
    }

    pub(crate) fn burn(&mut self, units: usize) -> Result<(), Fault> {
        match self.left.checked_sub(units) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Fault::Limit),
        }
    }

    /// One level deeper into a tree; to be paired with `leave`.
    pub(crate) fn enter(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::Limit);
        }
        self.burn(1)
    }

    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }
}

/// What a function may use besides its arguments.
pub(crate) struct Context<'m> {
    pub(crate) fuel: &'m mut Fuel,
    /// The compiled pattern, where the pattern is a constant.
    pub(crate) regex: Option<&'m Pattern>,
    /// The overload, where only one fits by the types.
    pub(crate) overload: &'m str,
}

/// The result and what it cost.
#[derive(Debug)]
pub(crate) struct Evaluated<'a> {
    pub(crate) outcome: Outcome<'a>,
    pub(crate) cost: u64,
}

/// The state of one evaluation.
pub(crate) struct Machine<'a, 'e> {
    pub(super) activation: &'e dyn Activation<'a>,
    pub(super) locals: Vec<(&'e str, Outcome<'a>)>,
    pub(super) fuel: Fuel,
    pub(super) cost: u64,
    limit: u64,
}

/// Evaluates a tree. A cost over the limit ends it.
pub(crate) fn evaluate<'a>(
    expr: &Expr,
    activation: &dyn Activation<'a>,
    limit: u64,
) -> Evaluated<'a> {
    let mut machine = Machine {
        activation,
        locals: Vec::new(),
        fuel: Fuel::new(),
        cost: 0,
        limit,
    };
    let outcome = machine.eval(expr);
    Evaluated {
        outcome,
        cost: machine.cost.max(machine.fuel.cost()),
    }
}

impl<'a, 'e> Machine<'a, 'e> {
    pub(super) fn charge(&mut self, cost: u64) -> Result<(), Fault> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > self.limit {
            return Err(Fault::Limit);
        }
        Ok(())
    }

    pub(super) fn eval(&mut self, expr: &'e Expr) -> Outcome<'a> {
        match &expr.kind {
            Kind::Const(value) => Ok(value.clone()),
            Kind::Ident(_) | Kind::Select { .. } => Resolver::of(self).eval(expr),
            Kind::Call(call) => self.call(expr, call),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(entries),
            Kind::Struct(name, _) => Err(Fault::new(format!("unknown type: {name}"))),
            Kind::Fold(fold) => self.fold(fold),
        }
    }

    fn call(&mut self, expr: &'e Expr, call: &'e Call) -> Outcome<'a> {
        match &*call.function {
            "_&&_" => self.logic(call, false),
            "_||_" => self.logic(call, true),
            "_?_:_" | "_[_]" | "_[?_]" | "_?._" => Resolver::of(self).eval(expr),
            "or" if call.target.is_some() => self.optional_or(call, true),
            "orValue" if call.target.is_some() => self.optional_or(call, false),
            _ => self.function(call),
        }
    }

    /// `&&` and `||`: the side that decides absorbs an error on the other.
    fn logic(&mut self, call: &'e Call, decides: bool) -> Outcome<'a> {
        let mut fault = None;
        for arg in &call.args {
            match self.eval(arg) {
                Ok(Value::Bool(value)) if value == decides => return Ok(Value::Bool(decides)),
                Ok(Value::Bool(_)) => {}
                Err(Fault::Limit) => return Err(Fault::Limit),
                Ok(_) => fault = fault.or_else(|| Some(Fault::no_such_overload())),
                Err(error) => fault = fault.or(Some(error)),
            }
        }
        match fault {
            Some(fault) => Err(fault),
            None => Ok(Value::Bool(!decides)),
        }
    }

    /// `a.or(b)` and `a.orValue(b)`: the second is worked out only if needed.
    fn optional_or(&mut self, call: &'e Call, whole: bool) -> Outcome<'a> {
        let target = call.target.as_ref().ok_or_else(Fault::no_such_overload)?;
        match self.eval(target)? {
            Value::Optional(Some(inner)) if whole => Ok(Value::Optional(Some(inner))),
            Value::Optional(Some(inner)) => Ok((*inner).clone()),
            Value::Optional(None) => match call.args.first() {
                Some(arg) => self.eval(arg),
                None => Err(Fault::no_such_overload()),
            },
            _ => Err(Fault::no_such_overload()),
        }
    }

    fn function(&mut self, call: &'e Call) -> Outcome<'a> {
        if let Some(done) = self.membership(call) {
            return done;
        }
        let strict = &*call.function != "@not_strictly_false";
        let count = call.args.len() + usize::from(call.target.is_some());
        let early = count > 2 || call.regex.is_some();
        let mut args = Vec::with_capacity(call.args.len() + 1);
        let mut fault = None;
        for (index, part) in call.target.iter().chain(&call.args).enumerate() {
            let value = if index == 0 && appends(call) {
                self.take_accu(part)
            } else {
                self.eval(part)
            };
            match value {
                Ok(value) => args.push(value),
                Err(Fault::Limit) => return Err(Fault::Limit),
                Err(error) => {
                    args.push(Value::Null);
                    fault = fault.or(Some(error));
                    if early {
                        break;
                    }
                }
            }
        }
        if !strict {
            self.charge(1)?;
            return Ok(Value::Bool(!matches!(
                (args.first(), &fault),
                (Some(Value::Bool(false)), None)
            )));
        }
        if let Some(fault) = fault {
            if !early {
                self.charge(cost::call(&call.function, &call.overloads, &args, None))?;
            }
            return Err(fault);
        }
        self.apply(call, args)
    }

    fn apply(&mut self, call: &'e Call, args: Vec<Value<'a>>) -> Outcome<'a> {
        // What depends on the arguments is known before they are used up.
        let before = cost::call(&call.function, &call.overloads, &args, None);
        let by_result = cost::by_result(&call.function);
        if !by_result {
            self.charge(before)?;
        }
        let mut context = Context {
            fuel: &mut self.fuel,
            regex: call.regex.as_deref(),
            overload: match call.overloads.as_slice() {
                [one] => one,
                _ => "",
            },
        };
        let result = functions::call(&call.function, args, &mut context);
        if by_result {
            let size = result.as_ref().ok().and_then(Value::size);
            self.charge(cost::call(&call.function, &call.overloads, &[], size))?;
        }
        result
    }

    /// `x in [constants]`: cel-go asks a set, at no cost.
    fn membership(&mut self, call: &'e Call) -> Option<Outcome<'a>> {
        if call.overloads.as_slice() != ["in_list"] {
            return None;
        }
        let [item, list] = call.args.as_slice() else {
            return None;
        };
        let Kind::Const(Value::List(List::Made(items))) = &list.kind else {
            return None;
        };
        let plain = |value: &Value<'_>| {
            matches!(
                value,
                Value::Bool(_)
                    | Value::Int(_)
                    | Value::Uint(_)
                    | Value::Double(_)
                    | Value::String(_)
            )
        };
        if !items.iter().all(plain) {
            return None;
        }
        if items.is_empty() {
            return Some(Ok(Value::Bool(false)));
        }
        let value = match self.eval(item) {
            Ok(value) => value,
            Err(fault) => return Some(Err(fault)),
        };
        for known in items.iter() {
            match equal::equal(&value, known, &mut self.fuel) {
                Ok(true) => return Some(Ok(Value::Bool(true))),
                Err(Fault::Limit) => return Some(Err(Fault::Limit)),
                _ => {}
            }
        }
        Some(Ok(Value::Bool(false)))
    }

    /// The accumulator, moved out so that it can grow in place: nothing else sees it before it is set again.
    fn take_accu(&mut self, part: &'e Expr) -> Outcome<'a> {
        self.charge(1)?;
        let name = part.ident().unwrap_or(ACCU);
        match self
            .locals
            .iter_mut()
            .rev()
            .find(|(known, _)| *known == name)
        {
            Some((_, slot)) => std::mem::replace(slot, Ok(Value::Null)),
            None => Err(Fault::new(format!("no such attribute(s): {name}"))),
        }
    }

    fn list(&mut self, items: &'e [(Expr, bool)]) -> Outcome<'a> {
        let mut out = Vec::with_capacity(items.len());
        let mut fault = None;
        for (item, optional) in items {
            match self.eval(item) {
                Err(error) => {
                    fault = Some(error);
                    break;
                }
                Ok(Value::Optional(inner)) if *optional => {
                    out.extend(inner.map(|inner| (*inner).clone()));
                }
                Ok(other) if *optional => {
                    fault = Some(Fault::new(format!(
                        "cannot initialize optional list element from non-optional value {other}"
                    )));
                    break;
                }
                Ok(value) => out.push(value),
            }
        }
        if fault != Some(Fault::Limit) {
            self.charge(cost::LIST)?;
        }
        match fault {
            Some(fault) => Err(fault),
            None => Ok(Value::list(out)),
        }
    }

    fn map(&mut self, entries: &'e [Entry]) -> Outcome<'a> {
        let mut out = BTreeMap::new();
        let mut fault = None;
        for entry in entries {
            if let Err(error) = self.entry(entry, &mut out) {
                fault = Some(error);
                break;
            }
        }
        if fault != Some(Fault::Limit) {
            self.charge(cost::MAP)?;
        }
        match fault {
            Some(fault) => Err(fault),
            None => Ok(Value::Map(Map::Made(Arc::new(out)))),
        }
    }

    fn entry(&mut self, entry: &'e Entry, out: &mut BTreeMap<Key, Value<'a>>) -> Result<(), Fault> {
        let key_value = self.eval(&entry.key)?;
        let value = self.eval(&entry.value)?;
        let key = Key::of(&key_value).ok_or_else(|| Fault::new("unsupported key type"))?;
        match value {
            Value::Optional(None) if entry.optional => {
                out.remove(&key);
            }
            Value::Optional(Some(inner)) if entry.optional => {
                out.insert(key, (*inner).clone());
            }
            other if entry.optional => {
                return Err(Fault::new(format!(
                    "cannot initialize optional entry '{key_value}' from non-optional value {other}"
                )));
            }
            value => {
                out.insert(key, value);
            }
        }
        Ok(())
    }

    fn fold(&mut self, fold: &'e Fold) -> Outcome<'a> {
        let range = self.eval(&fold.range)?;
        let bottom = self.locals.len();
        // A binding: the range is always empty.
        let init = self.eval(&fold.init);
        if matches!(init, Err(Fault::Limit)) {
            return Err(Fault::Limit);
        }
        self.locals.push((&fold.accu, init));
        let run = self.fold_range(fold, range);
        self.locals.truncate(bottom + 1);
        let result = match run {
            Err(fault) => Err(fault),
            Ok(()) => self.eval(&fold.result),
        };
        self.locals.truncate(bottom);
        result
    }

    fn fold_range(&mut self, fold: &'e Fold, range: Value<'a>) -> Result<(), Fault> {
        match range {
            Value::List(list) => {
                for index in 0..list.len() {
                    let Some(item) = list.get(index) else {
                        break;
                    };
                    let first = match fold.var2 {
                        None => (item, None),
                        Some(_) => {
                            let index = i64::try_from(index).unwrap_or(i64::MAX);
                            (Ok(Value::Int(index)), Some(item))
                        }
                    };
                    if !self.fold_step(fold, first.0, first.1)? {
                        break;
                    }
                }
                Ok(())
            }
            Value::Map(map) => {
                self.fuel.burn(map.len())?;
                for key in map.keys() {
                    let value = fold.var2.as_ref().map(|_| {
                        map.find(&key)?
                            .ok_or_else(|| Fault::new(format!("no such key: {key}")))
                    });
                    if !self.fold_step(fold, Ok(key), value)? {
                        break;
                    }
                }
                Ok(())
            }
            other => Err(not_iterable(&other, fold.var2.is_some())),
        }
    }

    /// One round; false ends the loop.
    fn fold_step(
        &mut self,
        fold: &'e Fold,
        first: Outcome<'a>,
        second: Option<Outcome<'a>>,
    ) -> Result<bool, Fault> {
        self.fuel.burn(1)?;
        let bottom = self.locals.len();
        self.locals.push((&fold.var, first));
        if let (Some(name), Some(value)) = (&fold.var2, second) {
            self.locals.push((name, value));
        }
        match self.eval(&fold.condition) {
            Err(Fault::Limit) => return Err(Fault::Limit),
            Ok(Value::Bool(false)) => {
                self.locals.truncate(bottom);
                return Ok(false);
            }
            _ => {}
        }
        let step = self.eval(&fold.step);
        if matches!(step, Err(Fault::Limit)) {
            return Err(Fault::Limit);
        }
        self.locals.truncate(bottom);
        if let Some((_, accu)) = self.locals.last_mut() {
            *accu = step;
        }
        Ok(true)
    }
}

/// Whether the call adds to a macro's accumulator.
fn appends(call: &Call) -> bool {
    matches!(&*call.function, "_+_" | "cel.@mapInsert")
        && call.args.first().and_then(Expr::ident) == Some(ACCU)
}

/// Go's name of a type that can't be iterated over.
fn not_iterable(value: &Value<'_>, two: bool) -> Fault {
    let name = match value {
        Value::Null => "types.Null",
        Value::Bool(_) => "types.Bool",
        Value::Int(_) => "types.Int",
        Value::Uint(_) => "types.Uint",
        Value::Double(_) => "types.Double",
        Value::String(_) => "types.String",
        Value::Bytes(_) => "types.Bytes",
        Value::Timestamp(_) => "types.Timestamp",
        Value::Duration(_) => "types.Duration",
        Value::Optional(_) => "*types.Optional",
        Value::Type(_) => "*types.Type",
        _ => "cel.Opaque",
    };
    Fault::new(if two {
        format!("unsupported comprehension range type: {name}")
    } else {
        format!("got '{name}', expected iterable type")
    })
}
