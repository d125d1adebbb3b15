//! What the author reads.

use crate::cli::Output;
use anyhow::Result;
use headworks_guests::project::Project;
use headworks_sandbox::golden::Outcome;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn created(project: &Project, folder: &Path, output: Output) -> Result<ExitCode> {
    let missing = project.language()?.check().err().map(|why| format!("{why:#}"));
    match output {
        Output::Json => println!("{}", json!({"folder": folder, "missing": missing})),
        Output::Text => {
            println!("{} is there. Next:\n", folder.display());
            println!("  cd {}\n  headworks plugin test", folder.display());
            if let Some(missing) = missing {
                println!("\nBuilding it needs something that this machine lacks:\n{missing}");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn built(component: &Path, output: Output) -> Result<ExitCode> {
    let bytes = std::fs::metadata(component)?.len();
    match output {
        Output::Json => println!("{}", json!({"component": component, "bytes": bytes})),
        Output::Text => println!("{} ({} KiB)", component.display(), bytes.div_ceil(1024)),
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn tested(outcomes: &[Outcome], output: Output) -> ExitCode {
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    match output {
        Output::Json => {
            let case = |outcome: &Outcome| {
                let log: Vec<_> =
                    outcome.log.iter().map(|(level, line)| json!({"level": level.as_str(), "line": line})).collect();
                json!({
                    "name": outcome.name, "passed": outcome.passed(), "differences": outcome.differences,
                    "milliseconds": outcome.took.as_millis() as u64, "log": log,
                })
            };
            println!("{}", json!({"failed": failed, "cases": outcomes.iter().map(case).collect::<Vec<_>>()}));
        }
        Output::Text => {
            outcomes.iter().for_each(case);
            println!("{} of {} passed", outcomes.len() - failed, outcomes.len());
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn case(outcome: &Outcome) {
    let word = if outcome.passed() { "ok" } else { "FAILED" };
    println!("{word:6} {}", outcome.name);
    if outcome.passed() {
        return;
    }
    for difference in &outcome.differences {
        println!("         {}", difference.replace('\n', "\n         "));
    }
    for (level, line) in &outcome.log {
        println!("         log {}: {line}", level.as_str());
    }
}
