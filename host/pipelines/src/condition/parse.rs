//! The grammar of expr (FlowG 9.2): text to tree, with a bound on nesting.

use super::lex::{Token, tokens};
use super::tree::{Expr, Fields, Op, Parsed, takes_predicate};

/// The deepest nesting of a condition. Chains of `and` and of `or` count as one level.
const MAX_DEPTH: usize = 100;

/// What an operator token does, and how strongly it binds.
#[derive(Clone, Copy, PartialEq)]
enum Infix {
    Pipe,
    Or,
    And,
    Plain(Op),
    Default,
}

fn infix(token: &Token) -> Option<(Infix, usize)> {
    let text = match token {
        Token::Word(word) => word.as_str(),
        Token::Sign(sign) => sign,
        _ => return None,
    };
    Some(match text {
        "|" => (Infix::Pipe, 0),
        "or" | "||" => (Infix::Or, 10),
        "and" | "&&" => (Infix::And, 15),
        "==" => (Infix::Plain(Op::Equal), 20),
        "!=" => (Infix::Plain(Op::NotEqual), 20),
        "<" => (Infix::Plain(Op::Less), 20),
        "<=" => (Infix::Plain(Op::LessOrEqual), 20),
        ">" => (Infix::Plain(Op::Greater), 20),
        ">=" => (Infix::Plain(Op::GreaterOrEqual), 20),
        "in" => (Infix::Plain(Op::In), 20),
        "matches" => (Infix::Plain(Op::Matches), 20),
        "contains" => (Infix::Plain(Op::Contains), 20),
        "startsWith" => (Infix::Plain(Op::StartsWith), 20),
        "endsWith" => (Infix::Plain(Op::EndsWith), 20),
        ".." => (Infix::Plain(Op::Range), 25),
        "+" => (Infix::Plain(Op::Add), 30),
        "-" => (Infix::Plain(Op::Subtract), 30),
        "*" => (Infix::Plain(Op::Multiply), 60),
        "/" => (Infix::Plain(Op::Divide), 60),
        "%" => (Infix::Plain(Op::Modulo), 60),
        "**" | "^" => (Infix::Plain(Op::Power), 100),
        "??" => (Infix::Default, 500),
        _ => return None,
    })
}

fn is_order(infix: Infix) -> bool {
    matches!(infix, Infix::Plain(op) if op.is_order())
}

/// How strongly a prefix operator binds.
fn prefix(token: &Token) -> Option<usize> {
    match token {
        Token::Word(word) if word == "not" => Some(50),
        Token::Sign("!") => Some(50),
        Token::Sign("-" | "+") => Some(90),
        _ => None,
    }
}

fn can_be_negated(token: &Token) -> bool {
    ["in", "matches", "contains", "startsWith", "endsWith"].iter().any(|word| token.is(word))
}

/// What a bare name means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// A field of the record.
    Fields,
    /// `log` is the record, `timestamp` its time, and there is nothing else (FlowG 11).
    Template,
}

/// Reads a whole condition.
pub(super) fn parse(text: &str, names: Names) -> Result<Parsed, String> {
    let mut parser =
        Parser { tokens: tokens(text)?, at: 0, depth: 0, names, fields: Fields::default(), locals: Vec::new(), predicates: 0 };
    let tree = parser.sequence()?;
    match parser.peek() {
        None => Ok(Parsed { expr: tree.expr, fields: parser.fields.names }),
        Some(token) => Err(format!("unexpected token {token}")),
    }
}

/// An expression and how deeply it is nested, so that nothing that walks it later can exhaust the stack.
struct Tree {
    expr: Expr,
    depth: usize,
}

type Parse<T = Tree> = Result<T, String>;

fn over(depth: usize, expr: Expr) -> Parse {
    if depth >= MAX_DEPTH {
        return Err(format!("the expression is nested more than {MAX_DEPTH} levels deep"));
    }
    Ok(Tree { expr, depth: depth + 1 })
}

