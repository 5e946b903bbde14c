//! The frame of pages: head, places, and the headers that every page bears.

use axum::response::{IntoResponse, Response};
use claviger_texts::console::{frame as texts, places, told};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::icon::Icon;
use crate::assets::Asset;
use crate::form::CSRF;
use crate::theme::Theme;
use crate::viewer::Viewer;

/// Only our own files run and style, nothing frames us, and forms go nowhere else; `docs/security.md` has the same line.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                                 form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The value of an address that names what was done just before.
const TOLD: &str = "told";

/// A page in the making.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    viewer: &'a Viewer,
    title: String,
    actions: Markup,
    body: Markup,
}

/// A place of the menu.
struct Place {
    path: &'static str,
    label: &'static str,
    icon: Icon,
    /// Who sees it; everybody where there is none.
    authorities: &'static [&'static str],
}

const PLACES: &[Place] = &[
    Place { path: "/overview", label: places::OVERVIEW, icon: Icon::Overview, authorities: &[] },
    Place { path: "/keys", label: places::KEYS, icon: Icon::Key, authorities: &["keys.read"] },
    Place { path: "/approvals", label: places::APPROVALS, icon: Icon::Done, authorities: &["keys.manage_all"] },
    Place { path: "/apis", label: places::APIS, icon: Icon::Stack, authorities: &["apis.read", "apis.manage"] },
    Place { path: "/usage", label: places::USAGE, icon: Icon::Bars, authorities: &["usage.read"] },
    Place { path: "/gateways", label: places::GATEWAYS, icon: Icon::Gate, authorities: &["apis.read", "apis.manage"] },
];

/// What stands under *Admin → Integration*, by YetiForce's words.
const INTEGRATION: &[Place] = &[
    Place {
        path: "/admin/applications",
        label: places::APPLICATIONS,
        icon: Icon::Grid,
        authorities: &["keys.read", "applications.manage"],
    },
    Place {
        path: "/admin/api-users",
        label: places::API_USERS,
        icon: Icon::Person,
        authorities: &["applications.manage"],
    },
];

/// What stands under *Admin*.
const ADMIN: &[Place] = &[
    Place {
        path: "/admin/users",
        label: places::USERS,
        icon: Icon::Person,
        // Who manages keys of one's own alone sees oneself there.
        authorities: &["users.read", "users.manage", "keys.manage_own"],
    },
    Place {
        path: "/admin/roles",
        label: places::ROLES,
        icon: Icon::Shield,
        authorities: &["users.read", "users.manage", "roles.manage"],
    },
    Place {
        path: "/admin/organization",
        label: places::ORGANIZATION,
        icon: Icon::House,
        authorities: &["organization.manage", "audit.read"],
    },
    Place { path: "/admin/policy", label: places::POLICY, icon: Icon::Gauge, authorities: &["policy.manage"] },
    Place {
        path: "/admin/notices",
        label: places::NOTICES,
        icon: Icon::Bell,
        authorities: &["policy.manage", "audit.read"],
    },
    Place {
        path: "/admin/webhooks",
        label: places::WEBHOOKS,
        icon: Icon::Hook,
        authorities: &["policy.manage", "audit.read"],
    },
    Place {
        path: "/admin/mail",
        label: places::MAIL,
        icon: Icon::Letter,
        authorities: &["applications.manage", "audit.read"],
    },
    Place { path: "/admin/audit", label: places::AUDIT, icon: Icon::Scroll, authorities: &["audit.read"] },
];

/// Every page of a person goes out like this.
pub(crate) fn respond(status: StatusCode, markup: &Markup) -> Response {
    let mut response = (status, markup.0.clone()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// A page without places, for who has not signed in; any but 200 answers a form.
pub(crate) fn plain(status: StatusCode, theme: Theme, title: &str, body: &Markup) -> Response {
    plain_as(status != StatusCode::OK, status, theme, title, body)
}

/// The same, by whether it answers a form.
pub(crate) fn plain_as(is_posted: bool, status: StatusCode, theme: Theme, title: &str, body: &Markup) -> Response {
    plain_in("en", is_posted, status, theme, title, body)
}

/// The same in a language, by its tag.
pub(crate) fn plain_in(
    language: &str,
    is_posted: bool,
    status: StatusCode,
    theme: Theme,
    title: &str,
    body: &Markup,
) -> Response {
    let markup = html! {
        (PreEscaped(DOCTYPE.0))
        html lang=(language) class=[(theme == Theme::Dark).then_some("dark")] data-theme=(theme.word()) {
            (head(title))
            body .plain {
                main #content data-posted[is_posted] {
                    p .brand { (Icon::Key.draw()) (texts::NAME) }
                    div .card { header { h1 { (title) } } section { (body) } }
                }
            }
        }
    };
    respond(status, &markup)
}

/// The session's token, in every form.
pub(crate) fn csrf(viewer: &Viewer) -> Markup {
    html! { input type="hidden" name=(CSRF) value=(viewer.csrf); }
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · " (texts::NAME) }
            link rel="icon" href="data:,";
            script src=(Asset::Theme.path()) {}
            link rel="stylesheet" href=(Asset::Basecoat.path());
            link rel="stylesheet" href=(Asset::Style.path());
            script src=(Asset::Script.path()) defer {}
        }
    }
}

// === impl Page ===

impl<'a> Page<'a> {
    pub(crate) fn new(viewer: &'a Viewer, title: impl Into<String>, body: Markup) -> Self {
        Self { viewer, title: title.into(), actions: html! {}, body }
    }

