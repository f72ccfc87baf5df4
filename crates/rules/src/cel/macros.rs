//! Macros: `has`, `all`, `exists`, `map`, `optMap` and the like become comprehensions while parsing.

use super::{
    ast::{ACCU, Call, Entry, Expr, Field, Fold, Id, Kind},
    parser::{Parser, call, constant, member_call},
    value::Value,
};
use std::sync::Arc;

/// The binding macros copy their target: a chain of them would grow without bound.
const MOST_NODES: Id = 200_000;
const OLD_ACCU: &str = "__result__";
const UNUSED: &str = "#unused";
const SORT_INPUT: &str = "@__sortBy_input__";

type Expanded = Result<Expr, ()>;

/// The call, or what a macro of that name makes of it.
pub(super) fn expand(
    parser: &mut Parser<'_>,
    id: Id,
    function: &str,
    target: Option<Expr>,
    mut args: Vec<Expr>,
) -> Expanded {
    let Some(target) = target else {
        if function == "has" && args.len() == 1 {
            let arg = args.remove(0);
            return Maker { parser, id }.has(arg);
        }
        return Ok(call(id, function, args));
    };
    let mut maker = Maker { parser, id };
    match (function, args.len()) {
        ("all" | "exists" | "exists_one", 2 | 3) | ("existsOne", 3) => {
            maker.quantifier(function, target, args)
        }
        ("map", 2 | 3) => maker.map(target, args),
        ("filter", 2) => maker.filter(target, args),
        ("optMap" | "optFlatMap", 2) => maker.bind(function, target, args),
        ("transformList" | "transformMap" | "transformMapEntry", 3 | 4) => {
            maker.transform(function, target, args)
        }
        ("sortBy", 2) => maker.sort_by(target, args),
        _ => Ok(member_call(id, function, Some(target), args)),
    }
}

/// Makes nodes placed where the macro's call is.
struct Maker<'p, 's> {
    parser: &'p mut Parser<'s>,
    id: Id,
}

impl Maker<'_, '_> {
    fn next(&mut self) -> Id {
        let place = self.parser.place(self.id);
        self.parser.id_at(place)
    }

    fn fail(&mut self, id: Id, message: &str) -> Expanded {
        let place = self.parser.place(id);
        self.parser.refuse(place, message);
        Err(())
    }

    fn constant(&mut self, value: Value<'static>) -> Expr {
        constant(self.next(), value)
    }

    fn name(&mut self, name: &str) -> Expr {
        Expr {
            id: self.next(),
            kind: Kind::Ident(name.into()),
        }
    }

    fn accu(&mut self) -> Expr {
        self.name(ACCU)
    }

    fn call(&mut self, function: &str, args: Vec<Expr>) -> Expr {
        call(self.next(), function, args)
    }

    fn list(&mut self, items: Vec<Expr>) -> Expr {
        Expr {
            id: self.next(),
            kind: Kind::List(items.into_iter().map(|item| (item, false)).collect()),
        }
    }

    fn fold(&mut self, fold: Fold) -> Expr {
        Expr {
            id: self.next(),
            kind: Kind::Fold(Box::new(fold)),
        }
    }

    fn has(&mut self, arg: Expr) -> Expanded {
        match arg.kind {
            Kind::Select { operand, field, .. } => Ok(Expr {
                id: self.next(),
                kind: Kind::Select {
                    operand,
                    field,
                    test: true,
                },
            }),
            _ => self.fail(arg.id, "invalid argument to has() macro"),
        }
    }

    /// The name of an iteration variable.
    fn variable(&mut self, arg: &Expr, words: &str) -> Result<Arc<str>, ()> {
        let name: Option<Arc<str>> = arg.ident().map(Into::into);
        match name {
            None => self.fail(arg.id, words).map(|_| UNUSED.into()),
            Some(name) if &*name == ACCU || &*name == OLD_ACCU => self
                .fail(arg.id, "iteration variable overwrites accumulator variable")
                .map(|_| UNUSED.into()),
            Some(name) => Ok(name),
        }
    }

    fn variables(&mut self, args: &[Expr]) -> Result<(Arc<str>, Arc<str>), ()> {
        const WORDS: &str = "argument must be a simple name";
        let first = self.variable(&args[0], WORDS)?;
        let second = self.variable(&args[1], WORDS)?;
        if first == second {
            let message = format!("duplicate variable name: {first}");
            self.fail(args[1].id, &message)?;
        }
        Ok((first, second))
    }

