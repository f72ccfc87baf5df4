//! Type checking: gives each node a type, resolves functions to overloads and names of types to constants.

use super::{
    ast::{Call, Entry, Expr, Field, Fold, Id, Kind},
    decls::{self, Overload},
    env::{Env, named_type},
    issues::{Issues, NOWHERE, Place},
    types::Type,
    unify::{Mapping, most_general},
    value::Value,
};
use std::sync::Arc;

/// The state of one check.
pub(crate) struct Checker<'c> {
    env: &'c Env,
    places: &'c [Place],
    issues: &'c mut Issues,
    types: Vec<Type>,
    locals: Vec<(Arc<str>, Type)>,
    mapping: Mapping,
    fresh: usize,
}

/// Checks a tree in place. Gives the types of its nodes, by their numbers.
pub(crate) fn check(
    expr: &mut Expr,
    places: &[Place],
    env: &Env,
    issues: &mut Issues,
) -> Vec<Type> {
    let mut checker = Checker {
        env,
        places,
        issues,
        types: vec![Type::Error; places.len()],
        locals: Vec::new(),
        mapping: Mapping::default(),
        fresh: 0,
    };
    checker.check(expr);
    let Checker { types, mapping, .. } = checker;
    types
        .iter()
        .map(|of| mapping.substitute(of, true))
        .collect()
}

