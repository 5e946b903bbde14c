//! A real browser: Chromium, driven by Debian's chromedriver in the `WebDriver` protocol (W3C, JSON over HTTP). The few calls
//! that tests need are written out here: a client library brings a second `http` and a second ICU into the build.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};

use super::patience::wait_until;
use super::process::free_address;
use super::raw_http::Request;

/// The member under which `WebDriver` names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// What the driver answers while a page is on its way to what a test means to press: the press has not happened.
const NOT_YET: [&str; 6] = [
    "no such element",
    "stale element reference",
    "element not interactable",
    "element click intercepted",
    "aborted by navigation",
    "no such execution context",
];
/// How long a script may take: a bound, never a figure.
const SCRIPT_MILLISECONDS_MAX: u32 = 300_000;
/// How late a page may be: a bound, never a figure.
const LATE: Duration = Duration::from_mins(1);
/// What Chromium is started with: no profile of anybody, nothing that asks the outside.
const ARGUMENTS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=PasswordManagerOnboarding,PasswordLeakDetection",
    "--password-store=basic",
    // A mouse, wherever the tests run; a telephone says otherwise by itself.
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
];

/// How a browser is opened.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Its width in pixels.
    pub width: u32,
    /// Whether the machine is dark.
    pub is_dark: bool,
    /// Whether scripts run.
    pub has_scripts: bool,
    /// Whether the person has asked for less motion.
    pub is_calm: bool,
}

/// A browser at a server. Everything panics with the page's text where something is not as it should be.
pub struct Chromium {
    driver: SocketAddr,
    child: Child,
    session: String,
    base: String,
    has_scripts: bool,
    /// Where downloads go.
    downloads: PathBuf,
    folder: TempDir,
}

// === impl View ===

impl View {
    /// A desk, in light.
    pub const DESK: Self = Self { width: 1280, is_dark: false, has_scripts: true, is_calm: false };
    /// The same in the dark.
    pub const DARK: Self = Self { is_dark: true, ..Self::DESK };
    /// Without motion.
    pub const CALM: Self = Self { is_calm: true, ..Self::DESK };
    /// A telephone.
    pub const NARROW: Self = Self { width: 360, ..Self::DESK };
    /// Without scripts.
    pub const PLAIN: Self = Self { has_scripts: false, ..Self::DESK };
}

// === impl Chromium ===

impl Chromium {
    /// Opens a window at a desk.
    pub async fn open(server: SocketAddr) -> Self {
        Self::open_as(server, View::DESK).await
    }

