//! Documentation pages (NiFi Registry 15).

use crate::calls::{API, Nifi, done, refused, text};
use crate::uploads::real;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use headworks_core::Digest;
use headworks_tests::archives::{descriptor, entry, nar};
use headworks_tests::{Answer, Server};
use serde_json::json;

const STYLE: &str = "/nifi-registry-docs/css/component-usage.css";
const HADOOP: &str = "/extension-repository/My%20Bucket/org.apache.nifi/nifi-hadoop-nar/1.9.0-SNAPSHOT/extensions";

fn page(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    answer.text()
}

/// Checks that all of these stand in the page, each behind the one before.
#[track_caller]
fn in_order(page: &str, parts: &[&str]) {
    let mut from = 0;
    for part in parts {
        let Some(at) = page[from..].find(part) else { panic!("{part} is missing behind {}", &page[..from]) };
        from += at + part.len();
    }
}

#[test]
fn the_page_of_a_real_extension_has_its_parts_in_order() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("My Bucket");
    let uploaded = done(&nifi.upload(&bucket, &real("nifi-hadoop-nar.nar")));
    let bundle = text(&uploaded["bundle"]["identifier"]);
    let name = "org.apache.nifi.processors.hadoop.PutHDFS";
    let found = page(&nifi.get(&format!("{HADOOP}/{name}/docs")));
    let of_bundle = format!("/bundles/{bundle}/versions/1.9.0-SNAPSHOT/extensions/{name}/docs");
    assert_eq!(page(&nifi.get(&of_bundle)), found);
    assert!(found.starts_with("<!DOCTYPE html>"));
    let link = format!("<a href=\"{API}{HADOOP}/{name}/docs/additional-details\">Additional Details...</a>");
    in_order(
        &found,
        &[
            "<title>PutHDFS</title>",
            STYLE,
            "<h1 id=\"nameHeader\"",
            "PutHDFS</h1>",
            "<th>Extension Info</th><th>Value</th>",
            &format!("<td>Full Name</td><td>{name}</td>"),
            "<td>Type</td><td>Processor</td>",
            "<td>Bundle Group</td><td>org.apache.nifi</td>",
            "<td>Bundle Artifact</td><td>nifi-hadoop-nar</td>",
            "<td>Bundle Version</td><td>1.9.0-SNAPSHOT</td>",
            "<td>Bundle Type</td><td>nifi-nar</td>",
            "<td>System API Version</td><td>1.10.0-SNAPSHOT</td>",
            "<h2>Description:</h2>",
            &link,
            "<h3>Tags:</h3>",
            "hadoop, HDFS, put, copy, filesystem",
            "<h3>Properties:</h3>",
            "<table id=\"properties\">",
            "<th>Name</th><th>Default Value</th><th>Allowable Values</th><th>Description</th>",
            "KerberosCredentialsService (org.apache.nifi-",
            "<strong>Conflict Resolution Strategy</strong>",
            "<td>fail</td><td><ul><li>replace: Replaces the existing file if any.</li>",
            "<strong>Supports Expression Language: true",
            "<h3>Relationships:</h3>",
            "<td>success</td>",
            "<h3>Reads Attributes:</h3>",
            "<h3>Writes Attributes:</h3>",
            "<h3>State management:</h3>",
            "<h3>Restricted:</h3>",
            "<table id=\"restrictions\">",
            "<th>Required Permission</th><th>Explanation</th>",
            "<td>write filesystem</td>",
            "<h3>Input requirement:</h3>",
            "<h3>System Resource Considerations:</h3>",
            "None specified.",
            "<h3>See Also:</h3>",
            "<li>org.apache.nifi.processors.hadoop.GetHDFS</li>",
        ],
    );
    for absent in ["Deprecation notice:", "Dynamic Properties:", "Provided Service APIs:"] {
        assert!(!found.contains(absent), "{absent}");
    }
}

#[test]
fn an_extension_that_says_little_has_default_sentences() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    nifi.described(&bucket, ("a", "1"), "<extension><name>Bare</name><type>FLOW_ANALYSIS_RULE</type></extension>");
    let found = page(&nifi.get("/extension-repository/b/g/a/1/extensions/Bare/docs"));
    in_order(
        &found,
        &[
            "<td>Type</td><td>Flow Analysis Rule</td>",
            "No description provided.",
            "No tags provided.",
            "There are no properties.",
            "It keeps no state.",
            "It is not restricted.",
            "None specified.",
        ],
    );
    for absent in ["Additional Details", "Input requirement:", "See Also:", "Relationships:", "Attributes:"] {
        assert!(!found.contains(absent), "{absent}");
    }
    refused(
        &nifi.get("/extension-repository/b/g/a/1/extensions/Bare/docs/additional-details"),
        409,
        "The specified extension does not have additional details.",
    );
    let missing = "The specified extension does not exist in this registry.";
    refused(&nifi.get("/extension-repository/b/g/a/1/extensions/None/docs"), 404, missing);
    refused(&nifi.get("/extension-repository/b/g/a/1/extensions/None/docs/additional-details"), 404, missing);
}

