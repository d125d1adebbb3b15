//! Logging in and out, what a user may see, users and roles, tokens and passwords.

use crate::browser::{Browser, button, field};
use crate::logged_in;
use headworks_tests::server::{PASSWORD, TOKEN, USER};
use headworks_tests::{Client, Server, Setup, people};
use serde_json::json;

const MENU: &str = "//nav//a";

#[test]
fn login_refuses_a_wrong_password_and_leads_to_the_page_that_was_asked_for() {
    let server = Server::start();
    let Some(browser) = Browser::open(&server, "") else { return };
    browser.go("transformers");
    browser.log_in(USER, "wrong");
    browser.shows("invalid credentials");
    assert_eq!(browser.path(), "login");
    browser.log_in(USER, PASSWORD);
    browser.shows("There is none yet.");
    assert_eq!(browser.path(), "transformers");

    browser.follow("Home");
    for (count, title) in [(0, "Streams"), (0, "Transformers"), (1, "Pipelines"), (0, "Forwarders")] {
        let card = format!("//a[contains(@class, 'card')][span='{title}']/strong");
        assert_eq!(browser.text(&card), count.to_string(), "{title}");
    }
    browser.click("//a[contains(@class, 'card')][span='Pipelines']");
    browser.follow("default");
    assert_eq!(browser.path(), "pipelines/default");

    browser.follow("Log out");
    browser.shows("Password");
    assert_eq!(browser.script("return localStorage.getItem('headworks.token')"), json!(null));
    browser.is_content();
}

#[test]
fn a_session_that_the_server_refuses_leads_to_the_login_page() {
    let Some((_server, _, browser)) = logged_in("") else { return };
    browser.shows("Streams");
    browser.script("localStorage.setItem('headworks.token', 'pat_nobody')");
    browser.follow("Forwarders");
    browser.shows("Password");
    assert_eq!((browser.path().as_str(), browser.count(MENU)), ("login", 0));
    browser.log_in(USER, PASSWORD);
    browser.shows("There is none yet.");
    assert_eq!(browser.path(), "forwarders");
    browser.is_content();
}

#[test]
fn a_viewer_sees_what_the_roles_allow_and_nothing_that_changes_it() {
    let server = Server::start();
    let Some(browser) = Browser::open(&server, "") else { return };
    people::one(&server.client(), "looker", &["read_streams", "read_pipelines"]);
    server.client().ingest("default", &json!([{ "a": "1" }])).ok();
    browser.go("");
    browser.log_in("looker", "looker");
    browser.shows("Streams");
    let menu: Vec<String> = (1..=browser.count(MENU)).map(|at| browser.text(&format!("(//nav//a)[{at}]"))).collect();
    assert_eq!(menu, ["Home", "Streams", "Pipelines", "Storage"]);
    browser.follow("Storage");
    browser.follow("default");
    browser.shows("Space used");
    for name in ["New", "Save", "Delete"] {
        assert_eq!(browser.count(&button(name)), 0, "{name}");
    }
    browser.follow("Pipelines");
    browser.follow("default");
    assert_eq!(browser.value("Name of the stream"), "default");
    assert_eq!(browser.script("return document.querySelector('.node input').readOnly"), json!(true));
    for name in ["New", "Save", "Delete", "Add Switch", "Arrange", "Remove Stream default"] {
        assert_eq!(browser.count(&button(name)), 0, "{name}");
    }
    assert_eq!(browser.count("//summary[.='Test']"), 0);
    browser.go("transformers");
    browser.shows("You have no permission for this page.");
    browser.is_content();
}

#[test]
fn a_demonstration_shows_its_user_and_everything_works_below_a_mount_path() {
    let server = Setup::new().env("FLOWG_DEMO_MODE", "true").env("FLOWG_HTTP_MOUNT_PATH", "/some/where").start();
    let Some(browser) = Browser::open(&server, "/some/where") else { return };
    browser.go("streams/x");
    browser.shows("User: demo, password: demo");
    browser.log_in("demo", "demo");
    browser.shows("There is no such stream.");
    assert_eq!(browser.path(), "streams/x");
    let menu = browser.text("//nav");
    assert!(menu.contains("Administration") && !menu.contains("System configuration"), "{menu}");
    browser.follow("Administration");
    browser.shows("demo");
    assert_eq!(browser.count(&button("New user")), 0);

    let client = Client::new(&format!("http://{}/some/where", server.address())).with_token(TOKEN);
    client.ingest("default", &json!([{ "n": "before" }])).ok();
    browser.go("streams/default");
    browser.shows("before");
    browser.press("Watch");
    browser.text("//button[@aria-pressed='true']");
    client.ingest("default", &json!([{ "n": "while followed" }])).ok();
    browser.shows("while followed");
    browser.is_content();
}

