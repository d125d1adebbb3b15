//! What is between two versions of a flow (NiFi Registry 10).
//!
//! Owns which components belong together, what counts as a difference and how it is told. Pure functions over parsed JSON:
//! knows no bucket and no version. What must stay true: equal flows have no differences, whatever is in them; the order of
//! the result depends on nothing but the flows; what cannot be compared is an error and never looks like equality.

mod kinds;
mod members;
mod properties;
mod shape;
#[cfg(test)]
mod tests;

pub use kinds::{ComponentKind, DifferenceType};

use headworks_core::{Error, Result};
use members::Member;
use serde_json::{Map, Value};
use std::collections::HashMap;

type Object = Map<String, Value>;

/// A component that is not the same in both flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentDifferences {
    /// Its identifier; empty where it has none.
    pub id: String,
    /// Its name in the first flow, or in the second where it was added.
    pub name: Option<String>,
    /// What it is.
    pub kind: ComponentKind,
    /// The group it is in.
    pub group: Option<String>,
    /// At least one, by type and then description; all different.
    pub differences: Vec<Difference>,
}

/// One thing that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// What it is.
    pub kind: DifferenceType,
    /// A sentence about it.
    pub change: String,
    /// The value in the first flow.
    pub a: Option<String>,
    /// The value in the second flow.
    pub b: Option<String>,
}

impl Difference {
    fn new(kind: DifferenceType, change: String, a: Option<String>, b: Option<String>) -> Self {
        Self { kind, change, a, b }
    }

    fn from_to(kind: DifferenceType, a: Option<String>, b: Option<String>) -> Self {
        let text = |value: &Option<String>| value.as_deref().unwrap_or("null").to_owned();
        Self::new(kind, format!("From '{}' to '{}'", text(&a), text(&b)), a, b)
    }
}

/// What is different in the second root group, by kind, name and identifier of the components.
///
/// # Errors
/// [`Invalid`](headworks_core::ErrorCode::Invalid) where a collection of a group is not a list of objects.
pub fn compare(a: &Value, b: &Value) -> Result<Vec<ComponentDifferences>> {
    let mut found = Found::default();
    let (Value::Object(a), Value::Object(b)) = (a, b) else {
        return Err(Error::invalid("The flows cannot be compared: flowContents is not an object"));
    };
    found.pair(ComponentKind::ProcessGroup, a, b, true)?;
    let mut components: Vec<_> = found.components.into_values().collect();
    for component in &mut components {
        component.differences.sort_unstable();
        component.differences.dedup();
    }
    components.sort_by(|one, other| (one.kind.as_str(), &one.name, &one.id).cmp(&(other.kind.as_str(), &other.name, &other.id)));
    Ok(components)
}

/// The differences so far, by kind and identifier of their component.
#[derive(Default)]
struct Found<'a> {
    components: HashMap<(ComponentKind, &'a str), ComponentDifferences>,
}

/// Which kind a component of a collection is.
type KindOf = fn(&Object) -> ComponentKind;

/// What a group holds. A port is what its type says, wherever it stands (NiFi Registry 3).
const IN_GROUPS: [(&str, KindOf); 9] = [
    ("connections", |_| ComponentKind::Connection),
    ("controllerServices", |_| ComponentKind::ControllerService),
    ("funnels", |_| ComponentKind::Funnel),
    ("inputPorts", port_kind),
    ("labels", |_| ComponentKind::Label),
    ("outputPorts", port_kind),
    ("processGroups", |_| ComponentKind::ProcessGroup),
    ("processors", |_| ComponentKind::Processor),
    ("remoteProcessGroups", |_| ComponentKind::RemoteProcessGroup),
];

/// What a remote group holds. A remote port is what it says of itself.
const IN_REMOTE_GROUPS: [(&str, KindOf); 2] = [
    ("inputPorts", |port| remote_port_kind(port, ComponentKind::RemoteInputPort)),
    ("outputPorts", |port| remote_port_kind(port, ComponentKind::RemoteOutputPort)),
];

fn port_kind(port: &Object) -> ComponentKind {
    if text(port, "type") == Some("OUTPUT_PORT") { ComponentKind::OutputPort } else { ComponentKind::InputPort }
}

fn remote_port_kind(port: &Object, silent: ComponentKind) -> ComponentKind {
    match text(port, "componentType") {
        Some("REMOTE_INPUT_PORT") => ComponentKind::RemoteInputPort,
        Some("REMOTE_OUTPUT_PORT") => ComponentKind::RemoteOutputPort,
        _ => silent,
    }
}

impl<'a> Found<'a> {
    /// Compares two components that belong together, and what they hold.
    fn pair(&mut self, kind: ComponentKind, a: &'a Object, b: &'a Object, root: bool) -> Result<()> {
        let mut differences = Vec::new();
        let ports = matches!(kind, ComponentKind::InputPort | ComponentKind::OutputPort);
        let own = if ports && !(is_remote(a) && is_remote(b)) { &[] } else { members::own(kind) };
        for member in members::common(kind, root).iter().chain(own) {
            differences.extend(differs(kind, member, a, b));
        }
        if matches!(kind, ComponentKind::Processor | ComponentKind::ControllerService) {
            properties::compare(a, b, &mut differences);
        }
        if !differences.is_empty() {
            self.component(kind, a, Side::A).extend(differences);
        }
        match kind {
            ComponentKind::ProcessGroup if root || are_contents_compared(a, b) => self.collections(&IN_GROUPS, a, b),
            ComponentKind::RemoteProcessGroup => self.collections(&IN_REMOTE_GROUPS, a, b),
            _ => Ok(()),
        }
    }

