//! The one form of a key: its fields, by the place it stands at.

use std::net::IpAddr;

use claviger_domain::limit::Place;
use claviger_texts::console::keys::term as term_texts;
use claviger_texts::console::{form as words, keys as texts, picker as picker_texts};
use maud::{Markup, html};

use super::offer::Offer;
use super::term::{EXPIRES_AT, EXPIRES_IN, OTHER, Term};
use crate::failure::Problems;
use crate::form::Form;
use crate::pages::picker::{self, For};
use crate::parts::contact;
use crate::parts::dual_list::dual_list;
use crate::parts::field::{Choice, Field};
use crate::parts::limits;

/// The most manuals that are linked to.
const MANUALS_MAX: usize = 12;

/// Where the form stands: each place has its own order of fields, its own words and its own owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrangement {
    /// Settings → API: a single key of the organization.
    Organization,
    /// View profile → API Keys: a pair of one's own.
    Profile,
    /// Users → User Account Details: a single key of one's own.
    Account,
    /// Applications: a key of an application.
    Application,
}

/// The form that is shown, and what it offers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) offer: &'a Offer,
    pub(super) picker: &'a picker::Offer,
    pub(super) term: &'a Term,
    /// Where the form goes.
    pub(super) action: &'a str,
    pub(super) form: &'a Form,
    pub(super) problems: &'a Problems,
}

/// The fields of the form in the order of its place.
pub(super) fn fields(arrangement: Arrangement, part: &Part<'_>) -> Markup {
    match arrangement {
        Arrangement::Organization => html! {
            (part.purpose()) (part.right()) (part.further(&part.sets(texts::FURTHER_SETS, texts::FURTHER_SETS_HINT)))
            (part.advanced(&html! {
                (part.optional_name()) (part.expiry()) (part.not_before()) (part.addresses())
                (part.environment()) (part.shape()) (part.external_id()) (part.tags()) (part.limits()) (part.idle_exempt())
            }))
            (part.usual_end())
        },
        Arrangement::Profile => html! {
            (part.name()) (part.expiry()) (part.addresses()) (part.accessible()) (part.further(&html! {}))
            (part.advanced(&html! { (part.description()) (part.environment()) (part.tags()) (part.limits()) }))
        },
        Arrangement::Application => html! {
            (part.name()) (part.description()) (part.dual(picker_texts::AVAILABLE, picker_texts::SELECTED)) (part.further(&html! {}))
            (part.advanced(&html! {
                (part.expiry()) (part.not_before()) (part.addresses()) (part.environment()) (part.shape())
                (part.external_id()) (part.tags()) (part.limits()) (part.idle_exempt())
            }))
            (part.usual_end())
        },
        Arrangement::Account => html! {
            (part.name()) (part.description()) (part.dual(texts::AVAILABLE, texts::SELECTED)) (part.further(&html! {}))
            (part.advanced(&html! { (part.expiry()) (part.addresses()) (part.environment()) (part.tags()) (part.limits()) }))
            (part.usual_end())
        },
    }
}

/// The fields of a key that is there.
pub(super) fn edit_fields(part: &Part<'_>) -> Markup {
    html! {
        (part.name()) (part.description()) (part.dual(picker_texts::AVAILABLE, picker_texts::SELECTED)) (part.further(&html! {}))
        (part.last_day()) (part.expire_now()) (part.not_before())
        (part.addresses()) (part.external_id()) (part.tags()) (part.limits()) (part.idle_exempt())
    }
}

/// What stands under *Advanced*, where it is not as it is by itself.
const ADVANCED: [&str; 9] =
    ["name", EXPIRES_IN, EXPIRES_AT, "not_before", "allowed_ips", "external_id", "tags", "idle_exempt", "description"];

// === impl Part ===

