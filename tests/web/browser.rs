//! A real browser, driven by the WebDriver protocol: Debian's Chromium and its `chromedriver`.
//!
//! Things of a page are found by what people see: the label of a field, the text of a button or link. Every step waits until
//! it can be done, so tests hold no pauses.

use headworks_tests::{Answer, Client, Server, found};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const BROWSER: &str = "/usr/bin/chromium";
const DRIVER: &str = "/usr/bin/chromedriver";
/// The member of a JSON object that names an element (WebDriver 12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long a step may take. Only a guard: no test measures time with it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one window. It ends when this is dropped.
pub struct Browser {
    driver: Child,
    client: Client,
    session: String,
    base: String,
}

impl Browser {
    /// A browser of the interface of a server; none where Chromium is not installed. `mount` is empty or such as `/logs`.
    pub fn open(server: &Server, mount: &str) -> Option<Self> {
        let there = [BROWSER, DRIVER].iter().all(|program| Path::new(program).is_file());
        if !found("Chromium", there) {
            return None;
        }
        let mut command = Command::new(DRIVER);
        let mut driver =
            command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("chromedriver starts");
        let lines = BufReader::new(driver.stdout.take().expect("its output")).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok())
            .expect("chromedriver tells its port");
        let client = Client::new(&format!("http://127.0.0.1:{port}"));
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=1400,900",
            "--accept-lang=en-US",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": BROWSER, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let mut browser =
            Self { driver, client, session: String::new(), base: format!("http://{}{mount}/web/", server.address()) };
        let begun = browser.call(&browser.client.post("/session", &wanted)).unwrap_or_else(|error| panic!("{error}"));
        browser.session = format!("/session/{}", begun["sessionId"].as_str().expect("a session"));
        Some(browser)
    }

    /// The value of an answer, or what went wrong.
    fn call(&self, answer: &Answer) -> Result<Value, String> {
        let mut body = answer.json();
        let value = body["value"].take();
        if answer.status == 200 { Ok(value) } else { Err(format!("{}: {}", value["error"], value["message"])) }
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.call(&self.client.post(&format!("{}{path}", self.session), body))
    }

    fn ask(&self, path: &str) -> Result<Value, String> {
        self.call(&self.client.get(&format!("{}{path}", self.session)))
    }

    /// Runs the body of a function in the page and answers what it returns.
    pub fn script(&self, body: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": body, "args": [] })).unwrap_or_else(|error| panic!("{body}: {error}"))
    }

    /// Goes to a path below `/web/`, as if it were typed into the address bar.
    pub fn go(&self, path: &str) {
        let url = format!("{}{path}", self.base);
        self.post("/url", &json!({ "url": url })).unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Goes back, as the button of the browser does.
    pub fn back(&self) {
        self.post("/back", &json!({})).unwrap_or_else(|error| panic!("back: {error}"));
    }

    /// The path below `/web/` that is shown.
    pub fn path(&self) -> String {
        let url = self.ask("/url").expect("the address");
        url.as_str().and_then(|url| url.strip_prefix(&self.base)).unwrap_or("elsewhere").to_owned()
    }

    /// Repeats a step until it succeeds: a page is built while a test already looks at it.
    fn until<T>(&self, what: &str, mut step: impl FnMut() -> Result<T, String>) -> T {
        let begin = Instant::now();
        loop {
            match step() {
                Ok(value) => return value,
                Err(error) if begin.elapsed() > PATIENCE => {
                    let page = self.script("return document.body.innerText");
                    panic!("{what}: {error}\n{}", page.as_str().unwrap_or_default());
                }
                Err(_) => std::thread::sleep(Duration::from_millis(30)),
            }
        }
    }

    /// The elements that an XPath names, in the open dialog if there is one.
    fn elements(&self, xpath: &str) -> Result<Vec<String>, String> {
        let all = |xpath: &str| self.post("/elements", &json!({ "using": "xpath", "value": xpath }));
        let dialogs = all("//dialog[@open]")?.as_array().map_or(0, Vec::len);
        let scope = if dialogs > 0 { format!("//dialog[@open][{dialogs}]") } else { String::new() };
        let found = all(&format!("{scope}{xpath}"))?;
        Ok(found.as_array().into_iter().flatten().filter_map(|element| Some(element[ELEMENT].as_str()?.to_owned())).collect())
    }

    fn is_shown(&self, id: &str) -> Result<bool, String> {
        Ok(self.ask(&format!("/element/{id}/displayed"))? == json!(true))
    }

    /// The first of them that is visible.
    fn find(&self, xpath: &str) -> Result<Option<String>, String> {
        for id in self.elements(xpath)? {
            if self.is_shown(&id)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn first(&self, xpath: &str) -> Result<String, String> {
        self.find(xpath)?.ok_or_else(|| "it is not there".to_owned())
    }

    /// How many visible elements an XPath names now.
    pub fn count(&self, xpath: &str) -> usize {
        let shown = || self.elements(xpath)?.iter().map(|id| self.is_shown(id).map(usize::from)).sum();
        self.until(xpath, shown)
    }

    /// Waits until an element is shown and answers its text.
    pub fn text(&self, xpath: &str) -> String {
        let text = self.until(xpath, || self.ask(&format!("/element/{}/text", self.first(xpath)?)));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a text is shown somewhere.
    pub fn shows(&self, text: &str) {
        self.until(text, || self.first(&format!("//*[text()[contains(normalize-space(), {})]]", quoted(text))));
    }

    /// Waits until an element is shown no more.
    pub fn lacks(&self, xpath: &str) {
        self.until(xpath, || self.find(xpath)?.map_or(Ok(()), |_| Err("it is still there".to_owned())));
    }

    /// Clicks on an element.
    pub fn click(&self, xpath: &str) {
        self.until(xpath, || self.post(&format!("/element/{}/click", self.first(xpath)?), &json!({})));
    }

    /// Clicks on a button.
    pub fn press(&self, name: &str) {
        self.click(&button(name));
    }

    /// Clicks on a link.
    pub fn follow(&self, text: &str) {
        self.click(&format!("//a[normalize-space()={}]", quoted(text)));
    }

    /// Types into a field instead of what it holds.
    pub fn enter(&self, label: &str, text: &str) {
        self.enter_at(&field(label), text);
    }

    /// As [`enter`](Self::enter), for an element.
    pub fn enter_at(&self, xpath: &str, text: &str) {
        self.until(xpath, || {
            let id = self.first(xpath)?;
            self.post(&format!("/element/{id}/clear"), &json!({}))?;
            self.post(&format!("/element/{id}/value"), &json!({ "text": text }))
        });
    }

    /// Presses keys in an element, or names a file in one that takes files.
    pub fn keys(&self, xpath: &str, text: &str) {
        self.until(xpath, || self.post(&format!("/element/{}/value", self.first(xpath)?), &json!({ "text": text })));
    }

    /// What a field holds.
    pub fn value(&self, label: &str) -> String {
        let xpath = field(label);
        let value = self.until(&xpath, || self.ask(&format!("/element/{}/property/value", self.first(&xpath)?)));
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Whether a box is ticked.
    pub fn is_ticked(&self, label: &str) -> bool {
        let xpath = field(label);
        self.until(&xpath, || self.ask(&format!("/element/{}/selected", self.first(&xpath)?))) == json!(true)
    }

    /// Chooses one of the options of a field.
    pub fn choose(&self, label: &str, option: &str) {
        self.click(&format!("{}/option[normalize-space()={}]", field(label), quoted(option)));
    }

    /// Waits until a button is enabled, or is not.
    pub fn waits_for_enabled(&self, name: &str, enabled: bool) {
        let xpath = button(name);
        self.until(&xpath, || {
            let is = self.ask(&format!("/element/{}/enabled", self.first(&xpath)?))?;
            if is == json!(enabled) { Ok(()) } else { Err(format!("enabled is {is}")) }
        });
    }

    /// Clicks twice on an element.
    pub fn double_click(&self, xpath: &str) {
        let (down, up) = (json!({ "type": "pointerDown", "button": 0 }), json!({ "type": "pointerUp", "button": 0 }));
        self.until(xpath, || {
            let to = json!({ "type": "pointerMove", "origin": { ELEMENT: self.first(xpath)? }, "x": 0, "y": 0 });
            self.pointer(&[to, down.clone(), up.clone(), down.clone(), up.clone()])
        });
    }

    /// Drags an element onto another one, this far from its middle.
    pub fn drag(&self, from: &str, to: &str, (x, y): (i32, i32)) {
        self.until(&format!("{from} to {to}"), || {
            let [from, to] = [json!({ ELEMENT: self.first(from)? }), json!({ ELEMENT: self.first(to)? })];
            self.pointer(&[
                json!({ "type": "pointerMove", "origin": from, "x": 0, "y": 0 }),
                json!({ "type": "pointerDown", "button": 0 }),
                json!({ "type": "pointerMove", "origin": "pointer", "x": 10, "y": 10, "duration": 20 }),
                json!({ "type": "pointerMove", "origin": to, "x": x, "y": y, "duration": 80 }),
                json!({ "type": "pointerUp", "button": 0 }),
            ])
        });
    }

    fn pointer(&self, actions: &[Value]) -> Result<Value, String> {
        let mouse = json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions });
        self.post("/actions", &json!({ "actions": [mouse] }))
    }

    /// Logs in on the page that asks for it.
    pub fn log_in(&self, user: &str, password: &str) {
        self.enter("User", user);
        self.enter("Password", password);
        self.press("Log in");
    }

    /// Fails the test when a script failed or the policy of the page kept something from happening. Answers of the server that
    /// are no success are listed by browsers too, and are none of this.
    pub fn is_content(&self) {
        let said = self.post("/se/log", &json!({ "type": "browser" })).expect("the log of the browser");
        let bad = said.as_array().into_iter().flatten().filter(|entry| entry["level"] == "SEVERE");
        let bad: Vec<&Value> = bad.filter(|entry| entry["source"] != "network").collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.client.try_send(http::Method::DELETE, &self.session, &[], None);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The field with a label.
pub fn field(label: &str) -> String {
    let label = quoted(label);
    let named =
        format!("@aria-label={label} or ancestor::label[normalize-space(text())={label} or span[normalize-space()={label}]]");
    format!("//*[self::input or self::select or self::textarea][{named}]")
}

/// The button with a text or label.
pub fn button(name: &str) -> String {
    let name = quoted(name);
    format!("//button[@aria-label={name} or (not(@aria-label) and normalize-space()={name})]")
}

/// A text inside an XPath.
pub fn quoted(text: &str) -> String {
    let quote = if text.contains('"') { '\'' } else { '"' };
    format!("{quote}{text}{quote}")
}
