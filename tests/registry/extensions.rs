//! Extensions of uploaded archives (NiFi Registry 14 and the extension rows of 16).

use crate::calls::{API, Nifi, done, each, refused, text};
use crate::uploads::real;
use headworks_tests::Server;
use headworks_tests::archives::{descriptor, nar};
use http::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const NO_EXTENSION: &str = "The specified extension does not exist in this registry.";
const NO_VERSION: &str = "The specified extension bundle version does not exist.";

/// An extension in a descriptor.
fn extension(name: &str, kind: &str, tags: &[&str], more: &str) -> String {
    let tags: String = tags.iter().map(|tag| format!("<tag>{tag}</tag>")).collect();
    format!("<extension><name>{name}</name><type>{kind}</type><tags>{tags}</tags>{more}</extension>")
}

impl Nifi {
    /// Uploads an archive with these extensions; answers the identifier of the bundle.
    pub(crate) fn described(&self, bucket: &str, (artifact, version): (&str, &str), extensions: &str) -> String {
        let uploaded = done(&self.upload(bucket, &nar("g", artifact, version, &[descriptor(extensions)])));
        text(&uploaded["bundle"]["identifier"])
    }

    fn names(&self, query: &str) -> Vec<String> {
        let found = done(&self.get(&format!("/extensions{query}")));
        let names = each(&found["extensions"], "name");
        assert_eq!(found["numResults"], names.len());
        names
    }
}

#[test]
fn a_search_finds_the_extensions_of_all_buckets_with_where_they_are() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    assert_eq!(done(&nifi.get("/extensions")), json!({"extensions": [], "numResults": 0, "filterParams": {}}));
    let (one, other) = (nifi.bucket("one"), nifi.bucket("other"));
    let hadoop = done(&nifi.upload(&one, &real("nifi-hadoop-nar.nar")));
    nifi.described(&other, ("a", "1"), &extension("x.y.PutZ", "PROCESSOR", &["Put", " PUT "], ""));
    let found = done(&nifi.get("/extensions"));
    assert_eq!((&found["numResults"], &found["filterParams"]), (&json!(11), &json!({})));
    let labels = each(&found["extensions"], "displayName");
    let mut sorted = labels.clone();
    sorted.sort();
    assert_eq!(labels, sorted);
    let bundle = text(&hadoop["bundle"]["identifier"]);
    let put = found["extensions"].as_array().unwrap().iter().find(|found| found["displayName"] == "PutHDFS").unwrap();
    let name = "org.apache.nifi.processors.hadoop.PutHDFS";
    let address = format!("bundles/{bundle}/versions/1.9.0-SNAPSHOT/extensions/{name}");
    let info = json!({
        "artifactId": "nifi-hadoop-nar", "bucketId": one, "bucketName": "one", "bundleId": bundle, "bundleType": "nifi-nar",
        "groupId": "org.apache.nifi", "systemApiVersion": "1.10.0-SNAPSHOT", "version": "1.9.0-SNAPSHOT",
    });
    assert_eq!(put["bundleInfo"], info);
    assert_eq!(put["link"], json!({"href": address, "params": {"rel": "self"}}));
    assert_eq!(put["linkDocs"], json!({"href": format!("{address}/docs"), "params": {"rel": "docs"}}));
    assert_eq!((&put["name"], &put["type"], &put["hasAdditionalDetails"]), (&json!(name), &json!("PROCESSOR"), &json!(true)));
    assert_eq!(put["tags"], json!(["hadoop", "HDFS", "put", "copy", "filesystem"]));
    assert_eq!(put["restricted"]["restrictions"][0]["requiredPermission"], "write filesystem");
    assert_eq!((put.get("deprecationNotice"), put.get("providedServiceAPIs")), (None, None), "nothing is null");
    // Those of the full description are not repeated.
    assert_eq!((put.get("properties"), put.get("relationships")), (None, None));
}

