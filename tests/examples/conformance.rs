//! The conformance guests: one plugin per SDK that does what `sdk-guest/conformance/vectors.json` asks for. What the vectors
//! say holds in every language that has one.

use super::{languages, plugin, run, shared};
use headworks_tests::plugins::search_path;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn sdks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk-guest")
}

/// The versions of the interface that the guests of a language are built against: those that its SDK knows.
fn interfaces(language: &str) -> &'static [&'static str] {
    match language {
        "rust" | "c" => &["0.1.0", "0.1.1", "0.1.2"],
        _ => &["0.1.1", "0.1.2"],
    }
}

/// The vectors of a language and a version of the interface as `tests.json`. Where a case says `repeat`, its records are
/// there so many times; where it says `since`, older versions cannot do it; an `error` may have a text for each language.
fn vectors(language: &str, interface: &str) -> Value {
    let text = fs::read_to_string(sdks().join("conformance/vectors.json")).expect("vectors");
    let mut vectors: Value = serde_json::from_str(&text).expect("JSON");
    let cases = vectors["cases"].as_array_mut().expect("cases");
    cases.retain(|case| case["since"].as_str().is_none_or(|since| since <= interface));
    for case in cases {
        let case = case.as_object_mut().expect("a case");
        case.remove("since");
        if let Some(Value::Object(errors)) = case.get("error") {
            let error = errors.get(language).or_else(|| errors.get("")).expect("an error").clone();
            case.insert("error".to_owned(), error);
        }
        let times = case.remove("repeat").map_or(1, |times| times.as_u64().expect("a number") as usize);
        for member in ["input", "output"] {
            if let Some(Value::Array(records)) = case.get_mut(member) {
                *records = vec![records.clone(); times].concat();
            }
        }
    }
    vectors
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match entry.file_name().to_str() {
            Some(".headworks" | "build" | "node_modules" | "__pycache__") => {}
            _ if path.is_dir() => copy(&path, &target),
            _ => drop(fs::copy(&path, &target).expect("copied")),
        }
    }
}

/// Has a copy of a guest built against a version.
fn choose(folder: &Path, interface: &str) {
    let manifest = folder.join("headworks.toml");
    let text = fs::read_to_string(&manifest).expect("headworks.toml");
    fs::write(manifest, format!("{text}interface = \"{interface}\"\n")).expect("written");
    let package = folder.join("Cargo.toml");
    if let Ok(text) = fs::read_to_string(&package) {
        let feature = format!("interface-{}", interface.replace('.', "-"));
        // Only versions that offer less have one.
        if text.contains(&format!("\n{feature} = ")) {
            fs::write(package, text.replace("default = []", &format!("default = [\"{feature}\"]"))).expect("written");
        }
    }
}

/// A component tells its version by the name of what it exports.
fn is_of(component: &Path, interface: &str) -> bool {
    let export = format!("headworks:plugin/transforming@{interface}");
    fs::read(component).expect("a component").windows(export.len()).any(|window| window == export.as_bytes())
}

#[test]
fn every_sdk_does_what_the_vectors_say_against_every_version_of_the_interface() {
    let mut failed = Vec::new();
    // TypeScript is built with the SDK of JavaScript.
    for language in languages().into_iter().filter(|language| *language != "ts") {
        let guest = sdks().join(language).join("conformance");
        for interface in interfaces(language) {
            let vectors = vectors(language, interface);
            let count = vectors["cases"].as_array().expect("cases").len();
            assert!(count >= 30, "{interface}: {count}");
            let folder = shared().join("conformance").join(format!("{language}-{interface}"));
            copy(&guest, &folder);
            choose(&folder, interface);
            fs::write(folder.join("tests.json"), vectors.to_string()).expect("written");
            match run(plugin(&["test"]).arg(&folder)) {
                Ok(text) => {
                    assert!(text.contains(&format!("{count} of {count} passed")), "{language}: {text}");
                    assert!(is_of(&folder.join("build/conformance.wasm"), interface), "{language} {interface}");
                }
                Err(error) => failed.push(error),
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// What the vectors cannot see is tested against the double of the host that each SDK brings.
#[test]
fn every_sdk_passes_its_own_tests() {
    let (languages, mut failed) = (languages(), Vec::new());
    let mut test = |language: &str, program: &str, arguments: &[&str], variables: &[(&str, &str)]| {
        if languages.contains(&language) {
            let mut command = Command::new(program);
            command.args(arguments).current_dir(sdks().join(language)).env("PATH", search_path());
            command.envs(variables.iter().copied());
            failed.extend(run(&mut command).err());
        }
    };
    test("python", "python3", &["-B", "-m", "unittest", "discover", "tests"], &[("PYTHONPATH", "sdk")]);
    test("js", "node", &["--test", "test/"], &[]);
    test("go", "go", &["-C", "sdk", "test", "./..."], &[("GOPROXY", "off")]);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