    /// Opens a window.
    pub async fn open_as(server: SocketAddr, view: View) -> Self {
        let folder = tempfile::Builder::new().prefix("claviger-chromium-").tempdir().expect("a temporary folder");
        let driver = free_address();
        let child = Command::new("chromedriver")
            .arg(format!("--port={}", driver.port()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver of Debian's chromium-driver");
        let is_ready =
            async || ask(driver, "GET", "/status", &Value::Null).await.is_ok_and(|(status, _)| status == 200);
        wait_until(is_ready, || "chromedriver does not answer".to_owned()).await;
        let downloads = folder.path().join("downloads");
        let (session, base) = (String::new(), format!("http://{server}"));
        let mut browser = Self { driver, child, session, base, has_scripts: view.has_scripts, downloads, folder };
        let capabilities = browser.capabilities(view);
        let made = browser.ask("POST", "/session", &capabilities).await.unwrap_or_else(|error| panic!("{error}"));
        made["sessionId"].as_str().expect("a session").clone_into(&mut browser.session);
        browser
    }

    fn capabilities(&self, view: View) -> Value {
        let profile = self.folder.path().join("profile");
        let mut arguments: Vec<String> = ARGUMENTS.map(str::to_owned).into();
        arguments.push(format!("--user-data-dir={}", profile.display()));
        // The driver makes no window narrower than 500 pixels; the page's own width is set by emulation.
        arguments.push(format!("--window-size={},900", view.width.max(500)));
        if view.is_dark {
            arguments.push("--force-dark-mode".to_owned());
        }
        if view.is_calm {
            arguments.push("--force-prefers-reduced-motion".to_owned());
        }
        let mut options = json!({
            "args": arguments,
            "prefs": {
                "download.default_directory": self.downloads,
                "profile.managed_default_content_settings.javascript": if view.has_scripts { 1 } else { 2 },
                "credentials_enable_service": false,
            },
        });
        if view.width < 500 {
            options["mobileEmulation"] =
                json!({"deviceMetrics": {"width": view.width, "height": 800, "pixelRatio": 1.0}});
        }
        json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
            "unhandledPromptBehavior": "ignore",
            // A script that walks through all pages takes longer than the driver's half minute where much else runs.
            "timeouts": {"script": SCRIPT_MILLISECONDS_MAX},
        }}})
    }

    /// What the driver answers.
    async fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let (status, answer) = ask(self.driver, method, path, body).await.map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        if status == 200 { Ok(value) } else { Err(format!("{method} {path}: {value}")) }
    }

    async fn command(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        self.ask(method, &format!("/session/{}{path}", self.session), body).await
    }

    async fn must(&self, method: &str, path: &str, body: &Value) -> Value {
        match self.command(method, path, body).await {
            Ok(value) => value,
            Err(error) => panic!("{error}\nat {}", self.describe().await),
        }
    }

    async fn describe(&self) -> String {
        let url = self.command("GET", "/url", &Value::Null).await;
        let script = json!({"script": "return document.body ? document.body.innerText : ''", "args": []});
        let text = self.command("POST", "/execute/sync", &script).await;
        format!("{url:?}:\n{}", text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default())
    }

    /// Goes to a path of the server.
    pub async fn go(&self, path: &str) {
        self.must("POST", "/url", &json!({"url": format!("{}{path}", self.base)})).await;
    }

    /// The path of the page, with its query.
    pub async fn path(&self) -> String {
        let url = self.must("GET", "/url", &Value::Null).await;
        let url = url.as_str().expect("a URL");
        url.strip_prefix(&self.base).unwrap_or(url).to_owned()
    }

    /// What a person reads on the page.
    pub async fn text(&self) -> String {
        let script = json!({"script": "return document.body.innerText", "args": []});
        let text = self.once_there(async || self.command("POST", "/execute/sync", &script).await).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// What the page is made of, by now.
    pub async fn source(&self) -> String {
        self.must("GET", "/source", &Value::Null).await.as_str().expect("a document").to_owned()
    }

    /// Runs a script in the page.
    pub async fn script(&self, script: &str, arguments: &[Value]) -> Value {
        self.must("POST", "/execute/sync", &json!({"script": script, "args": arguments})).await
    }

    /// Runs a script that hands its answer to its last argument.
    pub async fn script_with_answer(&self, script: &str) -> Value {
        self.script_with_answer_of(script, &[]).await
    }

    /// The same with arguments before it.
    pub async fn script_with_answer_of(&self, script: &str, arguments: &[Value]) -> Value {
        self.must("POST", "/execute/async", &json!({"script": script, "args": arguments})).await
    }

    /// Whether there is such an element.
    pub async fn has(&self, css: &str) -> bool {
        self.command("POST", "/element", &json!({"using": "css selector", "value": css})).await.is_ok()
    }

    /// Waits until there is such an element.
    pub async fn wait_for(&self, css: &str) {
        wait_until(async || self.has(css).await, || format!("no {css}")).await;
    }

    /// Waits until the page reads so.
    pub async fn wait_for_text(&self, text: &str) {
        let mut seen = String::new();
        let read = tokio::time::timeout(LATE, async {
            while !seen.contains(text) {
                tokio::time::sleep(Duration::from_millis(20)).await;
                seen = self.text().await;
            }
        });
        assert!(read.await.is_ok(), "no {text:?} in:\n{seen}");
    }

    /// Waits until the page is drawn as it is now: what has just opened can be reached by Tab only then.
    pub async fn drawn(&self) {
        self.script_with_answer("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))").await;
    }

    /// The same as soon as the page can do it, as a person would: a machine that is busy draws later.
    async fn once_there<T>(&self, mut act: impl AsyncFnMut() -> Result<T, String>) -> T {
        let (mut done, mut failed) = (None, String::new());
        let mut is_over = async || {
            match act().await {
                Ok(value) => done = Some(value),
                Err(error) => failed = error,
            }
            done.is_some() || !NOT_YET.iter().any(|sort| failed.contains(sort))
        };
        let is_over = tokio::time::timeout(LATE, async {
            while !is_over().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let _ = is_over.await;
        match done {
            Some(value) => value,
            None => panic!("{failed}\nat {}", self.describe().await),
        }
    }

    async fn found(&self, css: &str) -> Result<String, String> {
        let found = self.command("POST", "/element", &json!({"using": "css selector", "value": css})).await?;
        Ok(found[ELEMENT].as_str().expect("an element").to_owned())
    }

    async fn find(&self, css: &str) -> String {
        self.once_there(async || self.found(css).await).await
    }

    /// Presses an element that can be seen.
    pub async fn click(&self, css: &str) {
        self.once_there(async || self.click_element(&self.found(css).await?).await).await;
    }

    async fn click_element(&self, element: &str) -> Result<(), String> {
        let script = "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})";
        self.command("POST", "/execute/sync", &json!({"script": script, "args": [{ELEMENT: element}]})).await?;
        self.command("POST", &format!("/element/{element}/click"), &json!({})).await.map(drop)
    }

    /// Presses the link or button that reads so.
    pub async fn press(&self, text: &str) {
        let path = format!("//*[self::a or self::button or self::summary][normalize-space()={}]", xpath_text(text));
        self.once_there(async || {
            let found = self.command("POST", "/elements", &json!({"using": "xpath", "value": path})).await?;
            for element in found.as_array().expect("elements") {
                let element = element[ELEMENT].as_str().expect("an element");
                if self.command("GET", &format!("/element/{element}/displayed"), &Value::Null).await? == json!(true) {
                    return self.click_element(element).await;
                }
            }
            Err(format!("no such element: nothing to press that reads {text:?}"))
        })
        .await;
    }

    /// Types into a field in the place of what stands there.
    pub async fn fill(&self, css: &str, text: &str) {
        self.once_there(async || {
            let element = self.found(css).await?;
            self.command("POST", &format!("/element/{element}/clear"), &json!({})).await?;
            self.command("POST", &format!("/element/{element}/value"), &json!({"text": text})).await
        })
        .await;
    }

    /// Takes what is shown once: until it is copied, leaving the page asks whether one has it.
    pub async fn take(&self) {
        self.wait_for("[data-copy]").await;
        if self.has_scripts {
            self.script("document.querySelector('[data-copy]').click()", &[]).await;
            self.wait_for("[data-copy][data-done]").await;
        }
    }

    /// What a download holds, once something is in it: the browser makes its file before it fills it.
    pub async fn downloaded(&self, name: &str) -> String {
        let file = self.downloads.join(name);
        let read = || std::fs::read_to_string(&file).unwrap_or_default();
        wait_until(async || !read().is_empty(), || format!("nothing in {}", file.display())).await;
        read()
    }

    /// Sets a field as a date picker would.
    pub async fn set(&self, css: &str, value: &str) {
        let script = "const field = document.querySelector(arguments[0]); field.value = arguments[1]; \
                      field.dispatchEvent(new Event('input', {bubbles: true})); field.dispatchEvent(new Event('change', {bubbles: true}));";
        self.script(script, &[json!(css), json!(value)]).await;
    }

    /// Chooses from a list.
    pub async fn choose(&self, css: &str, value: &str) {
        self.click(&format!("{css} option[value=\"{value}\"]")).await;
    }

    /// Keys on the keyboard, wherever the focus is; `\u{e004}` is Tab, `\u{e007}` Enter, `\u{e00c}` Escape.
    pub async fn keys(&self, text: &str) {
        let actions: Vec<_> = text
            .chars()
            .flat_map(|key| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})])
            .collect();
        let body = json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]});
        self.must("POST", "/actions", &body).await;
    }

    /// The tab that is looked at.
    pub async fn tab(&self) -> String {
        self.must("GET", "/window", &Value::Null).await.as_str().expect("a tab").to_owned()
    }

    /// Opens another one, and goes there.
    pub async fn open_tab(&self) {
        let made = self.must("POST", "/window/new", &json!({"type": "tab"})).await;
        self.go_to_tab(made["handle"].as_str().expect("a tab")).await;
    }

    /// Goes to a tab.
    pub async fn go_to_tab(&self, tab: &str) {
        self.must("POST", "/window", &json!({"handle": tab})).await;
    }

    /// Where the mouse is: over this.
    pub async fn hover(&self, css: &str) {
        let element = self.find(css).await;
        let to = json!({"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": {ELEMENT: element}});
        let body = json!({"actions": [{"type": "pointer", "id": "mouse", "actions": [to]}]});
        self.must("POST", "/actions", &body).await;
    }

    /// What the clipboard holds.
    pub async fn clipboard(&self) -> String {
        let leave = json!({"descriptor": {"name": "clipboard-read"}, "state": "granted"});
        self.must("POST", "/permissions", &leave).await;
        let read = "const done = arguments[arguments.length - 1]; navigator.clipboard.readText().then(done, (error) => done(String(error)))";
        self.script_with_answer(read).await.as_str().unwrap_or_default().to_owned()
    }

    /// A property of an element.
    pub async fn value(&self, css: &str) -> String {
        let element = self.find(css).await;
        let value = self.must("GET", &format!("/element/{element}/property/value"), &Value::Null).await;
        value.as_str().unwrap_or_default().to_owned()
    }

    /// The text of a question that the browser asks, and its answer.
    pub async fn answer_question(&self, is_yes: bool) -> Option<String> {
        let text = self.command("GET", "/alert/text", &Value::Null).await.ok()?;
        let verb = if is_yes { "accept" } else { "dismiss" };
        self.must("POST", &format!("/alert/{verb}"), &json!({})).await;
        text.as_str().map(str::to_owned)
    }

    /// Goes back, as the button does.
    pub async fn back(&self) {
        self.must("POST", "/back", &json!({})).await;
    }

    /// Forgets the cookies: the session is over for this browser.
    pub async fn forget(&self) {
        self.must("DELETE", "/cookie", &Value::Null).await;
    }

    /// What the browser's console said.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.must("POST", "/se/log", &json!({"type": "browser"})).await;
        let lines = log.as_array().cloned().unwrap_or_default();
        lines.iter().filter_map(|line| line["message"].as_str().map(str::to_owned)).collect()
    }

    /// What axe finds serious or critical in the page as it is.
    pub async fn axe(&self) -> Vec<String> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/axe/axe.min.js");
        let axe = std::fs::read_to_string(file).expect("axe");
        self.script(&format!("{axe}; window.axe = axe;"), &[]).await;
        let run = "const done = arguments[arguments.length - 1]; \
                   axe.run(document, {resultTypes: ['violations']}).then((r) => done(r.violations), (e) => done([{impact: 'critical', id: String(e), nodes: []}]));";
        let found = self.must("POST", "/execute/async", &json!({"script": run, "args": []})).await;
        let serious =
            found.as_array().cloned().unwrap_or_default().into_iter().filter(|violation| {
                ["serious", "critical"].contains(&violation["impact"].as_str().unwrap_or_default())
            });
        serious.map(|violation| format!("{}: {}", violation["id"], violation["nodes"][0]["html"])).collect()
    }

    /// A picture of the page: PNG.
    pub async fn picture(&self) -> Vec<u8> {
        use base64::Engine as _;
        let picture = self.must("GET", "/screenshot", &Value::Null).await;
        let text = picture.as_str().expect("a picture");
        base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
    }

    /// Signs in by the page.
    pub async fn sign_in(&self, login: &str, password: &str) {
        self.go("/sign-in").await;
        self.fill("#prompt-login", login).await;
        self.fill("#prompt-password", password).await;
        self.click("form button[type=submit]").await;
        self.wait_for("nav.places").await;
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The driver ends its browser with the session.
        if let Ok(mut stream) = TcpStream::connect(self.driver) {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let request =
                format!("DELETE /session/{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", self.session);
            let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read(&mut [0; 1024]).map(drop));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One question to the driver, which leaves the connection open whatever it is told: the answer ends by its length.
async fn ask(driver: SocketAddr, method: &str, path: &str, body: &Value) -> std::io::Result<(u16, Vec<u8>)> {
    let request = Request::new(method, path);
    let request = if method == "POST" { request.json(body) } else { request };
    let mut stream = tokio::io::BufStream::new(tokio::net::TcpStream::connect(driver).await?);
    stream.write_all(&request.into_bytes("localhost", "close")).await?;
    stream.flush().await?;
    let (mut status, mut length, mut line) = (0, 0, String::new());
    while stream.read_line(&mut line).await? > 0 && line.trim() != "" {
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or_default();
        }
        if let Some(rest) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = rest.trim().parse().unwrap_or_default();
        }
        line.clear();
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).await?;
    Ok((status, answer))
}

/// A text within `XPath`, which has no escapes.
fn xpath_text(text: &str) -> String {
    let parts: Vec<_> = text.split('\'').map(|part| format!("'{part}'")).collect();
    if parts.len() == 1 { parts.concat() } else { format!("concat({})", parts.join(", \"'\", ")) }
}
