//! What is exported is found again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::export::{Changed, Exporter};
use super::repository::{Mark, Repository};
use super::{Access, Committer, FoundBucket, GitOptions, History};
use git2::Sort;
use headworks_core::TenantId;
use headworks_core::revision::Basis;
use headworks_core::time::SystemClock;
use headworks_registry::{BucketChange, FlowChange, NewBucket, NewFlow, Registry, Saving};
use headworks_store::{Store, StoreOptions};
use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;

const T: TenantId = TenantId::DEFAULT;

struct Bench {
    registry: Registry,
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { path: folder.path().join("db"), min_free_bytes: 0, ..StoreOptions::default() };
        let registry = Registry::new(Store::open(options).unwrap(), Arc::new(SystemClock), None);
        Self { registry, folder }
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("git")
    }

    async fn bucket(&self, name: &str) -> String {
        let new = NewBucket { name: Some(name.to_owned()), description: Some("of old".to_owned()), ..NewBucket::default() };
        self.registry.create_bucket(T, "ann", new, &Basis::Unchecked).await.unwrap().id
    }

    async fn flow(&self, bucket: &str, id: Option<&str>, name: &str) -> String {
        let new = NewFlow { id: id.map(str::to_owned), name: Some(name.to_owned()), ..NewFlow::default() };
        self.registry.create_flow(T, "ann", bucket, new, &Basis::Unchecked).await.unwrap().1.id
    }

    async fn version(&self, bucket: &str, flow: &str, text: &str) {
        let snapshot =
            format!(r#"{{"snapshotMetadata":{{"version":-1,"comments":"says {text}"}},"flowContents":{{"name":"{text}"}}}}"#);
        let taken = self.registry.take_snapshot(T, Cursor::new(snapshot.into_bytes())).await.unwrap();
        self.registry.save_version(T, "bob <b>", (bucket, flow), taken, Saving::Own).await.unwrap();
    }

    /// Exports everything as a server that just started; answers the number of commits.
    fn export(&self) -> usize {
        let mut commits = 0;
        let committer = Committer { name: "srv".to_owned(), address: "srv@example.com".to_owned() };
        let options = GitOptions { folder: self.repository(), clone: None, remote: None, access: Access::default(), committer };
        let repository = Repository::prepare(&options, "me").unwrap();
        repository.mark(Mark::Exported, "me").unwrap();
        let mut changed = Changed { all: true, ..Changed::default() };
        let mut exporter = Exporter::new(self.registry.clone(), T, repository);
        exporter.catch_up(&mut changed, &AtomicBool::new(false), || commits += 1).unwrap();
        assert!(changed.is_empty());
        commits
    }

    fn found(&self) -> Vec<FoundBucket> {
        History::open(&self.repository()).unwrap().unwrap().buckets().unwrap()
    }

    fn messages(&self) -> Vec<String> {
        let git = git2::Repository::open(self.repository()).unwrap();
        let mut walk = git.revwalk().unwrap();
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE).unwrap();
        walk.push_head().unwrap();
        walk.map(|id| git.find_commit(id.unwrap()).unwrap().message().unwrap().to_owned()).collect()
    }

    /// The files of the work tree, which has to be that of the newest commit.
    fn files(&self) -> Vec<String> {
        let git = git2::Repository::open(self.repository()).unwrap();
        assert!(git.statuses(None).unwrap().is_empty());
        let mut files: Vec<String> = git.index().unwrap().iter().map(|entry| String::from_utf8(entry.path).unwrap()).collect();
        for file in &files {
            assert!(self.repository().join(file).is_file(), "{file}");
        }
        files.sort();
        files
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_become_commits_and_are_found_again() {
    let bench = Bench::new();
    assert_eq!(bench.export(), 0);
    let ops = bench.bucket("ops: a/b").await;
    let (one, two) = (bench.flow(&ops, None, "first flow").await, bench.flow(&ops, Some("123"), "first/flow").await);
    for (flow, text) in [(&one, "a"), (&two, "b"), (&one, "c")] {
        bench.version(&ops, flow, text).await;
    }
    assert_eq!((bench.export(), bench.export()), (4, 0));
    assert_eq!(bench.messages()[1], "says a\n\nBy NiFi Registry user: bob <b>");
    let files = bench.files();
    assert_eq!(files[..2], ["ops__a_b/bucket.yml", "ops__a_b/first_flow.snapshot"]);
    assert_eq!(files[2], "ops__a_b/first_flow_123.snapshot");
    let found = bench.found();
    assert_eq!((found.len(), found[0].name.as_str(), found[0].id.as_str()), (1, "ops: a/b", ops.as_str()));
    assert_eq!(found[0].description.as_deref(), Some("of old"));
    let flow = found[0].flows.iter().find(|flow| flow.id == one).unwrap();
    assert_eq!((flow.name.as_str(), flow.versions.len()), ("first flow", 2));
    for (version, text) in flow.versions.iter().zip(["a", "c"]) {
        let saved = bench.registry.version(T, &one, version.number).unwrap();
        assert_eq!((&version.author, &version.comments, version.created), (&saved.author, &saved.comments, saved.timestamp));
        let mut file = String::new();
        let history = History::open(&bench.repository()).unwrap().unwrap();
        history.contents(version, 1 << 20).unwrap().read_to_string(&mut file).unwrap();
        let file: serde_json::Value = serde_json::from_str(&file).unwrap();
        assert_eq!(file["content"]["flowSnapshot"]["flowContents"]["name"], text);
        assert!(history.contents(version, 10).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn renames_and_deletions_are_commits() {
    let bench = Bench::new();
    let (ops, other) = (bench.bucket("ops").await, bench.bucket("other").await);
    let (one, two) = (bench.flow(&ops, None, "one").await, bench.flow(&ops, None, "two").await);
    bench.version(&ops, &one, "a").await;
    bench.version(&ops, &two, "b").await;
    assert_eq!(bench.export(), 4);
    let name = |text: &str| Some(text.to_owned());
    let change = BucketChange { name: name("Ops 2"), ..BucketChange::default() };
    bench.registry.update_bucket(T, "ann", &ops, &change, &Basis::Unchecked).await.unwrap();
    let change = FlowChange { name: name("uno"), ..FlowChange::default() };
    bench.registry.update_flow(T, "ann", (&ops, &one), &change, &Basis::Unchecked).await.unwrap();
    bench.version(&ops, &one, "c").await;
    assert_eq!(bench.export(), 3);
    assert_eq!(bench.files(), ["Ops_2/bucket.yml", "Ops_2/two.snapshot", "Ops_2/uno.snapshot", "other/bucket.yml"]);
    let found = bench.found();
    assert_eq!(found.iter().map(|bucket| bucket.name.as_str()).collect::<Vec<_>>(), ["Ops 2", "other"]);
    let uno = found[0].flows.iter().find(|flow| flow.id == one).unwrap();
    assert_eq!((uno.name.as_str(), uno.versions.len()), ("uno", 2));
    bench.registry.delete_flow(T, "ann", (&ops, &two), &Basis::Unchecked).await.unwrap();
    bench.registry.delete_bucket(T, "ann", &other, &Basis::Unchecked).await.unwrap();
    assert_eq!(bench.export(), 2);
    assert_eq!(bench.files(), ["Ops_2/bucket.yml", "Ops_2/uno.snapshot"]);
    let messages = bench.messages();
    for said in
        ["Renamed the bucket ops to Ops 2", "Renamed the flow one to uno", "Deleted the flow two", "Deleted the bucket other"]
    {
        assert_eq!(messages.iter().filter(|message| *message == said).count(), 1, "{messages:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_was_made_anew_is_committed_anew() {
    let bench = Bench::new();
    let ops = bench.bucket("ops").await;
    let flow = bench.flow(&ops, Some("same"), "flow").await;
    for text in ["a", "b", "c"] {
        bench.version(&ops, &flow, text).await;
    }
    assert_eq!(bench.export(), 4);
    bench.registry.delete_flow(T, "ann", (&ops, &flow), &Basis::Unchecked).await.unwrap();
    bench.flow(&ops, Some("same"), "flow").await;
    for text in ["x", "y"] {
        bench.version(&ops, &flow, text).await;
    }
    assert_eq!((bench.export(), bench.export()), (3, 0));
    let found = bench.found();
    let versions = &found[0].flows[0].versions;
    let comments: Vec<_> = versions.iter().map(|version| version.comments.as_deref().unwrap()).collect();
    assert_eq!(comments, ["says x", "says y"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_left_is_mended() {
    let bench = Bench::new();
    let ops = bench.bucket("ops").await;
    let flow = bench.flow(&ops, None, "flow").await;
    bench.version(&ops, &flow, "a").await;
    assert_eq!(bench.export(), 2);
    let git = bench.repository().join(".git");
    for lock in ["index.lock", "HEAD.lock", "config.lock", "refs/heads/main.lock"] {
        std::fs::write(git.join(lock), "").unwrap();
    }
    std::fs::write(bench.repository().join("ops/flow.snapshot"), "half").unwrap();
    bench.version(&ops, &flow, "b").await;
    assert_eq!(bench.export(), 1);
    assert_eq!(bench.files(), ["ops/bucket.yml", "ops/flow.snapshot"]);
}
