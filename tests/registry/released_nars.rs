//! Archives of published releases of NiFi: uploaded, searched, documented, downloaded.
//!
//! They are in the folder `nars` of the build folder, where `tools/setup.sh tests` puts those of `tests/nars/pom.xml`.

use crate::calls::{API, Nifi, done, each, text};
use headworks_core::Digest;
use headworks_tests::{Server, found};
use serde_json::{Value, json};
use std::path::PathBuf;

/// The one whose manifest does not say its coordinates, as those of releases before 1.2.0.
const WITHOUT_COORDINATES: &str = "nifi-standard-services-api-nar-1.1.0.nar";

fn archives() -> Option<Vec<PathBuf>> {
    let exe = std::env::current_exe().ok()?;
    let folder = exe.ancestors().nth(3)?.join("nars");
    if !found("archives of NiFi's releases", folder.join("installed").is_file()) {
        return None;
    }
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut archives: Vec<_> = files.filter(|path| path.extension().is_some_and(|extension| extension == "nar")).collect();
    archives.sort();
    Some(archives)
}

/// Group, artifact and version as the name of the file has them.
fn coordinates(file: &str) -> (&str, &str) {
    file.strip_suffix(".nar")
        .unwrap()
        .split_once("-nar-")
        .map(|(artifact, version)| (&file[..artifact.len() + 4], version))
        .unwrap()
}

/// What is said of one archive once it is uploaded, by whichever address.
fn check(nifi: &Nifi, file: &str, bytes: &[u8], uploaded: &Value) -> usize {
    let (artifact, version) = coordinates(file);
    let (bundle, metadata) = (&uploaded["bundle"], &uploaded["versionMetadata"]);
    assert_eq!((&bundle["groupId"], &bundle["artifactId"]), (&json!("org.apache.nifi"), &json!(artifact)), "{file}");
    assert_eq!((&metadata["version"], &metadata["contentSize"]), (&json!(version), &json!(bytes.len())), "{file}");
    assert_eq!(metadata["sha256"], Digest::of(bytes).to_string(), "{file}");
    assert!(metadata["buildInfo"]["built"].as_i64().unwrap() > 1_400_000_000_000, "{file}: {metadata}");
    assert!(text(&metadata["buildInfo"]["buildTag"]) != "N/A", "{file}: {metadata}");
    let id = text(&bundle["identifier"]);
    let names = format!("/extension-repository/released/org.apache.nifi/{artifact}/{version}");
    for base in [format!("/bundles/{id}/versions/{version}"), names.clone()] {
        let content = nifi.get(&format!("{base}/content"));
        assert!(content.status == 200 && content.body == bytes, "{file} is not what was uploaded");
        assert_eq!(content.header("content-disposition"), format!("attachment; filename = {file}"));
    }
    assert_eq!(nifi.get(&format!("{names}/sha256")).text(), Digest::of(bytes).to_string());
    let extensions = done(&nifi.get(&format!("{names}/extensions")));
    for extension in extensions.as_array().unwrap() {
        let name = text(&extension["name"]);
        let whole = done(&nifi.get(&format!("{names}/extensions/{name}")));
        assert_eq!((&whole["name"], &whole["type"]), (&extension["name"], &extension["type"]), "{file}");
        let page = nifi.get(&format!("{names}/extensions/{name}/docs"));
        assert_eq!(page.status, 200, "{file}: {}", page.text());
        let page = page.text();
        assert!(page.contains(&format!("<td>Full Name</td><td>{name}</td>")), "{file}: {page}");
        for property in whole["properties"].as_array().into_iter().flatten() {
            let label = text(&property["displayName"]).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            assert!(page.contains(&label.replace('\'', "&apos;")), "{file}: {label}");
        }
        let details = nifi.get(&format!("{names}/extensions/{name}/docs/additional-details")).status;
        assert_eq!(details, if extension["hasAdditionalDetails"] == true { 200 } else { 409 }, "{file}");
    }
    extensions.as_array().unwrap().len()
}

#[test]
fn released_archives_are_kept_searched_and_documented() {
    let Some(archives) = archives() else { return };
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("released");
    let (mut taken, mut extensions, mut described) = (Vec::new(), 0, 0);
    for path in &archives {
        let file = path.file_name().unwrap().to_str().unwrap();
        let bytes = std::fs::read(path).unwrap();
        let answer = nifi.upload(&bucket, &bytes);
        if file == WITHOUT_COORDINATES {
            let text = "The archive cannot be used: Nar-Group is missing in its entry META-INF/MANIFEST.MF";
            assert_eq!((answer.status, answer.text().as_str()), (400, text));
            continue;
        }
        let found = check(&nifi, file, &bytes, &done(&answer));
        (extensions, described) = (extensions + found, described + usize::from(found > 0));
        taken.push(coordinates(file).1.to_owned());
    }
    let of = |major: &str| taken.iter().filter(|version| version.starts_with(major)).count();
    assert!(of("1.") >= 10 && of("2.") >= 10, "too few archives: {taken:?}");
    assert!(described >= 8 && extensions >= 20, "{extensions} extensions in {described} archives");
    let found = done(&nifi.get("/extensions"));
    assert_eq!(found["numResults"], extensions);
    let services = done(&nifi.get("/extensions?extensionType=CONTROLLER_SERVICE&tag=DBCP"));
    let pools = each(&services["extensions"], "name");
    assert!(pools.iter().filter(|name| *name == "org.apache.nifi.dbcp.DBCPConnectionPool").count() == 2, "{pools:?}");
    let query = "className=org.apache.nifi.dbcp.DBCPService&groupId=org.apache.nifi&artifactId=nifi-standard-services-api-nar&version=2.3.0";
    let providers = done(&nifi.0.get(&format!("{API}/extensions/provided-service-api?{query}")));
    assert!(each(&providers["extensions"], "displayName").contains(&"DBCPConnectionPool".to_owned()), "{providers}");
    let bundles = done(&nifi.get("/bundles"));
    let versions = bundles.as_array().unwrap().iter().map(|bundle| bundle["versionCount"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(versions as usize, taken.len());
}
