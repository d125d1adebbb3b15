//! Keys as lists of text segments (FlowG 16).
//!
//! Files of newer servers join the segments with 0x1B, those of older ones with a colon; which it is shows after the first
//! word. Names may hold either byte all the same: what is known to be no name is taken off both ends of a key.

use super::badger::Kv;
use headworks_core::{Error, Result};

/// What we write between segments.
const SEPARATOR: char = '\u{1b}';
const SEPARATORS: [char; 2] = [SEPARATOR, ':'];

/// The key of these segments.
pub(super) fn join(segments: &[&str]) -> String {
    segments.join("\u{1b}")
}

/// The key that says which separator a file has.
pub(super) fn marker(version: u64) -> Kv {
    Kv::new(join(&["__meta__", "migration", "key_separator"]), "", version, 0)
}

/// What is left of a key after its first words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rest<'a> {
    pub(super) text: &'a str,
    separator: char,
}

/// The key without these first words, where it begins with them.
pub(super) fn under<'a>(key: &'a str, words: &[&str]) -> Option<Rest<'a>> {
    let at_separator = |separator: char| {
        let text = words.iter().try_fold(key, |rest, word| rest.strip_prefix(*word)?.strip_prefix(separator))?;
        Some(Rest { text, separator })
    };
    SEPARATORS.into_iter().find_map(at_separator)
}

impl<'a> Rest<'a> {
    /// Takes the last segment off.
    pub(super) fn last(self) -> Option<(Self, &'a str)> {
        let (text, last) = self.text.rsplit_once(self.separator)?;
        Some((Self { text, ..self }, last))
    }

    /// Every way to cut the rest in two around a word; around nothing but a separator where the word is empty.
    pub(super) fn around(self, word: &str) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let separator = self.separator;
        let middle = if word.is_empty() { separator.to_string() } else { format!("{separator}{word}{separator}") };
        let text = self.text;
        let places: Vec<usize> = text.match_indices(separator).map(|(at, _)| at).collect();
        places.into_iter().filter_map(move |at| Some((text.get(..at)?, text.get(at..)?.strip_prefix(middle.as_str())?)))
    }
}

/// Whether a key belongs to no store in particular.
pub(super) fn is_marker(key: &str) -> bool {
    under(key, &["__meta__"]).is_some()
}

/// The text of a key.
pub(super) fn text(kv: &Kv) -> Result<&str> {
    std::str::from_utf8(&kv.key).map_err(|_| refused(&String::from_utf8_lossy(&kv.key), "is no text"))
}

/// The value of a key that holds text.
pub(super) fn value<'a>(key: &str, kv: &'a Kv) -> Result<&'a str> {
    std::str::from_utf8(&kv.value).map_err(|_| refused(key, "has a value that is no text"))
}

/// A key that cannot be restored. Never names its value.
pub(super) fn refused(key: &str, why: &str) -> Error {
    let shown: String = key.chars().map(|c| if c == SEPARATOR { ':' } else { c }).take(200).collect();
    Error::invalid(format!("the key {shown:?} of the backup {why}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_separators_are_read_and_names_may_hold_them() {
        for separator in SEPARATORS {
            let key = ["role", "a:b\u{1b}c", "read_acls"].join(&separator.to_string());
            let (role, scope) = under(&key, &["role"]).unwrap().last().unwrap();
            assert_eq!((role.text, scope), ("a:b\u{1b}c", "read_acls"));
            let key = ["user", "a", "role", "role", "x"].join(&separator.to_string());
            let cuts: Vec<_> = under(&key, &["user"]).unwrap().around("role").collect();
            let other = format!("a{separator}role");
            assert_eq!(cuts, [("a", &*format!("role{separator}x")), (&*other, "x")]);
        }
        assert_eq!(under("role\u{1b}a", &["role", "a"]), None);
        assert_eq!(under("index:role\u{1b}a", &["index", "role"]), None, "one key has one separator");
        assert!(is_marker("__meta__:migration:key_separator") && is_marker(std::str::from_utf8(&marker(1).key).unwrap()));
    }

    proptest! {
        #[test]
        fn keys_are_taken_apart_as_they_were_joined(name in "\\PC{1,20}", last in "[a-z0-9-]{1,36}") {
            let key = join(&["pat", &name, &last]);
            let (rest, found) = under(&key, &["pat"]).unwrap().last().unwrap();
            prop_assert_eq!((rest.text, found), (&*name, &*last));
        }
    }
}
