//! The rows of an INSERT as the three databases write them.

use super::Flavour;
use headworks_core::{Error, Result};
use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, SetExpr, Statement, TableObject, UnaryOperator, Value,
};
use sqlparser::dialect::{Dialect, GenericDialect, MySqlDialect, PostgreSqlDialect};
use sqlparser::parser::Parser;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Text(String),
    Number(i64),
    /// Binary data, and whatever is written in hexadecimal.
    Bytes(Vec<u8>),
    /// Data that H2 wrote in pieces before.
    Pieces(i64),
}

/// What is inserted.
pub(super) struct Rows {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// The table of an INSERT, in capital letters and without its schema. Reads its beginning only.
pub(super) fn table(statement: &str) -> Option<String> {
    let (insert, rest) = statement.split_at_checked(6)?;
    let (into, rest) = rest.trim_start().split_at_checked(4)?;
    if !insert.eq_ignore_ascii_case("INSERT") || !into.eq_ignore_ascii_case("INTO") {
        return None;
    }
    let end = rest.trim_start().find(|c: char| c.is_whitespace() || c == '(')?;
    Some(name(rest.trim_start().get(..end)?))
}

/// A name that may be quoted and have a schema, as it is known here.
fn name(text: &str) -> String {
    let last = text.rsplit('.').next().unwrap_or_default();
    last.trim_matches(['"', '`']).to_ascii_uppercase()
}

/// Reads an INSERT.
pub(super) fn read(statement: &str, flavour: Flavour) -> Result<Rows> {
    let dialect: &dyn Dialect = match flavour {
        Flavour::H2 => &GenericDialect {},
        Flavour::MySql => &MySqlDialect {},
        Flavour::PostgreSql => &PostgreSqlDialect {},
    };
    let parsed = Parser::parse_sql(dialect, statement);
    let parsed = parsed.map_err(|error| Error::invalid(format!("the statement cannot be read: {error}")))?;
    let Some(Statement::Insert(insert)) = parsed.into_iter().next() else { return Err(strange("something else than an INSERT")) };
    let TableObject::TableName(_) = &insert.table else { return Err(strange("an INSERT into something else than a table")) };
    let columns = insert.columns.iter().map(|column| name(&column.to_string())).collect();
    let Some(SetExpr::Values(values)) = insert.source.map(|query| *query.body) else {
        return Err(strange("an INSERT without values"));
    };
    let row = |row: Vec<Expr>| row.into_iter().map(cell).collect::<Result<Vec<_>>>();
    let rows = values.rows.into_iter().map(|values| row(values.content)).collect::<Result<_>>()?;
    Ok(Rows { columns, rows })
}

fn strange(what: &str) -> Error {
    Error::invalid(format!("it has {what}, which no known dump has"))
}

fn cell(expr: Expr) -> Result<Cell> {
    match expr {
        Expr::Value(value) => plain(value.value),
        // TIMESTAMP '…' and _binary '…'
        Expr::TypedString(typed) => plain(typed.value.value),
        Expr::Prefixed { value, .. } => cell(*value),
        Expr::Cast { expr, .. } | Expr::Nested(expr) => cell(*expr),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match cell(*expr)? {
            Cell::Number(number) => Ok(Cell::Number(-number)),
            _ => Err(strange("a minus before no number")),
        },
        Expr::Function(function) => call(function),
        other => Err(strange(&format!("the value {}", shortened(&other.to_string())))),
    }
}

fn plain(value: Value) -> Result<Cell> {
    Ok(match value {
        Value::Null => Cell::Null,
        Value::Boolean(value) => Cell::Number(value.into()),
        Value::Number(text, _) => Cell::Number(text.parse().map_err(|_| strange(&format!("the number {}", shortened(&text))))?),
        Value::HexStringLiteral(text) => Cell::Bytes(bytes(&text)?),
        Value::SingleQuotedString(text)
        | Value::DoubleQuotedString(text)
        | Value::EscapedStringLiteral(text)
        | Value::UnicodeStringLiteral(text)
        | Value::NationalStringLiteral(text) => Cell::Text(text),
        other => return Err(strange(&format!("the value {}", shortened(&other.to_string())))),
    })
}

/// The functions that H2 writes.
fn call(function: Function) -> Result<Cell> {
    let called = name(&function.name.to_string());
    let argument = match function.args {
        FunctionArguments::List(mut list) if list.args.len() == 1 => list.args.pop(),
        _ => None,
    };
    let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))) = argument else {
        return Err(strange(&format!("a call of {}", shortened(&called))));
    };
    match (called.as_str(), cell(argument)?) {
        ("STRINGDECODE", Cell::Text(text)) => decoded(&text).map(Cell::Text),
        ("SYSTEM_COMBINE_BLOB" | "SYSTEM_COMBINE_CLOB", Cell::Number(number)) => Ok(Cell::Pieces(number)),
        _ => Err(strange(&format!("a call of {}", shortened(&called)))),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Bytes in hexadecimal.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let bytes = text.as_bytes().chunks(2).map(pair).collect::<Option<Vec<_>>>();
    bytes.ok_or_else(|| strange("binary data that is not in hexadecimal"))
}

