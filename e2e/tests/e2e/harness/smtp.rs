//! SMTP servers: a real one in a process of its own, and bad ones.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::patience::wait_until;
use super::process::free_address;
use super::tls::Files;

/// Debian's own interpreter: its packages are there.
const PYTHON: &str = "/usr/bin/python3";
/// Who may sign in there.
pub const USER: &str = "keys@example.com";
/// With what.
pub const PASSWORD: &str = "correct horse: battery/staple";

/// How it speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Not at all, and lets anybody send.
    Plain,
    /// After STARTTLS.
    StartTls,
    /// From the first byte.
    Implicit,
}

/// A server that takes mails; killed when it goes.
pub struct SmtpServer {
    /// Where it listens, at `localhost` too.
    pub address: SocketAddr,
    folder: PathBuf,
    child: Child,
}

/// A server that behaves badly with its first connections, and takes mails afterwards.
pub struct BadServer {
    /// Where it listens.
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    mails: Arc<parking::Mails>,
    accepting: JoinHandle<()>,
}

/// What a bad server does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Hangs up as soon as one connects.
    Refuses,
    /// Accepts the connection and says nothing.
    Hangs,
    /// Reads the mail and says nothing.
    HangsInData,
    /// Takes the mail, and says so after two seconds.
    TakesLate,
    /// Says 451 to the recipient.
    Later,
    /// Says 550 to the recipient.
    Never,
    /// Hangs up in the middle of DATA.
    DiesInData,
    /// Takes the whole mail and hangs up without saying so.
    DiesAfterData,
}

mod parking {
    use std::sync::{Mutex, PoisonError};

    /// Mails that were taken.
    #[derive(Default)]
    pub(super) struct Mails(Mutex<Vec<String>>);

    impl Mails {
        pub(super) fn add(&self, mail: String) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
        }

        pub(super) fn all(&self) -> Vec<String> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }
}

/// A header of a mail.
pub fn header(mail: &str, name: &str) -> String {
    let head = mail.split("\r\n\r\n").next().unwrap_or_default();
    let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {mail}")).to_owned()
}

/// The token of the link in a mail.
pub fn token(mail: &str) -> String {
    // A long line is broken in two where the mail is quoted-printable (RFC 2045, 6.7).
    let mail = mail.replace("=\r\n", "");
    let (_, rest) = mail.split_once('#').unwrap_or_else(|| panic!("no link in {mail}"));
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}

// === impl SmtpServer ===

impl SmtpServer {
    /// Starts one that writes what it takes into `folder`.
    pub fn start(folder: &Path, mode: Mode, files: Option<&Files>) -> Self {
        let address = free_address();
        std::fs::create_dir_all(folder).expect("a folder for mails");
        let mut command = Command::new(PYTHON);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/harness/smtp_server.py");
        command.arg(script).arg(address.port().to_string()).arg(folder).arg(match mode {
            Mode::Plain => "plain",
            Mode::StartTls => "starttls",
            Mode::Implicit => "implicit",
        });
        if let Some(files) = files {
            command.arg(&files.certificate).arg(&files.key).args([USER, PASSWORD]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().expect("python3 and python3-aiosmtpd are installed");
        let mut line = String::new();
        let said = child.stdout.take().map(|output| BufReader::new(output).read_line(&mut line));
        assert!(line.starts_with("ready"), "it says so: {said:?}");
        Self { address, folder: folder.to_owned(), child }
    }

    /// All that it took, in order.
    pub fn mails(&self) -> Vec<String> {
        (1..).map_while(|number| std::fs::read_to_string(self.folder.join(format!("{number}.eml"))).ok()).collect()
    }

    /// Waits until it has taken so many.
    pub async fn wait_for(&self, count: usize) -> Vec<String> {
        wait_until(async || self.mails().len() >= count, || format!("{count} mails expected: {:?}", self.mails()))
            .await;
        self.mails()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// === impl BadServer ===

impl BadServer {
    /// Starts one; `faults`: what it does with its first connections.
    pub async fn start(faults: &'static [Fault]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (connections, mails) = (Arc::new(AtomicUsize::new(0)), Arc::new(parking::Mails::default()));
        let (counted, taken) = (connections.clone(), mails.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fault = faults.get(counted.fetch_add(1, Ordering::SeqCst)).copied();
                let taken = taken.clone();
                tokio::spawn(async move {
                    // A client that hangs up ends its connection alone.
                    let _ = talk(stream, fault, &taken).await;
                });
            }
        });
        Self { address, connections, mails, accepting }
    }

    /// How many connections came.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// What it read as a whole mail, whether it said so or not.
    pub fn mails(&self) -> Vec<String> {
        self.mails.all()
    }
}

impl Drop for BadServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn talk(stream: TcpStream, fault: Option<Fault>, taken: &parking::Mails) -> std::io::Result<()> {
    if fault == Some(Fault::Refuses) {
        return Ok(());
    }
    if fault == Some(Fault::Hangs) {
        let _held = stream;
        return std::future::pending().await;
    }
    let (reader, mut writer) = stream.into_split();
    let mut lines = tokio::io::BufReader::new(reader).lines();
    writer.write_all(b"220 bad\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let answer: &[u8] = match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => b"250-bad\r\n250 8BITMIME\r\n",
            "RCPT" if fault == Some(Fault::Later) => b"451 later\r\n",
            "RCPT" if fault == Some(Fault::Never) => b"550 nobody here\r\n",
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await? {
                    if fault == Some(Fault::DiesInData) {
                        return Ok(());
                    }
                    if line == "." {
                        break;
                    }
                    mail.push_str(&line);
                    mail.push_str("\r\n");
                }
                if fault == Some(Fault::HangsInData) {
                    return std::future::pending().await;
                }
                taken.add(mail);
                if fault == Some(Fault::TakesLate) {
                    tokio::time::sleep(Duration::from_secs(2)).await;
                }
                if fault == Some(Fault::DiesAfterData) {
                    return Ok(());
                }
                b"250 taken\r\n"
            }
            "QUIT" => return writer.write_all(b"221 bye\r\n").await,
            _ => b"250 ok\r\n",
        };
        writer.write_all(answer).await?;
    }
    Ok(())
}