impl Checker<'_> {
    fn place(&self, id: Id) -> Place {
        self.places.get(id as usize).copied().unwrap_or(NOWHERE)
    }

    fn report(&mut self, id: Id, message: String) {
        let place = self.place(id);
        self.issues.report(place, message);
    }

    fn set(&mut self, id: Id, of: Type) {
        if let Some(slot) = self.types.get_mut(id as usize) {
            *slot = of;
        }
    }

    fn get(&self, id: Id) -> Type {
        self.types.get(id as usize).cloned().unwrap_or(Type::Error)
    }

    fn mismatch(&mut self, id: Id, expected: &Type, actual: &Type) {
        self.report(
            id,
            format!("expected type '{expected}' but found '{actual}'"),
        );
    }

    fn check(&mut self, expr: &mut Expr) {
        let id = expr.id;
        match &mut expr.kind {
            Kind::Const(value) => {
                let of = value.type_of();
                self.set(id, of);
            }
            Kind::Ident(_) => self.ident(expr),
            Kind::Select { .. } => self.select(expr),
            Kind::Call(call) => self.call(id, call),
            Kind::List(items) => self.list(id, items),
            Kind::Map(entries) => self.map(id, entries),
            Kind::Struct(name, fields) => {
                let message = format!("undeclared reference to '{name}' (in container '')");
                self.report(id, message);
                fields
                    .iter_mut()
                    .for_each(|Field { value, .. }| self.check(value));
            }
            Kind::Fold(fold) => self.fold(id, fold),
        }
    }

    fn ident(&mut self, expr: &mut Expr) {
        let Kind::Ident(name) = &expr.kind else {
            return;
        };
        let (plain, root) = match name.strip_prefix('.') {
            Some(plain) => (plain, true),
            None => (&**name, false),
        };
        let local = self
            .locals
            .iter()
            .rev()
            .find(|(known, _)| &**known == plain);
        if let (Some((_, of)), false) = (local, root) {
            let of = of.clone();
            self.set(expr.id, of);
            return;
        }
        if let Some(of) = self.env.variables.get(plain) {
            let of = of.clone();
            self.set(expr.id, of);
            return;
        }
        match named_type(plain) {
            Some(of) => self.constant_type(expr, of),
            None => {
                let message = format!("undeclared reference to '{name}' (in container '')");
                self.report(expr.id, message);
            }
        }
    }

    fn constant_type(&mut self, expr: &mut Expr, of: Type) {
        self.set(expr.id, Type::Of(Some(Arc::new(of.clone()))));
        expr.kind = Kind::Const(Value::Type(of));
    }

    fn select(&mut self, expr: &mut Expr) {
        if let Some(name) = qualified(expr)
            && !self
                .locals
                .iter()
                .any(|(known, _)| name.split('.').next() == Some(known))
            && let Some(of) = self.env.variables.get(&*name)
        {
            let of = of.clone();
            self.set(expr.id, of);
            expr.kind = Kind::Ident(name.into());
            return;
        }
        if let Some(name) = qualified(expr)
            && !self.shadowed(&name)
            && let Some(of) = named_type(&name)
        {
            self.constant_type(expr, of);
            return;
        }
        let Kind::Select {
            operand,
            field,
            test,
        } = &mut expr.kind
        else {
            return;
        };
        let (field, test) = (field.clone(), *test);
        let result = self.field(expr.id, operand, &field, false);
        let of = if test {
            Type::Bool
        } else {
            self.mapping.substitute(&result, false)
        };
        self.set(expr.id, of);
    }

    fn shadowed(&self, name: &str) -> bool {
        let first = name.split('.').next().unwrap_or(name);
        self.locals.iter().any(|(known, _)| &**known == first)
            || self.env.variables.contains_key(first)
    }

    fn field(&mut self, id: Id, operand: &mut Expr, field: &str, optional: bool) -> Type {
        self.check(operand);
        let of = self.mapping.substitute(&self.get(operand.id), false);
        let (target, wrapped) = match of.unwrap_optional() {
            Some(inner) => (inner.clone(), true),
            None => (of, false),
        };
        let result = match &target {
            Type::Map(_, value) => (**value).clone(),
            Type::Object(object) => match object.field(field) {
                Some(of) => of.clone(),
                None => {
                    self.report(id, format!("undefined field '{field}'"));
                    Type::Error
                }
            },
            Type::Param(_) => {
                self.mapping.assignable(&Type::Dyn, &target);
                Type::Dyn
            }
            other => {
                if !other.is_dyn_or_error() {
                    self.report(
                        id,
                        format!("type '{other}' does not support field selection"),
                    );
                }
                Type::Dyn
            }
        };
        if wrapped || optional {
            Type::optional(result)
        } else {
            result
        }
    }

    fn lookup(&self, name: &str) -> Option<&'static [Overload]> {
        if self.env.hidden.contains(&name) {
            return None;
        }
        decls::function(name)
    }

    fn call(&mut self, id: Id, call: &mut Call) {
        if &*call.function == "_?._" {
            self.optional_select(id, call);
            return;
        }
        call.args.iter_mut().for_each(|arg| self.check(arg));
        if let Some(target) = &mut call.target {
            if let Some(prefix) = qualified(target) {
                let name = format!("{prefix}.{}", call.function);
                if let Some(overloads) = self.lookup(name.trim_start_matches('.')) {
                    call.function = name.trim_start_matches('.').into();
                    call.target = None;
                    self.resolve(id, call, overloads);
                    return;
                }
            }
            self.check(target);
        } else if let Some(name) = call.function.strip_prefix('.') {
            call.function = name.into();
        }
        match self.lookup(&call.function) {
            Some(overloads) => self.resolve(id, call, overloads),
            None => {
                let message = format!(
                    "undeclared reference to '{}' (in container '')",
                    call.function
                );
                self.report(id, message);
            }
        }
    }

    fn optional_select(&mut self, id: Id, call: &mut Call) {
        let [operand, field] = call.args.as_mut_slice() else {
            return;
        };
        let Kind::Const(Value::String(name)) = &field.kind else {
            return;
        };
        let name = name.as_str().to_owned();
        let of = self.field(id, operand, &name, true);
        self.set(field.id, Type::String);
        self.set(id, self.mapping.substitute(&of, false));
        call.overloads = vec!["select_optional_field"];
    }

    fn resolve(&mut self, id: Id, call: &mut Call, overloads: &'static [Overload]) {
        let parts = call.target.iter().chain(&call.args);
        let mut args: Vec<Type> = parts.map(|part| self.get(part.id)).collect();
        if matches!(&*call.function, "_&&_" | "_||_") {
            self.logic(id, call, &args, overloads[0].id);
            return;
        }
        let mut result: Option<Type> = None;
        let mut found = Vec::new();
        for overload in overloads {
            if overload.member != call.target.is_some() {
                continue;
            }
            let (params, of) = self.instantiate(overload);
            if !self.mapping.assignable_list(&args, &params) {
                continue;
            }
            found.push(overload.id);
            let of = self.mapping.substitute(&of, false);
            result = match result {
                None => Some(of),
                Some(before) if before != Type::Dyn && of != before => Some(Type::Dyn),
                before => before,
            };
        }
        let Some(result) = result else {
            for of in &mut args {
                *of = self.mapping.substitute(of, true);
            }
            self.no_match(id, call, &args);
            return;
        };
        call.overloads = found;
        self.set(id, result);
    }

    fn no_match(&mut self, id: Id, call: &Call, args: &[Type]) {
        let mut signature = String::new();
        let mut rest = args;
        if call.target.is_some()
            && let Some((target, others)) = args.split_first()
        {
            signature = format!("{target}.");
            rest = others;
        }
        let list: Vec<String> = rest.iter().map(Type::to_string).collect();
        self.report(
            id,
            format!(
                "found no matching overload for '{}' applied to '{signature}({})'",
                call.function,
                list.join(", ")
            ),
        );
    }

    fn logic(&mut self, id: Id, call: &mut Call, args: &[Type], overload: &'static str) {
        let mut good = true;
        for (arg, of) in call.args.iter().zip(args) {
            if !self.mapping.assignable(of, &Type::Bool) {
                self.mismatch(arg.id, &Type::Bool, of);
                good = false;
            }
        }
        if good {
            call.overloads = vec![overload];
            self.set(id, Type::Bool);
        }
    }

    /// The overload's types with variables of their own.
    fn instantiate(&mut self, overload: &Overload) -> (Vec<Type>, Type) {
        if overload.params.is_empty() {
            return (overload.args.clone(), overload.result.clone());
        }
        let mut fresh = Mapping::default();
        for param in &overload.params {
            let variable = self.variable();
            fresh.add(param.clone(), variable);
        }
        let args = overload
            .args
            .iter()
            .map(|of| fresh.substitute(of, false))
            .collect();
        (args, fresh.substitute(&overload.result, false))
    }

    fn variable(&mut self) -> Type {
        let name = format!("_var{}", self.fresh);
        self.fresh += 1;
        Type::Param(name.into())
    }

    fn unwrapped(&mut self, id: Id, optional: bool) -> Type {
        let of = self.get(id);
        if !optional {
            return of;
        }
        match of.unwrap_optional() {
            Some(inner) => inner.clone(),
            None => {
                if of != Type::Dyn {
                    self.mismatch(id, &Type::optional(of.clone()), &of);
                }
                of
            }
        }
    }

    fn join(&mut self, previous: Option<Type>, current: Type) -> Option<Type> {
        let Some(previous) = previous else {
            return Some(current);
        };
        if self.mapping.assignable(&previous, &current) {
            return Some(most_general(&previous, &current).clone());
        }
        // The check of literals says later that they are mixed.
        Some(Type::Dyn)
    }

    fn list(&mut self, id: Id, items: &mut [(Expr, bool)]) {
        let mut of = None;
        for (item, optional) in items {
            self.check(item);
            let item_type = self.unwrapped(item.id, *optional);
            of = self.join(of, item_type);
        }
        let of = match of {
            Some(of) => of,
            None => self.variable(),
        };
        self.set(id, Type::list(of));
    }

    fn map(&mut self, id: Id, entries: &mut [Entry]) {
        let (mut key_type, mut value_type) = (None, None);
        for Entry {
            key,
            value,
            optional,
            ..
        } in entries
        {
            self.check(key);
            let of = self.get(key.id);
            key_type = self.join(key_type, of);
            self.check(value);
            let of = self.unwrapped(value.id, *optional);
            value_type = self.join(value_type, of);
        }
        let of = match (key_type, value_type) {
            (Some(key), Some(value)) => Type::map(key, value),
            _ => Type::map(self.variable(), self.variable()),
        };
        self.set(id, of);
    }

    fn fold(&mut self, id: Id, fold: &mut Fold) {
        self.check(&mut fold.range);
        self.check(&mut fold.init);
        let range = self.mapping.substitute(&self.get(fold.range.id), false);
        let accu = self.get(fold.init.id);
        let scope = self.locals.len();
        self.locals.push((fold.accu.clone(), accu.clone()));
        let (first, second) = self.range_types(fold.range.id, &range, fold.var2.is_some());
        self.locals.push((fold.var.clone(), first));
        if let Some(var2) = &fold.var2 {
            self.locals.push((var2.clone(), second));
        }
        self.check(&mut fold.condition);
        self.expect(&fold.condition, &Type::Bool);
        self.check(&mut fold.step);
        self.expect(&fold.step, &accu);
        self.locals.truncate(scope + 1);
        self.check(&mut fold.result);
        self.locals.truncate(scope);
        let of = self.mapping.substitute(&self.get(fold.result.id), false);
        self.set(id, of);
    }

    /// The types of the iteration variables.
    fn range_types(&mut self, id: Id, range: &Type, two: bool) -> (Type, Type) {
        match range {
            Type::List(item) if two => (Type::Int, (**item).clone()),
            Type::List(item) => ((**item).clone(), Type::Dyn),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            Type::Dyn | Type::Error | Type::Param(_) => {
                self.mapping.assignable(&Type::Dyn, range);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                self.report(
                    id,
                    format!(
                        "expression of type '{other}' cannot be range of a comprehension \
                         (must be list, map, or dynamic)"
                    ),
                );
                (Type::Error, Type::Error)
            }
        }
    }

    fn expect(&mut self, expr: &Expr, of: &Type) {
        let found = self.get(expr.id);
        if !self.mapping.assignable(of, &found) {
            self.mismatch(expr.id, of, &found);
        }
    }
}

/// `a.b.c`, where an expression is only names.
fn qualified(expr: &Expr) -> Option<String> {
    match &expr.kind {
        Kind::Ident(name) => Some(name.to_string()),
        Kind::Select {
            operand,
            field,
            test: false,
        } => Some(format!("{}.{field}", qualified(operand)?)),
        _ => None,
    }
}
