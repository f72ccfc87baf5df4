//! Variables, fields and indices: chains of them, as cel-go's attributes.
//!
//! A chain costs one for each of its steps and one for the whole; a chain that is a branch of `?:`, an index or
//! what `has()` looks at costs nothing as a whole.

use super::{
    ast::{Call, Expr, Kind},
    eval::Machine,
    value::{Fault, Outcome, Value},
};

/// One step of a chain.
enum Step<'e> {
    /// `.field`, and whether it is `.?field`.
    Field(&'e str, bool),
    /// `has()`'s field.
    Test(&'e str),
    /// `[index]`, and whether it is `[?index]`.
    Index(&'e Expr, bool),
}

/// Resolves chains for a machine.
pub(super) struct Resolver<'m, 'a, 'e> {
    machine: &'m mut Machine<'a, 'e>,
}

impl<'m, 'a, 'e> Resolver<'m, 'a, 'e> {
    pub(super) fn of(machine: &'m mut Machine<'a, 'e>) -> Self {
        Self { machine }
    }

    /// The value of a chain that stands for itself.
    pub(super) fn eval(&mut self, expr: &'e Expr) -> Outcome<'a> {
        let test = matches!(expr.kind, Kind::Select { test: true, .. });
        let (base, mut steps) = chain(expr);
        let whole = u64::from(!test && condition(base).is_none());
        let result = self.resolve(base, &mut steps);
        if matches!(result, Err(Fault::Limit)) {
            return result;
        }
        self.machine.charge(whole)?;
        match result {
            Ok(Value::Optional(inner)) if test => Ok(Value::Bool(inner.is_some())),
            other => other,
        }
    }

    /// The value of a chain that is part of another.
    fn part(&mut self, expr: &'e Expr) -> Outcome<'a> {
        let (base, mut steps) = chain(expr);
        self.resolve(base, &mut steps)
    }

    fn resolve(&mut self, base: &'e Expr, steps: &mut Vec<Step<'e>>) -> Outcome<'a> {
        let value = if let Kind::Ident(name) = &base.kind {
            self.variable(name)?
        } else if let Some(call) = condition(base) {
            let [test, yes, no] = call.args.as_slice() else {
                return Err(Fault::no_such_overload());
            };
            match self.machine.eval(test)? {
                Value::Bool(true) => self.part(yes)?,
                Value::Bool(false) => self.part(no)?,
                _ => return Err(Fault::no_such_overload()),
            }
        } else {
            self.machine.eval(base)?
        };
        self.walk(value, steps)
    }

    fn variable(&mut self, name: &str) -> Outcome<'a> {
        let local = self
            .machine
            .locals
            .iter()
            .rev()
            .find(|(known, _)| *known == name);
        if let Some((_, value)) = local {
            return value.clone();
        }
        let plain = name.strip_prefix('.').unwrap_or(name);
        if plain.starts_with("variables.") {
            self.machine.charge(1)?;
        }
        match self.machine.activation.resolve(plain) {
            Some(value) => value,
            None => Err(Fault::new(format!("no such attribute(s): {plain}"))),
        }
    }

    /// Takes the steps from the innermost on; they are in the stack's order.
    fn walk(&mut self, value: Value<'a>, steps: &mut Vec<Step<'e>>) -> Outcome<'a> {
        let mut value = value;
        let mut optional = false;
        if !steps.is_empty()
            && let Value::Optional(inner) = &value
        {
            match inner {
                None if matches!(steps.first(), Some(Step::Test(_))) => {
                    return Ok(Value::Bool(false));
                }
                None => return Ok(Value::Optional(None)),
                Some(inner) => {
                    let inner = (**inner).clone();
                    value = inner;
                    optional = true;
                }
            }
        }
        while let Some(step) = steps.pop() {
            let wants = match &step {
                Step::Field(_, wants) | Step::Index(_, wants) => *wants,
                Step::Test(name) => return self.test(&value, name),
            };
            optional |= wants;
            let key = match &step {
                Step::Field(name, _) | Step::Test(name) => Value::text(name),
                Step::Index(index, _) => self.part(index)?,
            };
            match qualify(&value, &key, optional) {
                Ok(Some(next)) => {
                    self.machine.charge(1)?;
                    value = next;
                }
                Ok(None) if matches!(steps.first(), Some(Step::Test(_))) => {
                    return Ok(Value::Bool(false));
                }
                Ok(None) => return Ok(Value::Optional(None)),
                Err(fault) => {
                    self.machine.charge(u64::from(!optional))?;
                    return Err(fault);
                }
            }
        }
        if optional {
            return Ok(match value {
                Value::Optional(inner) => Value::Optional(inner),
                value => Value::some(value),
            });
        }
        Ok(value)
    }

    fn test(&mut self, value: &Value<'a>, name: &str) -> Outcome<'a> {
        let found = match value {
            Value::Map(map) => map.find(&Value::text(name)).map(|found| found.is_some()),
            Value::List(_) => Err(Fault::new("unsupported index type 'string' in list")),
            _ => Ok(false),
        };
        self.machine.charge(1)?;
        found.map(Value::Bool)
    }
}

/// One step into a value. `None` where an optional step finds nothing.
fn qualify<'a>(
    value: &Value<'a>,
    key: &Value<'_>,
    optional: bool,
) -> Result<Option<Value<'a>>, Fault> {
    match value {
        Value::Map(map) => match map.find(key)? {
            Some(value) => Ok(Some(value)),
            None if optional => Ok(None),
            None => Err(Fault::new(format!("no such key: {key}"))),
        },
        Value::List(list) => {
            let index = match key {
                Value::Int(index) => *index,
                Value::Uint(index) => i64::try_from(*index).unwrap_or(i64::MAX),
                Value::Double(index) => super::equal::whole(*index).ok_or_else(|| {
                    Fault::new(format!("unsupported index value {index} in list"))
                })?,
                other => {
                    return Err(Fault::new(format!(
                        "unsupported index type '{}' in list",
                        other.type_of().runtime_name()
                    )));
                }
            };
            match usize::try_from(index)
                .ok()
                .and_then(|index| list.get(index))
            {
                Some(item) => item.map(Some),
                None if optional => Ok(None),
                None => Err(Fault::new(format!("index out of bounds: {key}"))),
            }
        }
        _ if optional => Ok(None),
        _ => Err(Fault::new(format!("no such key: {key}"))),
    }
}

