//! What operators work on: names, calls, literals, lists, maps and structs.

use super::{Outcome, Parser, constant};
use crate::cel::{
    ast::{Entry, Expr, Field, Kind},
    lexer::{Lexeme, Token},
    literal,
    types::RESERVED,
    value::{Text, Value},
};
use std::sync::Arc;

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Outcome<Expr> {
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

    pub(super) fn named(&mut self, first: Lexeme, name: Lexeme, dot: &str) -> Outcome<Expr> {
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
    pub(super) fn message(&mut self) -> Option<(String, Lexeme)> {
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

    pub(super) fn message_fields(&mut self, name: Arc<str>, open: Lexeme) -> Outcome<Expr> {
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

    pub(super) fn list(&mut self, open: Lexeme) -> Outcome<Expr> {
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

    pub(super) fn map(&mut self, open: Lexeme) -> Outcome<Expr> {
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

    pub(super) fn literal(&mut self, first: Lexeme) -> Outcome<Expr> {
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
