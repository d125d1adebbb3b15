//! NiFi's command line toolkit, as released, against the registry. It brings the official Java client with it.
//!
//! Its jars are in the folder `nifi-cli` of the build folder, where `tools/setup.sh tests` puts them.

use headworks_tests::server::{PASSWORD, USER};
use headworks_tests::{Server, Setup, found};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The commands of the toolkit for one registry.
struct Cli {
    jars: PathBuf,
    common: Vec<String>,
}

impl Cli {
    /// Against this address, with what each command gets besides.
    fn new(url: &str, common: &[&str]) -> Option<Self> {
        let exe = std::env::current_exe().ok()?;
        let jars = exe.ancestors().nth(3)?.join("nifi-cli");
        let there = found("the command line of NiFi", jars.join("installed").is_file());
        let common = ["-u", url].iter().chain(common).map(|text| (*text).to_owned()).collect();
        there.then_some(Self { jars, common })
    }

    fn run(&self, command: &str, arguments: &[&str]) -> Result<String, String> {
        let mut java = Command::new("java");
        java.arg("-cp").arg(self.jars.join("*")).arg("org.apache.nifi.toolkit.cli.CLIMain");
        // As a client of an hour ago would: nothing of this machine's configuration counts.
        java.args(["registry", command]).args(&self.common).args(arguments).env("HOME", std::env::temp_dir());
        let output = java.output().expect("java runs");
        let shown = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
        if output.status.success() { Ok(shown.trim().to_owned()) } else { Err(shown) }
    }

    /// What a command prints that has to succeed.
    fn says(&self, command: &str, arguments: &[&str]) -> String {
        self.run(command, arguments).unwrap_or_else(|shown| panic!("{command} {arguments:?}: {shown}"))
    }

    /// The same as JSON.
    fn json(&self, command: &str, arguments: &[&str]) -> Value {
        let shown = self.says(command, &[arguments, &["-ot", "json"]].concat());
        serde_json::from_str(&shown).unwrap_or_else(|_| panic!("{command} {arguments:?}: {shown}"))
    }
}

fn nar() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/nars/nifi-foo-nar-1.0.0.nar")
}

#[test]
fn flows_and_bundles_by_nifis_command_line() {
    let server = Server::start();
    let Some(cli) = Cli::new(&format!("http://{}", server.address()), &[]) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();

    let bucket = cli.says("create-bucket", &["-bn", "first bucket", "-bd", "of the command line"]);
    let refused = cli.run("create-bucket", &["-bn", "first bucket"]).expect_err("the name is taken");
    assert!(refused.contains("already exists"), "{refused}");
    let listed = cli.json("list-buckets", &[]);
    assert_eq!((listed[0]["identifier"].as_str(), listed[0]["name"].as_str()), (Some(&*bucket), Some("first bucket")));

    let [one, two] = ["one", "two"].map(|name| cli.says("create-flow", &["-b", &bucket, "-fn", name]));
    for name in ["Gen", "Gen2"] {
        let snapshot = serde_json::json!({"flowContents": {"identifier": "G", "name": "g", "processors": [{
            "identifier": "P", "name": name, "type": "x.Generate", "groupIdentifier": "G", "componentType": "PROCESSOR",
            "bundle": {"group": "x", "artifact": "x-nar", "version": "1"}, "properties": {}, "propertyDescriptors": {},
        }]}, "snapshotMetadata": {"comments": name}});
        std::fs::write(folder.path().join("flow.json"), snapshot.to_string()).expect("the flow");
        cli.says("import-flow-version", &["-f", &one, "-i", &path("flow.json")]);
    }
    let versions = cli.json("list-flow-versions", &["-f", &one]);
    assert_eq!(versions.as_array().map(Vec::len), Some(2), "{versions}");
    assert!(cli.says("diff-flow-versions", &["-f", &one, "-fv1", "1", "-fv2", "2"]).contains("From 'Gen' to 'Gen2'"));
    cli.says("export-flow-version", &["-f", &one, "-fv", "2", "-o", &path("out.json")]);
    let exported: Value = serde_json::from_slice(&std::fs::read(path("out.json")).expect("the file")).expect("JSON");
    assert_eq!(exported["flowContents"]["processors"][0]["name"], "Gen2");
    cli.says("sync-flow-versions", &["-f", &two, "-sf", &one]);
    assert_eq!(cli.json("list-flow-versions", &["-f", &two]).as_array().map(Vec::len), Some(2));
    cli.says("transfer-flow-version", &["-f", &two, "-sf", &one]);
    assert_eq!(cli.json("list-flow-versions", &["-f", &two]).as_array().map(Vec::len), Some(3));
    assert_eq!(cli.json("list-flows", &["-b", &bucket]).as_array().map(Vec::len), Some(2));
    cli.says("delete-flow", &["-f", &two, "-force"]);

    cli.says("upload-bundle", &["-b", &bucket, "-ebt", "nifi-nar", "-ebf", &nar().display().to_string()]);
    let group = cli.json("list-bundle-groups", &["-bn", "first bucket"])[0]["groupId"].as_str().expect("a group").to_owned();
    let within = ["-bn", "first bucket", "-gr", &group];
    let artifact = cli.json("list-bundle-artifacts", &within)[0]["artifactId"].as_str().expect("an artifact").to_owned();
    let of = [&within[..], &["-ar", &artifact]].concat();
    let version = cli.json("list-bundle-versions", &of)[0]["version"].as_str().expect("a version").to_owned();
    let exact = [&of[..], &["-ver", &version]].concat();
    let bytes = std::fs::read(nar()).expect("the archive");
    assert_eq!(cli.says("get-bundle-checksum", &exact), headworks_core::Digest::of(&bytes).to_string());
    cli.says("download-bundle", &[&exact[..], &["-od", &folder.path().display().to_string()]].concat());
    let name = format!("{artifact}-{version}.nar");
    assert_eq!(std::fs::read(folder.path().join(name)).expect("the download"), bytes);
    cli.says("list-extension-tags", &[]);
    assert!(cli.says("list-extensions", &[]).contains("FooProcessor"));
    assert!(cli.says("current-user", &[]).contains("anonymous"));
    cli.says("delete-bucket", &["-b", &bucket, "-force"]);
    assert_eq!(cli.json("list-buckets", &[]), serde_json::json!([]));
}

