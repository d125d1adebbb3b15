//! The conformance guests: one plugin per SDK that does what `sdk-guest/conformance/vectors.json` asks for. What the vectors
//! say holds in every language that has one.

use super::{languages, plugin, run, search_path, shared};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn sdks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk-guest")
}

/// The vectors as `tests.json`: where a case says `repeat`, its records are there so many times.
fn vectors() -> Value {
    let text = fs::read_to_string(sdks().join("conformance/vectors.json")).expect("vectors");
    let mut vectors: Value = serde_json::from_str(&text).expect("JSON");
    for case in vectors["cases"].as_array_mut().expect("cases") {
        let case = case.as_object_mut().expect("a case");
        let times = case.remove("repeat").map_or(1, |times| times.as_u64().expect("a number") as usize);
        for member in ["input", "output"] {
            if let Some(Value::Array(records)) = case.get_mut(member) {
                *records = records.repeat(times);
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

#[test]
fn every_sdk_does_what_the_vectors_say() {
    let vectors = vectors();
    let count = vectors["cases"].as_array().expect("cases").len();
    let mut failed = Vec::new();
    for language in languages() {
        let guest = sdks().join(language).join("conformance");
        if !guest.join("headworks.toml").is_file() {
            // TypeScript is built with the SDK of JavaScript.
            assert!(matches!(language, "ts" | "rust" | "c"), "{language} has no conformance guest");
            continue;
        }
        let folder = shared().join("conformance").join(language);
        copy(&guest, &folder);
        fs::write(folder.join("tests.json"), vectors.to_string()).expect("written");
        match run(plugin(&["test"]).arg(&folder)) {
            Ok(text) => assert!(text.contains(&format!("{count} of {count} passed")), "{language}: {text}"),
            Err(error) => failed.push(error),
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
