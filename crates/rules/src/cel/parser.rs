//! The parser: tokens to trees, macros expanded.
//!
//! Depth is limited as cel-go limits it, and then once more for the finished tree: no later pass recurses
//! deeper than [`DEEPEST`].

use super::{
    ast::{Call, Entry, Expr, Field, Id, Kind},
    issues::{Issues, NOWHERE, Place},
    lexer::{Lexeme, Lexer, Token, shown},
    literal, macros,
    types::RESERVED,
    value::{Text, Value},
};
use std::sync::Arc;

const LIMIT: usize = 250;
const LONGEST: usize = 100_000;
/// How many levels a finished tree may have.
pub(crate) const DEEPEST: usize = 400;

/// A tree and the place of each of its nodes.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) expr: Expr,
    pub(crate) places: Vec<Place>,
}

/// Why parsing stopped; what was wrong is in the issues.
pub(super) struct Stop;

pub(super) type Outcome<T> = Result<T, Stop>;

/// The state of one parse.
pub(super) struct Parser<'s> {
    lexer: Lexer<'s>,
    tokens: Vec<Lexeme>,
    at: usize,
    places: Vec<Place>,
    issues: &'s mut Issues,
    nested: usize,
    chained: usize,
}

/// Parses an expression, or reports why not.
pub(crate) fn parse(source: &str, issues: &mut Issues) -> Option<Parsed> {
    let chars: Vec<char> = source.chars().collect();
    if chars.len() > LONGEST {
        let size = chars.len();
        issues.report(
            NOWHERE,
            format!("expression code point size exceeds limit: size: {size}, limit {LONGEST}"),
        );
        return None;
    }
    let mut lexer = Lexer::new(&chars);
    let tokens = lexer.all(issues);
    let mut parser = Parser {
        lexer,
        tokens,
        at: 0,
        places: vec![NOWHERE],
        issues,
        nested: 0,
        chained: 0,
    };
    let expr = parser.start().ok()?;
    let places = parser.places;
    if deeper(&expr, DEEPEST) {
        too_deep(issues);
    }
    issues.is_empty().then_some(Parsed { expr, places })
}

fn too_deep(issues: &mut Issues) {
    issues.report(
        NOWHERE,
        format!("expression recursion limit exceeded: {LIMIT}"),
    );
}

/// Whether a tree has more levels than `limit`; recurses no deeper than that.
fn deeper(expr: &Expr, limit: usize) -> bool {
    if limit == 0 {
        return true;
    }
    let below = |part: &Expr| deeper(part, limit - 1);
    match &expr.kind {
        Kind::Const(_) | Kind::Ident(_) => false,
        Kind::Select { operand, .. } => below(operand),
        Kind::Call(call) => call.target.iter().chain(&call.args).any(below),
        Kind::List(items) => items.iter().any(|(item, _)| below(item)),
        Kind::Map(entries) => entries.iter().any(|e| below(&e.key) || below(&e.value)),
        Kind::Struct(_, fields) => fields.iter().any(|field| below(&field.value)),
        Kind::Fold(fold) => [
            &fold.range,
            &fold.init,
            &fold.condition,
            &fold.step,
            &fold.result,
        ]
        .into_iter()
        .any(below),
    }
}

