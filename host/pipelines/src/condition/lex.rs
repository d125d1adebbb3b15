//! Tokens of expr (FlowG 9.2).

/// The longest text of a condition, in bytes.
pub(super) const MAX_LENGTH: usize = 64 * 1024;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Integer(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// A name, `#`, `#name`, or an operator that is a word.
    Word(String),
    /// An operator or bracket that is no word.
    Sign(&'static str),
}

impl Token {
    pub(super) fn is(&self, text: &str) -> bool {
        match self {
            Self::Word(word) => word == text,
            Self::Sign(sign) => *sign == text,
            _ => false,
        }
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::Bytes(_) => f.write_str("bytes"),
            Self::Word(word) => f.write_str(word),
            Self::Sign(sign) => f.write_str(sign),
        }
    }
}

/// Longer signs first.
const SIGNS: [&str; 33] = [
    "?.", "??", "?:", "==", "!=", "<=", ">=", "&&", "||", "**", "..", "?", ":", "<", ">", "!", "+", "-", "*", "/", "%", "^", "|",
    "(", ")", "[", "]", "{", "}", ",", ";", "=", ".",
];

/// The tokens of a text, or what is wrong with it.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut lexer = Lexer { rest: text };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'t> {
    rest: &'t str,
}

impl<'t> Lexer<'t> {
    fn next(&mut self) -> Result<Option<Token>, String> {
        self.skip_blanks()?;
        let mut chars = self.rest.chars();
        let (Some(first), second) = (chars.next(), chars.next()) else { return Ok(None) };
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let token = if first == '"' || first == '\'' {
            Token::Text(String::from_utf8(self.quoted(first, false)?).map_err(|_| "invalid UTF-8 in a text".to_owned())?)
        } else if first == '`' {
            let inner = self.rest.strip_prefix('`').and_then(|rest| rest.split_once('`'));
            let (text, rest) = inner.ok_or("literal not terminated")?;
            self.rest = rest;
            Token::Text(text.to_owned())
        } else if matches!(first, 'b' | 'B') && matches!(second, Some('"' | '\'')) {
            self.rest = self.rest.get(1..).unwrap_or_default();
            Token::Bytes(self.quoted(second.unwrap_or('"'), true)?)
        } else if digit(Some(first)) || (first == '.' && digit(second)) {
            self.number()?
        } else if first == '#' || is_name_start(first) {
            let end = self.rest.char_indices().skip(1).find(|&(_, c)| !is_name(c)).map_or(self.rest.len(), |(at, _)| at);
            Token::Word(self.take(end).to_owned())
        } else {
            let sign = SIGNS.into_iter().find(|sign| self.rest.starts_with(sign));
            let sign = sign.ok_or_else(|| format!("unrecognized character: {first:?}"))?;
            // `a ?.5 : 1` is a ternary, not optional access.
            let sign = if sign == "?." && digit(self.rest.chars().nth(2)) { "?" } else { sign };
            self.take(sign.len());
            Token::Sign(sign)
        };
        Ok(Some(token))
    }

    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn skip_blanks(&mut self) -> Result<(), String> {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with("//") {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            } else if let Some(rest) = self.rest.strip_prefix("/*") {
                self.rest = rest.split_once("*/").map(|(_, rest)| rest).ok_or("unclosed comment")?;
            } else {
                return Ok(());
            }
        }
    }

    fn number(&mut self) -> Result<Token, String> {
        let prefixed = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)];
        if let Some((_, radix)) = prefixed.into_iter().find(|(prefix, _)| self.rest.starts_with(prefix)) {
            self.take(2);
            let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
            let digits = self.take(end).replace('_', "");
            return i64::from_str_radix(&digits, radix).map(Token::Integer).map_err(|_| "bad number syntax".to_owned());
        }
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
        let after = |at: usize| self.rest.get(at..).unwrap_or_default();
        let mut end = digits(self.rest);
        let mut float = false;
        if after(end).starts_with('.') && !after(end).starts_with("..") {
            float = true;
            end += 1 + digits(after(end + 1));
        }
        if after(end).starts_with(['e', 'E']) {
            let sign = usize::from(after(end + 1).starts_with(['+', '-']));
            let exponent = digits(after(end + 1 + sign));
            float = true;
            end += 1 + sign + exponent;
        }
        if after(end).starts_with(is_name) {
            return Err("bad number syntax".to_owned());
        }
        let text = self.take(end).replace('_', "");
        if float {
            let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
            value.map(Token::Float).ok_or_else(|| format!("invalid float literal {text}"))
        } else {
            text.parse().map(Token::Integer).map_err(|_| format!("invalid integer literal {text}"))
        }
    }

    /// The content of a quoted literal, escapes resolved.
    fn quoted(&mut self, quote: char, bytes: bool) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let mut chars = self.rest.chars();
        chars.next();
        loop {
            match chars.next() {
                None | Some('\n' | '\r') => return Err("literal not terminated".to_owned()),
                Some(c) if c == quote => break,
                Some('\\') => escape(&mut chars, bytes, &mut out)?,
                Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.rest = chars.as_str();
        Ok(out)
    }
}

