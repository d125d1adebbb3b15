//! Who may do what with bundles (NiFi Registry 4.1 and 17.3).

use crate::calls::{Nifi, done, each, refused, text};
use crate::secure::Secure;
use headworks_tests::Answer;
use headworks_tests::archives::nar;
use serde_json::{Value, json};

#[track_caller]
fn explained(answer: &Answer, status: u16, explanation: &str) {
    refused(answer, status, &format!("{explanation} Contact the system administrator."));
}

/// A server, a bucket with a bundle in it, and everything that can be read of it by its identifier or its coordinates.
fn furnished() -> (Secure, Value, Vec<String>) {
    let secure = Secure::start();
    let admin = secure.admin();
    let bucket = admin.bucket("ops");
    let uploaded = admin.uploaded(&bucket, "g", "a", "1");
    let id = text(&uploaded["bundle"]["identifier"]);
    let mut paths = vec![format!("/buckets/{bucket}/bundles"), format!("/items/{bucket}"), format!("/bundles/{id}")];
    paths.extend(["", "/1", "/1/content"].map(|rest| format!("/bundles/{id}/versions{rest}")));
    paths.extend(
        ["", "/g", "/g/a", "/g/a/1", "/g/a/1/content", "/g/a/1/sha256"].map(|rest| format!("/extension-repository/ops{rest}")),
    );
    (secure, uploaded, paths)
}

fn upload(nifi: &Nifi, bucket: &str, version: &str) -> Answer {
    nifi.upload(bucket, &nar("g", "a", version, &[]))
}

#[test]
fn bundles_are_read_written_and_deleted_with_the_rights_on_their_bucket() {
    let (secure, uploaded, paths) = furnished();
    let admin = secure.admin();
    assert_eq!(uploaded["versionMetadata"]["author"], admin.identity());
    let (bucket, id) = (text(&uploaded["bucket"]["identifier"]), text(&uploaded["bundle"]["identifier"]));
    let user = admin.user("CN=anna");
    let anna = secure.named("anna");
    let view = format!("Unable to view Bucket with ID {bucket}.");
    let modify = format!("Unable to modify Bucket with ID {bucket}.");
    for path in &paths {
        explained(&anna.get(path), 403, &view);
    }
    for path in ["/bundles", "/bundles/versions", "/items", "/extension-repository"] {
        assert_eq!(done(&anna.get(path)), json!([]), "{path}");
    }
    let global = "/extension-repository/g/a/1/sha256";
    assert_eq!(anna.get(global).status, 404, "it is not there for her");
    explained(&upload(&anna, &bucket, "2"), 403, &modify);

    let resource = format!("/buckets/{bucket}");
    admin.permit("read", &resource, &[&user]);
    for path in &paths {
        assert_eq!(anna.get(path).status, 200, "{path}");
    }
    assert_eq!(anna.get(global).status, 200);
    let found = done(&anna.get("/bundles"));
    assert_eq!(found[0]["permissions"], json!({"canRead": true, "canWrite": false, "canDelete": false}));
    explained(&upload(&anna, &bucket, "2"), 403, &modify);
    for path in [format!("/bundles/{id}"), format!("/bundles/{id}/versions/1")] {
        explained(&anna.delete(&path), 403, &modify);
    }

    admin.permit("write", &resource, &[&user]);
    assert_eq!(done(&upload(&anna, &bucket, "2"))["versionMetadata"]["author"], "CN=anna");
    explained(&anna.delete(&format!("/bundles/{id}/versions/1")), 403, &modify);
    admin.permit("delete", &resource, &[&user]);
    assert_eq!(anna.delete(&format!("/bundles/{id}/versions/1")).status, 200);
    assert_eq!(anna.delete(&format!("/bundles/{id}")).status, 200);
}

#[test]
fn deleting_needs_reading_too() {
    let (secure, uploaded, _) = furnished();
    let admin = secure.admin();
    let (bucket, id) = (text(&uploaded["bucket"]["identifier"]), text(&uploaded["bundle"]["identifier"]));
    let user = admin.user("CN=anna");
    admin.permit("delete", &format!("/buckets/{bucket}"), &[&user]);
    let anna = secure.named("anna");
    let view = format!("Unable to view Bucket with ID {bucket}.");
    explained(&anna.delete(&format!("/bundles/{id}")), 403, &view);
    explained(&anna.delete(&format!("/bundles/{id}/versions/1")), 403, &view);
}

#[test]
fn what_is_looked_up_everywhere_is_missing_before_it_is_refused() {
    let (secure, _, _) = furnished();
    secure.admin().user("CN=anna");
    for who in [secure.named("anna"), secure.anonymous()] {
        for path in ["/bundles/nothing", "/bundles/nothing/versions", "/bundles/nothing/versions/1/content"] {
            refused(&who.get(path), 404, "The specified extension bundle ID does not exist.");
        }
        let text = "The specified bucket name does not exist in this registry.";
        refused(&who.get("/extension-repository/nothing/g"), 404, text);
    }
    explained(&upload(&secure.named("anna"), "nothing", "1"), 403, "Unable to modify Bucket with ID nothing.");
    let text = "The specified bucket ID does not exist in this registry.";
    refused(&upload(&secure.admin(), "nothing", "1"), 404, text);
}

#[test]
fn nobody_reads_bundles_of_a_public_bucket_and_uploads_none() {
    let (secure, uploaded, paths) = furnished();
    let bucket = text(&uploaded["bucket"]["identifier"]);
    let nobody = secure.anonymous();
    for path in &paths {
        explained(&nobody.get(path), 401, "Unknown user with identity 'anonymous'.");
    }
    done(&secure.admin().put(&format!("/buckets/{bucket}"), &json!({"allowPublicRead": true})));
    for path in &paths {
        assert_eq!(nobody.get(path).status, 200, "{path}");
    }
    assert_eq!(each(&done(&nobody.get("/bundles")), "name"), ["g:a"]);
    explained(&upload(&nobody, &bucket, "2"), 401, "Unknown user with identity 'anonymous'.");
}
