//! The statements of an SQL dump, one after the other.
//!
//! What must stay true: of what is no INSERT hardly anything is held, and of an INSERT not more than a bound; a dump that ends
//! in the middle of something is an error.

use super::Flavour;
use headworks_core::{Error, Result};
use std::io::{BufRead, BufReader, Read};

/// The most bytes of a statement that is held.
const MOST: usize = 256 << 20;
/// How much is held of a statement to see what it is.
const BEGINNING: usize = 256;
/// How much of a dump is looked at to see what wrote it.
const HEAD: usize = 4096;
/// What is wanted.
const INSERT: &[u8] = b"INSERT";

/// Reads statements.
pub(super) struct Statements<R> {
    bytes: std::io::Bytes<BufReader<R>>,
    ahead: Option<u8>,
    pub(super) flavour: Flavour,
    /// Counted from 1.
    pub(super) line: u64,
    text: Vec<u8>,
    most: usize,
}

impl<R: Read> Statements<R> {
    pub(super) fn new(from: R) -> Result<Self> {
        let mut from = BufReader::with_capacity(256 << 10, from);
        let head = from.fill_buf().map_err(unread)?;
        let head = String::from_utf8_lossy(head.get(..head.len().min(HEAD)).unwrap_or_default()).into_owned();
        let flavour = match () {
            () if head.contains("MySQL dump") || head.contains("MariaDB dump") => Flavour::MySql,
            () if head.contains("PostgreSQL database dump") => Flavour::PostgreSql,
            () => Flavour::H2,
        };
        Ok(Self { bytes: from.bytes(), ahead: None, flavour, line: 1, text: Vec::new(), most: MOST })
    }

    fn next(&mut self) -> Result<Option<u8>> {
        let byte = match self.ahead.take() {
            Some(byte) => Some(byte),
            None => self.bytes.next().transpose().map_err(unread)?,
        };
        self.line += u64::from(byte == Some(b'\n'));
        Ok(byte)
    }

    fn peek(&mut self) -> Result<Option<u8>> {
        if self.ahead.is_none() {
            self.ahead = self.bytes.next().transpose().map_err(unread)?;
        }
        Ok(self.ahead)
    }

    fn keep(&mut self, byte: u8) -> Result<()> {
        let wanted = self.text.get(..INSERT.len()).is_none_or(|start| start.eq_ignore_ascii_case(INSERT));
        if self.text.len() < if wanted { self.most } else { BEGINNING } {
            self.text.push(byte);
            return Ok(());
        }
        if wanted {
            return Err(Error::invalid(format!("line {}: a statement has more than {} bytes", self.line, self.most)));
        }
        Ok(())
    }

    /// The next statement without comments and the line where it ends; nothing at the end.
    pub(super) fn statement(&mut self) -> Result<Option<(String, u64)>> {
        self.text.clear();
        loop {
            let Some(byte) = self.next()? else {
                if self.text.iter().all(u8::is_ascii_whitespace) {
                    return Ok(None);
                }
                return Err(self.truncated());
            };
            match byte {
                b';' => break,
                b'\'' | b'"' | b'`' => self.quoted(byte)?,
                b'-' if self.peek()? == Some(b'-') => self.pass_line()?,
                b'#' if self.flavour == Flavour::MySql => self.pass_line()?,
                // What psql is told.
                b'\\' if self.text.is_empty() => self.pass_line()?,
                b'/' if self.peek()? == Some(b'*') => self.pass_comment()?,
                b'$' if self.flavour != Flavour::MySql => self.dollar()?,
                byte if byte.is_ascii_whitespace() && self.text.is_empty() => {}
                byte => self.keep(byte)?,
            }
        }
        let line = self.line;
        if !self.text.get(..INSERT.len()).is_some_and(|start| start.eq_ignore_ascii_case(INSERT)) {
            // It may be cut within a letter.
            return Ok(Some((String::from_utf8_lossy(&self.text).into_owned(), line)));
        }
        let text = String::from_utf8(std::mem::take(&mut self.text));
        text.map(|text| Some((text, line))).map_err(|_| Error::invalid(format!("line {line}: the statement is no UTF-8")))
    }

    fn truncated(&self) -> Error {
        Error::invalid(format!("it ends in line {} in the middle of a statement: make the dump again", self.line))
    }