fn is_name_start(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphabetic()
}

fn is_name(c: char) -> bool {
    is_name_start(c) || c.is_numeric()
}

/// Resolves what follows a backslash. Numeric escapes are bytes in a bytes literal, characters elsewhere.
fn escape(chars: &mut std::str::Chars<'_>, bytes: bool, out: &mut Vec<u8>) -> Result<(), String> {
    let bad = || "unable to unescape string".to_owned();
    let c = chars.next().ok_or_else(bad)?;
    let (radix, digits) = match c {
        'x' => (16, 2),
        'u' if !bytes => (16, 4),
        'U' if !bytes => (16, 8),
        '0'..='7' => (8, 3),
        _ => {
            out.push(match c {
                'a' => 7,
                'b' => 8,
                'f' => 12,
                'n' => b'\n',
                'r' => b'\r',
                't' => b'\t',
                'v' => 11,
                '\\' | '\'' | '"' | '`' | '/' => c as u8,
                _ => return Err(bad()),
            });
            return Ok(());
        }
    };
    let mut number = if radix == 8 { c.to_digit(8).unwrap_or_default() } else { 0 };
    for _ in usize::from(radix == 8)..digits {
        let digit = chars.next().and_then(|c| c.to_digit(radix)).ok_or_else(bad)?;
        number = number.checked_mul(radix).and_then(|number| number.checked_add(digit)).ok_or_else(bad)?;
    }
    if bytes {
        out.push(u8::try_from(number).map_err(|_| bad())?);
    } else {
        let c = char::from_u32(number).ok_or_else(bad)?;
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn one(text: &str) -> Token {
        let tokens = tokens(text).unwrap();
        assert_eq!(tokens.len(), 1, "{text}: {tokens:?}");
        tokens.into_iter().next().unwrap()
    }

    #[test]
    fn literals() {
        for (text, token) in [
            ("42", Token::Integer(42)),
            ("1_000", Token::Integer(1000)),
            ("0x_2A", Token::Integer(42)),
            ("0o17", Token::Integer(15)),
            ("0b101", Token::Integer(5)),
            (".5", Token::Float(0.5)),
            ("1.5e-2", Token::Float(0.015)),
            ("1e3", Token::Float(1000.0)),
            (r#""a\"b\n\u00e9\x41\101""#, Token::Text("a\"b\né\u{41}A".into())),
            ("'it\\'s'", Token::Text("it's".into())),
            ("`raw\\n\n`", Token::Text("raw\\n\n".into())),
            (r#"b"\xff\n""#, Token::Bytes(vec![255, 10])),
            ("notify", Token::Word("notify".into())),
            ("#acc", Token::Word("#acc".into())),
            ("größe", Token::Word("größe".into())),
        ] {
            assert_eq!(one(text), token);
        }
        for bad in ["\"a", "'a\n'", "1x", "0xg", "9223372036854775808", "1e999", "\"\\q\"", "@", "/* x", "`a", "\"\\ud800\""] {
            assert!(tokens(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn blanks_and_comments_separate() {
        assert_eq!(tokens("a /* x */ == // y\n 'b'").unwrap().len(), 3);
        assert_eq!(tokens("1..3").unwrap(), [Token::Integer(1), Token::Sign(".."), Token::Integer(3)]);
        assert_eq!(tokens("a?.b").unwrap().get(1), Some(&Token::Sign("?.")));
    }
}
