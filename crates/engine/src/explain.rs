//! Why a key may or may not: every check with what it looked at, its rule and its result. Nothing is recorded.

use std::net::IpAddr;
use std::sync::Arc;

use claviger_domain::Timestamp;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::operation::Version;
use claviger_domain::verdict::Code;

use crate::Engine;
use crate::bearer::Bearer;
use crate::composite::complete;
use crate::decide::{
    Inquiry, Judgement, Target, check_ip, check_operation, check_state, is_checked, judge, only_reports,
};
use crate::held_key::HeldKey;
use crate::key_table::Found;
use crate::limits::{Asker, Checked as LimitsChecked, Demands, LimitStates, Limits, Mode};
use crate::owner::Bound;
use crate::presented::Presented;
use crate::question::{Provider, RequestLine};
use crate::selection::{Audience, Selection, select};
use crate::sign_ins::SignedIn;

/// What is to be explained.
#[derive(Debug, Clone, Copy)]
pub struct ExplainQuestion<'a> {
    /// For whom it is asked.
    pub provider: Provider,
    /// The key.
    pub subject: Subject<'a>,
    /// The client's address.
    pub client_ip: Option<IpAddr>,
    /// The request.
    pub request: Option<RequestLine<'a>>,
    /// The API, by slug or id.
    pub pin: Option<&'a str>,
    /// Sets that the key must hold, by slug or id.
    pub requires: &'a [&'a str],
}

/// Which key an explanation is about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Whichever the credential belongs to.
    Presented(&'a Presented<'a>),
    /// The one with this digest, as its record has it: the secret is taken for proved.
    Digest(&'a CredentialDigest),
}

/// The explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The verdict that the question would get.
    pub code: Code,
    /// What it would be, were the API not in report-only mode.
    pub would_be: Option<Code>,
    /// All checks, in their order.
    pub checks: Vec<ExplainedCheck>,
    /// The slug of the API that the request belongs to.
    pub api: Option<String>,
    /// `<api slug>:<operation>`.
    pub operation: Option<String>,
    /// The version under which the request asks for it.
    pub version: Option<AskedVersion>,
}

