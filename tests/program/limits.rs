//! Limits of the sandbox as settings.

use headworks_tests::Flow;
use headworks_tests::server::{Folder, Setup};
use serde_json::json;

fn refused(setup: &Setup) -> String {
    match setup.try_start_on(&Folder::new()) {
        Ok(_) => panic!("it started with {setup:?}"),
        Err(refusal) => refusal.output,
    }
}

#[test]
fn a_limit_of_the_sandbox_is_a_setting() {
    let server = Setup::new().env("HEADWORKS_SANDBOX_CALL_CPU_MS", "120").env("HEADWORKS_SANDBOX_OUTPUT_RECORDS", "7").start();
    assert!(server.output().contains("120ms of CPU"), "{}", server.output());
    let client = server.client();
    client.save_transformer("many", ". = [{}, {}, {}, {}, {}, {}, {}, {}]");
    client.save_pipeline("many", &Flow::through("many", "out"));
    let error = client.ingest("many", &json!([{}])).error(500, "INTERNAL");
    assert!(error.contains("8 records of 1, and at most 7 are allowed"), "{error}");
}

#[test]
fn a_limit_without_sense_or_with_a_wrong_name_stops_the_start() {
    for (name, value, part) in [
        ("HEADWORKS_SANDBOX_MEMORY", "536870912", "sandbox.memory has to be at least 1048576 and at most 268435456"),
        ("HEADWORKS_SANDBOX_CALL_CPU_MS", "31000", "sandbox.call_cpu_ms"),
        ("HEADWORKS_SANDBOX_INSTANCES", "0", "sandbox.instances"),
        ("HEADWORKS_SANDBOX_CALL_CPU", "1", "HEADWORKS_SANDBOX_CALL_CPU in the environment is no setting"),
    ] {
        let output = refused(&Setup::new().env(name, value));
        assert!(output.contains(part), "{part}: {output}");
    }
}

#[test]
fn the_compiling_process_has_the_limits_of_the_settings() {
    // Compiling the components takes several seconds.
    let output = refused(&Setup::new().cold().env("HEADWORKS_SANDBOX_COMPILE_CPU_MS", "1000"));
    assert!(output.contains("took more than 1 s of CPU"), "{output}");
}
