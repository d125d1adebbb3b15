//! What is read of archives that are as they should be, and of those that only look odd.

use super::super::{BuildInfo, Coordinates, Extension, ServiceApi};
use super::archives::{Entry, as_large, descriptor, end, entry, manifest, nar, stored, zip};
use super::{archives, kept, read};
use proptest::prelude::*;

fn coordinates(group: &str, artifact: &str, version: &str) -> Coordinates {
    Coordinates { group: group.to_owned(), artifact: artifact.to_owned(), version: version.to_owned() }
}

#[test]
fn a_real_archive_is_read_in_full() {
    let archive = read(&kept("nifi-hadoop-nar.nar")).unwrap();
    assert_eq!(archive.coordinates, coordinates("org.apache.nifi", "nifi-hadoop-nar", "1.9.0-SNAPSHOT"));
    assert_eq!(archive.dependencies, [coordinates("org.apache.nifi", "nifi-hadoop-libraries-nar", "1.9.0-SNAPSHOT")]);
    let build = BuildInfo {
        tool: "1.8.0_162".to_owned(),
        flags: "N/A".to_owned(),
        branch: "master".to_owned(),
        tag: "HEAD".to_owned(),
        revision: "1a937b6".to_owned(),
        built: 1_544_541_725_000,
        built_by: "jsmith".to_owned(),
    };
    assert_eq!(archive.build, build);
    assert_eq!(archive.system_api_version, "1.10.0-SNAPSHOT");
    assert_eq!(archive.extensions.len(), 10);
    assert_eq!(
        archive.details.keys().map(String::as_str).collect::<Vec<_>>(),
        [
            "org.apache.nifi.processors.hadoop.CreateHadoopSequenceFile",
            "org.apache.nifi.processors.hadoop.ListHDFS",
            "org.apache.nifi.processors.hadoop.PutHDFS"
        ]
    );
    let first = &archive.extensions[0];
    assert_eq!((first.name.as_str(), first.kind.as_str()), ("org.apache.nifi.processors.hadoop.MoveHDFS", "PROCESSOR"));
    assert_eq!(first.display_name(), "MoveHDFS");
    assert_eq!(first.tags, ["hadoop", "HDFS", "put", "move", "filesystem", "moveHDFS"]);
    assert_eq!(first.search_tags(), ["hadoop", "hdfs", "put", "move", "filesystem", "movehdfs"]);
    assert!(first.deprecation_notice.is_none());
    let service = first.properties[1].controller_service_definition.as_ref().unwrap();
    assert_eq!(service.class_name.as_deref(), Some("org.apache.nifi.kerberos.KerberosCredentialsService"));
    assert_eq!(first.properties[0].default_value, None);
    assert_eq!(first.properties[6].allowable_values.len(), 3);
    assert!(first.properties[6].required);
    let json = serde_json::to_value(first).unwrap();
    assert_eq!(json["type"], "PROCESSOR");
    assert_eq!(json["properties"][0]["dynamicallyModifiesClasspath"], false);
    assert_eq!(json["properties"][0].get("defaultValue"), None);
    assert_eq!(json["properties"][6]["allowableValues"][0]["displayName"], "replace");
}

#[test]
fn a_manifest_may_look_odd() {
    let text = concat!(
        "Manifest-Version: 1.0\rnar-GROUP: a long gro\r\n up\r\nNar-Id: gr\u{fc}n\nNar-Version:1\n",
        "Nar-Dependency-Group: g\nNar-Dependency-Id: d\nBuild-Timestamp: yesterday\n\nName: other\nNar-Version: 2\n"
    );
    let mut bytes = text.as_bytes().to_vec();
    // A line may be broken between the two bytes of a letter.
    let at = bytes.iter().position(|byte| *byte == 0xc3).unwrap() + 1;
    bytes.splice(at..at, *b"\r\n ");
    let archive = read(&zip(&[entry(archives::MANIFEST, bytes)])).unwrap();
    assert_eq!(archive.coordinates, coordinates("a long group", "gr\u{fc}n", "1"));
    assert_eq!((archive.dependencies.len(), archive.build), (0, BuildInfo::default()));
    assert_eq!((archive.system_api_version.as_str(), archive.extensions.len()), ("N/A", 0));
}

#[test]
fn a_descriptor_of_later_releases_fills_gaps() {
    let text = concat!(
        "\u{feff}<?xml version='1.0' encoding='utf-8' standalone='yes'?><!-- x --><extensionManifest xmlns:a='b'><groupId>no</groupId>",
        "<parentNar><groupId>p</groupId><artifactId>q</artifactId><version>3</version></parentNar>",
        "<buildInfo><tag>t</tag><jdk>21</jdk><builtBy>b</builtBy><timestamp>2024-01-02T03:04:05Z</timestamp></buildInfo>",
        "<extensions><extension later='1'><type>FLOW_ANALYSIS_RULE</type><supportsSensitiveDynamicProperties>true",
        "</supportsSensitiveDynamicProperties><description> a &lt;b&gt; &amp;&#228;<![CDATA[<c>]]>\r\nd </description>",
        "<tags><tag> One </tag><tag>ONE</tag><tag/></tags><name>x.Y</name><multiProcessorUseCases><x><y/></x>",
        "</multiProcessorUseCases><properties><property><name>p</name><required>true</required><resourceDefinition>",
        "<cardinality>SINGLE</cardinality></resourceDefinition><dependencies><dependency><propertyName>z</propertyName>",
        "</dependency></dependencies></property></properties><restricted></restricted><stateful> </stateful></extension>",
        "<extension><name>x.Y</name><type>AGAIN</type></extension></extensions></extensionManifest>\n"
    );
    let archive = read(&nar("g", "a", "1", &[entry(archives::DESCRIPTOR, text)])).unwrap();
    assert_eq!(archive.dependencies, [coordinates("p", "q", "3")]);
    assert_eq!((archive.build.tool.as_str(), archive.build.tag.as_str()), ("21", "t"));
    assert_eq!((archive.build.built, archive.build.branch.as_str()), (1_704_164_645_000, "N/A"));
    assert_eq!(archive.extensions.len(), 1);
    let extension = &archive.extensions[0];
    assert_eq!(extension.kind, "FLOW_ANALYSIS_RULE");
    assert_eq!(extension.description.as_deref(), Some(" a <b> &\u{e4}<c>\nd "));
    assert_eq!((extension.tags.len(), extension.search_tags()), (2, vec!["one".to_owned()]));
    assert!(extension.properties[0].required && extension.restricted.is_none() && extension.stateful.is_none());
}