/// The call of a `?:`.
fn condition(expr: &Expr) -> Option<&Call> {
    match &expr.kind {
        Kind::Call(call) if &*call.function == "_?_:_" => Some(call),
        _ => None,
    }
}

/// What a chain starts from, and its steps, the last first.
fn chain(expr: &Expr) -> (&Expr, Vec<Step<'_>>) {
    let mut steps = Vec::new();
    let mut at = expr;
    loop {
        match &at.kind {
            Kind::Select {
                operand,
                field,
                test,
            } => {
                if *test && !steps.is_empty() {
                    // `has(a.b)` inside a chain is a value of its own.
                    return (at, steps);
                }
                steps.push(if *test {
                    Step::Test(field)
                } else {
                    Step::Field(field, false)
                });
                at = operand;
            }
            Kind::Call(call) => match (&*call.function, call.args.as_slice()) {
                ("_[_]", [operand, index]) => {
                    steps.push(Step::Index(index, false));
                    at = operand;
                }
                ("_[?_]", [operand, index]) => {
                    steps.push(Step::Index(index, true));
                    at = operand;
                }
                ("_?._", [operand, field]) => {
                    match &field.kind {
                        Kind::Const(Value::String(name)) => {
                            steps.push(Step::Field(name.as_str(), true));
                        }
                        _ => steps.push(Step::Index(field, true)),
                    }
                    at = operand;
                }
                _ => return (at, steps),
            },
            _ => return (at, steps),
        }
    }
}
