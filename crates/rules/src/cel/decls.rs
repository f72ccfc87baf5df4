//! The functions that exist, and their overloads: a recorded table, read once.

use super::types::Type;
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

/// One overload of a function.
#[derive(Debug)]
pub(crate) struct Overload {
    pub(crate) id: &'static str,
    pub(crate) member: bool,
    pub(crate) args: Vec<Type>,
    pub(crate) result: Type,
    /// The type variables that it has.
    pub(crate) params: Vec<Arc<str>>,
}

static TABLE: LazyLock<HashMap<&'static str, Vec<Overload>>> =
    LazyLock::new(|| read(include_str!("../../data/overloads.txt")));

/// The overloads of a function, in the order in which they are tried.
pub(crate) fn function(name: &str) -> Option<&'static [Overload]> {
    TABLE.get(name).map(Vec::as_slice)
}

fn read(text: &'static str) -> HashMap<&'static str, Vec<Overload>> {
    let mut table: HashMap<&'static str, Vec<Overload>> = HashMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        // The name `_||_` has the separator in it, but no other column has.
        let mut columns = line.rsplitn(5, '|');
        let mut column = || columns.next().unwrap_or_default();
        let (result, args, member, id, name) = (column(), column(), column(), column(), column());
        let args: Vec<Type> = split(args).into_iter().map(parse).collect();
        let result = parse(result);
        let mut params = Vec::new();
        args.iter()
            .chain([&result])
            .for_each(|of| collect(of, &mut params));
        table.entry(name).or_default().push(Overload {
            id,
            member: member == "m",
            args,
            result,
            params,
        });
    }
    table
}

/// Splits at commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut depth, mut start) = (0usize, 0);
    for (index, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                out.push(text[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    if !text[start..].trim().is_empty() {
        out.push(text[start..].trim());
    }
    out
}

fn parse(text: &str) -> Type {
    if let Some((name, rest)) = text.split_once('(') {
        let inner: Vec<Type> = split(rest.strip_suffix(')').unwrap_or(rest))
            .into_iter()
            .map(parse)
            .collect();
        let mut inner = inner.into_iter();
        let mut one = || inner.next().unwrap_or(Type::Dyn);
        return match name {
            "list" => Type::list(one()),
            "map" => Type::map(one(), one()),
            "type" => Type::Of(Some(Arc::new(one()))),
            other => Type::Opaque(other.into(), Arc::from([one()])),
        };
    }
    match text {
        "dyn" => Type::Dyn,
        "null" => Type::Null,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        name if name.len() == 1 => Type::Param(name.into()),
        name => Type::opaque(name),
    }
}

fn collect(of: &Type, params: &mut Vec<Arc<str>>) {
    match of {
        Type::Param(name) if !params.contains(name) => params.push(name.clone()),
        Type::List(item) => collect(item, params),
        Type::Map(key, value) => {
            collect(key, params);
            collect(value, params);
        }
        Type::Opaque(_, inner) => inner.iter().for_each(|of| collect(of, params)),
        Type::Of(Some(of)) => collect(of, params),
        _ => {}
    }
}