#[test]
fn pages_belong_to_extensions_that_are_there() {
    let page = |name: &str| entry(&format!("META-INF/docs/additional-details/{name}/additionalDetails.html"), "<p>x");
    let other = entry("META-INF/docs/additional-details/x.Y/more/additionalDetails.html", "no");
    let described = descriptor("<extension><name>x.Y</name><type>PROCESSOR</type></extension>");
    let archive = read(&nar("g", "a", "1", &[page("x.Y"), page("x.Z"), other, described])).unwrap();
    assert_eq!(archive.details.into_iter().collect::<Vec<_>>(), [("x.Y".to_owned(), "<p>x".to_owned())]);
}

#[test]
fn odd_archives_that_mean_one_thing_are_read() {
    let plain = nar("g", "a", "1", &[stored("META-INF/bundled-dependencies/inner.jar", nar("no", "no", "no", &[]))]);
    read(&plain).unwrap();
    read(&as_large(&plain)).unwrap();
    let comment = b"a comment";
    let mut with_comment = plain[..plain.len() - 22].to_vec();
    let size = plain[plain.len() - 10..plain.len() - 6].to_vec();
    let start = plain[plain.len() - 6..plain.len() - 2].to_vec();
    let number = |bytes: Vec<u8>| u64::from(u32::from_le_bytes(bytes.try_into().unwrap()));
    with_comment.extend(end(2, number(size), number(start), comment));
    read(&with_comment).unwrap();
    read(&zip(&[Entry { packed: false, ..manifest("g", "a", "1") }])).unwrap();
    read(&nar("g", "a", "1", &[stored("dir/", ""), entry("bl\u{e4}h", "x")])).unwrap();
}

/// An extension as XML, in the order of the types.
fn xml(value: &serde_json::Value, name: &str) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;");
    let item = |list: &str| match list {
        "dynamicProperties" => "dynamicProperty".to_owned(),
        "properties" => "property".to_owned(),
        "seeAlso" => "see".to_owned(),
        other => other.trim_end_matches('s').to_owned(),
    };
    let inside = match value {
        serde_json::Value::Object(members) => members.iter().map(|(name, value)| xml(value, name)).collect(),
        serde_json::Value::Array(items) => items.iter().map(|value| xml(value, &item(name))).collect(),
        serde_json::Value::String(text) => escape(text),
        other => other.to_string(),
    };
    format!("<{name}>{inside}</{name}>")
}

fn some_text() -> impl Strategy<Value = String> {
    // Whitespace alone is text too, but not in a list of nothing.
    "[a-zA-Z<>&\"' \\n\\r\u{e4}\u{1f600}]{0,20}x"
}

prop_compose! {
    fn extension()(
        name in "[a-z.]{1,20}X", kind in "[A-Z_]{1,20}", description in prop::option::of(some_text()),
        tags in prop::collection::vec(some_text(), 0..4), required in any::<bool>(), value in prop::option::of(some_text()),
        api in prop::option::of(some_text()), properties in 0..4_usize,
    ) -> Extension {
        use super::super::{AllowableValue, Property, Restricted, Restriction, Stateful};
        let property = Property {
            name: Some("p".to_owned()), default_value: value.clone(), required, sensitive: !required,
            allowable_values: vec![AllowableValue { value: value.clone(), display_name: Some("v".to_owned()), description: None }],
            controller_service_definition: api.clone().map(|api| ServiceApi { class_name: Some(api), ..ServiceApi::default() }),
            ..Property::default()
        };
        Extension {
            name, kind, tags: tags.clone(), properties: vec![property; properties], see_also: tags.clone(),
            stateful: description.clone().map(|text| Stateful { description: Some(text), scopes: tags.clone() }),
            restricted: value.map(|text| Restricted {
                general_restriction_explanation: Some(text.clone()),
                restrictions: vec![Restriction { required_permission: Some("x".to_owned()), explanation: Some(text) }],
            }),
            provided_service_apis: api.into_iter().map(|api| ServiceApi { version: Some(api), ..ServiceApi::default() }).collect(),
            description, ..Extension::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_extension_is_read_as_it_was_written(extension in extension()) {
        let value = serde_json::to_value(&extension).unwrap();
        let archive = read(&nar("g", "a", "1", &[descriptor(&xml(&value, "extension"))])).unwrap();
        prop_assert_eq!(&archive.extensions, &[extension]);
        let back: Extension = serde_json::from_value(serde_json::to_value(&archive.extensions[0]).unwrap()).unwrap();
        prop_assert_eq!(&back, &archive.extensions[0]);
    }
}