#[test]
fn roles_and_users_are_made_changed_and_deleted() {
    let Some((_server, client, browser)) = logged_in("admin") else { return };
    browser.press("New role");
    browser.enter("Name", "shipper");
    browser.click(&field("send_logs"));
    browser.press("Save");
    browser.shows("shipper");
    assert_eq!(client.get("/api/v1/roles/shipper").ok()["role"]["scopes"], json!(["send_logs"]));

    browser.press("New user");
    assert!(browser.is_ticked("viewer") && !browser.is_ticked("admin"), "the roles that the system configuration offers");
    browser.enter("Name", "web 1");
    browser.enter("Password", "a long one");
    browser.click(&field("shipper"));
    browser.press("Save");
    browser.shows("web 1");
    assert_eq!(client.get("/api/v1/users/web%201").ok()["user"]["roles"], json!(["shipper", "viewer"]));
    let session = people::session(&client, "web 1", "a long one");

    browser.press("Edit user web 1");
    browser.click(&field("viewer"));
    browser.press("Save");
    browser.closes();
    browser.lacks("//tr[th='web 1']//li[.='viewer']");
    assert_eq!(session.get("/api/v1/auth/whoami").ok()["user"]["roles"], json!(["shipper"]));

    browser.press("Edit role shipper");
    assert!(browser.is_ticked("send_logs"));
    browser.click(&field("read_streams"));
    browser.press("Save");
    browser.text("//tr[th='shipper']//li[.='read_streams']");
    session.get("/api/v1/streams").ok();

    browser.press("Delete web 1");
    browser.press("Cancel");
    browser.closes();
    session.get("/api/v1/streams").ok();
    browser.press("Delete web 1");
    browser.press("Delete");
    browser.closes();
    browser.lacks("//tr[th='web 1']");
    session.get("/api/v1/streams").fails(401, "UNAUTHENTICATED");
    browser.is_content();
}

#[test]
fn tokens_are_shown_once_and_revoked_and_the_password_is_changed() {
    let Some((server, client, browser)) = logged_in("account") else { return };
    browser.press("New token");
    let token = browser.text("//output");
    let program = client.with_token(&token);
    program.get("/api/v1/auth/whoami").ok();
    browser.press("Close");
    browser.closes();
    assert!(!browser.script("return document.body.innerText").to_string().contains(&token));
    let before = browser.count("//code");
    let row = format!("(//li[code])[{before}]//button");
    // Which of the two is the new one is not said: all go.
    for left in (0..before).rev() {
        browser.click(&row.replace(&format!("[{before}]"), "[1]"));
        browser.press("Revoke");
        browser.closes();
        browser.lacks(&format!("(//li[code])[{}]", left + 1));
    }
    program.get("/api/v1/auth/whoami").fails(401, "UNAUTHENTICATED");

    browser.enter("Old password", "wrong");
    browser.enter("New password", "mine");
    browser.enter("New password again", "mine");
    browser.press("Change password");
    browser.shows("invalid credentials");
    browser.enter("Old password", PASSWORD);
    browser.press("Change password");
    browser.shows("The password is changed.");
    people::session(&server.client(), USER, "mine");
    browser.is_content();
}

#[test]
fn language_and_colours_are_chosen_and_kept() {
    let Some((_server, _, browser)) = logged_in("") else { return };
    browser.choose("Colours", "Dark");
    let paper = "return getComputedStyle(document.documentElement).backgroundColor";
    let dark = browser.script(paper);
    browser.choose("Colours", "Light");
    assert_ne!(browser.script(paper), dark);
    browser.choose("Language", "Deutsch");
    browser.shows("Weiterleitungen");
    assert_eq!(browser.script("return document.documentElement.lang + document.documentElement.dataset.theme"), json!("delight"));
    browser.is_content();
}