#[test]
fn a_search_can_be_narrowed() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let all = [
        extension("x.A", "PROCESSOR", &["One", "two words"], ""),
        extension("x.B", "CONTROLLER_SERVICE", &["one"], ""),
        extension("x.C", "FLOW_ANALYSIS_RULE", &[" three "], ""),
        extension("x.D", "REPORTING_TASK", &[], ""),
    ];
    nifi.described(&bucket, ("a", "1"), &all.concat());
    let native = descriptor(&extension("x.E", "PROCESSOR", &["one"], ""));
    done(&nifi.send_form(&bucket, "minifi-cpp", &[("file", &nar("g", "native", "1", &[native]))]));
    assert_eq!(nifi.names("?extensionType=PROCESSOR"), ["x.A", "x.E"]);
    assert_eq!(nifi.names("?extensionType=FLOW_ANALYSIS_RULE"), ["x.C"]);
    assert_eq!(nifi.names("?bundleType=minifi-cpp"), ["x.E"]);
    assert_eq!(nifi.names("?bundleType=MINIFI_CPP"), ["x.E"]);
    assert_eq!(nifi.names("?tag=ONE"), ["x.A", "x.B", "x.E"]);
    assert_eq!(nifi.names("?tag=%20Three&tag=two+words"), ["x.A", "x.C"], "any of several");
    assert_eq!(nifi.names("?tag=two"), [""; 0], "whole words");
    assert_eq!(nifi.names("?tag="), ["x.A", "x.B", "x.C", "x.D", "x.E"]);
    assert_eq!(nifi.names("?bundleType=nifi-nar&extensionType=PROCESSOR&tag=one"), ["x.A"]);
    assert_eq!(nifi.names("?limit=2&offset=1"), ["x.B", "x.C"]);
    let given = done(&nifi.get("/extensions?bundleType=NIFI_NAR&extensionType=PROCESSOR&tag=One&tag=two"));
    let params = json!({"bundleType": "nifi-nar", "extensionType": "PROCESSOR", "tags": ["One", "two"]});
    assert_eq!(given["filterParams"], params);
    let unknown = nifi.get("/extensions?extensionType=processor");
    assert_eq!(unknown.status, 400);
    assert!(
        unknown.text().starts_with("Extension type 'processor' is invalid. Must be one of [PROCESSOR, "),
        "{}",
        unknown.text()
    );
    assert_eq!(nifi.get("/extensions?bundleType=jar").status, 400);
}

#[test]
fn extensions_with_equal_names_are_all_found() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let same = |package: &str| extension(&format!("{package}.Same"), "PROCESSOR", &[], "");
    for version in ["1", "2"] {
        nifi.described(&bucket, ("b", version), &(same("z") + &same("y") + &same("y")));
    }
    nifi.described(&bucket, ("a", "3"), &same("y"));
    let found = done(&nifi.get("/extensions"));
    let place = |found: &Value| {
        let info = &found["bundleInfo"];
        [&found["name"], &info["artifactId"], &info["version"]].map(text).join(" ")
    };
    let places: Vec<_> = found["extensions"].as_array().unwrap().iter().map(place).collect();
    assert_eq!(places, ["y.Same a 3", "y.Same b 1", "y.Same b 2", "z.Same b 1", "z.Same b 2"]);
    assert_eq!(nifi.names("?latest=true"), ["y.Same", "y.Same", "z.Same"], "the upload of each bundle that came last");
}