    fn quoted(&mut self, quote: u8) -> Result<()> {
        self.keep(quote)?;
        loop {
            let byte = self.next()?.ok_or_else(|| self.truncated())?;
            self.keep(byte)?;
            if byte == b'\\' && self.flavour == Flavour::MySql && quote != b'`' {
                let byte = self.next()?.ok_or_else(|| self.truncated())?;
                self.keep(byte)?;
            } else if byte == quote {
                // One that is doubled opens again.
                return Ok(());
            }
        }
    }

    fn pass_line(&mut self) -> Result<()> {
        while self.next()?.is_some_and(|byte| byte != b'\n') {}
        if self.text.is_empty() { Ok(()) } else { self.keep(b'\n') }
    }

    fn pass_comment(&mut self) -> Result<()> {
        self.next()?;
        let mut before = 0;
        loop {
            let byte = self.next()?.ok_or_else(|| self.truncated())?;
            if (before, byte) == (b'*', b'/') {
                return Ok(());
            }
            before = byte;
        }
    }

    /// Passes a text in dollar signs, which only functions have.
    fn dollar(&mut self) -> Result<()> {
        let mut tag = vec![b'$'];
        while self.peek()?.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && tag.len() < BEGINNING {
            tag.extend(self.next()?);
        }
        if self.peek()? != Some(b'$') {
            return tag.into_iter().try_for_each(|byte| self.keep(byte));
        }
        tag.extend(self.next()?);
        let mut last = std::collections::VecDeque::with_capacity(tag.len());
        while last != tag {
            let byte = self.next()?.ok_or_else(|| self.truncated())?;
            if last.len() == tag.len() {
                last.pop_front();
            }
            last.push_back(byte);
        }
        Ok(())
    }
}

fn unread(error: std::io::Error) -> Error {
    Error::invalid(format!("it cannot be read: {error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn all(dump: &str) -> Result<Vec<String>> {
        let mut statements = Statements::new(dump.as_bytes())?;
        let mut found = Vec::new();
        while let Some((text, _)) = statements.statement()? {
            found.push(text);
        }
        Ok(found)
    }

    #[test]
    fn a_statement_ends_where_its_texts_are_closed() {
        let h2 = "SET X 1;\n;\n-- a ; b\nINSERT INTO A VALUES('x;''y\\', \"q;\");/* ; */INSERT INTO B VALUES(1 -- c;\n);\n\
                  CREATE ALIAS E AS $$ a; 'b $$;";
        let found = all(h2).unwrap();
        assert_eq!(
            found,
            ["SET X 1", "", "INSERT INTO A VALUES('x;''y\\', \"q;\")", "INSERT INTO B VALUES(1 \n)", "CREATE ALIAS E AS "]
        );
        let mysql = "-- MySQL dump 10\nINSERT INTO `a` VALUES ('it\\'s;','\\\\');# no ;\n/*!40101 SET @a=1 */;";
        assert_eq!(all(mysql).unwrap(), ["INSERT INTO `a` VALUES ('it\\'s;','\\\\')", ""]);
        let postgres = "-- PostgreSQL database dump\n\\restrict abc;\nINSERT INTO a VALUES ('x\\');\n$f$ ; $g$ ; $f$;";
        assert_eq!(all(postgres).unwrap(), ["INSERT INTO a VALUES ('x\\')", ""]);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for dump in ["INSERT INTO A VALUES(1)", "INSERT INTO A VALUES('a", "/* a", "$$ a", "SET"] {
            assert!(all(dump).unwrap_err().message.contains("middle of a statement"), "{dump}");
        }
        assert!(
            Statements::new(&b"INSERT INTO A VALUES('\xff');"[..]).unwrap().statement().unwrap_err().message.contains("UTF-8")
        );
    }

    #[test]
    fn a_giant_line_takes_no_memory_and_a_giant_insert_is_refused() {
        let dump = std::io::repeat(b'x').take(8 << 20).chain(&b";INSERT "[..]).chain(std::io::repeat(b'x').take(8 << 20));
        let mut statements = Statements::new(dump).unwrap();
        statements.most = 1 << 20;
        assert_eq!(statements.statement().unwrap().unwrap().0.len(), BEGINNING);
        assert!(statements.statement().unwrap_err().message.contains("more than 1048576 bytes"));
    }
}