    /// What can be done here, beside the title.
    #[must_use]
    pub(crate) fn actions(self, actions: Markup) -> Self {
        Self { actions, ..self }
    }

    /// With 200.
    pub(crate) fn ok(self) -> Response {
        self.status(StatusCode::OK)
    }

    pub(crate) fn status(self, status: StatusCode) -> Response {
        let Self { viewer, title, actions, body } = self;
        // What was done just before, by its word in the address.
        let told = told::sentence(viewer.asked(&[TOLD]).value(TOLD));
        let theme = viewer.theme;
        let markup = html! {
            (PreEscaped(DOCTYPE.0))
            html lang="en" class=[(theme == Theme::Dark).then_some("dark")] data-theme=(theme.word()) {
                (head(&title))
                body {
                    a .skip href="#content" { (texts::SKIP) }
                    (bar(viewer))
                    div .shell {
                        (places(viewer))
                        main #content tabindex="-1" data-posted[viewer.is_posted] {
                            p #said .sr-only aria-live="polite" {}
                            @if let Some(told) = told {
                                div .alert .told role="status" { (Icon::Done.draw()) p { (told) } }
                            }
                            div .title { h1 { (title) } div .actions { (actions) } }
                            (body)
                        }
                    }
                }
            }
        };
        respond(status, &markup)
    }
}

/// The bar on top: where one is, the search, the person.
fn bar(viewer: &Viewer) -> Markup {
    html! {
        header .bar {
            a .brand href="/" { (Icon::Key.draw()) span { (texts::NAME) } }
            (organization(viewer))
            // Posted, so that a key that is pasted stands in no address.
            form .search role="search" method="post" action="/search" {
                (csrf(viewer))
                label .sr-only for="search" { (texts::SEARCH) }
                input #search .input type="search" name="q" placeholder=(texts::SEARCH_HINT) autocomplete="off" spellcheck="false"
                    data-focus-key="/";
            }
            details .menu {
                summary .btn data-variant="ghost" { (Icon::Person.draw()) span { (viewer.person.name) } }
                div .menu-items {
                    p .who { strong { (viewer.person.name) } br; span .muted { (viewer.person.email) } }
                    a href="/profile" { (texts::PROFILE) }
                    @if viewer.may("keys.manage_own") { a href="/profile/keys" { (texts::API_KEYS) } }
                    @if viewer.may("keys.read") { a href="/keys" { (texts::SETTINGS_API) } }
                    a href="/profile/security" { (texts::SECURITY) }
                    (themes(viewer))
                    form method="post" action="/sign-out" { (csrf(viewer)) button type="submit" { (texts::SIGN_OUT) } }
                }
            }
        }
    }
}

fn organization(viewer: &Viewer) -> Markup {
    html! {
        @if viewer.organizations.len() > 1 {
            details .menu .organization {
                summary .btn data-variant="outline" { (viewer.organization.name) }
                div .menu-items {
                    @for other in &viewer.organizations {
                        form method="post" action="/organization" {
                            (csrf(viewer))
                            button type="submit" name="organization" value=(other.id)
                                aria-current=[(other.id == viewer.organization.id).then_some("true")] { (other.name) }
                        }
                    }
                }
            }
        } @else {
            span .organization { (viewer.organization.name) }
        }
    }
}

fn themes(viewer: &Viewer) -> Markup {
    html! {
        form .themes method="post" action="/theme" {
            input type="hidden" name="back" value=(viewer.path);
            fieldset {
                legend .sr-only { (texts::THEME) }
                @for theme in Theme::ALL {
                    button type="submit" name="theme" value=(theme.word()) aria-pressed=(theme == viewer.theme) {
                        (texts::theme(theme.word()))
                    }
                }
            }
        }
    }
}

/// The places that the viewer sees and that have this in their names.
pub(crate) fn places_named(viewer: &Viewer, text: &str) -> Vec<(&'static str, &'static str)> {
    let text = text.to_lowercase();
    let all = PLACES.iter().chain(ADMIN).chain(INTEGRATION).filter(|place| is_seen(viewer, place));
    all.filter(|place| place.label.to_lowercase().contains(&text)).map(|place| (place.path, place.label)).collect()
}

fn is_seen(viewer: &Viewer, place: &Place) -> bool {
    place.authorities.is_empty() || place.authorities.iter().any(|held| viewer.may(held))
}

fn places(viewer: &Viewer) -> Markup {
    let seen = |place: &&Place| is_seen(viewer, place);
    let admin: Vec<_> = ADMIN.iter().filter(seen).collect();
    let integration: Vec<_> = INTEGRATION.iter().filter(seen).collect();
    html! {
        nav .places aria-label=(texts::PLACES) {
            ul { @for place in PLACES.iter().filter(seen) { (link(viewer, place)) } }
            @if !admin.is_empty() {
                h2 { (places::ADMIN) }
                ul { @for place in admin { (link(viewer, place)) } }
            }
            @if !integration.is_empty() {
                h2 { (places::INTEGRATION) }
                ul { @for place in integration { (link(viewer, place)) } }
            }
        }
    }
}

fn link(viewer: &Viewer, place: &Place) -> Markup {
    let is_below =
        |path: &str| viewer.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_here = is_below(place.path) || (place.path == "/apis" && is_below("/api-sets"));
    html! {
        li { a href=(place.path) aria-current=[is_here.then_some("page")] { (place.icon.draw()) span { (place.label) } } }
    }
}
