//! What the author of a plugin meets without any server: new projects, mistakes, tests that fail, limits, figures. In C, whose
//! compiler is there wherever Headworks is built.

use headworks_tests::server::clean_command;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn plugin(folder: &Path, arguments: &[&str]) -> Output {
    let mut command: Command = clean_command();
    command.arg("plugin").args(arguments).current_dir(folder).output().expect("the program starts")
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A new plugin in C.
fn project() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let made = plugin(folder.path(), &["new", "shout", "--lang", "c"]);
    assert!(made.status.success(), "{}", told(&made));
    let place = folder.path().join("shout");
    (folder, place)
}

/// Replaces a part of a file that is there once.
fn change(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).expect("the file");
    assert_eq!(text.matches(from).count(), 1, "{from:?} in {text}");
    std::fs::write(file, text.replace(from, to)).expect("written");
}

/// Runs a command that has to fail with status 1.
fn fails(folder: &Path, arguments: &[&str]) -> String {
    let output = plugin(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    told(&output)
}

#[test]
fn a_new_plugin_passes_its_tests_and_is_left_alone_by_the_next_new() {
    let (folder, place) = project();
    let tested = plugin(&place, &["test"]);
    assert!(tested.status.success(), "{}", told(&tested));
    assert!(told(&tested).contains("2 of 2 passed"));
    assert!(place.join("build/shout.wasm").is_file());
    assert!(fails(folder.path(), &["new", "shout", "--lang", "c"]).contains("shout exists already"));
}

#[test]
fn what_cannot_be_made_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let says = |arguments: &[&str]| fails(folder.path(), arguments);
    assert!(says(&["new", "shout", "--lang", "cobol"]).contains("there is no language \"cobol\"; there are rust, "));
    assert!(says(&["new", "Shout!", "--lang", "c"]).contains("is no name of a plugin"));
    assert!(says(&["new", "../x", "--lang", "c"]).contains("is no name of a plugin"));
    assert!(says(&["new", "x", "--lang", "c", "--world", "moon"]).contains("there is no world \"moon\""));
    assert!(says(&["build"]).contains("headworks.toml is missing: run this in a plugin's folder"));
    std::fs::write(folder.path().join("headworks.toml"), "name = \"x\"\nlang = \"c\"\n").expect("written");
    assert!(says(&["build"]).contains("missing field `world`"));
}

#[test]
fn a_mistake_in_the_source_is_shown_as_the_compiler_says_it() {
    let (_folder, place) = project();
    change(&place.join("src/plugin.c"), "return hw_keep(field);", "return hw_keep(feild);");
    let said = fails(&place, &["build"]);
    assert!(said.contains("plugin.c:") && said.contains("feild") && said.contains("compiling failed"), "{said}");
}

#[test]
fn a_test_that_fails_shows_what_is_different() {
    let (_folder, place) = project();
    change(&place.join("tests.json"), "\"output\": [{ \"level\": \"INFO\"", "\"output\": [{ \"level\": \"Info\"");
    let said = fails(&place, &["test"]);
    assert!(said.contains("FAILED the field is upper-cased"), "{said}");
    assert!(said.contains("record 0, field \"level\": expected \"Info\", got \"INFO\""), "{said}");
    assert!(said.contains("1 of 2 passed"), "{said}");
    let output = plugin(&place, &["test", "--output", "json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["failed"], 1);
    assert_eq!(answer["cases"][1]["passed"], true);
}

#[test]
fn a_test_that_says_nothing_or_is_misspelt_is_refused() {
    let (_folder, place) = project();
    let tests = |text: &str| std::fs::write(place.join("tests.json"), text).expect("written");
    tests(r#"{"cases": [{"name": "empty", "config": {"field": "a"}}]}"#);
    assert!(fails(&place, &["test"]).contains("the case says neither output nor error"));
    tests(r#"{"cases": [{"name": "a", "outptu": []}]}"#);
    assert!(fails(&place, &["test"]).contains("unknown field `outptu`"));
    tests(r#"{"cases": []}"#);
    assert!(fails(&place, &["test"]).contains("has no cases"));
}

#[test]
fn a_plugin_that_never_ends_meets_the_limit_of_the_server() {
    let (_folder, place) = project();
    change(&place.join("src/plugin.c"), "    (void)error;\n", "    (void)error;\n    for (volatile int go = 1; go;) {}\n");
    let said = fails(&place, &["test"]);
    assert!(said.contains("FAILED the field is upper-cased"), "{said}");
    assert!(said.contains("processor time") || said.contains("it was stopped"), "{said}");
}

#[test]
fn what_a_plugin_logs_is_shown_with_a_test_that_fails() {
    let (_folder, place) = project();
    change(
        &place.join("src/plugin.c"),
        "    (void)error;\n",
        "    hw_log(HW_WARN, \"here %d\", 7);\n    return hw_fail(error, \"no luck\");\n",
    );
    let said = fails(&place, &["test"]);
    assert!(said.contains("failed: no luck") && said.contains("log warn: here 7"), "{said}");
}

#[test]
fn the_cost_of_a_record_is_measured_in_three_sizes() {
    let (_folder, place) = project();
    let output = plugin(&place, &["bench", "--output", "json"]);
    assert!(output.status.success(), "{}", told(&output));
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let sizes: Vec<u64> = answer["costs"].as_array().expect("costs").iter().filter_map(|cost| cost["records"].as_u64()).collect();
    assert_eq!(sizes, [1, 100, 1000]);
    for cost in answer["costs"].as_array().expect("costs") {
        assert!(cost["micros_per_record"].as_f64().is_some_and(|micros| micros > 0.0), "{cost}");
    }
    let bytes = std::fs::metadata(place.join("build/shout.wasm")).expect("the component").len();
    assert_eq!(answer["bytes"], bytes);
}

#[test]
fn the_tool_s_own_folder_is_mended_and_nothing_else_is_touched() {
    let (_folder, place) = project();
    std::fs::write(place.join(".headworks/sdk/hw.h"), "broken").expect("written");
    std::fs::write(place.join("src/mine.h"), "mine").expect("written");
    let built = plugin(&place, &["build"]);
    assert!(built.status.success(), "{}", told(&built));
    assert_eq!(std::fs::read_to_string(place.join("src/mine.h")).expect("the file"), "mine");
}