#[test]
fn users_and_policies_by_nifis_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("a certificate");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("cert.pem"), signed.cert.pem()).expect("the certificate");
    std::fs::write(path("key.pem"), signed.signing_key.serialize_pem()).expect("the key");
    if !found("keytool", Command::new("keytool").arg("-help").output().is_ok()) {
        return;
    }
    let server =
        Setup::new().env("HEADWORKS_HTTP_TLS_CERT", &path("cert.pem")).env("HEADWORKS_HTTP_TLS_KEY", &path("key.pem")).start();
    let mut trust = Command::new("keytool");
    trust.args(["-importcert", "-noprompt", "-alias", "headworks", "-storetype", "PKCS12", "-storepass", "changeit"]);
    trust.args(["-file", &path("cert.pem"), "-keystore", &path("trust.p12")]);
    assert!(trust.output().expect("keytool runs").status.success());
    let url = format!("https://{}", server.address());
    let trusting = ["-ts", &path("trust.p12"), "-tst", "PKCS12", "-tsp", "changeit"];
    let Some(nobody) = Cli::new(&url, &trusting) else { return };
    let refused = nobody.run("get-access-token", &["-usr", USER, "-pwd", "wrong"]).expect_err("a wrong password");
    assert!(refused.contains("not valid"), "{refused}");
    let token = nobody.says("get-access-token", &["-usr", USER, "-pwd", PASSWORD]);
    let cli = Cli::new(&url, &[&trusting[..], &["-btk", &token]].concat()).expect("it is there");

    assert!(cli.says("current-user", &[]).contains(USER));
    let alice = cli.says("create-user", &["-un", "alice"]);
    cli.says("update-user", &["-ui", &alice, "-un", "alice2"]);
    let team = cli.says("create-user-group", &["-ugn", "team", "-unl", "alice2"]);
    assert!(cli.json("list-users", &[]).to_string().contains("alice2"));
    assert!(cli.json("list-user-groups", &[]).to_string().contains(&team));
    cli.says("update-user-group", &["-ugid", &team, "-ugn", "crew"]);

    let bucket = cli.says("create-bucket", &["-bn", "b"]);
    let resource = format!("/buckets/{bucket}");
    // It looks the policy up first, and makes it because there is none.
    cli.says("update-policy", &["-por", &resource, "-poa", "read", "-unl", "alice2"]);
    cli.says("update-policy", &["-por", &resource, "-poa", "read", "-gnl", "crew"]);
    let policy = cli.json("get-policy", &["-por", &resource, "-poa", "read"]).to_string();
    assert!(policy.contains("alice2") && policy.contains("crew"), "{policy}");
    cli.says("update-bucket-policy", &["-bn", "b", "-poa", "write", "-unl", "alice2"]);
    cli.says("logout-access-token", &["-btk", &token]);
    let refused = cli.run("list-users", &[]).expect_err("the token is dead");
    assert!(refused.contains("Unable to validate the access token"), "{refused}");
}
