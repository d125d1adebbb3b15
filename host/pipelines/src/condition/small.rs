//! The small filter language of older clients (FlowG 9.3), told apart from expr by the caller (9.4).

use super::tree::{Expr, Fields, Op, Parsed};

/// A parsed text, and whether a field name in single quotes occurs in it.
pub(super) struct Small {
    pub(super) parsed: Parsed,
    pub(super) quoted_field: bool,
}

const MAX_DEPTH: usize = 100;

/// `None` where the text is not of this language.
pub(super) fn parse(text: &str) -> Option<Small> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, fields: Fields::default(), quoted_field: false };
    let expr = parser.or()?;
    (parser.at == parser.tokens.len())
        .then_some(Small { parsed: Parsed { expr, fields: parser.fields.names }, quoted_field: parser.quoted_field })
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Text(String),
    Sign(&'static str),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..)?;
        let quoted = || after.split_once(first).map(|(inner, after)| (inner.to_owned(), after));
        if first == '"' {
            let (inner, after) = quoted()?;
            (tokens, rest) = (pushed(tokens, Token::Text(inner)), after);
        } else if first == '\'' {
            let (inner, after) = quoted()?;
            (tokens, rest) = (pushed(tokens, Token::Quoted(inner)), after);
        } else if first == '_' || first.is_ascii_alphabetic() {
            let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let (word, after) = rest.split_at_checked(end)?;
            (tokens, rest) = (pushed(tokens, Token::Word(word.to_owned())), after);
        } else {
            let sign = ["!=", "=", "(", ")", "[", "]", ","].into_iter().find(|sign| rest.starts_with(sign))?;
            (tokens, rest) = (pushed(tokens, Token::Sign(sign)), rest.get(sign.len()..)?);
        }
        rest = rest.trim_start();
    }
    Some(tokens)
}

fn pushed(mut tokens: Vec<Token>, token: Token) -> Vec<Token> {
    tokens.push(token);
    tokens
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    fields: Fields,
    quoted_field: bool,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned()?;
        self.at += 1;
        Some(token)
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(known)) if *known == sign);
        self.at += usize::from(found);
        found
    }

    /// A keyword, which is all upper or all lower case.
    fn keyword(&mut self, lower: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(word))
            if word == lower || (word.eq_ignore_ascii_case(lower) && word.chars().all(|c| c.is_ascii_uppercase())));
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Option<Expr> {
        let mut all = vec![self.and()?];
        while self.keyword("or") {
            all.push(self.and()?);
        }
        if all.len() == 1 { all.pop() } else { Some(Expr::Or(all)) }
    }

    fn and(&mut self) -> Option<Expr> {
        let mut all = vec![self.not()?];
        while self.keyword("and") {
            all.push(self.not()?);
        }
        if all.len() == 1 { all.pop() } else { Some(Expr::And(all)) }
    }

    fn not(&mut self) -> Option<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let expr = if self.keyword("not") {
            Expr::Not(Box::new(self.not()?))
        } else if self.sign("(") {
            let inner = self.or()?;
            self.sign(")").then_some(inner)?
        } else {
            self.test()?
        };
        self.depth -= 1;
        Some(expr)
    }

    fn test(&mut self) -> Option<Expr> {
        let name = match self.next()? {
            Token::Word(word) => word,
            Token::Quoted(name) => {
                self.quoted_field = true;
                name
            }
            _ => return None,
        };
        let field = self.fields.number(&name);
        let present = |test: Expr| Expr::And(vec![Expr::Has(field), test]);
        let binary = |op, right| Expr::Binary(op, Box::new(Expr::Field(field)), Box::new(right));
        // An absent field equals nothing, not even the empty text.
        if self.sign("=") {
            Some(present(binary(Op::Equal, self.text()?)))
        } else if self.sign("!=") {
            Some(Expr::Not(Box::new(present(binary(Op::Equal, self.text()?)))))
        } else if self.keyword("in") {
            Some(present(binary(Op::In, self.list()?)))
        } else if self.keyword("not") && self.keyword("in") {
            Some(Expr::Not(Box::new(present(binary(Op::In, self.list()?)))))
        } else {
            None
        }
    }

    fn text(&mut self) -> Option<Expr> {
        match self.next()? {
            Token::Text(text) => Some(Expr::Text(text)),
            _ => None,
        }
    }

    fn list(&mut self) -> Option<Expr> {
        let mut items = Vec::new();
        self.sign("[").then_some(())?;
        while !self.sign("]") {
            if !items.is_empty() {
                self.sign(",").then_some(())?;
            }
            items.push(self.text()?);
        }
        Some(Expr::List(items))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar() {
        for text in [
            r#"level = "error""#,
            r#"'log.level' in ["warn", "error"] and not host = "a""#,
            r#"a NOT IN [] OR (b != "x" AND NOT (c IN ["y"]))"#,
            r#"a not in ["x"]"#,
            r#"a="""#,
        ] {
            assert!(parse(text).is_some(), "{text}");
        }
        for text in [
            "",
            "a",
            "a == \"x\"",
            "a = 'x'",
            "a = \"x\" And b = \"y\"",
            "\"a\" = \"b\"",
            "(a = \"x\"",
            "a in [,]",
            "a in [\"x\",]",
            "a = \"x\" b",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
        assert!(parse(&"(".repeat(100_000)).is_none());
        assert!(parse(&"not ".repeat(100_000)).is_none());
        assert!(parse("'a' = \"x\"").unwrap().quoted_field);
        assert!(!parse("a = \"x\"").unwrap().quoted_field);
    }
}
