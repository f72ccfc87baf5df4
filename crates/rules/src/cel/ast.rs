//! The tree of an expression. Macros are expanded by the parser; the checker fills in what calls refer to.

use super::value::Value;
use std::sync::Arc;
use tidegate_schema::Pattern;

/// A node's number: index of its type and its place in the source.
pub(crate) type Id = u32;

/// One node.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) id: Id,
    pub(crate) kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// A constant: a literal, a type's name, or a literal list or map of constants.
    Const(Value<'static>),
    /// A variable.
    Ident(Arc<str>),
    /// `operand.field`, or with `test` `has(operand.field)`.
    Select {
        operand: Box<Expr>,
        field: Arc<str>,
        test: bool,
    },
    /// A function or an operator.
    Call(Box<Call>),
    /// `[a, ?b]`: an item, and whether it is optional.
    List(Vec<(Expr, bool)>),
    /// `{a: b, ?c: d}`.
    Map(Vec<Entry>),
    /// `Name{field: value}`: the checker refuses what is unknown.
    Struct(Arc<str>, Vec<Field>),
    /// What the macros become.
    Fold(Box<Fold>),
}

/// A call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) function: Arc<str>,
    /// Member calls: what stands before the dot.
    pub(crate) target: Option<Expr>,
    pub(crate) args: Vec<Expr>,
    /// The overloads that the checker found to fit.
    pub(crate) overloads: Vec<&'static str>,
    /// The compiled pattern, where the call has a constant one.
    pub(crate) regex: Option<Arc<Pattern>>,
}

/// An entry of a map literal.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Expr,
    pub(crate) value: Expr,
    pub(crate) optional: bool,
}

/// A field of a struct literal.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: Arc<str>,
    pub(crate) value: Expr,
    pub(crate) optional: bool,
}

/// A comprehension.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    pub(crate) range: Expr,
    pub(crate) var: Arc<str>,
    pub(crate) var2: Option<Arc<str>>,
    pub(crate) accu: Arc<str>,
    pub(crate) init: Expr,
    pub(crate) condition: Expr,
    pub(crate) step: Expr,
    pub(crate) result: Expr,
}

/// The name of the accumulator of all macros; can't be written in an expression.
pub(crate) const ACCU: &str = "@result";

impl Expr {
    pub(crate) fn ident(&self) -> Option<&str> {
        match &self.kind {
            Kind::Ident(name) => Some(name),
            _ => None,
        }
    }

    /// Calls `visit` on the node and all below it.
    pub(crate) fn walk<'e>(&'e self, visit: &mut impl FnMut(&'e Expr)) {
        visit(self);
        match &self.kind {
            Kind::Const(_) | Kind::Ident(_) => {}
            Kind::Select { operand, .. } => operand.walk(visit),
            Kind::Call(call) => {
                for part in call.target.iter().chain(&call.args) {
                    part.walk(visit);
                }
            }
            Kind::List(items) => items.iter().for_each(|(item, _)| item.walk(visit)),
            Kind::Map(entries) => {
                for entry in entries {
                    entry.key.walk(visit);
                    entry.value.walk(visit);
                }
            }
            Kind::Struct(_, fields) => fields.iter().for_each(|field| field.value.walk(visit)),
            Kind::Fold(fold) => {
                for part in [
                    &fold.range,
                    &fold.init,
                    &fold.condition,
                    &fold.step,
                    &fold.result,
                ] {
                    part.walk(visit);
                }
            }
        }
    }
}
