//! A store with rules whose plugins are native and do what their configuration says.

use headworks_core::{Digest, DocumentKey, Error, ErrorCode, Result, TenantId};
use headworks_pipelines::Boxed;
use headworks_plugins::Judge;
use headworks_rules::{Rule, Rulebook, Rules};
use headworks_sandbox::{CallFailure, Severity, Subject, Violation};
use headworks_store::{Change, Durability, Store, StoreOptions};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

pub const T: TenantId = TenantId::DEFAULT;

/// How long a rule may take.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// What was asked, of all judges.
pub type Asked = Arc<Mutex<Vec<Subject>>>;

/// `{"do": …}`: `refuse` what holds `bad`, `warn` of it, `trap`, `hang`, `many`.
struct Native {
    config: Value,
    asked: Asked,
}

impl Judge for Native {
    fn validate<'a>(&'a self, subject: &'a Subject) -> Boxed<'a, Result<Vec<Violation>, CallFailure>> {
        self.asked.lock().unwrap().push(subject.clone());
        let violation = |severity| {
            let (path, message) = ("/x".to_owned(), format!("{} is bad", subject.name));
            Violation { path, message, severity }
        };
        let bad = subject.document.contains("bad");
        let answer = match self.config["do"].as_str().unwrap() {
            "refuse" => Ok(if bad { vec![violation(Severity::Error)] } else { Vec::new() }),
            "warn" => Ok(if bad { vec![violation(Severity::Warning)] } else { Vec::new() }),
            "many" => Ok(vec![Violation { message: "é".repeat(5000), ..violation(Severity::Error) }; 1000]),
            "trap" => Err(failure(ErrorCode::PluginTrap, "the plugin trapped")),
            "suspended" => Err(failure(ErrorCode::PluginSuspended, "it failed too often")),
            "hang" => return Box::pin(std::future::pending()),
            other => panic!("{other}"),
        };
        Box::pin(std::future::ready(answer))
    }

    fn digest(&self) -> String {
        String::new()
    }
}

fn failure(code: ErrorCode, message: &str) -> CallFailure {
    CallFailure { error: Error::new(code, message), trap: None, backtrace: None, digest: Digest([0; 32]) }
}

struct Natives(Asked);

impl Rulebook for Natives {
    fn open<'a>(&'a self, _: TenantId, plugin: &'a str, config: &'a Value) -> Boxed<'a, Result<Arc<dyn Judge>>> {
        let opened = match plugin {
            "native" => Ok(Arc::new(Native { config: config.clone(), asked: Arc::clone(&self.0) }) as Arc<dyn Judge>),
            _ => Err(Error::new(ErrorCode::InvalidProgram, format!("there is no plugin {plugin:?}")).at("plugin")),
        };
        Box::pin(std::future::ready(opened))
    }
}

pub struct World {
    pub store: Store,
    pub rules: Rules,
    pub asked: Asked,
    _folder: TempDir,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let options = StoreOptions { path, durability: Durability::Buffered, min_free_bytes: 0, ..StoreOptions::default() };
        let store = Store::open(options).unwrap();
        let asked = Asked::default();
        let rules = Rules::with_patience(store.clone(), Arc::new(Natives(Arc::clone(&asked))), PATIENCE);
        store.guard_with(Arc::new(rules.clone()));
        Self { store, rules, asked, _folder: folder }
    }

    pub async fn rule(&self, name: &str, does: &str, kinds: &[&str], mode: &str) {
        let rule = rule(json!({"plugin": "native", "config": {"do": does}, "kinds": kinds, "mode": mode}));
        self.rules.save("admin", T, name, rule).await.unwrap();
    }

    /// Also for deletions.
    pub async fn full_rule(&self, name: &str, does: &str, kinds: &[&str], mode: &str) {
        let operations = ["create", "update", "delete"];
        let all = json!({"plugin": "native", "config": {"do": does}, "kinds": kinds, "mode": mode, "operations": operations});
        self.rules.save("admin", T, name, rule(all)).await.unwrap();
    }

    pub async fn put(&self, kind: &str, name: &str, body: &str) -> Result<()> {
        self.store.write("ann", vec![Change::put(key(kind, name), body)]).await.map(drop)
    }

    pub async fn delete(&self, kind: &str, name: &str) -> Result<()> {
        self.store.write("ann", vec![Change::delete(key(kind, name))]).await.map(drop)
    }

    pub fn take(&self) -> Vec<Subject> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

pub fn key(kind: &str, name: &str) -> DocumentKey {
    DocumentKey::new(T, kind, name)
}

pub fn rule(rule: Value) -> Rule {
    Rule::read(rule.to_string().as_bytes()).unwrap()
}
