//! The SMTP client: one pool of connections to one server.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use claviger_manage::mail::{Failure, Ready};
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::MailConfig;

/// How long the server may take to be reached.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a whole attempt may take: a server that hangs holds nothing up for longer.
pub(super) const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(1);
/// The most connections that are open at once.
const CONNECTIONS_MAX: u32 = 4;
/// How long one is kept that nothing is sent over.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes of a password's file, and of certificates.
const FILE_BYTES_MAX: usize = 1_048_576;
/// Answers to a sign-in (RFC 4954): the account is wrong, not the mail.
const SIGN_IN_CODES: [u16; 5] = [530, 534, 535, 538, 454];

/// The way to the server.
pub(crate) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Why there is no way.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {reason}")]
pub struct SmtpError {
    setting: &'static str,
    reason: String,
}

/// Tells other machines not to answer (RFC 3834).
#[derive(Debug, Clone)]
struct AutoSubmitted;

// === impl Smtp ===

impl Smtp {
    /// The way that is configured; `None`: no mail is sent.
    pub(crate) fn new(config: &MailConfig) -> Result<Option<Self>, SmtpError> {
        let Some(url) = &config.smtp_url else { return Ok(None) };
        let wrong = |setting, reason: String| SmtpError { setting, reason };
        let from = config.from.as_deref().unwrap_or_default().parse();
        let from = from.map_err(|error| wrong("mail.from", format!("{error}")))?;
        let tls = tls(config, &url.host)?;
        let tls = match (url.implicit_tls, url.is_loopback()) {
            (true, _) => Tls::Wrapper(tls),
            (false, false) => Tls::Required(tls),
            // Nobody listens between a process and its neighbour, and many relays there have no certificate.
            (false, true) => Tls::Opportunistic(tls),
        };
        let pool = PoolConfig::new().max_size(CONNECTIONS_MAX).idle_timeout(IDLE_TIMEOUT);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&url.host)
            .port(url.port)
            .tls(tls)
            .timeout(Some(CONNECT_TIMEOUT))
            .pool_config(pool);
        if let Some(user) = &url.user {
            let password = match (&url.password, &config.password_file) {
                (Some(password), _) => password.expose().to_owned(),
                (None, Some(file)) => {
                    let text = read(file).map_err(|error| wrong("mail.password_file", error))?;
                    text.trim_end_matches(['\r', '\n']).to_owned()
                }
                (None, None) => String::new(),
            };
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(Some(Self { transport: builder.build(), from }))
    }

    /// Sends a mail; once this returns without error, the server has taken it.
    pub(crate) async fn send(&self, mail: &Ready) -> Result<(), Failure> {
        let message = self.message(mail)?;
        match tokio::time::timeout(ATTEMPT_TIMEOUT, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(Failure::passing(format!("the server did not take it in {} s", ATTEMPT_TIMEOUT.as_secs()))),
        }
    }

    fn message(&self, mail: &Ready) -> Result<Message, Failure> {
        let unfit = |what: &str| Failure::permanent(format!("no mail can be written: {what}"));
        let to: Address = mail.recipient.as_str().parse().map_err(|_| unfit("the address is not one of SMTP"))?;
        let micros = u64::try_from(mail.created_at.as_micros()).unwrap_or_default();
        let date: SystemTime = UNIX_EPOCH + Duration::from_micros(micros);
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject.as_str())
            .date(date)
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .header(AutoSubmitted);
        let text = mail.body.expose().to_owned();
        let message = match &mail.html {
            None => message.header(ContentType::TEXT_PLAIN).body(text),
            Some(html) => message.multipart(MultiPart::alternative_plain_html(text, html.expose().to_owned())),
        };
        message.map_err(|error| unfit(&error.to_string()))
    }
}

fn tls(config: &MailConfig, host: &str) -> Result<TlsParameters, SmtpError> {
    let wrong = |setting, reason: String| SmtpError { setting, reason };
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(file) = &config.ca_file {
        let text = read(file).map_err(|error| wrong("mail.ca_file", error))?;
        let begin = "-----BEGIN CERTIFICATE-----";
        let parts: Vec<_> = text.split(begin).skip(1).map(|part| format!("{begin}{part}")).collect();
        if parts.is_empty() {
            return Err(wrong("mail.ca_file", format!("{} holds no certificate in PEM", file.display())));
        }
        for part in parts {
            let certificate = Certificate::from_pem(part.as_bytes());
            builder =
                builder.add_root_certificate(certificate.map_err(|error| wrong("mail.ca_file", error.to_string()))?);
        }
    }
    builder.build().map_err(|error| wrong("mail.smtp_url", error.to_string()))
}

fn read(file: &std::path::Path) -> Result<String, String> {
    let wrong = |error: std::io::Error| format!("cannot read {}: {error}", file.display());
    let text = std::fs::read_to_string(file).map_err(wrong)?;
    if text.len() > FILE_BYTES_MAX {
        return Err(format!("{} has more than {FILE_BYTES_MAX} bytes", file.display()));
    }
    Ok(text)
}

/// What an error of the client means. An answer of the server is told, and nothing of the mail.
fn failure(error: &Error) -> Failure {
    use std::error::Error as _;
    let mut reason = error.to_string();
    if let Some(source) = error.source() {
        reason = format!("{reason}: {source}");
    }
    let is_sign_in = error.status().is_some_and(|code| SIGN_IN_CODES.contains(&code.into()));
    let is_final = (error.is_permanent() && !is_sign_in) || error.is_client();
    if is_final { Failure::permanent(reason) } else { Failure::passing(reason) }
}

// === impl Header for AutoSubmitted ===

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