    fn quantifier(&mut self, function: &str, target: Expr, mut args: Vec<Expr>) -> Expanded {
        let (var, var2) = if args.len() == 3 {
            let (first, second) = self.variables(&args)?;
            (first, Some(second))
        } else {
            (
                self.variable(&args[0], "argument must be a simple name")?,
                None,
            )
        };
        let predicate = args.pop().ok_or(())?;
        let fold = match function {
            "all" => {
                let init = self.constant(Value::Bool(true));
                let accu = self.accu();
                let condition = self.call("@not_strictly_false", vec![accu]);
                let accu = self.accu();
                let step = self.call("_&&_", vec![accu, predicate]);
                (init, condition, step, self.accu())
            }
            "exists" => {
                let init = self.constant(Value::Bool(false));
                let accu = self.accu();
                let not = self.call("!_", vec![accu]);
                let condition = self.call("@not_strictly_false", vec![not]);
                let accu = self.accu();
                let step = self.call("_||_", vec![accu, predicate]);
                (init, condition, step, self.accu())
            }
            _ => {
                let init = self.constant(Value::Int(0));
                let condition = self.constant(Value::Bool(true));
                let (accu, one) = (self.accu(), self.constant(Value::Int(1)));
                let more = self.call("_+_", vec![accu, one]);
                let accu = self.accu();
                let step = self.call("_?_:_", vec![predicate, more, accu]);
                let (accu, one) = (self.accu(), self.constant(Value::Int(1)));
                (init, condition, step, self.call("_==_", vec![accu, one]))
            }
        };
        let (init, condition, step, result) = fold;
        Ok(self.fold(Fold {
            range: target,
            var,
            var2,
            accu: ACCU.into(),
            init,
            condition,
            step,
            result,
        }))
    }

    /// A fold that collects: `step` is run where `filter` holds.
    fn collect(
        &mut self,
        range: Expr,
        vars: (Arc<str>, Option<Arc<str>>),
        init: Expr,
        filter: Option<Expr>,
        step: Expr,
    ) -> Expr {
        let condition = self.constant(Value::Bool(true));
        let step = match filter {
            None => step,
            Some(filter) => {
                let accu = self.accu();
                self.call("_?_:_", vec![filter, step, accu])
            }
        };
        let result = self.accu();
        self.fold(Fold {
            range,
            var: vars.0,
            var2: vars.1,
            accu: ACCU.into(),
            init,
            condition,
            step,
            result,
        })
    }

    /// `@result + [item]`
    fn append(&mut self, item: Expr) -> Expr {
        let accu = self.accu();
        let list = self.list(vec![item]);
        self.call("_+_", vec![accu, list])
    }

    fn map(&mut self, target: Expr, mut args: Vec<Expr>) -> Expanded {
        let var = self.variable(&args[0], "argument is not an identifier")?;
        let transform = args.pop().ok_or(())?;
        let filter = (args.len() == 2).then(|| args.pop()).flatten();
        let init = self.list(Vec::new());
        let step = self.append(transform);
        Ok(self.collect(target, (var, None), init, filter, step))
    }

    fn filter(&mut self, target: Expr, mut args: Vec<Expr>) -> Expanded {
        let var = self.variable(&args[0], "argument is not an identifier")?;
        let filter = args.pop().ok_or(())?;
        let item = args.pop().ok_or(())?;
        let init = self.list(Vec::new());
        let step = self.append(item);
        Ok(self.collect(target, (var, None), init, Some(filter), step))
    }

    fn transform(&mut self, function: &str, target: Expr, mut args: Vec<Expr>) -> Expanded {
        let (var, var2) = self.variables(&args)?;
        let transform = args.pop().ok_or(())?;
        let filter = (args.len() == 3).then(|| args.pop()).flatten();
        let (step, init) = if function == "transformList" {
            let step = self.append(transform);
            (step, self.list(Vec::new()))
        } else {
            let accu = self.accu();
            let inserted = if function == "transformMap" {
                let key = self.name(&var);
                vec![accu, key, transform]
            } else {
                vec![accu, transform]
            };
            let step = self.call("cel.@mapInsert", inserted);
            let init = Expr {
                id: self.next(),
                kind: Kind::Map(Vec::new()),
            };
            (step, init)
        };
        Ok(self.collect(target, (var, Some(var2)), init, filter, step))
    }

    /// A variable bound to `init` while `result` is worked out.
    fn bound(&mut self, name: &str, init: Expr, result: Expr) -> Expr {
        let range = self.list(Vec::new());
        let condition = self.constant(Value::Bool(false));
        let step = self.name(name);
        self.fold(Fold {
            range,
            var: UNUSED.into(),
            var2: None,
            accu: name.into(),
            init,
            condition,
            step,
            result,
        })
    }