#[test]
fn providers_of_a_service_are_found_by_all_four_of_its_coordinates() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let api = |class: &str, version: &str| {
        format!(
            "<providedServiceAPI><className>{class}</className><groupId>g</groupId><artifactId>api</artifactId>\
             <version>{version}</version></providedServiceAPI>"
        )
    };
    let provides = |name: &str, apis: &[String]| {
        let more = format!("<providedServiceAPIs>{}</providedServiceAPIs>", apis.concat());
        extension(name, "CONTROLLER_SERVICE", &[], &more)
    };
    let all = [
        provides("x.Both", &[api("x.Api", "1"), api("x.Other", "1")]),
        provides("x.Newer", &[api("x.Api", "2")]),
        extension("x.None", "CONTROLLER_SERVICE", &[], ""),
    ];
    nifi.described(&bucket, ("a", "1"), &all.concat());
    let path = "/extensions/provided-service-api?className=x.Api&groupId=g&artifactId=api";
    let found = done(&nifi.get(&format!("{path}&version=1")));
    assert_eq!((each(&found["extensions"], "name"), &found["numResults"]), (vec!["x.Both".to_owned()], &json!(1)));
    assert_eq!(found.get("filterParams"), None);
    let apis = json!([
        {"className": "x.Api", "groupId": "g", "artifactId": "api", "version": "1"},
        {"className": "x.Other", "groupId": "g", "artifactId": "api", "version": "1"},
    ]);
    assert_eq!(found["extensions"][0]["providedServiceAPIs"], apis);
    assert_eq!(done(&nifi.get(&format!("{path}&version=3")))["numResults"], 0);
    for missing in [path.to_owned(), format!("{path}&version="), "/extensions/provided-service-api".to_owned()] {
        let text = "Provided service API must be specified with a class, group, artifact, and version";
        refused(&nifi.get(&missing), 400, text);
    }
}

#[test]
fn tags_are_counted_and_go_with_what_had_them() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    assert_eq!(done(&nifi.get("/extensions/tags")), json!([]));
    let bucket = nifi.bucket("b");
    let tagged = |name: &str, tags: &[&str]| extension(name, "PROCESSOR", tags, "");
    let first =
        nifi.described(&bucket, ("a", "1-SNAPSHOT"), &(tagged("x.A", &["Zoo", " b ", "B", "zoo"]) + &tagged("x.B", &["b"])));
    let second = nifi.described(&bucket, ("c", "1"), &tagged("x.A", &["b", "a"]));
    let tags = || done(&nifi.get("/extensions/tags"));
    assert_eq!(tags(), json!([{"tag": "a", "count": 1}, {"tag": "b", "count": 3}, {"tag": "zoo", "count": 1}]));
    // Replaced by what has others.
    assert_eq!(nifi.described(&bucket, ("a", "1-SNAPSHOT"), &tagged("x.New", &["new"])), first);
    assert_eq!(tags(), json!([{"tag": "a", "count": 1}, {"tag": "b", "count": 1}, {"tag": "new", "count": 1}]));
    assert_eq!(nifi.names(""), ["x.A", "x.New"]);
    done(&nifi.delete(&format!("/bundles/{second}/versions/1")));
    assert_eq!(tags(), json!([{"tag": "new", "count": 1}]));
    done(&nifi.delete(&format!("/bundles/{first}")));
    assert_eq!((tags(), nifi.names("").len()), (json!([]), 0));
}

#[test]
fn a_version_lists_its_extensions_at_both_of_its_addresses() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("My Bucket");
    let bundle = nifi.described(
        &bucket,
        ("a", "1+2"),
        &(extension("x.B", "PROCESSOR", &[], "") + &extension("z.A", "PROCESSOR", &[], "")),
    );
    let listed = done(&nifi.get(&format!("/bundles/{bundle}/versions/1+2/extensions")));
    assert_eq!(each(&listed, "name"), ["z.A", "x.B"], "by display name");
    assert_eq!(listed, done(&nifi.get("/extensions"))["extensions"]);
    let repository = "/extension-repository/My%20Bucket/g/a/1%2B2";
    let entries = done(&nifi.get(&format!("{repository}/extensions")));
    assert_eq!(entries.as_array().unwrap().len(), 2);
    for (entry, plain) in entries.as_array().unwrap().iter().zip(listed.as_array().unwrap()) {
        assert_eq!(&entry["extensionMetadata"], plain, "what the Java client reads");
        let at = format!("http://{}{API}{repository}/extensions/{}", server.address(), text(&plain["name"]));
        let mut expected = plain.clone();
        expected["link"] = json!({"href": at, "params": {"rel": "self"}});
        expected["linkDocs"] = json!({"href": format!("{at}/docs"), "params": {"rel": "docs"}});
        let mut found = entry.clone();
        found.as_object_mut().unwrap().remove("extensionMetadata");
        assert_eq!(found, expected, "what the Python client reads");
    }
    let address = text(&entries[0]["link"]["href"]);
    let whole = done(&nifi.0.get(address.split_once(server.address()).unwrap().1));
    assert_eq!(whole["name"], "z.A");
}

