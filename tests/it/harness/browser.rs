//! A real browser: Debian's Chromium, driven through its ChromeDriver on a free port, in a temporary profile.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use fantoccini::error::CmdError;
use fantoccini::wd::{WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

use super::PATIENCE;

/// What keeps Chromium from asking for anything but the page, and lets it run as root.
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// A browser with one window. It ends when it is dropped.
pub(crate) struct Browser {
    runtime: tokio::runtime::Runtime,
    client: Client,
    driver: Child,
    _profile: tempfile::TempDir,
}

/// How the browser looks at pages.
#[derive(Clone, Copy)]
pub(crate) struct View {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) dark: bool,
    pub(crate) language: &'static str,
}

impl View {
    /// A window on a desk, by day, in English.
    pub(crate) const DESK: Self = Self { width: 1280, height: 800, dark: false, language: "en-GB" };
}

/// A command of ChromeDriver beside the standard.
#[derive(Debug)]
struct Own {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _url: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

/// Starts a driver; `None` when it ends before it listens.
fn start_driver() -> Option<(Child, u16)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
    let port = lines.find_map(|line| {
        let port = line.split_once("started successfully on port ")?.1;
        port.trim_end_matches('.').parse().ok()
    });
    if port.is_none() {
        driver.wait().unwrap();
    }
    Some((driver, port?))
}

impl Browser {
    /// Starts a browser. ChromeDriver ends at once when the port that the system gives it is taken for IPv6, and gives a
    /// browser up that takes more than a minute to come: then another one is started.
    pub(crate) fn start(view: View) -> Self {
        let browser = (0..20).find_map(|_| Self::try_to_start(view)).expect("neither ChromeDriver nor Chromium starts");
        browser.look(view);
        browser
    }

