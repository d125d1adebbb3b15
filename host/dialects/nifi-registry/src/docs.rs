//! Documentation of an extension as a page (NiFi Registry 15).
//!
//! What must stay true: every value comes from an uploaded archive and is escaped; the one script is known by its hash, and no
//! other runs.

use headworks_registry::archive::{AllowableValue, DynamicProperty, Extension, Property, ServiceApi};
use quick_xml::escape::escape;
use std::fmt::{Display, Write};

/// Where the style sheet of these pages is.
pub(crate) const STYLE: &str = "/nifi-registry-docs/css/component-usage.css";
/// How authors' pages refer to it, as they lie in an unpacked archive.
const STYLE_IN_ARCHIVE: &str = "../../../../../css/component-usage.css";

/// Shows the heading where no frame around the page has one.
const SCRIPT: &str = "if (window === window.top) { document.getElementById('nameHeader').hidden = false; }";

/// What a built page may do. The hash is that of [`SCRIPT`].
pub(crate) const PAGE_POLICY: &str = concat!(
    "default-src 'none'; style-src 'self'; img-src 'self'; ",
    "script-src 'sha256-+tnXrmcVo6B2GQ7CR5G9huU9wcj/9DVGMHHf/A7kz5w='; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
);
/// What an author's page may do: look as it wants.
pub(crate) const DETAILS_POLICY: &str = concat!(
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; ",
    "frame-ancestors 'self'; sandbox allow-popups"
);

/// Where the extension was found.
pub(crate) struct Place<'a> {
    pub(crate) group: &'a str,
    pub(crate) artifact: &'a str,
    pub(crate) version: &'a str,
    pub(crate) bundle_type: &'a str,
    pub(crate) system_api_version: &'a str,
    /// The address of the author's page, if there is one.
    pub(crate) details: Option<String>,
}

/// The page that the author of an extension shipped.
pub(crate) fn details(page: &str) -> String {
    page.replace(STYLE_IN_ARCHIVE, STYLE)
}

/// The page of an extension.
pub(crate) fn page(extension: &Extension, place: &Place<'_>) -> String {
    let name = escape(extension.display_name());
    let mut page = Page(format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}</title>\
         <link rel=\"stylesheet\" href=\"{STYLE}\" type=\"text/css\"></head>\n\
         <body>\n<h1 id=\"nameHeader\" hidden>{name}</h1>\n<script>{SCRIPT}</script>\n"
    ));
    page.facts(extension, place);
    page.deprecation(extension);
    page.heading(2, "Description:");
    page.text_or(extension.description.as_deref(), "No description provided.");
    if let Some(address) = &place.details {
        page.raw(format_args!("<p><a href=\"{}\">Additional Details...</a></p>\n", escape(address)));
    }
    page.heading(3, "Tags:");
    let tags = extension.tags.join(", ");
    page.text_or(Some(tags.as_str()).filter(|tags| !tags.is_empty()), "No tags provided.");
    page.properties(&extension.properties);
    page.dynamic_properties(&extension.dynamic_properties);
    page.relationships(extension);
    page.attributes(extension);
    page.state(extension);
    page.restrictions(extension);
    page.input(extension);
    page.resources(extension);
    page.services(&extension.provided_service_apis);
    if !extension.see_also.is_empty() {
        page.heading(3, "See Also:");
        page.list(extension.see_also.iter());
    }
    page.raw("</body></html>\n");
    page.0
}

/// `CONTROLLER_SERVICE` as `Controller Service`.
fn spoken(kind: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
        first + &letters.as_str().to_lowercase()
    };
    kind.split('_').map(word).collect::<Vec<_>>().join(" ")
}

fn of_bundle(api: &ServiceApi) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let class = text(&api.class_name);
    let simple = class.rsplit('.').next().unwrap_or_default();
    format!("{simple} ({}-{}-{})", text(&api.group_id), text(&api.artifact_id), text(&api.version))
}

/// Where expressions of a property take values from.
fn expressions(scope: Option<&str>) -> &'static str {
    match scope {
        Some("FLOWFILE_ATTRIBUTES") => {
            "Supports Expression Language: true (evaluated using FlowFile attributes and the environment)"
        }
        Some("VARIABLE_REGISTRY" | "ENVIRONMENT") => "Supports Expression Language: true (evaluated using the environment only)",
        _ => "Supports Expression Language: true",
    }
}

