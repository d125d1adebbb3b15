//! The example plugins and the templates, as their authors use them: built, tested in the sandbox and, where the language has
//! them, by their unit tests. A language whose tools are not here is passed over, unless CI is set.

use headworks_tests::plugins::search_path;
use headworks_tests::server::{clean_command, program};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

mod conformance;

const LANGUAGES: &[&str] = &["rust", "python", "js", "ts", "go", "c"];
/// The worlds that every language has, and those that only Rust has.
const WORLDS: &[&str] = &["transformer", "forwarder", "validator"];
const RUST_WORLDS: &[&str] = &["event-hook", "identity-provider"];

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/plugins")
}

/// What is built is shared among the plugins and kept for the next time.
fn shared() -> PathBuf {
    program().parent().expect("a folder").join("../examples")
}

fn plugin(arguments: &[&str]) -> Command {
    let mut command = clean_command();
    command.arg("plugin").args(arguments).env("CARGO_TARGET_DIR", shared()).env("PATH", search_path());
    command
}

/// Runs a command to its end and answers what it prints.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(text) } else { Err(format!("{command:?}: {}\n{text}", output.status)) }
}

/// The languages that can be built here. Where CI is set, all have to be.
fn languages() -> Vec<&'static str> {
    let folder = tempfile::tempdir().expect("a folder");
    let available = |language: &&&'static str| {
        let place = folder.path().join(language);
        let made =
            plugin(&["new", "probe", "--lang", language, "--output", "json", "--dir"]).arg(&place).output().expect("starts");
        assert!(made.status.success(), "{language}: {}", String::from_utf8_lossy(&made.stderr));
        let answer: Value = serde_json::from_slice(&made.stdout).expect("JSON");
        let missing = answer["missing"].as_str();
        assert!(missing.is_none() || std::env::var_os("CI").is_none(), "{language}: {}", missing.unwrap_or_default());
        if let Some(missing) = missing {
            eprintln!("passed over: {language}: {missing}");
        }
        missing.is_none()
    };
    LANGUAGES.iter().filter(available).copied().collect()
}

/// The unit tests of a plugin: they need no host.
fn unit_tests(language: &str, folder: &Path) -> Result<String, String> {
    let mut command = match language {
        "rust" => {
            let mut command = Command::new("cargo");
            command.args(["test", "--quiet"]).env("CARGO_TARGET_DIR", shared());
            command
        }
        "c" => {
            let mut command = Command::new("make");
            command.arg("test");
            command
        }
        "python" => {
            let mut command = Command::new("python3");
            command.args(["-B", "-m", "unittest", "discover", "tests"]).env("PYTHONPATH", "src:.headworks/sdk");
            command
        }
        "js" | "ts" => {
            let mut command = Command::new("node");
            command.args(["--test", "test/"]);
            command
        }
        "go" => {
            let mut command = Command::new("go");
            command.args(["test", "./..."]).env("GOPROXY", "off");
            command
        }
        _ => return Err(format!("nobody knows how unit tests in {language} are run")),
    };
    run(command.current_dir(folder).env("PATH", search_path()))
}

#[test]
fn every_example_is_built_and_passes_its_tests() {
    let languages = languages();
    let (mut seen, mut failed) = (BTreeMap::new(), Vec::new());
    let mut folders: Vec<_> =
        std::fs::read_dir(examples()).expect("examples").map(|entry| entry.expect("entry").path()).collect();
    folders.sort();
    for folder in folders {
        let manifest = std::fs::read_to_string(folder.join("headworks.toml")).expect("headworks.toml");
        let language = manifest.lines().find_map(|line| line.strip_prefix("lang = ")).expect("lang").trim_matches('"').to_owned();
        assert!(folder.join("README.md").is_file(), "{} has no README.md", folder.display());
        if !languages.contains(&language.as_str()) {
            continue;
        }
        // JavaScript and TypeScript share an SDK.
        *seen.entry(if language == "ts" { "js".to_owned() } else { language.clone() }).or_insert(0) += 1;
        let tested = run(plugin(&["test"]).arg(&folder)).and_then(|_| unit_tests(&language, &folder));
        failed.extend(tested.err());
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    for language in languages.into_iter().filter(|language| *language != "ts") {
        assert!(seen.get(language).is_some_and(|count| *count >= 2), "{language} has fewer than two examples: {seen:?}");
    }
}

#[test]
fn every_template_is_built_and_passes_its_tests() {
    let mut failed = Vec::new();
    for language in languages() {
        for world in WORLDS.iter().chain(if language == "rust" { RUST_WORLDS } else { &[] }) {
            let folder = tempfile::tempdir().expect("a folder");
            let name = format!("{language}-{world}");
            let place = folder.path().join(&name);
            let made = run(plugin(&["new", &name, "--lang", language, "--world", world, "--dir"]).arg(&place));
            let tested = made.and_then(|_| run(plugin(&["test"]).arg(&place))).and_then(|_| unit_tests(language, &place));
            failed.extend(tested.err());
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