    fn try_to_start(view: View) -> Option<Self> {
        let (mut driver, port) = start_driver()?;
        let profile = tempfile::tempdir().unwrap();
        let mut arguments: Vec<String> = ARGUMENTS.map(str::to_owned).to_vec();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        arguments.push(format!("--lang={}", view.language));
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments, "prefs": { "intl.accept_languages": view.language } },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities.as_object().unwrap().clone());
            builder.connect(&format!("http://127.0.0.1:{port}")).await
        });
        match client {
            Ok(client) => Some(Self { runtime, client, driver, _profile: profile }),
            Err(error) => {
                // Shown when no other one starts either.
                eprintln!("{error}");
                let _ = driver.kill();
                let _ = driver.wait();
                None
            }
        }
    }

    /// Changes size and appearance.
    pub(crate) fn look(&self, view: View) {
        let size = json!({ "width": view.width, "height": view.height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size);
        let scheme = if view.dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", features);
    }

    /// Cuts the browser off from everything, or connects it again.
    pub(crate) fn offline(&self, offline: bool) {
        let conditions = json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.devtools("Network.enable", json!({}));
        self.devtools("Network.emulateNetworkConditions", conditions);
    }

    pub(crate) fn go(&self, url: &str) {
        self.runtime.block_on(self.client.goto(url)).unwrap();
    }

    /// Runs a function body in the page and returns what it returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.runtime.block_on(self.client.execute(script, Vec::new())).unwrap()
    }

    /// Waits until a function body returns true; a busy machine may take its time.
    pub(crate) fn wait(&self, what: &str, script: &str) {
        let end = Instant::now() + PATIENCE;
        while self.run(script) != Value::Bool(true) {
            let shown = self.run("return document.body.innerText");
            assert!(Instant::now() < end, "waited in vain for {what}; the page shows {shown}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Waits until an element is shown and its text holds `text`.
    pub(crate) fn sees(&self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        let script = format!(
            "return [...document.querySelectorAll({selector})].some((element) => element.checkVisibility() \
             && element.textContent.includes({text}))"
        );
        self.wait(&format!("{text} in {selector}"), &script);
    }

    /// Waits until nothing that fits the selector is shown.
    pub(crate) fn misses(&self, selector: &str) {
        let selector = json!(selector);
        let script =
            format!("return ![...document.querySelectorAll({selector})].some((element) => element.checkVisibility())");
        self.wait(&format!("the end of {selector}"), &script);
    }

    /// Clicks on an element as soon as the page lets that be done.
    pub(crate) fn click(&self, selector: &str) {
        self.as_soon_as_possible(selector, async || self.client.find(Locator::Css(selector)).await?.click().await);
    }

    /// Writes into an element as soon as the page lets that be done.
    pub(crate) fn write(&self, selector: &str, text: &str) {
        let write = async || self.client.find(Locator::Css(selector)).await?.send_keys(text).await;
        self.as_soon_as_possible(selector, write);
    }

    /// Does something to an element that may not be there yet, or not be shown yet.
    fn as_soon_as_possible(&self, selector: &str, act: impl AsyncFn() -> Result<(), CmdError>) {
        let end = Instant::now() + PATIENCE;
        while let Err(error) = self.runtime.block_on(act()) {
            assert!(Instant::now() < end, "{selector}: {error}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Presses the tabulator key.
    pub(crate) fn press_tab(&self) {
        for kind in ["keyDown", "keyUp"] {
            let key = json!({ "type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9 });
            self.devtools("Input.dispatchKeyEvent", key);
        }
    }

    pub(crate) fn title(&self) -> String {
        self.runtime.block_on(self.client.title()).unwrap()
    }

    /// How many windows and tabs are open.
    pub(crate) fn windows(&self) -> usize {
        self.runtime.block_on(self.client.windows()).unwrap().len()
    }

    /// Opens another tab with this address, and works in it from now on. Returns the one of before.
    pub(crate) fn open_tab(&self, url: &str) -> WindowHandle {
        self.runtime.block_on(async {
            let before = self.client.window().await.unwrap();
            let tab = self.client.new_window(true).await.unwrap();
            self.client.switch_to_window(tab.handle).await.unwrap();
            self.client.goto(url).await.unwrap();
            before
        })
    }

    /// Works in this tab from now on, which is the one that is seen.
    pub(crate) fn work_in(&self, tab: WindowHandle) {
        self.runtime.block_on(self.client.switch_to_window(tab)).unwrap();
        self.devtools("Page.bringToFront", json!({}));
    }

    /// Allows the page something that the browser would ask the user about.
    pub(crate) fn allow(&self, permission: &str) {
        let origin = self.run("return location.origin");
        self.devtools("Browser.grantPermissions", json!({ "origin": origin, "permissions": [permission] }));
    }

    /// What the console has said since the last call: warnings and errors, of the page and of its policy.
    pub(crate) fn console(&self) -> Vec<String> {
        let entries = self.own("se/log", json!({ "type": "browser" }));
        let entries = entries.as_array().unwrap().iter();
        entries.map(|entry| format!("{} {}", entry["level"], entry["message"])).collect()
    }

    /// Keeps a picture of the page in the folder that `CALLDEX_SCREENSHOTS` names; without it nothing is kept, but the
    /// page is drawn all the same.
    pub(crate) fn picture(&self, name: &str) {
        let picture = self.runtime.block_on(self.client.screenshot()).unwrap();
        assert!(picture.starts_with(b"\x89PNG") && picture.len() > 2000, "{name} is no picture");
        if let Some(folder) = std::env::var_os("CALLDEX_SCREENSHOTS").map(PathBuf::from) {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
        }
    }

    fn devtools(&self, command: &str, parameters: Value) {
        self.own("goog/cdp/execute", json!({ "cmd": command, "params": parameters }));
    }

    fn own(&self, path: &'static str, body: Value) -> Value {
        self.runtime.block_on(self.client.issue_cmd(Own { path, body })).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closing the session ends the browser; ChromeDriver itself is ended by its id.
        let _ = self.runtime.block_on(self.client.clone().close());
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
