//! From text to something that can be run.

use super::{
    ast::{Call, Entry, Expr, Kind},
    checker,
    env::Env,
    estimate::{self, Sizes},
    eval::{Context, Fuel},
    functions,
    issues::Issues,
    parser::{self, Parsed},
    sizes::Range,
    types::Type,
    validators,
    value::{Fault, Key, Map, Value},
};
use std::{collections::BTreeMap, sync::Arc};
use tidegate_schema::Pattern;

/// A checked expression, before it is made ready to run.
#[derive(Debug)]
pub(crate) struct Checked {
    expr: Expr,
    types: Vec<Type>,
}

/// An expression that can be run.
#[derive(Debug)]
pub(crate) struct Program {
    expr: Expr,
}

/// Parses and checks. The error is cel-go's whole text.
pub(crate) fn check(source: &str, env: &Env) -> Result<Checked, String> {
    let mut issues = Issues::default();
    let Some(Parsed { mut expr, places }) = parser::parse(source, &mut issues) else {
        return Err(issues.display(source));
    };
    let types = checker::check(&mut expr, &places, env, &mut issues);
    if issues.is_empty() {
        validators::validate(&expr, &types, &places, &mut issues);
    }
    if !issues.is_empty() {
        return Err(issues.display(source));
    }
    Ok(Checked { expr, types })
}

impl Checked {
    /// The type of the whole.
    pub(crate) fn output(&self) -> Type {
        self.types
            .get(self.expr.id as usize)
            .cloned()
            .unwrap_or(Type::Error)
    }

    /// Whether a variable is used.
    pub(crate) fn uses(&self, name: &str) -> bool {
        let mut found = false;
        self.expr
            .walk(&mut |node| found |= node.ident() == Some(name));
        found
    }

    /// What it may cost.
    pub(crate) fn estimate(&self, sizes: &dyn Sizes) -> Range {
        estimate::estimate(&self.expr, &self.types, sizes)
    }

    /// Constants worked out. The error is why that fails.
    pub(crate) fn program(self) -> Result<Program, String> {
        let mut expr = self.expr;
        optimize(&mut expr).map_err(|fault| fault.to_string())?;
        Ok(Program { expr })
    }
}

impl Program {
    pub(crate) fn expr(&self) -> &Expr {
        &self.expr
    }
}

const CONVERSIONS: [&str; 10] = [
    "bool",
    "bytes",
    "double",
    "dyn",
    "duration",
    "int",
    "string",
    "timestamp",
    "type",
    "uint",
];

/// Literal lists and maps of constants, and conversions of constants, become constants.
fn optimize(expr: &mut Expr) -> Result<(), Fault> {
    let folded = match &mut expr.kind {
        Kind::Const(_) | Kind::Ident(_) => None,
        Kind::Select { operand, .. } => {
            optimize(operand)?;
            None
        }
        Kind::Call(call) => optimize_call(call)?,
        Kind::List(items) => {
            for (item, _) in items.iter_mut() {
                optimize(item)?;
            }
            constants(items)
        }
        Kind::Map(entries) => {
            for entry in entries.iter_mut() {
                optimize(&mut entry.key)?;
                optimize(&mut entry.value)?;
            }
            constant_map(entries)
        }
        Kind::Struct(_, fields) => {
            for field in fields {
                optimize(&mut field.value)?;
            }
            None
        }
        Kind::Fold(fold) => {
            for part in [
                &mut fold.range,
                &mut fold.init,
                &mut fold.condition,
                &mut fold.step,
                &mut fold.result,
            ] {
                optimize(part)?;
            }
            None
        }
    };
    if let Some(value) = folded {
        expr.kind = Kind::Const(value);
    }
    Ok(())
}

/// Compiles constant patterns; gives the value of a conversion of a constant.
fn optimize_call(call: &mut Call) -> Result<Option<Value<'static>>, Fault> {
    for part in call.target.iter_mut().chain(&mut call.args) {
        optimize(part)?;
    }
    if matches!(&*call.function, "matches" | "find" | "findAll") {
        let pattern = match call.target {
            Some(_) => call.args.first(),
            None => call.args.get(1),
        };
        if let Some(Kind::Const(Value::String(pattern))) = pattern.map(|arg| &arg.kind) {
            let pattern = Pattern::new(pattern.as_str());
            pattern.check().map_err(Fault::new)?;
            call.regex = Some(Arc::new(pattern));
        }
    }
    match (&call.target, call.args.as_slice()) {
        (None, [arg]) if CONVERSIONS.contains(&&*call.function) => match &arg.kind {
            Kind::Const(value) => convert(&call.function, value.clone()).map(Some),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

fn constant_map(entries: &[Entry]) -> Option<Value<'static>> {
    let mut out = BTreeMap::new();
    for entry in entries {
        match (&entry.key.kind, &entry.value.kind) {
            (Kind::Const(key), Kind::Const(value)) if !entry.optional => {
                out.insert(Key::of(key)?, value.clone());
            }
            _ => return None,
        }
    }
    Some(Value::Map(Map::Made(Arc::new(out))))
}

fn constants(items: &[(Expr, bool)]) -> Option<Value<'static>> {
    let mut out = Vec::with_capacity(items.len());
    for (item, optional) in items {
        match &item.kind {
            Kind::Const(value) if !optional => out.push(value.clone()),
            _ => return None,
        }
    }
    Some(Value::list(out))
}

fn convert(function: &str, value: Value<'static>) -> Result<Value<'static>, Fault> {
    let mut fuel = Fuel::new();
    let mut context = Context {
        fuel: &mut fuel,
        regex: None,
        overload: "",
    };
    functions::call(function, vec![value], &mut context)
}
