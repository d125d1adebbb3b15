//! An extension as its archive describes it (NiFi Registry 13.2). The JSON of these types is what clients get and what is kept.
//!
//! Values of enumerations stay text, so that those of later releases pass. What is absent or empty is left out.

use serde::{Deserialize, Serialize};

/// Whether a member is left out of the JSON.
trait Absent {
    fn is_absent(&self) -> bool;
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Absent for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Absent for String {
    fn is_absent(&self) -> bool {
        false
    }
}

impl Absent for bool {
    fn is_absent(&self) -> bool {
        false
    }
}

macro_rules! members {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name { $($(#[$field_doc])* #[serde(skip_serializing_if = "Absent::is_absent")] pub $field: $type,)* }
    )*};
}

members! {
    /// Full description of an extension.
    Extension {
        /// Class name with its package. Never empty.
        name: String,
        /// `PROCESSOR`, `CONTROLLER_SERVICE`, `REPORTING_TASK` or a kind of later releases. Never empty.
        #[serde(rename = "type")]
        kind: String,
        /// Set when it is deprecated.
        deprecation_notice: Option<DeprecationNotice>,
        /// What it does.
        description: Option<String>,
        /// Search words as its author wrote them.
        tags: Vec<String>,
        /// What it can be configured with.
        properties: Vec<Property>,
        /// Kinds of properties that users make up.
        dynamic_properties: Vec<DynamicProperty>,
        /// Where its records go.
        relationships: Vec<Relationship>,
        /// Relationships that users make up.
        dynamic_relationship: Option<DynamicRelationship>,
        /// Attributes it reads.
        reads_attributes: Vec<Attribute>,
        /// Attributes it writes.
        writes_attributes: Vec<Attribute>,
        /// What it remembers.
        stateful: Option<Stateful>,
        /// Set when using it needs further permissions.
        restricted: Option<Restricted>,
        /// `INPUT_REQUIRED`, `INPUT_ALLOWED` or `INPUT_FORBIDDEN`.
        input_requirement: Option<String>,
        /// What it may use much of.
        system_resource_considerations: Vec<SystemResourceConsideration>,
        /// Class names of related extensions.
        see_also: Vec<String>,
        /// Interfaces of services that it implements.
        #[serde(rename = "providedServiceAPIs")]
        provided_service_apis: Vec<ServiceApi>,
    }

    /// That and why an extension is deprecated.
    DeprecationNotice {
        /// Why.
        reason: Option<String>,
        /// Class names of what takes its place.
        alternatives: Vec<String>,
    }

    /// One property.
    Property {
        /// The key in configurations.
        name: Option<String>,
        /// The label.
        display_name: Option<String>,
        /// What it controls.
        description: Option<String>,
        /// The value when none is configured.
        default_value: Option<String>,
        /// The interface of the service that it names, if it names one.
        controller_service_definition: Option<ServiceApi>,
        /// What can be chosen, if it is a choice.
        allowable_values: Vec<AllowableValue>,
        /// Whether a value is needed.
        required: bool,
        /// Whether the value is secret.
        sensitive: bool,
        /// Whether the value may be an expression.
        expression_language_supported: bool,
        /// Where expressions take values from.
        expression_language_scope: Option<String>,
        /// Whether the value adds to the class path.
        dynamically_modifies_classpath: bool,
        /// Whether a user made it up.
        dynamic: bool,
    }

    /// One choice of a property.
    AllowableValue {
        /// What is configured.
        value: Option<String>,
        /// Its label.
        display_name: Option<String>,
        /// What it means.
        description: Option<String>,
    }

    /// The interface of a service, with the bundle that has it.
    ServiceApi {
        /// The interface.
        class_name: Option<String>,
        /// Group of the bundle.
        group_id: Option<String>,
        /// Artifact of the bundle.
        artifact_id: Option<String>,
        /// Version of the bundle.
        version: Option<String>,
    }

    /// A kind of properties that users make up.
    DynamicProperty {
        /// What the name stands for.
        name: Option<String>,
        /// What the value stands for.
        value: Option<String>,
        /// What such a property does.
        description: Option<String>,
        /// Whether the value may be an expression.
        expression_language_supported: bool,
        /// Where expressions take values from.
        expression_language_scope: Option<String>,
    }

    /// Where records go.
    Relationship {
        /// Its name.
        name: Option<String>,
        /// What it carries.
        description: Option<String>,
        /// Whether it ends there unless connected.
        auto_terminated: bool,
    }

    /// Relationships that users make up.
    DynamicRelationship {
        /// What the name stands for.
        name: Option<String>,
        /// What such a relationship carries.
        description: Option<String>,
    }

    /// An attribute of a record.
    Attribute {
        /// Its name.
        name: Option<String>,
        /// What it holds.
        description: Option<String>,
    }

    /// What an extension remembers.
    Stateful {
        /// What.
        description: Option<String>,
        /// `CLUSTER`, `LOCAL`.
        scopes: Vec<String>,
    }

    /// What using an extension needs.
    Restricted {
        /// Why, for all of it.
        general_restriction_explanation: Option<String>,
        /// The permissions.
        restrictions: Vec<Restriction>,
    }

    /// One needed permission.
    Restriction {
        /// Its name.
        required_permission: Option<String>,
        /// Why it is needed.
        explanation: Option<String>,
    }

    /// What an extension may use much of.
    SystemResourceConsideration {
        /// `CPU`, `DISK`, `MEMORY`, `NETWORK` or another.
        resource: Option<String>,
        /// How.
        description: Option<String>,
    }
}

impl Extension {
    /// What people call it: the name without its package (NiFi Registry 13.3).
    pub fn display_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }

    /// Its search words as they are compared: trimmed, lower case, each once, in the author's order (NiFi Registry 13.3).
    pub fn search_tags(&self) -> Vec<String> {
        let mut tags = Vec::with_capacity(self.tags.len());
        let mut seen = std::collections::HashSet::with_capacity(self.tags.len());
        for tag in self.tags.iter().map(|tag| normal_tag(tag)).filter(|tag| !tag.is_empty()) {
            if seen.insert(tag.clone()) {
                tags.push(tag);
            }
        }
        tags
    }
}

/// A search word as it is compared.
pub fn normal_tag(tag: &str) -> String {
    tag.trim().to_lowercase()
}