/// The version of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedVersion {
    /// One that the API lists.
    Listed(String),
    /// One that it does not list.
    Other,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedCheck {
    /// `credential`, `state`, `owner`, `ip`, `operation` or `limits`.
    pub name: &'static str,
    /// What it looked at.
    pub input: String,
    /// What it asks.
    pub rule: String,
    /// What came of it.
    pub result: CheckResult,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckResult {
    /// It passed.
    Passed,
    /// It failed, and would name this code if it were the first that does.
    Failed {
        /// The code.
        code: Code,
        /// Why.
        check: &'static str,
    },
    /// There was nothing to check, or no key to check it with.
    Skipped,
}

// === impl Engine (explaining) ===

impl Engine {
    /// Makes every check, also those behind the first that fails.
    pub fn explain(&self, question: &ExplainQuestion<'_>) -> Explanation {
        let now = self.clock.now();
        let provider = question.provider.organization;
        let reading = match question.subject {
            Subject::Presented(presented) => Some(self.read(presented, provider)),
            Subject::Digest(_) => None,
        };
        let (catalog, (key, signed_in, credential)) =
            self.replica.look_up(|catalog, keys| match (&reading, question.subject) {
                (Some(reading), Subject::Presented(presented)) => {
                    let found =
                        select((reading, presented, &self.pepper), keys, Audience::Provider(provider, catalog), now);
                    key_of_selection(complete(found, presented, &self.surroundings(catalog, keys, now)))
                }
                (_, Subject::Digest(digest)) => key_of_found(keys.find(digest), Audience::Provider(provider, catalog)),
                (None, Subject::Presented(_)) => (None, None, Err((Code::Missing, "no credential"))),
            });
        let mut explanation = Explanation {
            code: Code::Valid,
            would_be: None,
            checks: Vec::with_capacity(4),
            api: None,
            operation: None,
            version: None,
        };
        explanation.push("credential", String::new(), "belongs to a living key of the organization", credential);
        let Some(key) = key else { return explanation };
        let Some(bearer) = Bearer::new(&catalog, provider, &key.profile, signed_in.as_ref()) else {
            return explanation;
        };
        let inquiry = Inquiry {
            now,
            client_ip: question.client_ip,
            request: question.request,
            pin: question.pin,
            requires: question.requires,
            cost: 1,
            route: None,
            uses_elsewhere: &self.uses_elsewhere,
        };
        explanation.check_key(&bearer, &key, &inquiry);
        explanation.check_operation(&bearer, &inquiry);
        // What the checks found stands as it is; the verdict is what an API in report-only mode makes of it.
        let judged = judge(&bearer, &key, &inquiry);
        (explanation.code, explanation.would_be) = (judged.code, judged.would_be);
        explanation.check_limits(&bearer, &key, &inquiry, judged, &self.limits);
        explanation
    }
}

type Checked = Result<(), (Code, &'static str)>;

/// A key, who comes with it, and whether the credential is right.
type Credential = (Option<Arc<HeldKey>>, Option<SignedIn>, Checked);

fn key_of_selection(selection: Selection) -> Credential {
    match selection {
        Selection::Key { key, signed_in, .. } => (Some(key), signed_in, Ok(())),
        Selection::None { code, check, .. } => (None, None, Err((code, check))),
    }
}

fn key_of_found(found: Option<Found>, audience: Audience<'_>) -> Credential {
    let key = match found {
        Some(Found::Current(key)) => key,
        Some(Found::Old(old)) => old.key,
        Some(Found::Ended(ended)) if ended.deleted => return (None, None, Err((Code::NotFound, "deleted"))),
        Some(Found::Ended(_)) | None => return (None, None, Err((Code::NotFound, "unknown"))),
    };
    if audience.admits(key.profile.organization) {
        (Some(key), None, Ok(()))
    } else {
        (None, None, Err((Code::NotFound, "unknown")))
    }
}

// === impl Explanation ===

impl Explanation {
    fn check_key(&mut self, bearer: &Bearer<'_>, key: &HeldKey, inquiry: &Inquiry<'_>) {
        let rules = bearer.home().rules();
        let facts = key.facts(rules);
        let input = format!(
            "not before {}, expires {}, idle {}, now {}",
            instant(facts.not_before, "any time"),
            instant(facts.expires_at, "never"),
            instant(facts.idle_at, "never"),
            inquiry.now
        );
        let rule = "not disabled, not idle, approved where it has to be, not expired, already valid";
        self.push("state", input, rule, check_state(rules, key, inquiry.uses_elsewhere, inquiry.now));
        let bound = bearer.bound;
        if !matches!(bound, Bound::Free) {
            let name = bound.name().unwrap_or_default().to_owned();
            let rule = match bound {
                Bound::Member(_) => "the user is not disabled, not locked, and the account has not expired",
                _ => "the application is active",
            };
            self.push("owner", name, rule, bound.check_state(inquiry.now));
        }
        let ip = inquiry.client_ip.map_or_else(|| "no client address".to_owned(), |ip| ip.to_string());
        let application = bearer.bound.allowed_ips();
        if key.profile.allowed_ips.is_empty() && application.is_none() && bearer.home().allowed_ips().is_empty() {
            self.skip("ip", ip, "neither the key nor its owner has a list of addresses");
        } else {
            let result = check_ip(bearer, inquiry.client_ip, inquiry.now);
            let rule =
                "in the lists of addresses of the key, its application and its organization, where they have any";
            self.push("ip", ip, rule, result);
        }
    }

    fn check_operation(&mut self, bearer: &Bearer<'_>, inquiry: &Inquiry<'_>) {
        let mut target = Target::default();
        let result = check_operation(bearer, inquiry, &mut target);
        let api = target.api.and_then(|place| bearer.provider.apis().get(place));
        self.api = api.map(|api| api.slug.to_string());
        let named = api.zip(target.operation);
        self.operation = named.map(|(api, (index, _))| api.operation(index).to_owned());
        self.version = named.and_then(|(api, (_, version))| match version {
            Version::NONE => None,
            listed => Some(
                api.versions().name(listed).map_or(AskedVersion::Other, |name| AskedVersion::Listed(name.to_owned())),
            ),
        });
        let mut input = inquiry.request.map_or_else(String::new, |request| {
            let path = crate::redact::kept_path(request.target);
            format!("{} {} on {}", request.method, path, request.host.unwrap_or("no host"))
        });
        if let Some(pin) = inquiry.pin {
            input = format!("{input} for API {pin}");
        }
        if !inquiry.requires.is_empty() {
            input = format!("{input} with {}", inquiry.requires.join(", "));
        }
        let input = input.trim().to_owned();
        let rule = "the request belongs to an API, and the key holds all it asks for";
        if result.is_ok() && !is_checked(inquiry) {
            self.skip("operation", input, rule);
        } else {
            self.push("operation", input, rule, result.map_err(|check| (Code::OperationNotAllowed, check)));
        }
    }

    /// The limits that apply, without taking anything of them.
    fn check_limits(
        &mut self,
        bearer: &Bearer<'_>,
        key: &HeldKey,
        inquiry: &Inquiry<'_>,
        judged: Judgement,
        limits: &Arc<Limits>,
    ) {
        let demands = Demands::of(bearer, key, inquiry, &judged.target);
        let rule = "each limit that applies has room for the request; nothing of it is taken here";
        if demands.is_empty() {
            return self.skip("limits", "no limit applies".to_owned(), rule);
        }
        let mut states = LimitStates::default();
        let asker = Asker { zone: &|whose| bearer.zone_of(whose), now: inquiry.now };
        let checked = limits.check(&demands, &asker, Mode::Look, &mut states);
        let left = demands.iter().zip(states.iter()).map(|(demand, state)| {
            format!("{}: {} of {} left", demand.held.limit.name, state.remaining, demand.held.most())
        });
        let input = left.collect::<Vec<_>>().join(", ");
        match checked {
            LimitsChecked::Refused { code, check, .. } => {
                let only_reports = only_reports(bearer, &judged.target);
                if judged.passes() && only_reports {
                    self.would_be = Some(code);
                } else if judged.passes() {
                    self.code = code;
                }
                self.checks.push(ExplainedCheck {
                    name: "limits",
                    input,
                    rule: rule.to_owned(),
                    result: CheckResult::Failed { code, check },
                });
            }
            LimitsChecked::Passes | LimitsChecked::Waits(_) => self.push("limits", input, rule, Ok(())),
        }
    }

    fn push(&mut self, name: &'static str, input: String, rule: &str, result: Checked) {
        let result = match result {
            Ok(()) => CheckResult::Passed,
            Err((code, check)) => {
                if self.code == Code::Valid {
                    self.code = code;
                }
                CheckResult::Failed { code, check }
            }
        };
        self.checks.push(ExplainedCheck { name, input, rule: rule.to_owned(), result });
    }

    fn skip(&mut self, name: &'static str, input: String, rule: &str) {
        self.checks.push(ExplainedCheck { name, input, rule: rule.to_owned(), result: CheckResult::Skipped });
    }
}

fn instant(at: Option<Timestamp>, none: &str) -> String {
    at.map_or_else(|| none.to_owned(), |at| at.to_string())
}