#[test]
fn nothing_of_an_archive_becomes_markup() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let bad = "&lt;script&gt;alert(&apos;x&apos;)&lt;/script&gt;&quot;&amp;";
    let text = |name: &str| format!("<{name}>{bad}</{name}>");
    let service = ["className", "groupId", "artifactId", "version"].map(text).concat();
    let common = ["name", "value", "displayName", "description", "defaultValue"].map(text).concat();
    let yes =
        "<required>true</required><sensitive>true</sensitive><expressionLanguageSupported>true</expressionLanguageSupported>";
    let all = format!(
        "<extension><name>x.{bad}</name><type>{bad}</type><description>{bad}</description><tags><tag>{bad}</tag></tags>\
         <deprecationNotice><reason>{bad}</reason><alternatives><alternative>{bad}</alternative></alternatives></deprecationNotice>\
         <properties><property>{common}{yes}<allowableValues><allowableValue>{common}</allowableValue></allowableValues></property>\
         <property>{common}<controllerServiceDefinition>{service}</controllerServiceDefinition></property></properties>\
         <dynamicProperties><dynamicProperty>{common}{yes}</dynamicProperty></dynamicProperties>\
         <relationships><relationship>{common}</relationship></relationships><dynamicRelationship>{common}</dynamicRelationship>\
         <readsAttributes><readsAttribute>{common}</readsAttribute></readsAttributes>\
         <writesAttributes><writesAttribute>{common}</writesAttribute></writesAttributes>\
         <stateful><description>{bad}</description><scopes><scope>{bad}</scope></scopes></stateful>\
         <restricted><generalRestrictionExplanation>{bad}</generalRestrictionExplanation><restrictions><restriction>\
         <requiredPermission>{bad}</requiredPermission><explanation>{bad}</explanation></restriction></restrictions></restricted>\
         <inputRequirement>{bad}</inputRequirement><systemResourceConsiderations><systemResourceConsideration>\
         <resource>{bad}</resource><description>{bad}</description></systemResourceConsideration></systemResourceConsiderations>\
         <seeAlso><see>{bad}</see></seeAlso><providedServiceAPIs><providedServiceAPI>{service}</providedServiceAPI></providedServiceAPIs>\
         </extension>"
    );
    let details = "META-INF/docs/additional-details/x.<script>alert('x')<\\script>/additionalDetails.html";
    let archive = nar("<b>", "a", "1", &[descriptor(&all), entry(details, "x")]);
    done(&nifi.upload(&bucket, &archive));
    let listed = done(&nifi.get("/extensions"));
    let address = listed["extensions"][0]["linkDocs"]["href"].as_str().unwrap().to_owned();
    let found = page(&nifi.get(&format!("/{address}")));
    assert_eq!(found.matches("<script").count(), 1, "{found}");
    assert!(!found.contains("<b>"), "{found}");
    assert!(!found.contains("alert('x')"), "{found}");
    assert!(found.matches("&lt;script&gt;").count() > 30, "{found}");
    // Every value is there, and every element that is opened is closed.
    for element in ["table", "tr", "td", "th", "ul", "li", "p", "h1", "h2", "h3", "strong", "body", "html"] {
        let (opened, closed) = (format!("<{element}>"), format!("</{element}>"));
        let with_attributes = found.matches(&format!("<{element} ")).count();
        assert_eq!(found.matches(&opened).count() + with_attributes, found.matches(&closed).count(), "{element}");
    }
}

#[test]
fn pages_may_run_no_script_but_their_own() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("My Bucket");
    done(&nifi.upload(&bucket, &real("nifi-hadoop-nar.nar")));
    let built = nifi.get(&format!("{HADOOP}/org.apache.nifi.processors.hadoop.PutHDFS/docs"));
    let found = page(&built);
    let script = found.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    let digest = Digest::of(script.as_bytes()).to_string();
    let bytes: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&digest[2 * at..2 * at + 2], 16).unwrap()).collect();
    let policy = built.header("content-security-policy");
    assert!(policy.contains(&format!("script-src 'sha256-{}';", BASE64_STANDARD.encode(bytes))), "{policy}");
    assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'self'"), "{policy}");
    assert!(!found.contains("style=\""), "the policy allows no styles but the sheet's");
    let author = nifi.get(&format!("{HADOOP}/org.apache.nifi.processors.hadoop.PutHDFS/docs/additional-details"));
    let policy = author.header("content-security-policy");
    assert!(policy.contains("sandbox") && !policy.contains("script") && policy.starts_with("default-src 'none';"), "{policy}");
}

#[test]
fn the_page_of_an_author_finds_the_style_sheet() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let shipped =
        "<!DOCTYPE html><link href=\"../../../../../css/component-usage.css\"><p>gr\u{fc}n <b>as it is</b> <script>x</script>";
    let details = entry("META-INF/docs/additional-details/x.Y/additionalDetails.html", shipped);
    let described = descriptor("<extension><name>x.Y</name><type>PROCESSOR</type></extension>");
    let uploaded = done(&nifi.upload(&bucket, &nar("g", "a", "1", &[described, details])));
    let bundle = text(&uploaded["bundle"]["identifier"]);
    let expected = shipped.replace("../../../../../css/component-usage.css", STYLE);
    for base in [format!("/bundles/{bundle}/versions/1"), "/extension-repository/b/g/a/1".to_owned()] {
        assert_eq!(page(&nifi.get(&format!("{base}/extensions/x.Y/docs/additional-details"))), expected);
    }
    assert_eq!(done(&nifi.get("/extensions"))["extensions"][0]["hasAdditionalDetails"], json!(true));
    let style = nifi.0.get(STYLE);
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(style.text().contains("table {"), "{}", style.text());
    assert_eq!(nifi.0.get("/nifi-registry-docs").status, 200);
}