/// HTML as it grows.
struct Page(String);

impl Page {
    /// Markup, or what is escaped already.
    fn raw(&mut self, markup: impl Display) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "{markup}");
    }

    fn heading(&mut self, level: u8, text: &str) {
        self.raw(format_args!("<h{level}>{text}</h{level}>\n"));
    }

    fn paragraph(&mut self, text: &str) {
        self.raw(format_args!("<p>{}</p>\n", escape(text)));
    }

    fn text_or(&mut self, text: Option<&str>, otherwise: &str) {
        self.paragraph(text.unwrap_or(otherwise));
    }

    fn list(&mut self, items: impl Iterator<Item = impl AsRef<str>>) {
        self.raw("<ul>");
        for item in items {
            self.raw(format_args!("<li>{}</li>", escape(item.as_ref())));
        }
        self.raw("</ul>\n");
    }

    /// A table whose cells are markup.
    fn table(&mut self, id: &str, headers: &[&str], rows: impl Iterator<Item = Vec<String>>) {
        self.raw(format_args!("<table id=\"{id}\"><tr>"));
        for header in headers {
            self.raw(format_args!("<th>{header}</th>"));
        }
        self.raw("</tr>\n");
        for row in rows {
            self.raw("<tr>");
            for cell in row {
                self.raw(format_args!("<td>{cell}</td>"));
            }
            self.raw("</tr>\n");
        }
        self.raw("</table>\n");
    }

    fn facts(&mut self, extension: &Extension, place: &Place<'_>) {
        let kind = spoken(&extension.kind);
        let facts = [
            ("Full Name", extension.name.as_str()),
            ("Type", &kind),
            ("Bundle Group", place.group),
            ("Bundle Artifact", place.artifact),
            ("Bundle Version", place.version),
            ("Bundle Type", place.bundle_type),
            ("System API Version", place.system_api_version),
        ];
        let rows = facts.iter().map(|(name, value)| vec![(*name).to_owned(), escape(*value).into_owned()]);
        self.table("extension-info", &["Extension Info", "Value"], rows);
    }

    fn deprecation(&mut self, extension: &Extension) {
        let Some(notice) = &extension.deprecation_notice else { return };
        self.heading(2, "Deprecation notice:");
        self.text_or(notice.reason.as_deref(), "It will be removed from a later release.");
        if notice.alternatives.is_empty() {
            self.paragraph("No alternatives are named.");
        } else {
            self.paragraph("Use one of these instead:");
            self.list(notice.alternatives.iter());
        }
    }

    fn properties(&mut self, properties: &[Property]) {
        self.heading(3, "Properties:");
        if properties.is_empty() {
            return self.paragraph("There are no properties.");
        }
        let mut about = "Names of required properties are <strong>bold</strong>; all others are optional.".to_owned();
        if properties.iter().any(|property| property.expression_language_supported) {
            about += " Where a property takes expressions of the <strong>Expression Language</strong>, its description says so.";
        }
        if properties.iter().any(|property| property.sensitive) {
            about += " Values of <strong>sensitive</strong> properties are kept encrypted and are not shown.";
        }
        self.raw(format_args!("<p>{about} The table also has default values.</p>\n"));
        let headers = ["Name", "Default Value", "Allowable Values", "Description"];
        self.table("properties", &headers, properties.iter().map(property_row));
    }

    fn dynamic_properties(&mut self, properties: &[DynamicProperty]) {
        if properties.is_empty() {
            return;
        }
        self.heading(3, "Dynamic Properties:");
        self.paragraph("Users can add properties of their own:");
        let row = |property: &DynamicProperty| {
            let mut description = plain(&property.description);
            if property.expression_language_supported {
                description.push_str("<br><strong>");
                description.push_str(expressions(property.expression_language_scope.as_deref()));
                description.push_str("</strong>");
            }
            vec![plain(&property.name), plain(&property.value), description]
        };
        self.table("dynamic-properties", &["Name", "Value", "Description"], properties.iter().map(row));
    }

    fn relationships(&mut self, extension: &Extension) {
        let dynamic = extension.dynamic_relationship.as_ref();
        if extension.relationships.is_empty() && dynamic.is_none() {
            return;
        }
        self.heading(3, "Relationships:");
        let fixed = extension.relationships.iter().map(|found| vec![plain(&found.name), plain(&found.description)]);
        let made = dynamic.map(|found| vec![format!("{} (dynamic)", plain(&found.name)), plain(&found.description)]);
        self.table("relationships", &["Name", "Description"], fixed.chain(made));
    }

    fn attributes(&mut self, extension: &Extension) {
        let both = [
            ("Reads Attributes:", "reads-attributes", &extension.reads_attributes),
            ("Writes Attributes:", "writes-attributes", &extension.writes_attributes),
        ];
        for (heading, id, attributes) in both {
            if attributes.is_empty() {
                continue;
            }
            self.heading(3, heading);
            let rows = attributes.iter().map(|found| vec![plain(&found.name), plain(&found.description)]);
            self.table(id, &["Name", "Description"], rows);
        }
    }

    fn state(&mut self, extension: &Extension) {
        self.heading(3, "State management:");
        match &extension.stateful {
            Some(state) => {
                let row = vec![escape(state.scopes.join(", ")).into_owned(), plain(&state.description)];
                self.table("stateful", &["Scope", "Description"], std::iter::once(row));
            }
            None => self.paragraph("It keeps no state."),
        }
    }

    fn restrictions(&mut self, extension: &Extension) {
        self.heading(3, "Restricted:");
        let Some(restricted) = &extension.restricted else {
            return self.paragraph("It is not restricted.");
        };
        let general = restricted.general_restriction_explanation.as_deref();
        self.text_or(general, "It can be used only with the permissions below.");
        if restricted.restrictions.is_empty() {
            return self.paragraph("No single permissions are named.");
        }
        let rows = restricted.restrictions.iter().map(|found| vec![plain(&found.required_permission), plain(&found.explanation)]);
        self.table("restrictions", &["Required Permission", "Explanation"], rows);
    }

    fn input(&mut self, extension: &Extension) {
        let sentence = match extension.input_requirement.as_deref() {
            None => return,
            Some("INPUT_REQUIRED") => "It needs an incoming connection.",
            Some("INPUT_ALLOWED") => "It takes incoming connections and works without.",
            Some("INPUT_FORBIDDEN") => "It takes no incoming connection.",
            Some(other) => other,
        };
        self.heading(3, "Input requirement:");
        self.paragraph(sentence);
    }

    fn resources(&mut self, extension: &Extension) {
        self.heading(3, "System Resource Considerations:");
        if extension.system_resource_considerations.is_empty() {
            return self.paragraph("None specified.");
        }
        let rows =
            extension.system_resource_considerations.iter().map(|found| vec![plain(&found.resource), plain(&found.description)]);
        self.table("system-resource-considerations", &["Resource", "Description"], rows);
    }

    fn services(&mut self, apis: &[ServiceApi]) {
        if apis.is_empty() {
            return;
        }
        self.heading(3, "Provided Service APIs:");
        self.list(apis.iter().map(of_bundle));
    }
}