/// Lists stand under a second name too, by which NiFi Registry really writes them and its Java client reads them: what is left
/// without these.
fn without_second_names(mut value: Value) -> Value {
    const NAMES: &[(&str, &str)] = &[
        ("/tags", "/tag"),
        ("/deprecationNotice/alternatives", "/deprecationNotice/alternative"),
        ("/properties/0/allowableValues", "/properties/0/allowableValue"),
        ("/property/0/allowableValues", "/property/0/allowableValue"),
        ("/properties", "/property"),
        ("/dynamicProperties", "/dynamicProperty"),
        ("/relationships", "/relationship"),
        ("/readsAttributes", "/readsAttribute"),
        ("/writesAttributes", "/writesAttribute"),
        ("/stateful/scopes", "/stateful/scope"),
        ("/restricted/restrictions", "/restricted/restriction"),
        ("/systemResourceConsiderations", "/systemResourceConsideration"),
        ("/seeAlso", "/see"),
    ];
    for (first, second) in NAMES {
        assert_eq!(value.pointer(first).expect(first), value.pointer(second).expect(second));
        let (place, name) = second.rsplit_once('/').expect("a name");
        value.pointer_mut(place).and_then(Value::as_object_mut).expect(place).remove(name);
    }
    value
}

#[test]
fn an_extension_is_described_in_full() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let more = concat!(
        "<deprecationNotice><reason>old</reason><alternatives><alternative>x.New</alternative></alternatives></deprecationNotice>",
        "<description> what  it does </description><inputRequirement>INPUT_FORBIDDEN</inputRequirement>",
        "<properties><property><name>p</name><displayName>P</displayName><defaultValue>1</defaultValue><required>true</required>",
        "<expressionLanguageSupported>true</expressionLanguageSupported><expressionLanguageScope>ENVIRONMENT</expressionLanguageScope>",
        "<controllerServiceDefinition><className>x.S</className><groupId>g</groupId><artifactId>s</artifactId><version>1</version>",
        "</controllerServiceDefinition><allowableValues><allowableValue><value>v</value></allowableValue></allowableValues>",
        "</property></properties><dynamicProperties><dynamicProperty><name>n</name><value>v</value></dynamicProperty></dynamicProperties>",
        "<relationships><relationship><name>success</name><autoTerminated>true</autoTerminated></relationship></relationships>",
        "<dynamicRelationship><name>d</name></dynamicRelationship>",
        "<readsAttributes><readsAttribute><name>r</name></readsAttribute></readsAttributes>",
        "<writesAttributes><writesAttribute><name>w</name><description>W</description></writesAttribute></writesAttributes>",
        "<stateful><description>s</description><scopes><scope>LOCAL</scope><scope>CLUSTER</scope></scopes></stateful>",
        "<restricted><restrictions><restriction><requiredPermission>all</requiredPermission></restriction></restrictions></restricted>",
        "<systemResourceConsiderations><systemResourceConsideration><resource>CPU</resource></systemResourceConsideration>",
        "</systemResourceConsiderations><seeAlso><see>x.Other</see></seeAlso><triggerSerially>true</triggerSerially>"
    );
    let bundle = nifi.described(&bucket, ("a", "1"), &extension("x.Y", "PROCESSOR", &["T"], more));
    let expected = json!({
        "name": "x.Y", "type": "PROCESSOR", "tags": ["T"], "description": " what  it does ", "inputRequirement": "INPUT_FORBIDDEN",
        "deprecationNotice": {"reason": "old", "alternatives": ["x.New"]},
        "properties": [{
            "name": "p", "displayName": "P", "defaultValue": "1", "required": true, "sensitive": false, "dynamic": false,
            "expressionLanguageSupported": true, "expressionLanguageScope": "ENVIRONMENT", "dynamicallyModifiesClasspath": false,
            "controllerServiceDefinition": {"className": "x.S", "groupId": "g", "artifactId": "s", "version": "1"},
            "allowableValues": [{"value": "v"}],
        }],
        "dynamicProperties": [{"name": "n", "value": "v", "expressionLanguageSupported": false}],
        "relationships": [{"name": "success", "autoTerminated": true}], "dynamicRelationship": {"name": "d"},
        "readsAttributes": [{"name": "r"}], "writesAttributes": [{"name": "w", "description": "W"}],
        "stateful": {"description": "s", "scopes": ["LOCAL", "CLUSTER"]},
        "restricted": {"restrictions": [{"requiredPermission": "all"}]},
        "systemResourceConsiderations": [{"resource": "CPU"}], "seeAlso": ["x.Other"],
    });
    let of_bundle = format!("/bundles/{bundle}/versions/1/extensions");
    for base in [of_bundle.as_str(), "/extension-repository/b/g/a/1/extensions"] {
        assert_eq!(without_second_names(done(&nifi.get(&format!("{base}/x.Y")))), expected);
        refused(&nifi.get(&format!("{base}/x.Z")), 404, NO_EXTENSION);
    }
    refused(&nifi.get(&format!("/bundles/{bundle}/versions/2/extensions")), 404, NO_VERSION);
    refused(&nifi.get(&format!("/bundles/{bundle}/versions/2/extensions/x.Y")), 404, NO_VERSION);
    let elsewhere = "The specified extension bundle version does not exist in this bucket.";
    refused(&nifi.get("/extension-repository/b/g/a/2/extensions"), 404, elsewhere);
    refused(
        &nifi.get("/extension-repository/c/g/a/1/extensions/x.Y"),
        404,
        "The specified bucket name does not exist in this registry.",
    );
    refused(&nifi.get("/bundles/unknown/versions/1/extensions"), 404, "The specified extension bundle ID does not exist.");
}

