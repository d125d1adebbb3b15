//! `headworks registry import`: what another NiFi Registry kept goes into a running server, over the platform interface.
//!
//! What must stay true: everything is read and judged before the first request; what is refused is named and does not hinder
//! the rest; the same command again goes on where it was broken off.

use super::Printer;
use super::api::{Api, Refused};
use anyhow::Result;
use clap::{Args, Subcommand};
use headworks_layouts::{Bucket, BundleVersion, ContentsIn, Flow, Inventory, Version, Zone};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;
use std::io::{Read, Seek};
use std::path::PathBuf;
use std::process::ExitCode;
use ureq::http::StatusCode;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Take over buckets, flows, versions and bundles with their identifiers, people and times. May be repeated: what is here
    /// already is passed over.
    Import(Import),
}

#[derive(Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Sources {
    /// SQL dump of the metadata database, made with org.h2.tools.Script, `pg_dump --inserts` or mysqldump. The contents of
    /// flows are in it too unless --files or --git says where they are.
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// Folder of flow contents: the Flow Storage Directory of the file system provider.
    #[arg(long, value_name = "DIR", conflicts_with = "git")]
    files: Option<PathBuf>,
    /// Folder of the repository of the Git provider.
    #[arg(long, value_name = "DIR")]
    git: Option<PathBuf>,
    /// Folder of bundles: the Extension Bundle Storage Directory.
    #[arg(long, value_name = "DIR")]
    bundles: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Import {
    #[command(flatten)]
    sources: Sources,
    /// Zone of the times in the dump, which are those of the machine that the original ran on: UTC, Europe/Berlin or +02:00.
    #[arg(long, value_name = "ZONE", default_value = "UTC", requires = "database")]
    time_zone: Zone,
    /// Read and judge everything, and send nothing.
    #[arg(long)]
    dry_run: bool,
}

/// How many of each kind.
#[derive(Default, Serialize)]
struct Counts {
    buckets: u64,
    flows: u64,
    versions: u64,
    bundles: u64,
}

impl Counts {
    fn line(&self) -> String {
        let Self { buckets, flows, versions, bundles } = self;
        format!("{buckets} buckets, {flows} flows, {versions} versions, {bundles} versions of bundles")
    }
}

#[derive(Serialize)]
struct Refusal {
    what: String,
    why: String,
}

