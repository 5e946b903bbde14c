//! How a gateway or one's own code asks: the tested files of `gateways/` with this server's addresses, to be pasted.

mod sample;
mod snippet;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use claviger_manage::{Error, FieldError};
use claviger_texts::console::gateways as texts;
use http::StatusCode;
use maud::{Markup, html};

use self::sample::Sample;
use self::snippet::{Addresses, CODE, GATEWAYS, asks_by_tcp_alone, beside, filled};
use crate::call::segment;
use crate::failure::{Failure, Problems};
use crate::pages::apis::api::Api;
use crate::parts::copy;
use crate::parts::field::{Choice, Field, refusal};
use crate::parts::frame::Page;
use crate::parts::list::{Asked, Listed, empty};
use crate::viewer::Viewer;
use crate::{Console, Doors};

const KNOWN: &[&str] = &["what", "api", "doors", "listen", "server_name", "upstream"];
const APIS: usize = 100;
/// The most characters of an address.
const ADDRESS_LENGTH_MAX: usize = 200;
/// The most lines of a file that are seen at once.
const FILE_ROWS: usize = 24;
/// The set that a door token holds.
const VERIFY: &str = "claviger-verify";

/// What is shown, with what stands in for what was not said.
#[derive(Debug)]
struct Choices {
    what: String,
    api: String,
    doors: String,
    listen: String,
    server_name: String,
    upstream: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/gateways", get(page))
}

async fn page(State(console): State<Console>, viewer: Viewer) -> Result<Response, Failure> {
    let apis: Listed<Api> = viewer.api.get(format!("/apis?limit={APIS}")).read().await?;
    let apis: Vec<Api> = apis.data.into_iter().filter(|api| !api.is_built_in()).collect();
    let asked = viewer.asked(KNOWN);
    let named = apis.iter().find(|api| api.slug == asked.value("api"));
    let own = apis.iter().find(|api| api.kind == "plain");
    let Some(chosen) = named.or(own).or(apis.first()) else {
        let step = html! { a .btn href="/apis" { (texts::API) } };
        return Ok(Page::new(&viewer, texts::TITLE, empty(texts::NO_API, texts::NO_API_HINT, &step)).ok());
    };
    let choices = Choices::of(&asked, &console.doors, chosen);
    let problems = choices.problems();
    let sample = sample::of(&viewer, chosen).await?;
    let body = html! {
        p .muted { (texts::HINT) }
        (refusal(&problems))
        (form(&choices, &apis, &problems))
        @if problems.is_empty() { (shown(&viewer, &console.doors, &choices, &sample)) (asked_through(chosen, &choices, &sample)) }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(&viewer, texts::TITLE, body).status(status))
}

fn form(choices: &Choices, apis: &[Api], problems: &Problems) -> Markup {
    let offered: Vec<_> = apis.iter().map(|api| Choice::new(api.slug.clone(), api.name.clone())).collect();
    let text = |name, label, hint, value: &str| Field::new(name, label, problems).hint(hint).text(value);
    html! {
        form .form method="get" action="/gateways" data-submit-on-change {
            div .field {
                label for="what" { (texts::WHAT) }
                select #what .select name="what" {
                    (options(texts::GATEWAYS, &GATEWAYS, &choices.what))
                    (options(texts::CODE, &CODE, &choices.what))
                }
            }
            (Field::new("api", texts::API, problems).hint(texts::API_HINT).choice(&offered, &choices.api))
            (text("doors", texts::DOORS, texts::DOORS_HINT, &choices.doors))
            @if choices.is_gateway() {
                (text("listen", texts::LISTEN, "", &choices.listen))
                (text("server_name", texts::SERVER_NAME, texts::SERVER_NAME_HINT, &choices.server_name))
                (text("upstream", texts::UPSTREAM, "", &choices.upstream))
            }
            div .buttons { button .btn data-variant="outline" type="submit" { (texts::SHOW) } }
        }
    }
}

fn options(group: &str, words: &[&str], chosen: &str) -> Markup {
    html! {
        optgroup label=(group) {
            @for word in words { option value=(word) selected[*word == chosen] { (texts::name(word)) } }
        }
    }
}

