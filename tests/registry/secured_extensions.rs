//! Who may see extensions (NiFi Registry 14 and 17.3).

use crate::calls::{Nifi, done, each, refused, text};
use crate::secure::Secure;
use serde_json::{Value, json};

const PROVIDERS: &str = "/extensions/provided-service-api?className=x.Api&groupId=g&artifactId=api&version=1";

/// An extension that says much, so that each way to find it works.
fn telling(name: &str) -> String {
    format!(
        "<extension><name>x.{name}</name><type>CONTROLLER_SERVICE</type><tags><tag>{name}</tag></tags><providedServiceAPIs>\
         <providedServiceAPI><className>x.Api</className><groupId>g</groupId><artifactId>api</artifactId><version>1</version>\
         </providedServiceAPI></providedServiceAPIs></extension>"
    )
}

fn seen(nifi: &Nifi) -> [Vec<String>; 3] {
    let found = |path: &str| each(&done(&nifi.get(path))["extensions"], "displayName");
    [found("/extensions"), found(PROVIDERS), each(&done(&nifi.get("/extensions/tags")), "tag")]
}

#[test]
fn extensions_are_seen_in_the_buckets_that_can_be_read_and_in_no_other() {
    let secure = Secure::start();
    let admin = secure.admin();
    let buckets = ["one", "two"].map(|name| admin.bucket(name));
    let bundles = [0, 1].map(|at| admin.described(&buckets[at], (["a", "b"][at], "1"), &telling(["One", "Two"][at])));
    assert_eq!(seen(&admin), [vec!["One", "Two"], vec!["One", "Two"], vec!["one", "two"]]);
    let anna = secure.named("anna");
    let user = admin.user("CN=anna");
    assert_eq!(seen(&anna), [(); 3].map(|()| Vec::<String>::new()));
    let paths = |at: usize| {
        let (bucket, artifact, name) = (["one", "two"][at], ["a", "b"][at], ["One", "Two"][at]);
        let bases = [format!("/bundles/{}/versions/1", bundles[at]), format!("/extension-repository/{bucket}/g/{artifact}/1")];
        bases.into_iter().flat_map(move |base| {
            ["", "/x.Name", "/x.Name/docs", "/x.Name/docs/additional-details"]
                .map(|rest| format!("{base}/extensions{}", rest.replace("Name", name)))
        })
    };
    let view = |at: usize| format!("Unable to view Bucket with ID {}. Contact the system administrator.", buckets[at]);
    for path in paths(0).chain(paths(1)) {
        let at = usize::from(path.contains(&bundles[1]) || path.contains("/two/"));
        refused(&anna.get(&path), 403, &view(at));
    }
    admin.permit("read", &format!("/buckets/{}", buckets[0]), &[&user]);
    assert_eq!(seen(&anna), [vec!["One"], vec!["One"], vec!["one"]]);
    for path in paths(0) {
        let expected = if path.ends_with("details") { 409 } else { 200 };
        assert_eq!(anna.get(&path).status, expected, "{path}");
    }
    for path in paths(1) {
        refused(&anna.get(&path), 403, &view(1));
    }
    let nobody = secure.anonymous();
    assert_eq!(seen(&nobody), [(); 3].map(|()| Vec::<String>::new()));
    assert_eq!(nobody.get(&paths(1).next().unwrap()).status, 401);
    let public: Value = done(&admin.put(&format!("/buckets/{}", buckets[1]), &json!({"allowPublicRead": true})));
    assert_eq!(text(&public["name"]), "two");
    assert_eq!(seen(&nobody), [vec!["Two"], vec!["Two"], vec!["two"]]);
    assert_eq!(nobody.get(&paths(1).nth(2).unwrap()).status, 200);
}