/// Text in a cell.
fn plain(text: &Option<String>) -> String {
    escape(text.as_deref().unwrap_or_default()).into_owned()
}

fn property_row(property: &Property) -> Vec<String> {
    let name = plain(if property.display_name.is_some() { &property.display_name } else { &property.name });
    let name = if property.required { format!("<strong>{name}</strong>") } else { name };
    let allowed = match &property.controller_service_definition {
        Some(api) => format!("<strong>Controller Service API:</strong><br>{}", escape(of_bundle(api))),
        None => choices(&property.allowable_values),
    };
    let mut description = plain(&property.description);
    let facts = [
        (property.sensitive, "Sensitive Property: true"),
        (property.expression_language_supported, expressions(property.expression_language_scope.as_deref())),
    ];
    for (_, fact) in facts.iter().filter(|(holds, _)| *holds) {
        description.push_str("<br><strong>");
        description.push_str(fact);
        description.push_str("</strong>");
    }
    vec![name, plain(&property.default_value), allowed, description]
}

fn choices(values: &[AllowableValue]) -> String {
    if values.is_empty() {
        return String::new();
    }
    let choice = |value: &AllowableValue| {
        let name = plain(if value.display_name.is_some() { &value.display_name } else { &value.value });
        let about = plain(&value.description);
        if about.is_empty() { format!("<li>{name}</li>") } else { format!("<li>{name}: {about}</li>") }
    };
    format!("<ul>{}</ul>", values.iter().map(choice).collect::<String>())
}
