//! Properties of processors and controller services, key by key (NiFi Registry 10.3).

use super::Difference;
use super::kinds::DifferenceType as D;
use super::shape::print;
use serde_json::{Map, Value};

type Object = Map<String, Value>;

/// What differs between the properties of two components.
pub(super) fn compare(a: &Object, b: &Object, into: &mut Vec<Difference>) {
    let (values_a, values_b) = (object(a, "properties"), object(b, "properties"));
    let keys_a = values_a.into_iter().flat_map(Map::keys);
    let only_b = values_b.into_iter().flat_map(Map::keys).filter(|key| !values_a.is_some_and(|a| a.contains_key(*key)));
    for key in keys_a.chain(only_b) {
        let value = |values: Option<&Object>| values?.get(key).filter(|value| !value.is_null()).map(print);
        if let Some(difference) = property(|| display_name(key, a, b), value(values_a), value(values_b)) {
            into.push(difference);
        }
    }
}

fn property(name: impl Fn() -> String, a: Option<String>, b: Option<String>) -> Option<Difference> {
    if a == b {
        return None;
    }
    let refers = |value: &Option<String>| value.as_deref().is_some_and(is_parameter_reference);
    Some(match (refers(&a), refers(&b)) {
        (false, true) => {
            Difference::new(D::PropertyParameterized, format!("Property '{}' was parameterized", name()), None, None)
        }
        (true, false) => {
            let change = format!("Property '{}' is no longer a parameter reference", name());
            Difference::new(D::PropertyParameterizationRemoved, change, None, None)
        }
        _ if a.is_none() => Difference::new(D::PropertyAdded, format!("Property '{}' was added", name()), a, b),
        _ if b.is_none() => Difference::new(D::PropertyRemoved, format!("Property '{}' was removed", name()), a, b),
        _ => Difference::from_to(D::Property, a, b),
    })
}

/// `#{name}` and nothing else.
fn is_parameter_reference(value: &str) -> bool {
    let name = value.strip_prefix("#{").and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_. ".contains(&byte)))
}

/// What people know a property by.
fn display_name(key: &str, a: &Object, b: &Object) -> String {
    let descriptor = |component| object(component, "propertyDescriptors")?.get(key)?.as_object();
    let text = |descriptor: &Object, name: &str| Some(descriptor.get(name)?.as_str()?.to_owned());
    let named = |descriptor: &Object| text(descriptor, "displayName").or_else(|| text(descriptor, "name"));
    descriptor(a).or_else(|| descriptor(b)).and_then(named).unwrap_or_else(|| key.to_owned())
}

fn object<'a>(component: &'a Object, name: &str) -> Option<&'a Object> {
    component.get(name)?.as_object()
}