/// One import under way.
struct Run<'a> {
    api: &'a Api,
    inventory: &'a Inventory,
    bar: ProgressBar,
    imported: Counts,
    present: Counts,
    refused: Vec<Refusal>,
}

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<ExitCode> {
        let Self::Import(import) = self;
        let inventory = import.sources.read(&import.time_zone)?;
        let found = counted(&inventory);
        let bar = ProgressBar::new(found.buckets + found.flows + found.versions + found.bundles);
        let bar = bar.with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}")?);
        let refused = inventory.refused.iter().map(|refused| Refusal { what: refused.what.clone(), why: refused.why.clone() });
        let refused = refused.collect();
        let mut run = Run { api, inventory: &inventory, bar, imported: Counts::default(), present: Counts::default(), refused };
        if import.dry_run {
            run.look();
        } else {
            inventory.buckets.iter().try_for_each(|bucket| run.bucket(bucket))?;
        }
        run.bar.finish_and_clear();
        let Run { imported, present, refused, .. } = run;
        let document = json!({
            "found": found, "imported": imported, "present": present, "refused": refused, "notes": inventory.notes,
        });
        let mut lines: Vec<String> = inventory.notes.iter().map(|note| format!("note: {note}")).collect();
        lines.extend(refused.iter().map(|refused| format!("refused: {}: {}", refused.what, refused.why)));
        lines.push(format!("found: {}", found.line()));
        if !import.dry_run {
            lines.push(format!("imported: {}", imported.line()));
            lines.push(format!("here already: {}", present.line()));
        }
        printer.print(&document, lines)?;
        Ok(if refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Sources {
    fn read(&self, zone: &Zone) -> Result<Inventory> {
        let archives = self.bundles.as_deref();
        if let Some(dump) = &self.database {
            let contents = match (&self.files, &self.git) {
                (Some(folder), _) => ContentsIn::Files(folder),
                (_, Some(folder)) => ContentsIn::Git(folder),
                (None, None) => ContentsIn::Dump,
            };
            return Ok(headworks_layouts::from_database(dump, zone, contents, archives)?);
        }
        let mut inventory = match (&self.files, &self.git) {
            (Some(folder), _) => headworks_layouts::without_database(folder)?,
            (_, Some(folder)) => headworks_layouts::from_git(folder)?,
            (None, None) => Inventory::default(),
        };
        if let Some(folder) = archives {
            headworks_layouts::bundles_from_folder(&mut inventory, folder)?;
        }
        Ok(inventory)
    }
}

fn counted(inventory: &Inventory) -> Counts {
    let flows = || inventory.buckets.iter().flat_map(|bucket| &bucket.flows);
    Counts {
        buckets: inventory.buckets.len() as u64,
        flows: flows().count() as u64,
        versions: flows().map(|flow| flow.versions.len() as u64).sum(),
        bundles: inventory.buckets.iter().map(|bucket| bucket.bundles.len() as u64).sum(),
    }
}

impl Run<'_> {
    /// Counts what was done and keeps what the server refuses because of what it is. Answers whether it is here now; fails
    /// where going on makes no sense.
    fn take(&mut self, what: impl FnOnce() -> String, done: Result<bool>, of: fn(&mut Counts) -> &mut u64) -> Result<bool> {
        self.bar.inc(1);
        match done {
            Ok(true) => *of(&mut self.imported) += 1,
            Ok(false) => *of(&mut self.present) += 1,
            Err(error) => {
                self.refuse(what(), error)?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn refuse(&mut self, what: String, error: anyhow::Error) -> Result<()> {
        let status = error.downcast_ref::<Refused>().map(|refused| refused.status);
        let of_it = matches!(
            status,
            Some(StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::PAYLOAD_TOO_LARGE)
                | Some(StatusCode::UNPROCESSABLE_ENTITY)
        );
        if !of_it && error.downcast_ref::<Unusable>().is_none() {
            return Err(error.context(format!("the import stopped at {what}; the same command goes on there")));
        }
        self.refused.push(Refusal { what, why: format!("{error:#}") });
        Ok(())
    }

    fn bucket(&mut self, bucket: &Bucket) -> Result<()> {
        self.bar.set_message(super::harmless(&bucket.name));
        let body = json!({
            "name": bucket.name, "description": bucket.description, "created": bucket.created,
            "allow_public_read": bucket.allow_public_read, "allow_bundle_redeploy": bucket.allow_bundle_redeploy,
        });
        let done = self.put(&["registry", "buckets", &bucket.id], &body.to_string());
        let done = known(done, bucket.nameless);
        if !self.take(|| format!("bucket {} ({})", bucket.name, bucket.id), done, |counts| &mut counts.buckets)? {
            return Ok(());
        }
        bucket.flows.iter().try_for_each(|flow| self.flow(bucket, flow))?;
        bucket.bundles.iter().try_for_each(|version| self.bundle(bucket, version))
    }

    fn flow(&mut self, bucket: &Bucket, flow: &Flow) -> Result<()> {
        let (created, modified) = flow.times.unzip();
        let body = json!({"name": flow.name, "description": flow.description, "created": created, "modified": modified});
        let done = self.put(&["registry", "buckets", &bucket.id, "flows", &flow.id], &body.to_string());
        let done = known(done, flow.nameless);
        if !self.take(|| format!("flow {} ({})", flow.name, flow.id), done, |counts| &mut counts.flows)? {
            return Ok(());
        }
        for version in &flow.versions {
            let done = self.version(bucket, flow, version);
            let what = || format!("version {} of the flow {} ({})", version.number, flow.name, flow.id);
            if !self.take(what, done, |counts| &mut counts.versions)? {
                // What comes after it has no place.
                break;
            }
        }
        Ok(())
    }

    fn version(&self, bucket: &Bucket, flow: &Flow, version: &Version) -> Result<bool> {
        let mut snapshot = self.inventory.snapshot(version).map_err(Unusable)?;
        let metadata = json!({"author": version.author, "comments": version.comments, "timestamp": version.timestamp});
        let head = format!("{{\"snapshotMetadata\":{metadata},");
        // The brace of the snapshot itself is in the head.
        let rest = snapshot.metadata()?.len().saturating_sub(1);
        snapshot.seek(std::io::SeekFrom::Start(1))?;
        let path = ["registry", "buckets", &bucket.id, "flows", &flow.id, "versions", &version.number.to_string()];
        let length = head.len() as u64 + rest;
        self.api.put_stream(&path, &[], "application/json", length, head.as_bytes().chain(snapshot))
    }

    fn bundle(&mut self, bucket: &Bucket, version: &BundleVersion) -> Result<()> {
        let BundleVersion { group, artifact, version: number, .. } = version;
        let done = self.archive(bucket, version);
        let what = || format!("bundle {group}:{artifact}:{number} of the bucket {}", bucket.name);
        self.take(what, done, |counts| &mut counts.bundles).map(drop)
    }

    fn archive(&self, bucket: &Bucket, of: &BundleVersion) -> Result<bool> {
        let (archive, size) = self.inventory.archive(of).map_err(Unusable)?;
        let timestamp = of.timestamp.map(|time| time.to_string());
        let mut query = vec![("type", of.kind)];
        query.extend(
            of.ids.iter().flat_map(|(bundle, version)| [("bundle_id", bundle.as_str()), ("version_id", version.as_str())]),
        );
        query.extend(of.author.as_deref().map(|author| ("author", author)));
        query.extend(timestamp.as_deref().map(|time| ("timestamp", time)));
        let supplied = of.sha256_supplied.to_string();
        if let Some(digest) = &of.sha256 {
            query.extend([("sha256", digest.as_str()), ("sha256_supplied", supplied.as_str())]);
        }
        let path = ["registry", "buckets", &bucket.id, "bundles", &of.group, &of.artifact, &of.version];
        self.api.put_stream(&path, &query, "application/octet-stream", size, archive)
    }

    fn put(&self, path: &[&str], body: &str) -> Result<bool> {
        self.api.put_stream(path, &[], "application/json", body.len() as u64, body.as_bytes())
    }

    /// Reads every content, and sends nothing.
    fn look(&mut self) {
        for bucket in &self.inventory.buckets {
            for flow in &bucket.flows {
                for version in &flow.versions {
                    self.bar.inc(1);
                    if let Err(error) = self.inventory.snapshot(version) {
                        let what = format!("version {} of the flow {} ({})", version.number, flow.name, flow.id);
                        self.refused.push(Refusal { what, why: error.message });
                    }
                }
            }
        }
    }
}

/// Something whose name was made up may have another one where it is.
fn known(done: Result<bool>, nameless: bool) -> Result<bool> {
    let conflict = |error: &Refused| error.status == StatusCode::CONFLICT;
    match done {
        Err(error) if nameless && error.downcast_ref().is_some_and(conflict) => Ok(false),
        done => done,
    }
}

/// What cannot be read here, so that nothing was asked of the server.
#[derive(Debug)]
struct Unusable(headworks_core::Error);

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Unusable {}
