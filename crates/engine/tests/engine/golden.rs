//! The files of `e2e/golden` against the engine.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_domain::Clock as _;
use claviger_domain::signature::Signer;
use claviger_domain::usage::Door;
use claviger_domain::verdict::{CODES, Code};
use claviger_domain::{Secret, Timestamp};
use claviger_engine::{AskedVersion, ExplainQuestion, Presented, Provider, Question, RequestLine, Subject, Verdict};
use serde::Deserialize;

use crate::world::{CORPORA, World, corpus, state_of};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    pub now: Timestamp,
    pub request: Request,
    pub verdict: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub credentials: Vec<Credential>,
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    client_ip: Option<IpAddr>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    method_overrides: Vec<String>,
    #[serde(default)]
    api: Option<String>,
    #[serde(default)]
    requires: Vec<String>,
    /// The raw body, where the door has it.
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    preflight: bool,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "in", rename_all = "snake_case", deny_unknown_fields)]
pub enum Credential {
    #[serde(rename = "credential")]
    Field {
        value: String,
    },
    XApiKey {
        value: String,
    },
    Authorization {
        value: String,
    },
    XToken {
        value: String,
    },
    XApiSignature {
        value: String,
    },
    Basic {
        user: String,
        password: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    code: Code,
    http: u16,
    #[serde(default)]
    key: Option<String>,
    /// The user name of who comes with it.
    #[serde(default)]
    api_user: Option<String>,
    #[serde(default)]
    old_secret: bool,
    #[serde(default)]
    api: Option<String>,
    #[serde(default)]
    operation: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    operation_checked: Option<bool>,
    #[serde(default)]
    check: Option<String>,
    #[serde(default)]
    would_be: Option<Code>,
    /// The sentence at a gateway door, where it is not the code's own.
    #[serde(default)]
    detail: Option<String>,
}

impl Case {
    /// The path as it is asked for, and the length of the longest Basic user name and password.
    pub fn spelling(&self) -> (&str, usize) {
        let basic = self.request.credentials.iter().map(|credential| match credential {
            Credential::Basic { user, password } => user.len() + password.len() + 1,
            Credential::Field { .. }
            | Credential::XApiKey { .. }
            | Credential::XToken { .. }
            | Credential::XApiSignature { .. }
            | Credential::Authorization { .. } => 0,
        });
        (self.request.path.as_deref().unwrap_or_default(), basic.max().unwrap_or_default())
    }
}

/// The cases of the corpus' first file.
pub fn cases() -> Vec<Case> {
    cases_of("verdicts")
}

/// The cases of a file of the corpus.
pub fn cases_of(topic: &str) -> Vec<Case> {
    let mut cases = corpus(topic)["cases"].take();
    // What a door makes of headers, the engine does not see.
    cases.as_array_mut().expect("a list").retain(|case| case["doors_only"] != true);
    serde_json::from_value(cases).expect("the cases have the documented form")
}

/// Puts real secrets in the place of `{{key:nick}}` and its like.
fn fill_in(world: &World, text: &str) -> String {
    let Some((before, rest)) = text.split_once("{{") else { return text.to_owned() };
    let (mark, after) = rest.split_once("}}").expect("a placeholder ends with }}");
    let (kind, nick) = mark.split_once(':').expect("{{kind:nick}}");
    let current = || world.secrets[nick].expose().to_owned();
    let value = match kind {
        "key" => current(),
        "id" => world.identifiers[nick].expose().to_owned(),
        "idupper" => format!("ci_{}", world.identifiers[nick].expose()[3..].to_uppercase()),
        "old" => world.old_secrets[nick].expose().to_owned(),
        "upper" => current().to_uppercase(),
        "bad" => {
            let mut key = current();
            let last = key.pop().expect("a key has characters");
            key.push(if last == '0' { '1' } else { '0' });
            key
        }
        "token" => world.tokens[nick].expose().to_owned(),
        "signature" => signed(nick, &world.secrets),
        "old_signature" => signed(nick, &world.old_secrets),
        "sha256" => crate::usage::sha256_hex(&current()),
        _ => panic!("unknown placeholder {kind}"),
    };
    format!("{before}{value}{}", fill_in(world, after))
}

/// The signature of `nick/body`.
fn signed(what: &str, secrets: &BTreeMap<String, Secret>) -> String {
    let (nick, body) = what.split_once('/').expect("nick/body");
    STANDARD.encode(Signer::new(&secrets[nick]).sign(body.as_bytes()))
}

/// Asks the engine one case.
pub fn ask<T>(world: &World, case: &Case, then: impl FnOnce(&Question<'_>) -> T) -> T {
    let request = &case.request;
    let values: Vec<(&Credential, String)> = request
        .credentials
        .iter()
        .map(|credential| {
            let value = match credential {
                Credential::Field { value }
                | Credential::XApiKey { value }
                | Credential::XToken { value }
                | Credential::XApiSignature { value }
                | Credential::Authorization { value } => fill_in(world, value),
                Credential::Basic { user, password } => {
                    let plain = format!("{}:{}", fill_in(world, user), fill_in(world, password));
                    format!("Basic {}", STANDARD.encode(plain))
                }
            };
            (credential, value)
        })
        .collect();
    let presented = values.iter().fold(Presented::new(), |all, (credential, value)| match credential {
        Credential::Field { .. } => all.with_credential(value),
        Credential::XApiKey { .. } => all.with_x_api_key(value.as_bytes()),
        Credential::XToken { .. } => all.with_x_token(value.as_bytes()),
        Credential::XApiSignature { .. } => all.with_x_api_signature(value.as_bytes()),
        Credential::Authorization { .. } | Credential::Basic { .. } => all.with_authorization(value.as_bytes()),
    });
    let presented = match &request.body {
        Some(body) => presented.with_body(Ok(body.as_bytes())),
        None => presented,
    };
    let overrides: Vec<&str> = request.method_overrides.iter().map(String::as_str).collect();
    let requires: Vec<&str> = request.requires.iter().map(String::as_str).collect();
    let line = request.method.as_deref().zip(request.path.as_deref()).map(|(method, target)| RequestLine {
        method,
        target,
        host: request.host.as_deref(),
        method_overrides: &overrides,
    });
    let provider = request.provider.as_deref().unwrap_or("acme");
    then(&Question {
        provider: Provider { organization: world.organizations[provider] },
        credentials: &presented,
        client_ip: request.client_ip,
        request: line,
        pin: request.api.as_deref(),
        requires: &requires,
        cost: 1,
        preflight: request.preflight,
        door: Door::Verify,
        agent: Some("golden"),
        request_id: world.engine.new_request_id(),
    })
}

/// Moves the world's clock on; cases stand in the order of time.
pub fn advance(world: &World, to: Timestamp) {
    let now = world.clock.now();
    assert!(to >= now, "cases stand in the order of their time: {to}");
    world.clock.advance(to.saturating_since(now));
}

/// What a caller can tell of a verdict, and the log's word.
fn shown(verdict: &Verdict) -> serde_json::Value {
    serde_json::json!({
        "code": verdict.code,
        "http": verdict.http_status(),
        "would_be": verdict.would_be,
        "key": verdict.key().map(|key| key.name().to_owned()),
        "api_user": verdict.api_user().map(|user| user.user_name().to_owned()),
        "old_secret": verdict.key().is_some_and(|key| key.used_old_secret()),
        "api": verdict.api(),
        "operation": verdict.operation(),
        "version": verdict.api_version(),
    })
}

#[test]
fn golden_verdicts() {
    let (mut count, mut wrong) = (0, Vec::new());
    for topic in CORPORA {
        let (world, cases) = (World::new(&state_of(topic)), cases_of(topic));
        wrong.extend(cases.iter().filter_map(|case| judge(&world, case).map(|wrong| format!("{topic}: {wrong}"))));
        count += cases.len();
    }
    assert!(wrong.is_empty(), "{} of {count} cases:\n{}", wrong.len(), wrong.join("\n"));
}

/// Asks the engine a case; what is wrong with its verdict.
fn judge(world: &World, case: &Case) -> Option<String> {
    advance(world, case.now);
    let verdict = ask(world, case, |question| world.engine.decide(question));
    let expected = &case.verdict;
    let told = serde_json::json!({
        "code": expected.code,
        "http": expected.http,
        "key": expected.key,
        "api_user": expected.api_user,
        "old_secret": expected.old_secret,
        "api": expected.api,
        "operation": expected.operation,
        "version": expected.version,
        "would_be": expected.would_be,
    });
    let told_detail = expected.detail.as_deref().unwrap_or(expected.code.detail());
    let refusal =
        world.engine.drain_usage().refusals.into_iter().find(|it| it.organization == question_of(world, case));
    let check = refusal.map(|refusal| refusal.check);
    let checked = expected.operation_checked.unwrap_or(true);
    let judged = verdict.code == Code::Valid || verdict.code == Code::OperationNotAllowed;
    let is_right = told == shown(&verdict)
        && told_detail == verdict.detail()
        && check == expected.check
        && (!judged || checked == verdict.operation_checked);
    (!is_right).then(|| {
        let (name, wanted, got) = (&case.name, &expected.check, shown(&verdict));
        format!("{name}\n  expected {told} {wanted:?}\n  got      {got} {check:?}")
    })
}

fn question_of(world: &World, case: &Case) -> claviger_domain::OrganizationId {
    world.organizations[case.request.provider.as_deref().unwrap_or("acme")]
}

#[test]
fn the_corpus_has_every_code_that_can_arise_and_distinct_names() {
    let cases: Vec<_> = CORPORA.iter().flat_map(|topic| cases_of(topic)).collect();
    let later = [Code::RateLimited, Code::QuotaExceeded];
    for code in CODES.into_iter().filter(|code| !later.contains(code)) {
        assert!(cases.iter().any(|case| case.verdict.code == code), "{code}");
    }
    let names: std::collections::BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len());
}

#[test]
fn an_explanation_names_the_code_of_the_verdict_and_records_nothing() {
    for topic in CORPORA {
        let world = World::new(&state_of(topic));
        // A preflight has no key to explain.
        for case in cases_of(topic).iter().filter(|case| !case.request.preflight) {
            explain(&world, case);
            let batch = world.engine.drain_usage();
            assert!(batch.keys.is_empty() && batch.refusals.is_empty());
            // What later cases stand on: who was used.
            ask(&world, case, |question| world.engine.decide(question));
            world.engine.drain_usage();
        }
    }
}

fn explain(world: &World, case: &Case) {
    advance(world, case.now);
    let explanation = ask(world, case, |question| {
        world.engine.explain(&ExplainQuestion {
            provider: question.provider,
            subject: Subject::Presented(question.credentials),
            client_ip: question.client_ip,
            request: question.request,
            pin: question.pin,
            requires: question.requires,
        })
    });
    let (code, would_be) = (case.verdict.code, case.verdict.would_be);
    assert_eq!((explanation.code, explanation.would_be), (code, would_be), "{}", case.name);
    if case.verdict.code == Code::Valid {
        assert_eq!((&explanation.api, &explanation.operation), (&case.verdict.api, &case.verdict.operation));
        let listed = match explanation.version {
            Some(AskedVersion::Listed(name)) => Some(name),
            Some(AskedVersion::Other) | None => None,
        };
        assert_eq!(listed, case.verdict.version, "{}", case.name);
    }
}