/// What H2 means by a text for STRINGDECODE: that of a Java literal.
fn decoded(text: &str) -> Result<String> {
    let wrong = || strange("a text that cannot be decoded");
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            units.extend(letter.encode_utf16(&mut [0; 2]).iter());
            continue;
        }
        units.push(match letters.next().ok_or_else(wrong)? {
            't' => 9,
            'n' => 10,
            'f' => 12,
            'r' => 13,
            'b' => 8,
            'u' => {
                let digits: String = letters.by_ref().take(4).collect();
                u16::from_str_radix(&digits, 16).map_err(|_| wrong())?
            }
            // Three octal digits.
            first @ '0'..='3' => {
                let digits: String = std::iter::once(first).chain(letters.by_ref().take(2)).collect();
                u16::from_str_radix(&digits, 8).map_err(|_| wrong())?
            }
            letter @ ('\\' | '"' | '\'' | '#') => letter as u16,
            _ => return Err(wrong()),
        });
    }
    String::from_utf16(&units).map_err(|_| wrong())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    fn row(statement: &str, flavour: Flavour) -> Vec<Cell> {
        read(statement, flavour).unwrap().rows.remove(0)
    }

    #[test]
    fn what_the_databases_write_is_read() {
        let h2 = "INSERT INTO \"PUBLIC\".\"BUCKET\" VALUES\n('it''s', STRINGDECODE('a\\nb\\\\ \\u00fc\\ud83d\\ude00 ''q'''), NULL, \
                  TIMESTAMP '2026-11-22 15:55:33.8', -1, TRUE, SYSTEM_COMBINE_BLOB(3), X'7b7D', U&'\\00fc')";
        assert_eq!(table(h2).unwrap(), "BUCKET");
        let stamp = text("2026-11-22 15:55:33.8");
        let expected = [
            text("it's"),
            text("a\nb\\ ü😀 'q'"),
            Cell::Null,
            stamp,
            Cell::Number(-1),
            Cell::Number(1),
            Cell::Pieces(3),
            Cell::Bytes(b"{}".to_vec()),
            text("ü"),
        ];
        assert_eq!(row(h2, Flavour::H2), expected);
        let mysql = "INSERT INTO `BUCKET` (`ID`, `NAME`) VALUES ('a\\'b\\n\\\\',_binary '{\\\"a\\\":1}',0x7B7D,'ü',NULL)";
        let expected = [text("a'b\n\\"), text("{\"a\":1}"), Cell::Bytes(b"{}".to_vec()), text("ü"), Cell::Null];
        assert_eq!(row(mysql, Flavour::MySql), expected);
        assert_eq!(
            (table(mysql).unwrap(), read(mysql, Flavour::MySql).unwrap().columns),
            ("BUCKET".to_owned(), vec!["ID".to_owned(), "NAME".to_owned()])
        );
        let postgres = "INSERT INTO public.bucket VALUES ('a\\b', '\\x7b7d', '2026-11-22 15:55:33.8', E'a\\nb')";
        assert_eq!(
            row(postgres, Flavour::PostgreSql),
            [text("a\\b"), text("\\x7b7d"), text("2026-11-22 15:55:33.8"), text("a\nb")]
        );
        assert_eq!(table(postgres).unwrap(), "BUCKET");
    }

    #[test]
    fn what_no_dump_has_is_refused_by_name() {
        for (statement, told) in [
            ("INSERT INTO A VALUES (1 + 1)", "the value 1 + 1"),
            ("INSERT INTO A VALUES (load_file('/etc/passwd'))", "a call of LOAD_FILE"),
            ("INSERT INTO A SELECT * FROM B", "without values"),
            ("INSERT INTO A VALUES (X'7')", "hexadecimal"),
            ("INSERT INTO A VALUES (STRINGDECODE('\\ud83d'))", "cannot be decoded"),
            ("INSERT INTO A VALUES (", "cannot be read"),
        ] {
            let error = read(statement, Flavour::H2).map(|rows| rows.rows).unwrap_err().message;
            assert!(error.contains(told), "{error}");
        }
        let deep = format!("INSERT INTO A VALUES ({}1{})", "(".repeat(100_000), ")".repeat(100_000));
        assert!(read(&deep, Flavour::H2).is_err());
    }
}
