//! Plugins for tests: components that were built, and versions made of those that do what their settings say.

use crate::client::{Answer, Client, query, segment};
use crate::server::{components, program};
use serde_json::Value;
use std::ffi::OsString;

/// What the settings of the component stand behind.
const MARK: &[u8] = b"@@HEADWORKS-TEST-SETTINGS@@\n";
/// Bytes that settings may have.
const ROOM: usize = 1024 - MARK.len();

/// The search path with the compilers that `tools/setup.sh tests` installs.
pub fn search_path() -> OsString {
    let toolchains = program().parent().expect("a folder").join("../toolchains");
    let toolchains = toolchains.canonicalize().unwrap_or(toolchains);
    let own = ["python/bin", "node/node_modules/.bin", "go/bin"].map(|folder| toolchains.join(folder));
    let others = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(own.into_iter().chain(std::env::split_paths(&others))).expect("a search path")
}

/// A built component.
pub fn component(name: &str) -> Vec<u8> {
    let path = components().join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A version of a transformer. `settings` are further lines such as `work=tag`.
pub fn version(name: &str, version: &str, settings: &[&str]) -> Vec<u8> {
    version_of("test-versioned", name, version, settings)
}

/// A version of one of the components that settings are written into.
pub fn version_of(of: &str, name: &str, version: &str, settings: &[&str]) -> Vec<u8> {
    let mut component = component(of);
    let text = format!("name={name}\nversion={version}\n{}\n", settings.join("\n"));
    assert!(text.len() <= ROOM, "too long: {text}");
    let place = component.windows(MARK.len()).position(|window| window == MARK).expect("the mark") + MARK.len();
    component[place..place + text.len()].copy_from_slice(text.as_bytes());
    component
}

impl Client {
    /// Uploads a component with these parameters and answers what the server said.
    pub fn upload(&self, component: &[u8], parameters: &[(&str, &str)]) -> Answer {
        self.post_bytes(&format!("/platform/v1/plugins{}", query(parameters)), "application/wasm", component)
    }

    /// Uploads a component and puts it into use.
    pub fn push(&self, component: &[u8]) -> Value {
        let answer = self.upload(component, &[("release", "true")]);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    /// Puts a version into use, or on trial with further members, and answers what the server said.
    pub fn release(&self, plugin: &str, version: &str, more: Value) -> Answer {
        let mut body = serde_json::json!({ "version": version });
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        self.post(&format!("/platform/v1/plugins/{}/release", segment(plugin)), &body)
    }

    /// Which versions of a plugin are in use.
    pub fn released(&self, plugin: &str) -> Value {
        self.get(&format!("/platform/v1/plugins/{}/release", segment(plugin))).json()
    }
}

impl Answer {
    /// The problem document of an answer that has to be a failure with this status and code.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.header("content-type")), (status, "application/problem+json"), "{}", self.text());
        let problem = self.json();
        assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &status.into()), "{problem}");
        problem
    }
}
