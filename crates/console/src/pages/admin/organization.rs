//! The organization itself: its name, its zone, and from where its keys may be used.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::ErrorCode;
use claviger_texts::console::form as words;
use claviger_texts::console::policy::{self, organization as texts};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{audit, named};
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::{CSRF, Form, VERSION};
use crate::pages::keys::key::Range;
use crate::pages::keys::sent::address;
use crate::parts::changed::{Labels, before_and_after, carried, now};
use crate::parts::field::{Field, summary};
use crate::parts::frame::{Page, csrf};
use crate::parts::time;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

const PATH: &str = "/admin/organization";
/// Says that the change was looked at.
const LOOKED_AT: &str = "looked-at";
const LABELS: Labels<'_> = &[
    ("name", texts::NAME),
    ("slug", texts::SLUG),
    ("time_zone", texts::TIME_ZONE),
    ("key_prefix", texts::KEY_PREFIX),
    ("admin_contact", texts::ADMIN_CONTACT),
    ("allowed_ips", texts::ALLOWED_IPS),
];

#[derive(Debug, Deserialize)]
struct Organization {
    name: String,
    slug: String,
    time_zone: String,
    key_prefix: String,
    admin_contact: Option<String>,
    #[serde(default)]
    allowed_ips: Vec<Range>,
}

#[derive(Debug, Deserialize)]
struct Preview {
    moved_ends: Moved,
}

#[derive(Debug, Deserialize)]
struct Moved {
    keys: u64,
    first: Vec<MovedEnd>,
}

#[derive(Debug, Deserialize)]
struct MovedEnd {
    id: String,
    before: String,
    after: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route(PATH, get(page).post(save))
        .route("/admin/organization/scanner-rules/{scanner}", get(scanner_rules))
}

async fn load(viewer: &Viewer) -> Result<(Form, String), Failure> {
    let answer = viewer.api.get("/organization").send().await?;
    let stored: Organization = answer.read()?;
    Ok((filled(&stored), answer.version().unwrap_or_default().to_owned()))
}

fn filled(stored: &Organization) -> Form {
    let mut form = Form::default();
    form.set("name", stored.name.clone());
    form.set("slug", stored.slug.clone());
    form.set("time_zone", stored.time_zone.clone());
    form.set("key_prefix", stored.key_prefix.clone());
    form.set("admin_contact", stored.admin_contact.clone().unwrap_or_default());
    form.set("allowed_ips", stored.allowed_ips.iter().map(Range::line).collect::<Vec<_>>().join("\n"));
    form
}

/// The request that makes of `before` what the form says: only what differs.
fn change(before: &Form, form: &Form) -> Value {
    let mut body = Map::new();
    for (name, _) in LABELS.iter().filter(|(name, _)| before.text(name).trim() != form.text(name).trim()) {
        let value = match *name {
            "allowed_ips" => form.lines(name).map(address).collect(),
            "admin_contact" => form.value(name),
            _ => json!(form.text(name).trim()),
        };
        body.insert((*name).to_owned(), value);
    }
    Value::Object(body)
}

async fn page(viewer: Viewer) -> Result<Response, Failure> {
    let (form, version) = load(&viewer).await?;
    show(&viewer, &version, &form, &Problems::default(), &html! {}).await
}

/// Saves; a change that moves ends of keys is shown first.
async fn save(Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (stored, version) = load(&viewer).await?;
    let body = change(&stored, &form);
    let is_looked_at = form.is_on(LOOKED_AT) || body.get("time_zone").is_none();
    let path = if is_looked_at { "/organization" } else { "/organization?dry_run=true" };
    match viewer.api.patch(path).json(&body).if_match(form.given(VERSION)).send().await {
        Ok(_) if is_looked_at => Ok(Redirect::to(&told(PATH, "saved")).into_response()),
        Ok(answer) => {
            let effect = asked(&viewer, &stored, &form, &answer.read()?).await?;
            show(&viewer, form.text(VERSION), &form, &Problems::default(), &effect).await
        }
        Err(error) if error.code() == ErrorCode::Stale => {
            show(&viewer, &version, &form, &Problems::of(words::STALE), &now(LABELS, &stored, &form)).await
        }
        Err(error) => show(&viewer, form.text(VERSION), &form, &mend(error)?, &html! {}).await,
    }
}

