//! Making nodes, and the order of operators.

use crate::cel::{
    ast::{Call, Expr, Id, Kind},
    lexer::Token,
    value::Value,
};

pub(in crate::cel) fn constant(id: Id, value: Value<'static>) -> Expr {
    Expr {
        id,
        kind: Kind::Const(value),
    }
}

pub(in crate::cel) fn call(id: Id, function: &str, args: Vec<Expr>) -> Expr {
    member_call(id, function, None, args)
}

pub(in crate::cel) fn member_call(
    id: Id,
    function: &str,
    target: Option<Expr>,
    args: Vec<Expr>,
) -> Expr {
    Expr {
        id,
        kind: Kind::Call(Box::new(Call {
            function: function.into(),
            target,
            args,
            overloads: Vec::new(),
            regex: None,
        })),
    }
}

pub(super) fn operator(token: Token) -> Option<(usize, &'static str)> {
    let Token::Sign(sign) = token else {
        return None;
    };
    Some(match sign {
        "||" => (0, "_||_"),
        "&&" => (1, "_&&_"),
        "<" => (2, "_<_"),
        "<=" => (2, "_<=_"),
        ">=" => (2, "_>=_"),
        ">" => (2, "_>_"),
        "==" => (2, "_==_"),
        "!=" => (2, "_!=_"),
        "in" => (2, "@in"),
        "+" => (3, "_+_"),
        "-" => (3, "_-_"),
        "*" => (4, "_*_"),
        "/" => (4, "_/_"),
        "%" => (4, "_%_"),
        _ => return None,
    })
}

/// Chains of `&&` and `||` become balanced trees.
pub(super) fn balance(function: &str, first: Expr, terms: Vec<(Id, Expr)>) -> Expr {
    let (ops, mut rest): (Vec<Id>, Vec<Option<Expr>>) =
        terms.into_iter().map(|(id, term)| (id, Some(term))).unzip();
    let mut all = vec![Some(first)];
    all.append(&mut rest);
    balanced(function, &ops, &mut all, 0, ops.len() - 1)
}

fn balanced(function: &str, ops: &[Id], terms: &mut [Option<Expr>], lo: usize, hi: usize) -> Expr {
    let mid = (lo + hi).div_ceil(2);
    let left = if mid == lo {
        take(terms, mid)
    } else {
        balanced(function, ops, terms, lo, mid - 1)
    };
    let right = if mid == hi {
        take(terms, mid + 1)
    } else {
        balanced(function, ops, terms, mid + 1, hi)
    };
    call(ops[mid], function, vec![left, right])
}

fn take(terms: &mut [Option<Expr>], at: usize) -> Expr {
    terms[at]
        .take()
        .expect("invariant: each term is taken once")
}
