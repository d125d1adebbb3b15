//! The registry beside the original: the same requests, the same answers, but where the contract decides otherwise.

use headworks_tests::Server;
use headworks_tests::original::Original;
use std::path::Path;
use std::process::Command;

#[test]
fn the_original_registry_answers_the_same() {
    let jars = Original::jars().expect("the original registry: `make peers` installs it");
    let (original, server) = (Original::start(&jars), Server::start());
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("python3");
    command.arg(here.join("peers/reference.py"));
    for address in [original.address(), server.address()] {
        command.arg(format!("http://{address}/nifi-registry-api"));
    }
    let output = command.arg(here.join("data/flows")).arg(here.join("data/nars")).output().expect("python3 runs");
    let shown = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    assert!(output.status.success() && shown.contains("0 differ"), "{shown}");
}
