//! Names of buckets and flows as names of files.
//!
//! What must stay true: whatever a user calls something, its name here is one part of a path that is neither a way up nor
//! anything that Git keeps for itself.

use std::collections::HashSet;

/// The most bytes of a name: file systems take 255, and an ending or an identifier may follow.
const MOST: usize = 150;

/// What the reference puts into names of files for a letter.
pub(crate) fn usable(letter: char) -> char {
    match letter {
        '"' | '<' | '>' | '|' | ':' | '*' | '?' | '\\' | '/' | ' ' => '_',
        letter if letter.is_control() => '_',
        letter => letter,
    }
}

/// Makes a name safe: what not every file system takes becomes an underscore, as the reference does it (NiFi Registry 22.1).
pub(super) fn safe(name: &str) -> String {
    let mut safe: String = name.chars().map(usable).collect();
    let end = (0..=MOST).rev().find(|end| safe.is_char_boundary(*end)).unwrap_or_default();
    if safe.len() > MOST {
        safe.truncate(end);
    }
    // `.`, `..`, `.git`, and what other file systems take for the last of them.
    if safe.is_empty() || safe.starts_with('.') || safe.to_lowercase().starts_with("git~") {
        safe.insert(0, '_');
    }
    safe
}

/// The name for something that is called `name`: the one it has where that still fits, another where others have it.
pub(super) fn placed(name: &str, id: &str, present: Option<&str>, ending: &str, taken: &HashSet<String>) -> String {
    let plain = safe(name);
    let own = format!("{plain}_{}", safe(id));
    let candidates = [format!("{plain}{ending}"), format!("{own}{ending}")];
    if let Some(present) = present.filter(|present| candidates.iter().any(|candidate| candidate == present)) {
        return present.to_owned();
    }
    let [plain, own] = candidates;
    // File systems that take large and small letters for the same are common.
    if taken.contains(&plain.to_lowercase()) { own } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_elsewhere() {
        for (name, expected) in [
            ("ops", "ops"),
            ("ops: a/b", "ops__a_b"),
            ("..", "_.."),
            (".git", "_.git"),
            (".g\u{200c}it", "_.g\u{200c}it"),
            ("GIT~1", "_GIT~1"),
            ("../../etc/passwd", "_.._.._etc_passwd"),
            ("a\nb\u{7f}", "a_b_"),
            ("größe", "größe"),
        ] {
            assert_eq!(safe(name), expected);
        }
        let long = safe(&"ü".repeat(1000));
        assert_eq!((long.len(), long.chars().count()), (150, 75));
    }

    #[test]
    fn two_of_the_same_name_get_different_files() {
        let taken = HashSet::from(["a_b".to_owned()]);
        assert_eq!(placed("a/b", "1", None, "", &HashSet::new()), "a_b");
        assert_eq!(placed("A?B", "2", None, "", &taken), "A_B_2");
        assert_eq!(placed("A?B", "2", Some("A_B_2"), "", &HashSet::new()), "A_B_2");
        assert_eq!(placed("c", "2", Some("A_B_2"), "", &HashSet::new()), "c");
        assert_eq!(placed("a b", "3", None, ".snapshot", &HashSet::new()), "a_b.snapshot");
    }
}
