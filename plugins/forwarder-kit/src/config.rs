//! Reading a configuration: the JSON object of a forwarder, with or without its `type`. Unknown members are ignored.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The configuration in `text`.
///
/// # Errors
/// Says which member is missing or wrong.
pub fn read<C: DeserializeOwned>(text: &str) -> Result<C, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner().to_string();
        let cause = cause.split(" at line ").next().unwrap_or_default();
        if path == "." { cause.to_owned() } else { format!("{path}: {cause}") }
    })
}

/// A member that has to hold something.
///
/// # Errors
/// It is empty.
pub fn filled(member: &str, text: &str) -> Result<(), String> {
    if text.is_empty() { Err(format!("{member}: must not be empty")) } else { Ok(()) }
}

/// A member for which null means the same as absent.
///
/// # Errors
/// It has another type.
pub fn or_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Sample {
        url: String,
        #[serde(default, deserialize_with = "or_default")]
        headers: BTreeMap<String, String>,
    }

    #[test]
    fn a_wrong_member_is_named() {
        let fails = |text| read::<Sample>(text).unwrap_err();
        assert_eq!(fails("{}"), "missing field `url`");
        assert_eq!(fails(r#"{"url": 5}"#), "url: invalid type: integer `5`, expected a string");
        assert_eq!(fails(r#"{"url": "", "headers": {"a": 1}}"#), "headers.a: invalid type: integer `1`, expected a string");
    }

    #[test]
    fn the_type_and_unknown_members_are_ignored_and_null_is_absent() {
        let expected = Sample { url: "u".to_owned(), headers: BTreeMap::new() };
        assert_eq!(read::<Sample>(r#"{"url": "u"}"#).unwrap(), expected);
        assert_eq!(read::<Sample>(r#"{"type": "http", "url": "u", "headers": null, "more": []}"#).unwrap(), expected);
    }
}
