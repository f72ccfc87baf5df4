//! The parser: tokens to trees, macros expanded.
//!
//! Depth is limited as cel-go limits it, and then once more for the finished tree: no later pass recurses
//! deeper than [`DEEPEST`].

mod atoms;
mod tree;

pub(super) use self::tree::{call, constant, member_call};

use self::tree::{balance, operator};
use super::{
    ast::{Expr, Id, Kind},
    issues::{Issues, NOWHERE, Place},
    lexer::{Lexeme, Lexer, Token, shown},
    macros,
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
        let message = format!("Syntax error: {kind} input '{found}' expecting <EOF>");
        self.fail(self.peek().start, message)
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
}
