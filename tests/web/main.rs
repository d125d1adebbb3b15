//! The web interface in a real browser, against the real server: what each page is for, done as a person would do it.
//!
//! Where Chromium is missing these tests fail in CI and are left out elsewhere; `sh tools/setup.sh tests` installs it.

mod access;
mod browser;
mod objects;
mod pipelines;
mod records;

use browser::Browser;
use headworks_tests::server::{PASSWORD, USER};
use headworks_tests::{Client, Server, Setup};

/// A server, a client of its first user, and a browser in which that user is logged in and sees a path. Nothing where the
/// browser is missing.
fn logged_in(path: &str) -> Option<(Server, Client, Browser)> {
    let server = Setup::new().start();
    let browser = Browser::open(&server, "")?;
    browser.go(path);
    browser.log_in(USER, PASSWORD);
    browser.text("//nav");
    let client = server.client();
    Some((server, client, browser))
}
