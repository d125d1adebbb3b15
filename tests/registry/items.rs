//! Items and lists of fields (NiFi Registry 11).

use crate::calls::{Nifi, done, each, refused};
use headworks_tests::Server;
use serde_json::json;

#[test]
fn items_are_those_of_all_buckets_or_of_one() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    assert_eq!(done(&nifi.get("/items")), json!([]));
    let (late, early) = (nifi.bucket("late"), nifi.bucket("early"));
    nifi.flow(&late, "a");
    let flow = nifi.flow(&early, "z");
    nifi.flow(&early, "y");
    let all = done(&nifi.get("/items"));
    assert_eq!(each(&all, "name"), ["y", "z", "a"]);
    assert_eq!(each(&all, "type"), ["Flow", "Flow", "Flow"]);
    assert_eq!(all[1], done(&nifi.get(&format!("/flows/{flow}"))));
    assert_eq!(each(&done(&nifi.get("/items?limit=1&offset=1")), "name"), ["z"]);
    assert_eq!(each(&done(&nifi.get(&format!("/items/{late}"))), "name"), ["a"]);
    refused(&nifi.get("/items/unknown"), 404, "The specified bucket ID does not exist in this registry.");
}

#[test]
fn lists_of_fields_are_those_of_the_contract() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    assert_eq!(done(&nifi.get("/buckets/fields")), json!({"fields": ["ID", "NAME", "DESCRIPTION", "CREATED"]}));
    let items = json!({"fields": ["ID", "NAME", "DESCRIPTION", "CREATED", "MODIFIED", "ITEM_TYPE", "BUCKET_ID"]});
    assert_eq!(done(&nifi.get("/items/fields")), items);
    assert_eq!(done(&nifi.get("/flows/fields")), items);
}