fn leaf(expr: Expr) -> Tree {
    Tree { expr, depth: 1 }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    names: Names,
    fields: Fields,
    locals: Vec<String>,
    predicates: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn peek_is(&self, text: &str) -> bool {
        self.peek().is_some_and(|token| token.is(text))
    }

    fn next(&mut self) -> Parse<Token> {
        let token = self.peek().cloned().ok_or("unexpected end of the expression")?;
        self.at += 1;
        Ok(token)
    }

    fn accept(&mut self, text: &str) -> bool {
        let found = self.peek_is(text);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, text: &str) -> Parse<()> {
        if self.accept(text) {
            return Ok(());
        }
        Err(match self.peek() {
            Some(token) => format!("unexpected token {token}, {text:?} is expected"),
            None => format!("unexpected end of the expression, {text:?} is expected"),
        })
    }

    fn word(&mut self) -> Parse<String> {
        match self.next()? {
            Token::Word(word) if !word.starts_with('#') => Ok(word),
            token => Err(format!("unexpected token {token}, a name is expected")),
        }
    }

    fn field(&mut self, name: &str) -> usize {
        self.fields.number(name)
    }

    /// Statements, of which the last is the value.
    fn sequence(&mut self) -> Parse {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("the expression is nested more than {MAX_DEPTH} levels deep"));
        }
        let known = self.locals.len();
        let mut statements = Vec::new();
        let last = loop {
            if self.accept("let") {
                let name = self.word()?;
                self.expect("=")?;
                let value = self.expression(0)?;
                self.expect(";")?;
                self.locals.push(name.clone());
                statements.push((name, value));
                continue;
            }
            let value = self.expression(0)?;
            if self.accept(";") && self.peek().is_some_and(|token| !token.is(")") && !token.is("}")) {
                statements.push((String::new(), value));
                continue;
            }
            break value;
        };
        self.locals.truncate(known);
        self.depth -= 1;
        statements.into_iter().rev().try_fold(last, |body, (name, value)| {
            let depth = value.depth.max(body.depth);
            over(depth, Expr::Let { name, value: Box::new(value.expr), body: Box::new(body.expr) })
        })
    }

    fn expression(&mut self, least: usize) -> Parse {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("the expression is nested more than {MAX_DEPTH} levels deep"));
        }
        let mut left = if least == 0 && self.peek_is("if") { self.if_else()? } else { self.primary()? };
        let mut after_default = false;
        while let Some(token) = self.peek() {
            let negated = token.is("not") && self.tokens.get(self.at + 1).is_some_and(can_be_negated);
            let operator = if negated { self.tokens.get(self.at + 1) } else { Some(token) };
            let Some((infix, strength)) = operator.and_then(infix).filter(|(_, strength)| *strength >= least) else { break };
            if after_default && !matches!(infix, Infix::Default | Infix::Pipe) {
                return Err("?? cannot be mixed with other operators without parentheses".to_owned());
            }
            after_default = infix == Infix::Default;
            self.at += 1 + usize::from(negated);
            left = self.operation(left, infix, strength, negated)?;
        }
        if least == 0 {
            left = self.ternary(left)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operation(&mut self, left: Tree, infix: Infix, strength: usize, negated: bool) -> Parse {
        if infix == Infix::Pipe {
            let name = self.word()?;
            return self.call(name, Some(left)).and_then(|call| self.postfix(call));
        }
        // `^` groups to the right, everything else to the left.
        let right = self.expression(if infix == Infix::Plain(Op::Power) { strength } else { strength + 1 })?;
        let depth = left.depth.max(right.depth);
        match infix {
            Infix::And => {
                let (mut all, depth) = match left.expr {
                    Expr::And(all) => (all, depth.saturating_sub(1).max(right.depth)),
                    expr => (vec![expr], depth),
                };
                all.push(right.expr);
                over(depth, Expr::And(all))
            }
            Infix::Or => {
                let (mut all, depth) = match left.expr {
                    Expr::Or(all) => (all, depth.saturating_sub(1).max(right.depth)),
                    expr => (vec![expr], depth),
                };
                all.push(right.expr);
                over(depth, Expr::Or(all))
            }
            Infix::Default => over(depth, Expr::Default(Box::new(left.expr), Box::new(right.expr))),
            Infix::Plain(op) => {
                let tree = if op.is_order() { self.comparison(left, op, right)? } else { self.binary(left, op, right)? };
                if negated { over(tree.depth, Expr::Not(Box::new(tree.expr))) } else { Ok(tree) }
            }
            Infix::Pipe => Ok(left),
        }
    }

    /// `1 < x < 3` means `1 < x and x < 3`. What stands between two signs is copied, so it must be small.
    fn comparison(&mut self, left: Tree, op: Op, right: Tree) -> Parse {
        let mut first = Some((left, op, right));
        let mut all = Vec::new();
        let mut depth = 1;
        while let Some((left, op, right)) = first.take() {
            if let Some((Infix::Plain(next), strength)) = self.peek().and_then(infix).filter(|(infix, _)| is_order(*infix)) {
                if right.depth > 3 {
                    return Err(format!("what stands between two {} is too long", next.text()));
                }
                self.at += 1;
                let middle = Tree { expr: right.expr.clone(), depth: right.depth };
                first = Some((middle, next, self.expression(strength + 1)?));
            }
            let one = self.binary(left, op, right)?;
            depth = depth.max(one.depth);
            all.push(one.expr);
        }
        match <[Expr; 1]>::try_from(all) {
            Ok([only]) => Ok(Tree { expr: only, depth }),
            Err(all) => over(depth, Expr::And(all)),
        }
    }

    fn binary(&mut self, left: Tree, op: Op, right: Tree) -> Parse {
        let depth = left.depth.max(right.depth);
        match (left.expr, op, right.expr) {
            (Expr::Text(name), Op::In, Expr::Env) => Ok(leaf(Expr::Has(self.field(&name)))),
            (left, op, right) => over(depth, Expr::Binary(op, Box::new(left), Box::new(right))),
        }
    }

    fn ternary(&mut self, condition: Tree) -> Parse {
        let (yes, no) = if self.accept("?:") {
            // The value of `a ?: b` is that of the condition where it is true, which is true.
            (leaf(Expr::Bool(true)), self.expression(0)?)
        } else if self.accept("?") {
            let yes = self.expression(0)?;
            self.expect(":")?;
            (yes, self.expression(0)?)
        } else {
            return Ok(condition);
        };
        let depth = condition.depth.max(yes.depth).max(no.depth);
        over(depth, Expr::Conditional(Box::new(condition.expr), Box::new(yes.expr), Box::new(no.expr)))
    }

    fn if_else(&mut self) -> Parse {
        self.expect("if")?;
        let condition = self.expression(0)?;
        self.expect("{")?;
        let yes = self.sequence()?;
        self.expect("}")?;
        self.expect("else")?;
        let no = if self.peek_is("if") {
            // An `else if` nests as deeply as its text does not show.
            self.expression(0)?
        } else {
            self.expect("{")?;
            let no = self.sequence()?;
            self.expect("}")?;
            no
        };
        let depth = condition.depth.max(yes.depth).max(no.depth);
        over(depth, Expr::Conditional(Box::new(condition.expr), Box::new(yes.expr), Box::new(no.expr)))
    }

    fn primary(&mut self) -> Parse {
        let token = self.next()?;
        if let Some(strength) = prefix(&token) {
            let operand = self.expression(strength)?;
            let expr = match (&token, operand.expr) {
                (Token::Sign("-"), Expr::Integer(value)) => Expr::Integer(value.wrapping_neg()),
                (Token::Sign("-"), Expr::Float(value)) => Expr::Float(-value),
                (Token::Sign(sign @ ("-" | "+")), expr) => Expr::Sign(*sign == "-", Box::new(expr)),
                (_, expr) => Expr::Not(Box::new(expr)),
            };
            return over(operand.depth, expr).and_then(|tree| self.postfix(tree));
        }
        let tree = match token {
            Token::Integer(value) => leaf(Expr::Integer(value)),
            Token::Float(value) => leaf(Expr::Float(value)),
            Token::Text(value) => leaf(Expr::Text(value)),
            Token::Bytes(value) => leaf(Expr::Bytes(value)),
            Token::Sign("(") => {
                let inner = self.sequence()?;
                self.expect(")")?;
                inner
            }
            Token::Sign("[") => self.list()?,
            Token::Sign("{") => self.map()?,
            Token::Sign(".") if self.predicates > 0 => {
                let name = self.word()?;
                over(1, index(Expr::Element("#".to_owned()), Expr::Text(name), false))?
            }
            Token::Word(word) if word.starts_with('#') => {
                if self.predicates == 0 {
                    return Err(format!("unexpected token {word} outside a predicate"));
                }
                leaf(Expr::Element(word))
            }
            Token::Word(word) => self.name(word)?,
            token @ Token::Sign(_) => return Err(format!("unexpected token {token}")),
        };
        self.postfix(tree)
    }

    fn name(&mut self, word: String) -> Parse {
        Ok(leaf(match word.as_str() {
            "true" => Expr::Bool(true),
            "false" => Expr::Bool(false),
            "nil" => Expr::Nil,
            "$env" => Expr::Env,
            "and" | "or" | "in" | "matches" | "contains" | "startsWith" | "endsWith" | "let" | "if" | "else" => {
                return Err(format!("unexpected token {word}"));
            }
            _ if self.accept("(") => return self.call_after_bracket(word, None),
            _ if self.locals.contains(&word) => Expr::Local(word),
            _ => match (self.names, word.as_str()) {
                (Names::Fields, _) => Expr::Field(self.field(&word)),
                (Names::Template, "log") => Expr::Env,
                (Names::Template, "timestamp") => Expr::Time,
                (Names::Template, _) => Expr::Nil,
            },
        }))
    }

    fn call(&mut self, name: String, first: Option<Tree>) -> Parse {
        self.expect("(")?;
        self.call_after_bracket(name, first)
    }

    fn call_after_bracket(&mut self, name: String, first: Option<Tree>) -> Parse {
        let mut depth = first.as_ref().map_or(1, |tree| tree.depth);
        let mut arguments: Vec<Expr> = first.into_iter().map(|tree| tree.expr).collect();
        let mut predicate = None;
        while !self.accept(")") {
            // The first argument is what is gone through, the second is evaluated for each element.
            let tree = if arguments.len() == 1 && predicate.is_none() && takes_predicate(&name) {
                self.predicate()?
            } else {
                self.expression(0)?
            };
            depth = depth.max(tree.depth);
            if arguments.len() == 1 && predicate.is_none() && takes_predicate(&name) {
                predicate = Some(Box::new(tree.expr));
            } else {
                arguments.push(tree.expr);
            }
            if !self.accept(",") && !self.peek_is(")") {
                self.expect(")")?;
            }
        }
        over(depth, Expr::Call { name, arguments, predicate })
    }

    fn predicate(&mut self) -> Parse {
        self.predicates += 1;
        let tree = if self.accept("{") {
            let tree = self.sequence()?;
            self.expect("}")?;
            tree
        } else {
            self.expression(0)?
        };
        self.predicates -= 1;
        Ok(tree)
    }

    fn list(&mut self) -> Parse {
        let mut items = Vec::new();
        let mut depth = 1;
        while !self.accept("]") {
            let item = self.expression(0)?;
            depth = depth.max(item.depth);
            items.push(item.expr);
            if !self.accept(",") && !self.peek_is("]") {
                self.expect("]")?;
            }
        }
        over(depth, Expr::List(items))
    }

    fn map(&mut self) -> Parse {
        let mut entries = Vec::new();
        let mut depth = 1;
        while !self.accept("}") {
            let key = match self.next()? {
                Token::Word(word) => word,
                Token::Text(text) => text,
                Token::Integer(number) => number.to_string(),
                token => return Err(format!("a map key must be a name, a text or a number, not {token}")),
            };
            self.expect(":")?;
            let value = self.expression(0)?;
            depth = depth.max(value.depth);
            entries.push((key, value.expr));
            if !self.accept(",") && !self.peek_is("}") {
                self.expect("}")?;
            }
        }
        over(depth, Expr::Map(entries))
    }

    fn postfix(&mut self, mut tree: Tree) -> Parse {
        loop {
            let optional = self.accept("?.");
            if optional && !self.peek_is("[") || !optional && self.accept(".") {
                tree = self.member(tree, optional)?;
            } else if self.accept("[") {
                tree = self.index(tree, optional)?;
            } else {
                return Ok(tree);
            }
        }
    }

    fn member(&mut self, of: Tree, optional: bool) -> Parse {
        let name = self.word()?;
        if !self.accept("(") {
            return self.indexed(of, leaf(Expr::Text(name)), optional);
        }
        let Tree { expr: Expr::Call { name, arguments, .. }, depth } = self.call_after_bracket(format!(".{name}"), None)? else {
            return Err("unexpected method".to_owned());
        };
        let name = name.trim_start_matches('.').to_owned();
        over(depth.max(of.depth), Expr::Method { of: Box::new(of.expr), name, arguments })
    }

    fn index(&mut self, of: Tree, optional: bool) -> Parse {
        let from = if self.peek_is(":") { None } else { Some(self.expression(0)?) };
        if !self.accept(":") {
            self.expect("]")?;
            let at = from.ok_or("an index is expected")?;
            return self.indexed(of, at, optional);
        }
        let to = if self.peek_is("]") { None } else { Some(self.expression(0)?) };
        self.expect("]")?;
        let depth = [Some(&of), from.as_ref(), to.as_ref()].into_iter().flatten().map(|tree| tree.depth).max().unwrap_or(1);
        let part = |tree: Option<Tree>| tree.map(|tree| Box::new(tree.expr));
        over(depth, Expr::Slice { of: Box::new(of.expr), from: part(from), to: part(to) })
    }

    fn indexed(&mut self, of: Tree, at: Tree, optional: bool) -> Parse {
        match (of.expr, at.expr) {
            (Expr::Env, Expr::Text(name)) => Ok(leaf(Expr::EnvField(self.field(&name)))),
            (of_expr, at_expr) => over(of.depth.max(at.depth), index(of_expr, at_expr, optional)),
        }
    }
}