#[test]
fn an_archive_without_descriptor_has_no_extensions() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let bundle = text(&nifi.uploaded(&bucket, "g", "a", "1")["bundle"]["identifier"]);
    assert_eq!(done(&nifi.get(&format!("/bundles/{bundle}/versions/1/extensions"))), json!([]));
    assert_eq!(done(&nifi.get("/extension-repository/b/g/a/1/extensions")), json!([]));
    refused(&nifi.get("/extension-repository/b/g/a/1/extensions/x.Y"), 404, NO_EXTENSION);
}

#[test]
fn generated_python_clients_read_their_own_spelling_of_kinds() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    nifi.described(&bucket, ("a", "1"), &extension("x.Y", "PROCESSOR", &[], ""));
    let agent = [("User-Agent", "OpenAPI-Generator/1.0.0/python")];
    let found = done(&nifi.send(Method::GET, "/extensions?bundleType=nifi-nar", &agent, None));
    assert_eq!(found["filterParams"]["bundleType"], "NIFI_NAR");
    assert_eq!(found["extensions"][0]["bundleInfo"]["bundleType"], "NIFI_NAR");
}

#[test]
fn thousands_of_extensions_are_searched_quickly() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let value = format!("<allowableValue><value>v</value><description>{}</description></allowableValue>", "text ".repeat(20));
    let property = format!("<property><name>p</name><allowableValues>{}</allowableValues></property>", value.repeat(5));
    let properties = format!("<properties>{}</properties>", property.repeat(20));
    for bundle in 0..20 {
        let one = |number: usize| {
            extension(&format!("x.E{bundle}n{number}"), "PROCESSOR", &[&format!("t{number}"), "all"], &properties)
        };
        nifi.described(&bucket, (&format!("a{bundle}"), "1"), &(0..100).map(one).collect::<String>());
    }
    let begun = Instant::now();
    for _ in 0..10 {
        assert_eq!(nifi.names("?tag=t7").len(), 20);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "ten narrow searches took {:?}", begun.elapsed());
    let begun = Instant::now();
    assert_eq!(nifi.names("?tag=ALL").len(), 2000);
    assert!(begun.elapsed() < Duration::from_secs(4), "a wide search took {:?}", begun.elapsed());
    assert_eq!(done(&nifi.get("/extensions/tags")).as_array().unwrap().len(), 101);
}