    fn collections(&mut self, collections: &[(&str, KindOf)], a: &'a Object, b: &'a Object) -> Result<()> {
        for (name, kind) in collections {
            self.collection(name, *kind, a, b)?;
        }
        Ok(())
    }

    /// Matches the components of one collection by identifier. Those that share one, which no NiFi does, are matched in order.
    fn collection(&mut self, name: &str, kind: KindOf, a: &'a Object, b: &'a Object) -> Result<()> {
        let (a, b) = (identified(a, name)?, identified(b, name)?);
        let mut unmatched: HashMap<_, _> = b.iter().copied().collect();
        for (key, component) in a {
            match unmatched.remove(&key) {
                Some(other) => self.pair(kind(component), component, other, false)?,
                None => {
                    let kind = kind(component);
                    let change = format!("{} was removed", kind.as_str());
                    let difference = Difference::new(DifferenceType::ComponentRemoved, change, Some(key.0.to_owned()), None);
                    self.component(kind, component, Side::A).push(difference);
                }
            }
        }
        for (key, component) in b.into_iter().filter(|(key, _)| unmatched.contains_key(key)) {
            let kind = kind(component);
            let change = format!("{} was added", kind.as_str());
            let difference = Difference::new(DifferenceType::ComponentAdded, change, None, Some(key.0.to_owned()));
            self.component(kind, component, Side::B).push(difference);
        }
        Ok(())
    }

    /// The differences of a component. One that was moved, and so was both removed and added, is described as it was.
    fn component(&mut self, kind: ComponentKind, component: &'a Object, side: Side) -> &mut Vec<Difference> {
        let id = identifier(component);
        let owned = |name| text(component, name).map(str::to_owned);
        let found = self.components.entry((kind, id)).or_insert_with(|| ComponentDifferences {
            id: id.to_owned(),
            name: owned("name"),
            kind,
            group: owned("groupIdentifier"),
            differences: Vec::new(),
        });
        if side == Side::A {
            (found.name, found.group) = (owned("name"), owned("groupIdentifier"));
        }
        &mut found.differences
    }
}

/// Which flow a description comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    A,
    B,
}

fn differs(kind: ComponentKind, member: &Member, a: &Object, b: &Object) -> Option<Difference> {
    let (raw_a, raw_b) = (a.get(member.name), b.get(member.name));
    if raw_a == raw_b {
        return None;
    }
    let normal = |raw| member.shape.normal(raw).or_else(|| member.default.map(Value::from));
    let (a, b) = (normal(raw_a), normal(raw_b));
    if a == b || member.shape.is_blank(a.as_ref()) && member.shape.is_blank(b.as_ref()) {
        return None;
    }
    let print = |value: &Option<Value>| value.as_ref().map(|value| member.shape.print(value));
    let (text_a, text_b) = (print(&a), print(&b));
    let told = |change: String| Difference::new(member.difference, change, text_a.clone(), text_b.clone());
    Some(match member.difference {
        DifferenceType::ScheduledState => {
            let state = if text_a.as_deref() == Some("DISABLED") { "enabled" } else { "disabled" };
            told(format!("{} was {state}", kind.as_str()))
        }
        DifferenceType::Position => told("Position was changed".to_owned()),
        DifferenceType::Bendpoints => told("Connection Bendpoints changed".to_owned()),
        DifferenceType::Coordinates => match version_change(a.as_ref(), b.as_ref()) {
            Some((from, to)) => told(format!("Flow Version changed from {from} to {to}")),
            None => Difference::from_to(member.difference, text_a, text_b),
        },
        _ => Difference::from_to(member.difference, text_a, text_b),
    })
}

/// The versions of two coordinates that differ in nothing else.
fn version_change(a: Option<&Value>, b: Option<&Value>) -> Option<(String, String)> {
    match (a?.as_array()?.as_slice(), b?.as_array()?.as_slice()) {
        ([bucket_a, flow_a, a, url_a], [bucket_b, flow_b, b, url_b])
            if bucket_a == bucket_b && flow_a == flow_b && url_a == url_b =>
        {
            Some((shape::print(a), shape::print(b)))
        }
        _ => None,
    }
}

/// Whether two groups are looked into: what is under a version control of its own is compared there.
fn are_contents_compared(a: &Object, b: &Object) -> bool {
    let coordinates = |group: &Object| shape::Shape::Coordinates.normal(group.get("versionedFlowCoordinates"));
    match (coordinates(a), coordinates(b)) {
        (None, None) => true,
        (Some(a), Some(b)) => a != b,
        _ => false,
    }
}

fn is_remote(port: &Object) -> bool {
    shape::Shape::Flag.normal(port.get("allowRemoteAccess")) == Some(Value::Bool(true))
}

/// An identifier, and how many components of the collection have had it before.
type Key<'a> = (&'a str, usize);

fn identified<'a>(group: &'a Object, name: &str) -> Result<Vec<(Key<'a>, &'a Object)>> {
    let items = match group.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(no_flow(group, name)),
    };
    let mut seen = HashMap::<_, usize>::new();
    let mut identified = Vec::with_capacity(items.len());
    for item in items {
        let component = item.as_object().ok_or_else(|| no_flow(group, name))?;
        let before = seen.entry(identifier(component)).or_default();
        identified.push(((identifier(component), *before), component));
        *before += 1;
    }
    Ok(identified)
}

fn no_flow(group: &Object, name: &str) -> Error {
    let group = identifier(group);
    Error::invalid(format!("The flows cannot be compared: {name} of the process group '{group}' is not a list of objects"))
}

fn identifier(component: &Object) -> &str {
    text(component, "identifier").unwrap_or_default()
}

fn text<'a>(component: &'a Object, name: &str) -> Option<&'a str> {
    component.get(name)?.as_str()
}