fn index(of: Expr, at: Expr, optional: bool) -> Expr {
    Expr::Index { of: Box::new(of), at: Box::new(at), optional }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Parsed, String> {
        super::parse(text, Names::Fields)
    }

    fn field(number: usize) -> Box<Expr> {
        Box::new(Expr::Field(number))
    }

    fn parsed(text: &str) -> Expr {
        parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).expr
    }

    #[test]
    fn precedence_is_that_of_the_table() {
        let x = || Box::new(Expr::Text("x".into()));
        assert_eq!(parsed("not a == 'x'"), Expr::Binary(Op::Equal, Box::new(Expr::Not(field(0))), x()));
        assert_eq!(parsed("a or b and c or d"), Expr::Or(vec![*field(0), Expr::And(vec![*field(1), *field(2)]), *field(3)]));
        assert_eq!(parsed("a not in b"), Expr::Not(Box::new(Expr::Binary(Op::In, field(0), field(1)))));
        assert_eq!(parsed("a not startsWith 'x'"), Expr::Not(Box::new(Expr::Binary(Op::StartsWith, field(0), x()))));
        assert_eq!(parsed("1 + 2 * 3 ** 2 ** 2"), parsed("1 + (2 * (3 ** (2 ** 2)))"));
        assert_eq!(parsed("a ?? b"), Expr::Default(field(0), field(1)));
        assert_eq!(parsed("a == b ?? c"), parsed("a == (b ?? c)"));
        assert!(parse("a ?? b == c").is_err());
        assert_eq!(parsed("1 < a < 3"), parsed("1 < a and a < 3"));
        assert_eq!(parsed("a | upper()"), parsed("upper(a)"));
        assert_eq!(parsed("a ? 1 : b ? 2 : 3"), parsed("a ? 1 : (b ? 2 : 3)"));
        assert_eq!(parsed("if a { 1 } else if b { 2 } else { 3 }"), parsed("a ? 1 : (b ? 2 : 3)"));
    }

    #[test]
    fn env_names_fields() {
        assert_eq!(parsed("$env['a.b']"), Expr::EnvField(0));
        assert_eq!(parsed("$env.a"), Expr::EnvField(0));
        assert_eq!(parsed("'a' in $env"), Expr::Has(0));
        assert_eq!(parse("a == $env['a']").unwrap().fields, ["a"]);
    }

    #[test]
    fn words_that_begin_like_keywords_are_fields() {
        for name in ["notify", "trueish", "nilable", "order", "inner", "iffy", "lettuce", "android"] {
            assert_eq!(parse(&format!("{name} == 'x'")).unwrap().fields, [name]);
        }
    }

    #[test]
    fn predicates_bind_their_element() {
        let call = parsed("any(['a'], message contains #)");
        assert!(matches!(&call, Expr::Call { predicate: Some(_), arguments, .. } if arguments.len() == 1));
        assert_eq!(parsed("any(['a'], {message contains #})"), call);
        assert!(parse("# == 1").is_err());
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in
            ["", "a ==", "== a", "(a", "a)", "a b", "[1, 2", "f(", "a = 'x'", "a AND b", "{a}", "let x = 1", "a.", "1 +", ";"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded_without_using_up_the_stack() {
        let deep = [
            "(".repeat(100_000),
            "not ".repeat(100_000),
            "[".repeat(100_000),
            "a[".repeat(100_000),
            "-".repeat(100_000),
            "a ? ".repeat(100_000),
            "f(".repeat(100_000),
            "any(a, ".repeat(100_000),
            "{a:".repeat(100_000),
            "a ** ".repeat(100_000),
            "if ".repeat(100_000),
            format!("a{}", " + a".repeat(100_000)),
            format!("a{}", ".b".repeat(100_000)),
            format!("a{}", "[0]".repeat(100_000)),
            format!("{}a", "let x = 1;".repeat(100_000)),
            format!("a{}", " | upper()".repeat(100_000)),
        ];
        for text in deep {
            assert!(parse(&text).is_err(), "{}", text.get(..20).unwrap());
        }
        assert!(parse(&format!("a == 'x'{}", " or a == 'x'".repeat(5_000))).is_ok());
        assert!(parse(&format!("{}a{}", "(".repeat(40), ")".repeat(40))).is_ok());
    }
}
