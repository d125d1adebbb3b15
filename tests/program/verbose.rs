//! What is logged of failures, and configurations of another kind (FlowG 17, 18).

use headworks_tests::server::{Folder, Setup};

#[test]
fn verbose_logs_repeat_what_clients_were_told() {
    for (verbose, logged) in [("true", true), ("false", false)] {
        let mut server = Setup::new().env("FLOWG_VERBOSE", verbose).start();
        server.client().get("/api/v1/streams/s/logs?from=nonsense").error(400, "INVALID_ARGUMENT");
        assert!(server.stop().success());
        let output = server.output();
        let told = output
            .lines()
            .any(|line| line.contains(" errors: ") && line.contains("status=400") && line.contains("answer=\"invalid"));
        assert_eq!(told, logged, "{output}");
    }
}

#[test]
fn a_configuration_in_hcl_is_refused_with_a_hint() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("flowg.HCL");
    std::fs::write(&file, "services { http { bind = \":5080\" } }\n").expect("the configuration");
    let refused = Setup::new().arg("--config").arg(file.to_str().expect("text")).try_start_on(&Folder::new());
    let output = refused.err().map(|refusal| refusal.output).unwrap_or_default();
    assert!(output.contains("is HCL, and TOML is read here: docs/flowg.md"), "{output}");
}