/// Whose ends move, with the button that saves.
async fn asked(viewer: &Viewer, stored: &Form, form: &Form, preview: &Preview) -> Result<Markup, Failure> {
    let moved = &preview.moved_ends;
    let mut rows = Vec::new();
    for key in &moved.first {
        let link = named::key(viewer, &key.id).await?;
        let [before, after] = [&key.before, &key.after].map(|at| time::instant(at, &viewer.zone));
        rows.push(html! { (link) " – " (before) " → " (after) });
    }
    let more = moved.keys.saturating_sub(rows.len() as u64);
    Ok(html! {
        section #effect .card .effect aria-labelledby="effect-title" {
            header { h2 #effect-title { (policy::EFFECT) } }
            section {
                (before_and_after(LABELS, stored, form))
                @if moved.keys == 0 { p { (policy::NO_EFFECT) } } @else {
                    p { (texts::moved(moved.keys)) }
                    ul .affected {
                        @for row in &rows { li { (row) } }
                        @if more > 0 { li .muted { (policy::and_more(more)) } }
                    }
                }
                form method="post" action=(PATH) .buttons {
                    (csrf(viewer))
                    (carried(form, &[CSRF, LOOKED_AT]))
                    button .btn type="submit" name=(LOOKED_AT) value="yes" { (words::SAVE) }
                    a .btn data-variant="outline" href=(PATH) { (words::CANCEL) }
                }
            }
        }
    })
}

async fn show(
    viewer: &Viewer,
    version: &str,
    form: &Form,
    problems: &Problems,
    above: &Markup,
) -> Result<Response, Failure> {
    let history = audit::history_of(viewer, &viewer.organization.id, "organization.*").await?;
    let is_editor = viewer.may("organization.manage");
    let body = html! {
        (summary(problems))
        (above)
        @if is_editor {
            form .form method="post" action=(PATH) {
                (csrf(viewer))
                input type="hidden" name=(VERSION) value=(version);
                fieldset { (fields(form, problems)) }
                div .buttons {
                    button .btn type="submit" { (words::SAVE) }
                    a .btn data-variant="outline" href=(PATH) { (words::CANCEL) }
                }
            }
        } @else {
            div .form { fieldset disabled { (fields(form, problems)) } }
        }
        (leaks())
        (history)
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let requests = html! {
        @if viewer.may("keys.read") { a .btn data-variant="outline" href="/admin/organization/requests" { (texts::REQUESTS) } }
    };
    Ok(Page::new(viewer, texts::TITLE, body).actions(requests).status(status))
}

/// How scanners of source code know this organization's keys.
fn leaks() -> Markup {
    html! {
        section .card {
            header { h2 { (texts::LEAKS) } p { (texts::LEAKS_HINT) } }
            section .buttons {
                @for (scanner, label) in [("gitleaks", texts::GITLEAKS), ("trufflehog", texts::TRUFFLEHOG)] {
                    a .btn data-variant="outline" href={ (PATH) "/scanner-rules/" (scanner) } { (label) }
                }
            }
        }
    }
}

async fn scanner_rules(viewer: Viewer, Path(scanner): Path<String>) -> Result<Response, Failure> {
    Ok(viewer.api.get(format!("/leaks/rules/{}", segment(&scanner))).respond().await?)
}

fn fields(form: &Form, problems: &Problems) -> Markup {
    let text = |name, label, hint| Field::new(name, label, problems).required().hint(hint).text(form.text(name));
    html! {
        (text("name", texts::NAME, ""))
        (text("slug", texts::SLUG, texts::SLUG_HINT))
        (text("time_zone", texts::TIME_ZONE, texts::TIME_ZONE_HINT))
        (text("key_prefix", texts::KEY_PREFIX, texts::KEY_PREFIX_HINT))
        (Field::new("admin_contact", texts::ADMIN_CONTACT, problems).hint(texts::ADMIN_CONTACT_HINT).text(form.text("admin_contact")))
        (Field::new("allowed_ips", texts::ALLOWED_IPS, problems).hint(texts::ALLOWED_IPS_HINT).area(form.text("allowed_ips"), 5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_sent_and_no_addresses_are_an_empty_list() {
        let form = |text: &str| Form::parse(text.as_bytes()).expect("few fields");
        let before =
            form("name=Acme&slug=acme&time_zone=UTC&key_prefix=clv&allowed_ips=10.0.0.0/8&admin_contact=a@b.c");
        assert_eq!(change(&before, &before), json!({}));
        let after = form("name=Acme+2&slug=acme&time_zone=Europe/Warsaw&key_prefix=clv&allowed_ips=+&admin_contact=+");
        assert_eq!(
            change(&before, &after),
            json!({"name": "Acme 2", "time_zone": "Europe/Warsaw", "admin_contact": null, "allowed_ips": []})
        );
    }
}
