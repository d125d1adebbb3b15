//! `META-INF/docs/extension-manifest.xml` (NiFi Registry 13.2): read part by part, later releases' members passed over.

use super::manifest::milliseconds;
use super::tree::{Document, Element, Step, malformed};
use super::{
    AllowableValue, ArchiveLimits, Attribute, BuildInfo, Coordinates, DeprecationNotice, DynamicProperty, DynamicRelationship,
    Extension, Property, Relationship, Restricted, Restriction, ServiceApi, Stateful, SystemResourceConsideration,
};
use headworks_core::Result;
use std::collections::HashSet;
use std::io::BufRead;

/// What the descriptor says.
#[derive(Default)]
pub(super) struct Descriptor {
    pub(super) system_api_version: Option<String>,
    pub(super) build: Option<Build>,
    pub(super) parent: Option<Coordinates>,
    pub(super) extensions: Vec<Extension>,
}

/// How it was built, as later releases say here.
pub(super) struct Build(Element);

impl Build {
    /// Fills what the manifest leaves open.
    pub(super) fn fill(&self, build: &mut BuildInfo) {
        let fill = |member: &mut String, name: &str| {
            if let (super::NOT_AVAILABLE, Some(text)) = (member.as_str(), self.0.text(name)) {
                *member = text;
            }
        };
        fill(&mut build.tool, "jdk");
        fill(&mut build.branch, "branch");
        fill(&mut build.tag, "tag");
        fill(&mut build.revision, "revision");
        fill(&mut build.built_by, "builtBy");
        if build.built == 0 {
            build.built = self.0.text("timestamp").map_or(0, |text| milliseconds(&text));
        }
    }
}

impl Descriptor {
    pub(super) fn read(reader: impl BufRead, limits: &ArchiveLimits) -> Result<Self> {
        let mut document = Document::new(reader, limits);
        let mut descriptor = Self::default();
        match document.step()? {
            Step::Begin(root) if root == "extensionManifest" => {}
            _ => return Err(malformed(&"its root is not extensionManifest")),
        }
        while let Step::Begin(name) = document.step()? {
            match name.as_str() {
                "extensions" => descriptor.read_extensions(&mut document, limits)?,
                "systemApiVersion" => descriptor.system_api_version = document.element(name)?.own_text(),
                "buildInfo" => descriptor.build = Some(Build(document.element(name)?)),
                "parentNar" => descriptor.parent = parent(&document.element(name)?),
                _ => document.skip()?,
            }
        }
        match document.step()? {
            Step::Over => Ok(descriptor),
            _ => Err(malformed(&"something follows its root")),
        }
    }

    fn read_extensions<R: BufRead>(&mut self, document: &mut Document<'_, R>, limits: &ArchiveLimits) -> Result<()> {
        let mut names: HashSet<String> = self.extensions.iter().map(|extension| extension.name.clone()).collect();
        while let Step::Begin(name) = document.step()? {
            if name != "extension" {
                document.skip()?;
                continue;
            }
            let extension = extension(&document.element(name)?)?;
            if names.insert(extension.name.clone()) {
                self.extensions.push(extension);
            }
            if self.extensions.len() > limits.extensions {
                return Err(malformed(&format_args!("it has more than {} extensions", limits.extensions)));
            }
        }
        Ok(())
    }
}

fn parent(element: &Element) -> Option<Coordinates> {
    let (group, artifact) = (element.text("groupId")?, element.text("artifactId")?);
    Some(Coordinates { group, artifact, version: element.text("version")? })
}

fn extension(element: &Element) -> Result<Extension> {
    let needed = |name: &str| match element.text(name).filter(|text| !text.trim().is_empty()) {
        Some(text) => Ok(text),
        None => Err(malformed(&format_args!("an extension has no {name}"))),
    };
    Ok(Extension {
        name: needed("name")?,
        kind: needed("type")?,
        deprecation_notice: element.child("deprecationNotice").map(deprecation),
        description: element.text("description"),
        tags: texts(element, "tags", "tag"),
        properties: element.items("properties", "property").map(property).collect(),
        dynamic_properties: element.items("dynamicProperties", "dynamicProperty").map(dynamic_property).collect(),
        relationships: element.items("relationships", "relationship").map(relationship).collect(),
        dynamic_relationship: element
            .child("dynamicRelationship")
            .map(|found| DynamicRelationship { name: found.text("name"), description: found.text("description") }),
        reads_attributes: element.items("readsAttributes", "readsAttribute").map(attribute).collect(),
        writes_attributes: element.items("writesAttributes", "writesAttribute").map(attribute).collect(),
        stateful: element
            .child("stateful")
            .map(|found| Stateful { description: found.text("description"), scopes: texts(found, "scopes", "scope") }),
        restricted: element.child("restricted").map(restricted),
        input_requirement: element.text("inputRequirement"),
        system_resource_considerations: element
            .items("systemResourceConsiderations", "systemResourceConsideration")
            .map(|item| SystemResourceConsideration { resource: item.text("resource"), description: item.text("description") })
            .collect(),
        see_also: texts(element, "seeAlso", "see"),
        provided_service_apis: element.items("providedServiceAPIs", "providedServiceAPI").map(service_api).collect(),
    })
}

fn texts(element: &Element, list: &str, item: &str) -> Vec<String> {
    element.items(list, item).filter_map(Element::own_text).collect()
}

fn deprecation(element: &Element) -> DeprecationNotice {
    DeprecationNotice { reason: element.text("reason"), alternatives: texts(element, "alternatives", "alternative") }
}

fn property(element: &Element) -> Property {
    Property {
        name: element.text("name"),
        display_name: element.text("displayName"),
        description: element.text("description"),
        default_value: element.text("defaultValue"),
        controller_service_definition: element.child("controllerServiceDefinition").map(service_api),
        allowable_values: element.items("allowableValues", "allowableValue").map(allowable_value).collect(),
        required: element.flag("required"),
        sensitive: element.flag("sensitive"),
        expression_language_supported: element.flag("expressionLanguageSupported"),
        expression_language_scope: element.text("expressionLanguageScope"),
        dynamically_modifies_classpath: element.flag("dynamicallyModifiesClasspath"),
        dynamic: element.flag("dynamic"),
    }
}

fn allowable_value(element: &Element) -> AllowableValue {
    AllowableValue {
        value: element.text("value"),
        display_name: element.text("displayName"),
        description: element.text("description"),
    }
}

fn service_api(element: &Element) -> ServiceApi {
    ServiceApi {
        class_name: element.text("className"),
        group_id: element.text("groupId"),
        artifact_id: element.text("artifactId"),
        version: element.text("version"),
    }
}

fn dynamic_property(element: &Element) -> DynamicProperty {
    DynamicProperty {
        name: element.text("name"),
        value: element.text("value"),
        description: element.text("description"),
        expression_language_supported: element.flag("expressionLanguageSupported"),
        expression_language_scope: element.text("expressionLanguageScope"),
    }
}

fn relationship(element: &Element) -> Relationship {
    Relationship {
        name: element.text("name"),
        description: element.text("description"),
        auto_terminated: element.flag("autoTerminated"),
    }
}

fn attribute(element: &Element) -> Attribute {
    Attribute { name: element.text("name"), description: element.text("description") }
}

fn restricted(element: &Element) -> Restricted {
    let restriction = |item: &Element| Restriction {
        required_permission: item.text("requiredPermission"),
        explanation: item.text("explanation"),
    };
    Restricted {
        general_restriction_explanation: element.text("generalRestrictionExplanation"),
        restrictions: element.items("restrictions", "restriction").map(restriction).collect(),
    }
}