    fn bind(&mut self, function: &str, target: Expr, mut args: Vec<Expr>) -> Expanded {
        let Some(name) = args[0].ident().map(str::to_owned) else {
            let message = format!("{function}() variable name must be a simple identifier");
            return self.fail(args[0].id, &message);
        };
        let result = args.pop().ok_or(())?;
        let again = self.copy(&target)?;
        let (id, value_id) = (self.next(), self.next());
        let has = member_call(id, "hasValue", Some(target), Vec::new());
        let value = member_call(value_id, "value", Some(again), Vec::new());
        let bound = self.bound(&name, value, result);
        let some = if function == "optMap" {
            self.wrapped("of", vec![bound])
        } else {
            bound
        };
        let none = self.wrapped("none", Vec::new());
        Ok(self.call("_?_:_", vec![has, some, none]))
    }

    /// `optional.of(…)` and `optional.none()`, already resolved.
    fn wrapped(&mut self, function: &str, args: Vec<Expr>) -> Expr {
        self.call(&format!("optional.{function}"), args)
    }

    fn sort_by(&mut self, target: Expr, args: Vec<Expr>) -> Expanded {
        if !matches!(
            target.kind,
            Kind::List(_) | Kind::Select { .. } | Kind::Ident(_) | Kind::Fold(_) | Kind::Call(_)
        ) {
            return self.fail(
                target.id,
                "sortBy can only be applied to a list, identifier, comprehension, call or select expression",
            );
        }
        let input = self.name(SORT_INPUT);
        let keys = self.map(input, args)?;
        let input = self.name(SORT_INPUT);
        let id = self.next();
        let sorted = member_call(id, "@sortByAssociatedKeys", Some(input), vec![keys]);
        Ok(self.bound(SORT_INPUT, target, sorted))
    }

    /// A copy with numbers of its own, at the same places.
    fn copy(&mut self, expr: &Expr) -> Expanded {
        let place = self.parser.place(expr.id);
        let id = self.parser.id_at(place);
        if id > MOST_NODES {
            return self.fail(expr.id, "expression recursion limit exceeded: 250");
        }
        let kind = match &expr.kind {
            Kind::Const(value) => Kind::Const(value.clone()),
            Kind::Ident(name) => Kind::Ident(name.clone()),
            Kind::Select {
                operand,
                field,
                test,
            } => Kind::Select {
                operand: Box::new(self.copy(operand)?),
                field: field.clone(),
                test: *test,
            },
            Kind::Call(call) => Kind::Call(Box::new(self.copy_call(call)?)),
            Kind::List(items) => Kind::List(
                items
                    .iter()
                    .map(|(item, optional)| Ok((self.copy(item)?, *optional)))
                    .collect::<Result<_, ()>>()?,
            ),
            Kind::Map(entries) => Kind::Map(
                entries
                    .iter()
                    .map(|entry| self.copy_entry(entry))
                    .collect::<Result<_, ()>>()?,
            ),
            Kind::Struct(name, fields) => Kind::Struct(
                name.clone(),
                fields
                    .iter()
                    .map(|field| self.copy_field(field))
                    .collect::<Result<_, ()>>()?,
            ),
            Kind::Fold(fold) => Kind::Fold(Box::new(Fold {
                range: self.copy(&fold.range)?,
                var: fold.var.clone(),
                var2: fold.var2.clone(),
                accu: fold.accu.clone(),
                init: self.copy(&fold.init)?,
                condition: self.copy(&fold.condition)?,
                step: self.copy(&fold.step)?,
                result: self.copy(&fold.result)?,
            })),
        };
        Ok(Expr { id, kind })
    }

    fn copy_call(&mut self, call: &Call) -> Result<Call, ()> {
        Ok(Call {
            function: call.function.clone(),
            target: match &call.target {
                None => None,
                Some(target) => Some(self.copy(target)?),
            },
            args: call
                .args
                .iter()
                .map(|arg| self.copy(arg))
                .collect::<Result<_, ()>>()?,
            overloads: call.overloads.clone(),
            regex: None,
        })
    }

    fn copy_entry(&mut self, entry: &Entry) -> Result<Entry, ()> {
        Ok(Entry {
            key: self.copy(&entry.key)?,
            value: self.copy(&entry.value)?,
            optional: entry.optional,
        })
    }

    fn copy_field(&mut self, field: &Field) -> Result<Field, ()> {
        Ok(Field {
            name: field.name.clone(),
            value: self.copy(&field.value)?,
            optional: field.optional,
        })
    }
}
