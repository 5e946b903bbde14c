//! Whose a key is, what it may do, from where, and until when.

use claviger_texts::console::{keys as texts, limits as limit_texts};
use maud::{Markup, html};

use super::key::Key;
use crate::parts::{badge, limits, time};
use crate::viewer::Viewer;

/// Entries of a list of facts.
pub(super) fn allowed(viewer: &Viewer, key: &Key) -> Markup {
    html! {
        dt { (texts::OWNER) } dd { (key.owner.name.as_deref().unwrap_or(&key.owner.kind)) }
        dt { (texts::RIGHTS) } dd { (key.rights()) }
        dt { (texts::ALLOWED_IPS) } dd {
            @if key.allowed_ips.is_empty() { (texts::ANYWHERE) }
            ul .plain-list { @for range in &key.allowed_ips { li { (badge::code(&range.line())) } } }
        }
        dt { (limit_texts::LIMITS) } dd { (limits::shown(&key.limits)) p .hint { (limit_texts::OF_OTHERS) } }
        dt { (texts::EXPIRES) } dd {
            @match &key.expires_at { Some(at) => (time::end_day(at, &viewer.home_zone)), None => { (texts::NO_END) } }
        }
        @if let Some(at) = &key.not_before { dt { (texts::NOT_BEFORE) } dd { (time::instant(at, &viewer.zone)) } }
        @if let Some(days) = key.idle_days { dt { (texts::IDLE) } dd { (texts::days(days)) } }
        dt { (texts::ENVIRONMENT) } dd { (if key.environment == "test" { texts::TEST } else { texts::LIVE }) }
    }
}
