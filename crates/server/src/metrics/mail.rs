//! Mail: what waits, what was sent, what failed.

use claviger_domain::Timestamp;

use crate::mail::Reading;

use super::page::Page;

pub(super) fn write(page: &mut Page, mail: &Reading, now: Timestamp) {
    page.gauge("claviger_mail_waiting", "Mails in the outbox that wait to be sent.", mail.waiting as f64);
    let age = mail.oldest.map_or(0, |oldest| now.as_micros().saturating_sub(oldest.as_micros()).max(0));
    let help = "For how long the oldest mail in the outbox has been waiting.";
    page.gauge("claviger_mail_oldest_waiting_seconds", help, age as f64 / 1e6);
    page.counter("claviger_mail_sent_total", "Mails that the SMTP server took from this node.", mail.sent);
    page.counter("claviger_mail_failures_total", "Attempts of this node to send a mail that failed.", mail.failed);
    page.counter("claviger_mail_given_up_total", "Mails that this node gave up: nobody gets them.", mail.given_up);
}
