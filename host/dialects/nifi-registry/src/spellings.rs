//! Members of extensions under both names that clients read: NiFi Registry documents them in the plural, and its server and
//! Java client write and read the singular (seen in the original server's answers).

use crate::failure::Failure;
use axum::body::Body;
use axum::http::Response;
use axum::response::IntoResponse;
use headworks_core::Error;
use serde::Serialize;
use serde_json::Value;

/// Plural and singular.
const NAMES: &[(&str, &str)] = &[
    ("allowableValues", "allowableValue"),
    ("alternatives", "alternative"),
    ("dynamicProperties", "dynamicProperty"),
    ("properties", "property"),
    ("providedServiceAPIs", "providedServiceAPI"),
    ("readsAttributes", "readsAttribute"),
    ("relationships", "relationship"),
    ("restrictions", "restriction"),
    ("scopes", "scope"),
    ("seeAlso", "see"),
    ("systemResourceConsiderations", "systemResourceConsideration"),
    ("tags", "tag"),
    ("writesAttributes", "writesAttribute"),
];

/// An answer with an extension, or with several.
pub(crate) fn both(answer: &impl Serialize) -> Result<Response<Body>, Failure> {
    let mut value = serde_json::to_value(answer).map_err(|error| Error::internal(error.to_string()))?;
    add(&mut value);
    Ok(headworks_http::json(&value).into_response())
}

fn add(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(add),
        Value::Object(members) => {
            // The filters of a search are told as they were given.
            members.iter_mut().filter(|(name, _)| *name != "filterParams").for_each(|(_, value)| add(value));
            for (plural, singular) in NAMES {
                if let Some(list) = members.get(*plural).filter(|list| list.is_array()).cloned() {
                    members.insert((*singular).to_owned(), list);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_have_both_names_on_every_level() {
        let mut value =
            json!([{"tags": ["a"], "properties": [{"allowableValues": [1], "name": "tags"}], "see": 1, "scopes": "text"}]);
        add(&mut value);
        let property = json!([{"allowableValues": [1], "allowableValue": [1], "name": "tags"}]);
        let expected =
            json!([{"tags": ["a"], "tag": ["a"], "properties": property, "property": property, "see": 1, "scopes": "text"}]);
        assert_eq!(value, expected);
    }
}