impl<'a> Part<'a> {
    fn field(&self, name: &'a str, label: &'a str) -> Field<'a> {
        Field::new(name, label, self.problems)
    }

    fn chosen(&self) -> Vec<&'a str> {
        self.form.all("api_sets").collect()
    }

    fn name(&self) -> Markup {
        self.field("name", texts::NAME).required().hint(texts::NAME_HINT).text(self.form.text("name"))
    }

    fn description(&self) -> Markup {
        self.field("description", texts::DESCRIPTION).text(self.form.text("description"))
    }

    /// What the key is for; its name follows from it.
    fn purpose(&self) -> Markup {
        let field = self.field("description", texts::DESCRIPTION).required().hint(texts::DESCRIPTION_HINT);
        field.text(self.form.text("description"))
    }

    fn optional_name(&self) -> Markup {
        self.field("name", texts::NAME).hint(texts::NAME_OPTIONAL_HINT).text(self.form.text("name"))
    }

    /// One set of a dropdown; further ones are below.
    fn right(&self) -> Markup {
        let none = std::iter::once(Choice::new("", words::CHOOSE));
        let choices: Vec<_> = none.chain(self.offer.rights.iter().cloned()).collect();
        let field = Field { is_marked: true, ..self.field("right", texts::RIGHT).hint(texts::RIGHT_HINT) };
        html! {
            (field.choice(&choices, self.form.text("right")))
            (self.manuals())
        }
    }

    /// Rights beside those: open where there are any.
    fn further(&self, sets: &Markup) -> Markup {
        let holds = |name: &str| self.form.given(name).is_some() || !self.problems.at(name).is_empty();
        let has_sets = !sets.0.is_empty();
        let is_open = self.form.is_on(picker::DO)
            || ["operations", "patterns"].into_iter().any(holds)
            || (has_sets && holds("api_sets"));
        html! {
            details .advanced open[is_open] {
                summary { (if has_sets { texts::FURTHER } else { texts::SINGLE_OPERATIONS }) }
                (sets)
                (picker::picker(For::Key, self.action, self.picker, self.form, self.problems))
            }
        }
    }

    /// The rest: open where something is wrong in it, or was said.
    fn advanced(&self, fields: &Markup) -> Markup {
        let is_said = |name: &&str| {
            let said = fields.0.contains(&format!("id=\"{name}\"")) && self.form.given(name).is_some();
            said || fields.0.contains(&format!("id=\"{name}-error\""))
        };
        let is_changed = |name: &str, usual: &str| self.form.given(name).is_some_and(|value| value != usual);
        let has_limits = !self.problems.at("limits").is_empty()
            || self.form.fields().any(|(name, value)| {
                name.starts_with("limits[") && name.strip_suffix(".name").is_some() && !value.is_empty()
            });
        let is_open = has_limits
            || ADVANCED.iter().any(is_said)
            || is_changed("environment", "live")
            || is_changed("shape", "single");
        html! { details .advanced open[is_open] { summary { (words::ADVANCED) } (fields) } }
    }

    fn sets(&self, label: &'a str, hint: &'a str) -> Markup {
        let field = self.field("api_sets", label).hint(hint);
        dual_list(field, picker_texts::AVAILABLE, picker_texts::SELECTED, &self.offer.sets, &self.chosen())
    }

    fn dual(&self, available: &str, selected: &str) -> Markup {
        let field = self.field("api_sets", texts::API_SETS);
        html! { (dual_list(field, available, selected, &self.offer.sets, &self.chosen())) (self.manuals()) }
    }

    /// What the rights are: the sets, and each API's manual.
    fn manuals(&self) -> Markup {
        html! {
            @if !self.offer.manuals.is_empty() {
                p .hint .links {
                    a href="/api-sets" target="_blank" { (texts::WHAT_SETS_HOLD) }
                    @for (name, url) in self.offer.manuals.iter().take(MANUALS_MAX) {
                        a href=(url) rel="noopener noreferrer" target="_blank" { (name) " – " (texts::MANUAL) }
                    }
                    @if self.offer.manuals.len() > MANUALS_MAX { a href="/apis" target="_blank" { (texts::MORE_MANUALS) } }
                }
            }
        }
    }

    /// A pick list with the manuals beside it.
    fn accessible(&self) -> Markup {
        let chosen = self.chosen();
        let field = self.field("api_sets", texts::ACCESSIBLE);
        html! {
            fieldset #api_sets .field .picks aria-describedby=[field.described_by()] data-invalid=[field.is_wrong().then_some("true")] {
                legend { (texts::ACCESSIBLE) }
                (field.below())
                pick-list .pick-list data-search=(texts::FIND_SETS) data-all=(texts::TICK_SHOWN) {
                    @for choice in &self.offer.sets {
                        label .pick {
                            input .input type="checkbox" name="api_sets" value=(choice.value) checked[chosen.contains(&choice.value.as_str())];
                            span { (choice.label) }
                        }
                    }
                }
                (self.manuals())
            }
        }
    }

    /// The end of a new key: a time, or a day of one's own, which scripts show where it is meant.
    fn expiry(&self) -> Markup {
        let hint = self.term.hint();
        let time = self.field(EXPIRES_IN, term_texts::EXPIRES_IN).hint(&hint);
        let day = self.field(EXPIRES_AT, texts::EXPIRES_AT).hint(term_texts::DAY_HINT);
        html! {
            other-choice data-other=(OTHER) {
                (time.choice(&self.term.choices(), Term::choice(self.form)))
                (day.input("date", self.form.text(EXPIRES_AT), "off"))
            }
        }
    }

    /// The end of a key that is there.
    fn last_day(&self) -> Markup {
        let hint = self.term.empty();
        self.field(EXPIRES_AT, texts::EXPIRES_AT).hint(&hint).input("date", self.form.text(EXPIRES_AT), "off")
    }

    /// The end that a key has by itself, where the choice is out of sight.
    fn usual_end(&self) -> Markup {
        html! { p .hint { (self.term.usual()) } }
    }

    fn expire_now(&self) -> Markup {
        self.field("expire_now", texts::EXPIRE_NOW).tick(self.form.is_on("expire_now"))
    }

    fn not_before(&self) -> Markup {
        self.field("not_before", texts::NOT_BEFORE).input("date", self.form.text("not_before"), "off")
    }

    fn addresses(&self) -> Markup {
        let field = self.field("allowed_ips", texts::ALLOWED_IPS).hint(texts::ALLOWED_IPS_HINT);
        html! {
            (field.area(self.form.text("allowed_ips"), 4))
            @if let Some(contact) = &self.offer.contact { p .hint { (texts::ASK) " " (contact::shown(contact)) } }
            @if let Some(ip) = self.offer.ip {
                p .hint .own-ip {
                    (texts::my_ip(&ip.to_string()))
                    @if is_local(ip) { " " (texts::MY_IP_IS_LOCAL) }
                    " " button .btn data-variant="outline" data-size="sm" type="button" data-append=(ip) data-to="allowed_ips" hidden {
                        (texts::ADD_MY_IP)
                    }
                }
            }
        }
    }

    fn environment(&self) -> Markup {
        let choices = [Choice::new("live", texts::LIVE), Choice::new("test", texts::TEST)];
        self.field("environment", texts::ENVIRONMENT).choice(&choices, self.form.text("environment"))
    }

    fn shape(&self) -> Markup {
        let choices = [Choice::new("single", texts::SINGLE), Choice::new("pair", texts::PAIR)];
        self.field("shape", texts::SHAPE).choice(&choices, self.form.text("shape"))
    }

    fn external_id(&self) -> Markup {
        self.field("external_id", texts::EXTERNAL_ID).hint(texts::EXTERNAL_ID_HINT).text(self.form.text("external_id"))
    }

    fn tags(&self) -> Markup {
        self.field("tags", texts::TAGS).hint(texts::TAGS_HINT).text(self.form.text("tags"))
    }

    fn limits(&self) -> Markup {
        limits::fields(Place::Key, self.form, self.problems)
    }

    fn idle_exempt(&self) -> Markup {
        self.field("idle_exempt", texts::IDLE_EXEMPT).tick(self.form.is_on("idle_exempt"))
    }
}

/// An address that the internet does not know.
fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}