impl Parser<'_> {
    fn start(&mut self) -> Outcome<Expr> {
        let expr = self.expr()?;
        if self.peek().token == Token::End {
            return Ok(expr);
        }
        let found = self.text(self.peek());
        let last = self.tokens.get(self.at + 1).map(|next| next.token) == Some(Token::End);
        let kind = if last { "extraneous" } else { "mismatched" };
        let message = format!(
            "Syntax error: {kind} input '{found}' expecting {}",
            self.follow()
        );
        self.fail(self.peek().start, message)
    }

    /// What may follow what was just read.
    fn follow(&self) -> &'static str {
        "<EOF>"
    }

    pub(super) fn peek(&self) -> Lexeme {
        let last = self.tokens.len() - 1;
        self.tokens[self.at.min(last)]
    }

    fn next(&mut self) -> Lexeme {
        let lexeme = self.peek();
        self.at += 1;
        lexeme
    }

    fn eat(&mut self, sign: &'static str) -> Option<Lexeme> {
        (self.peek().token == Token::Sign(sign)).then(|| self.next())
    }

    fn text(&self, lexeme: Lexeme) -> String {
        if lexeme.token == Token::End {
            return "<EOF>".to_owned();
        }
        shown(&self.lexer.chars[lexeme.start..lexeme.end])
    }

    fn plain(&self, lexeme: Lexeme) -> String {
        self.lexer.chars[lexeme.start..lexeme.end].iter().collect()
    }

    pub(super) fn fail<T>(&mut self, offset: usize, message: String) -> Outcome<T> {
        let place = self.lexer.place(offset);
        self.issues.report(place, message);
        Err(Stop)
    }

    fn expected<T>(&mut self, what: &str) -> Outcome<T> {
        let lexeme = self.peek();
        let found = self.text(lexeme);
        self.fail(
            lexeme.start,
            format!("Syntax error: mismatched input '{found}' expecting {what}"),
        )
    }

    fn need(&mut self, sign: &'static str) -> Outcome<Lexeme> {
        if let Some(lexeme) = self.eat(sign) {
            return Ok(lexeme);
        }
        let lexeme = self.peek();
        if sign == ")" && matches!(lexeme.token, Token::End) {
            let found = self.text(lexeme);
            let message = format!("Syntax error: missing '{sign}' at '{found}'");
            return self.fail(lexeme.start, message);
        }
        self.expected(&format!("'{sign}'"))
    }

    /// An expression was to begin here.
    fn no_start<T>(&mut self, call: bool) -> Outcome<T> {
        let lexeme = self.peek();
        let next = self.tokens.get(self.at + 1).map(|next| next.token);
        let begins = match next {
            Some(Token::Sign(sign)) => {
                matches!(
                    sign,
                    "[" | "{" | "(" | "." | "-" | "!" | "true" | "false" | "null"
                ) || (call && sign == ")")
            }
            Some(Token::End | Token::Escaped) | None => false,
            Some(_) => true,
        };
        let kind = if begins && lexeme.token != Token::End {
            "extraneous"
        } else {
            "mismatched"
        };
        let close = if call { "')', " } else { "" };
        let found = self.text(lexeme);
        let message = format!(
            "Syntax error: {kind} input '{found}' expecting {{'[', '{{', '(', {close}'.', '-', '!', 'true', 'false', \
             'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}}"
        );
        self.fail(lexeme.start, message)
    }

    /// A new node's number, placed at an offset.
    pub(super) fn id(&mut self, offset: usize) -> Id {
        let place = self.lexer.place(offset);
        self.id_at(place)
    }

    pub(super) fn id_at(&mut self, place: Place) -> Id {
        self.places.push(place);
        Id::try_from(self.places.len() - 1).unwrap_or(Id::MAX)
    }

    pub(super) fn place(&self, id: Id) -> Place {
        self.places.get(id as usize).copied().unwrap_or(NOWHERE)
    }

    pub(super) fn refuse(&mut self, place: Place, message: &str) {
        self.issues.report(place, message);
    }

    fn deeper(&mut self) -> Outcome<()> {
        if self.chained > LIMIT {
            self.issues.report(NOWHERE, "max recursion depth exceeded");
            return Err(Stop);
        }
        if self.nested > LIMIT {
            too_deep(self.issues);
            return Err(Stop);
        }
        Ok(())
    }

    fn expr(&mut self) -> Outcome<Expr> {
        self.nested += 1;
        self.deeper()?;
        let condition = self.binary(0)?;
        let result = match self.eat("?") {
            None => condition,
            Some(op) => {
                let id = self.id(op.start);
                let yes = self.binary(0)?;
                self.need(":")?;
                let no = self.expr()?;
                call(id, "_?_:_", vec![condition, yes, no])
            }
        };
        self.nested -= 1;
        Ok(result)
    }

    /// Operators of at least this strength: 0 `||`, 1 `&&`, 2 relations, 3 sums, 4 products.
    fn binary(&mut self, least: usize) -> Outcome<Expr> {
        let mut left = self.unary()?;
        let mut links = 0;
        let before = self.chained;
        while let Some((strength, function)) =
            operator(self.peek().token).filter(|(s, _)| *s >= least)
        {
            if strength < 2 {
                left = self.logic(left, strength, function)?;
                continue;
            }
            let op = self.next();
            links += 1;
            self.chained = before + links;
            self.deeper()?;
            let id = self.id(op.start);
            let right = self.binary(strength + 1)?;
            left = call(id, function, vec![left, right]);
        }
        self.chained = before;
        Ok(left)
    }

    /// A chain of `&&` or of `||`.
    fn logic(&mut self, first: Expr, strength: usize, function: &str) -> Outcome<Expr> {
        let mut terms = Vec::new();
        while operator(self.peek().token).is_some_and(|(s, _)| s == strength) {
            let op = self.next();
            let right = self.binary(strength + 1)?;
            terms.push((self.id(op.start), right));
        }
        Ok(balance(function, first, terms))
    }

    fn unary(&mut self) -> Outcome<Expr> {
        for (sign, function) in [("!", "!_"), ("-", "-_")] {
            let first = self.peek();
            let mut count = 0;
            if sign == "-" && self.literal_follows() {
                continue;
            }
            while self.eat(sign).is_some() {
                count += 1;
            }
            if count > 0 {
                if count % 2 == 0 {
                    return self.member();
                }
                let id = self.id(first.start);
                let operand = self.member()?;
                return Ok(call(id, function, vec![operand]));
            }
        }
        self.member()
    }

    /// Whether a `-` here is the sign of a number.
    fn literal_follows(&self) -> bool {
        self.peek().token == Token::Sign("-")
            && self
                .tokens
                .get(self.at + 1)
                .is_some_and(|next| matches!(next.token, Token::Int | Token::Float))
    }

    fn member(&mut self) -> Outcome<Expr> {
        let mut expr = self.primary()?;
        let mut links = 0;
        let before = self.chained;
        loop {
            let lexeme = self.peek();
            match lexeme.token {
                Token::Sign(".") => expr = self.after_dot(expr)?,
                Token::Sign("[") => {
                    self.next();
                    let optional = self.eat("?").is_some();
                    let id = self.id(lexeme.start);
                    let index = self.expr()?;
                    self.need("]")?;
                    let function = if optional { "_[?_]" } else { "_[_]" };
                    expr = call(id, function, vec![expr, index]);
                }
                _ => break,
            }
            links += 1;
            self.chained = before + links;
            self.deeper()?;
        }
        self.chained = before;
        Ok(expr)
    }

    fn after_dot(&mut self, operand: Expr) -> Outcome<Expr> {
        let dot = self.next();
        let optional = self.eat("?").is_some();
        let name = self.next();
        let field: Arc<str> = match name.token {
            Token::Ident => self.plain(name).into(),
            Token::Escaped => {
                let text = self.plain(name);
                text[1..text.len() - 1].into()
            }
            _ => {
                self.at -= 1;
                let found = self.text(name);
                let message = if matches!(name.token, Token::Sign("true" | "false" | "null")) {
                    format!("Syntax error: mismatched input '{found}' expecting IDENTIFIER")
                } else {
                    let shown = if name.token == Token::End {
                        ""
                    } else {
                        found.as_str()
                    };
                    format!("Syntax error: no viable alternative at input '.{shown}'")
                };
                return self.fail(name.start, message);
            }
        };
        if optional {
            let id = self.id(dot.start);
            let key = self.id(name.start);
            let key = constant(key, Value::String(Text::Shared(field)));
            return Ok(call(id, "_?._", vec![operand, key]));
        }
        if name.token == Token::Ident
            && let Some(open) = self.eat("(")
        {
            let id = self.id(open.start);
            let args = self.args()?;
            return self.call_or_macro(id, &field, Some(operand), args);
        }
        Ok(Expr {
            id: self.id(dot.start),
            kind: Kind::Select {
                operand: Box::new(operand),
                field,
                test: false,
            },
        })
    }

    fn args(&mut self) -> Outcome<Vec<Expr>> {
        let mut args = Vec::new();
        if self.eat(")").is_some() {
            return Ok(args);
        }
        if matches!(
            self.peek().token,
            Token::End | Token::Sign("," | "]" | "}" | ":" | "?")
        ) {
            return self.no_start(true);
        }
        loop {
            args.push(self.expr()?);
            if self.eat(")").is_some() {
                return Ok(args);
            }
            if self.eat(",").is_none() {
                return self.expected("{',', ')'}");
            }
        }
    }

    fn call_or_macro(
        &mut self,
        id: Id,
        function: &str,
        target: Option<Expr>,
        args: Vec<Expr>,
    ) -> Outcome<Expr> {
        macros::expand(self, id, function, target, args).map_err(|()| Stop)
    }

    fn primary(&mut self) -> Outcome<Expr> {
        let lexeme = self.next();
        match lexeme.token {
            Token::Sign("(") => {
                let inner = self.expr()?;
                self.need(")")?;
                Ok(inner)
            }
            Token::Sign("[") => self.list(lexeme),
            Token::Sign("{") => self.map(lexeme),
            Token::Sign(".") if self.peek().token == Token::Ident => {
                let name = self.next();
                self.named(lexeme, name, ".")
            }
            Token::Ident => self.named(lexeme, lexeme, ""),
            Token::Sign(".") => {
                let next = self.peek();
                let found = if next.token == Token::End {
                    String::new()
                } else {
                    self.text(next)
                };
                self.fail(
                    next.start,
                    format!("Syntax error: no viable alternative at input '.{found}'"),
                )
            }
            _ => self.literal(lexeme),
        }
    }

    fn named(&mut self, first: Lexeme, name: Lexeme, dot: &str) -> Outcome<Expr> {
        let text = self.plain(name);
        if let Some((path, open)) = self.message() {
            let full = format!("{dot}{text}{path}");
            return self.message_fields(full.into(), open);
        }
        if RESERVED.contains(&text.as_str()) {
            return self.fail(first.start, format!("reserved identifier: {text}"));
        }
        let full = format!("{dot}{text}");
        if let Some(open) = self.eat("(") {
            let id = self.id(open.start);
            let args = self.args()?;
            return self.call_or_macro(id, &full, None, args);
        }
        Ok(Expr {
            id: self.id(name.start),
            kind: Kind::Ident(full.into()),
        })
    }

    /// The rest of `a.b.C{`: the name's rest and the brace, where a struct literal follows.
    fn message(&mut self) -> Option<(String, Lexeme)> {
        let mut ahead = self.at;
        let mut path = String::new();
        loop {
            let lexeme = *self.tokens.get(ahead)?;
            match lexeme.token {
                Token::Sign("{") => {
                    self.at = ahead + 1;
                    return Some((path, lexeme));
                }
                Token::Sign(".") => {
                    let name = *self.tokens.get(ahead + 1)?;
                    if name.token != Token::Ident {
                        return None;
                    }
                    path.push('.');
                    path.push_str(&self.plain(name));
                    ahead += 2;
                }
                _ => return None,
            }
        }
    }

    fn message_fields(&mut self, name: Arc<str>, open: Lexeme) -> Outcome<Expr> {
        let id = self.id(open.start);
        let mut fields = Vec::new();
        while self.eat("}").is_none() {
            let optional = self.eat("?").is_some();
            let field = self.next();
            let text = self.plain(field);
            let text = match field.token {
                Token::Ident => text,
                Token::Escaped => text[1..text.len() - 1].to_owned(),
                _ => {
                    self.at -= 1;
                    return self.expected("{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}");
                }
            };
            self.need(":")?;
            let value = self.expr()?;
            fields.push(Field {
                name: text.into(),
                value,
                optional,
            });
            if self.eat(",").is_none() && self.peek().token != Token::Sign("}") {
                return self.expected("{'}', ','}");
            }
        }
        Ok(Expr {
            id,
            kind: Kind::Struct(name, fields),
        })
    }

    fn list(&mut self, open: Lexeme) -> Outcome<Expr> {
        let id = self.id(open.start);
        let mut items = Vec::new();
        if self.eat(",").is_some() {
            self.need("]")?;
        } else {
            while self.eat("]").is_none() {
                let optional = self.eat("?").is_some();
                items.push((self.expr()?, optional));
                if self.eat(",").is_none() && self.peek().token != Token::Sign("]") {
                    return self.expected("{']', ','}");
                }
            }
        }
        Ok(Expr {
            id,
            kind: Kind::List(items),
        })
    }

    fn map(&mut self, open: Lexeme) -> Outcome<Expr> {
        let id = self.id(open.start);
        let mut entries = Vec::new();
        if self.eat(",").is_some() {
            self.need("}")?;
        } else {
            while self.eat("}").is_none() {
                let optional = self.eat("?").is_some();
                let key = self.expr()?;
                self.need(":")?;
                let value = self.expr()?;
                entries.push(Entry {
                    key,
                    value,
                    optional,
                });
                if self.eat(",").is_none() && self.peek().token != Token::Sign("}") {
                    return self.expected("{'}', ','}");
                }
            }
        }
        Ok(Expr {
            id,
            kind: Kind::Map(entries),
        })
    }

    fn literal(&mut self, first: Lexeme) -> Outcome<Expr> {
        let negative = first.token == Token::Sign("-")
            && matches!(self.peek().token, Token::Int | Token::Float);
        let lexeme = if negative { self.next() } else { first };
        let text = self.plain(lexeme);
        let chars = &self.lexer.chars[lexeme.start..lexeme.end];
        let value = match lexeme.token {
            Token::Int => literal::int(&text, negative)
                .map(Value::Int)
                .ok_or("invalid int literal"),
            Token::Uint => literal::uint(&text)
                .map(Value::Uint)
                .ok_or("invalid uint literal"),
            Token::Float => literal::double(&text, negative)
                .map(Value::Double)
                .ok_or("invalid double literal"),
            Token::String => literal::unquote(chars, false)
                .and_then(|bytes| {
                    String::from_utf8(bytes).map_err(|_| "invalid unicode code point")
                })
                .map(|text| Value::String(Text::Shared(text.into()))),
            Token::Bytes => {
                literal::unquote(&chars[1..], true).map(|bytes| Value::Bytes(bytes.into()))
            }
            Token::Sign("true") => Ok(Value::Bool(true)),
            Token::Sign("false") => Ok(Value::Bool(false)),
            Token::Sign("null") => Ok(Value::Null),
            _ => {
                self.at -= 1;
                return self.no_start(false);
            }
        };
        match value {
            Ok(value) => {
                let id = self.id(first.start);
                Ok(constant(id, value))
            }
            Err(message) => self.fail(first.start, message.to_owned()),
        }
    }
}

pub(super) fn constant(id: Id, value: Value<'static>) -> Expr {
    Expr {
        id,
        kind: Kind::Const(value),
    }
}

pub(super) fn call(id: Id, function: &str, args: Vec<Expr>) -> Expr {
    member_call(id, function, None, args)
}

pub(super) fn member_call(id: Id, function: &str, target: Option<Expr>, args: Vec<Expr>) -> Expr {
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

fn operator(token: Token) -> Option<(usize, &'static str)> {
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
fn balance(function: &str, first: Expr, terms: Vec<(Id, Expr)>) -> Expr {
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