/// The file, where it goes, and what it still needs.
fn shown(viewer: &Viewer, doors: &Doors, choices: &Choices, sample: &Sample) -> Markup {
    let needs_token = doors.token_required || viewer.organizations.len() > 1;
    let file = filled(&choices.what, &choices.addresses(needs_token, sample)).unwrap_or_default();
    let make = format!("/keys/new?right={VERIFY}&name={}", segment(texts::TOKEN_NAME));
    html! {
        section .card .parting {
            header { h2 { (texts::FILE) } }
            section {
                p { (texts::goes_into(&choices.what)) }
                @if needs_token {
                    p { (texts::TOKEN) " " (texts::token_goes(&choices.what)) " " a href=(make) { (texts::MAKE_TOKEN) } }
                }
                @if choices.is_gateway() && choices.doors.starts_with("https:") { p .irreversible { (texts::TLS) } }
                @if asks_by_tcp_alone(&choices.what) && choices.doors.starts_with("unix:") {
                    p .irreversible { (texts::no_socket(texts::name(&choices.what))) }
                }
                (copy::block("file", texts::FILE, &file, rows(&file)))
                @if let Some((name, text)) = beside(&choices.what) {
                    p { (texts::beside(name)) }
                    (copy::block("beside", name, text, rows(text)))
                }
            }
        }
    }
}

/// The first request through the gateway: its sources are those of the API.
fn asked_through(api: &Api, choices: &Choices, sample: &Sample) -> Markup {
    let command = sample.through(&choices.listen, &api.credential_sources);
    html! {
        @if choices.is_gateway() {
            section .card .parting {
                header { h2 { (texts::TRY) } }
                section { p { (texts::TRY_HINT) } (copy::block("through", texts::TRY, &command, 2)) }
            }
        }
    }
}

/// How many lines of a text are seen at once.
fn rows(text: &str) -> usize {
    text.lines().count().clamp(2, FILE_ROWS)
}

/// An address as the files take it: nothing that could end a line, a string or a directive.
fn is_address(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || ".:-_/[]*".contains(c);
    (1..=ADDRESS_LENGTH_MAX).contains(&text.len()) && text.chars().all(known)
}

// === impl Choices ===

impl Choices {
    fn of(asked: &Asked, doors: &Doors, api: &Api) -> Self {
        let or = |name: &str, other: &str| {
            Some(asked.value(name)).filter(|text| !text.is_empty()).unwrap_or(other).to_owned()
        };
        let is_known = |what: &&str| GATEWAYS.contains(what) || CODE.contains(what);
        let what = Some(asked.value("what")).filter(is_known).unwrap_or(GATEWAYS[0]);
        let host = api.hosts.iter().map(|host| host.host.as_str()).find(|host| is_address(host) && !host.contains('*'));
        Self {
            what: what.to_owned(),
            api: api.slug.clone(),
            doors: or("doors", &doors.url),
            listen: or("listen", "127.0.0.1:8080"),
            server_name: or("server_name", host.unwrap_or("api.example.com")),
            upstream: or("upstream", "127.0.0.1:9000"),
        }
    }

    fn is_gateway(&self) -> bool {
        GATEWAYS.contains(&self.what.as_str())
    }

    fn problems(&self) -> Problems {
        let fields = [
            ("doors", &self.doors),
            ("listen", &self.listen),
            ("server_name", &self.server_name),
            ("upstream", &self.upstream),
        ];
        let wrong = fields.into_iter().filter(|(_, text)| !is_address(text));
        let wrong: Vec<_> = wrong.map(|(name, _)| FieldError::new(name, texts::EXPECTED)).collect();
        if wrong.is_empty() { Problems::default() } else { Problems::new(&Error::invalid(wrong)) }
    }

    fn addresses<'a>(&'a self, needs_token: bool, sample: &'a Sample) -> Addresses<'a> {
        Addresses {
            doors_url: &self.doors,
            api: &self.api,
            listen: &self.listen,
            server_name: &self.server_name,
            upstream: &self.upstream,
            sample,
            needs_token,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_ends_no_line_and_no_directive() {
        for good in ["127.0.0.1:7601", "http://[::1]:7601", "unix:/run/doors.sock", "api.example.com", "*:8080"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "a b", "a;b", "a\nb", "a{b", "\"", "a'b", "a$b", "é", "a\\b"] {
            assert!(!is_address(bad), "{bad:?}");
        }
        assert!(!is_address(&"a".repeat(ADDRESS_LENGTH_MAX + 1)));
    }
}
