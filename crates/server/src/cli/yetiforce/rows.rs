//! From the rows of a dump to what the management API is asked to take over, and what cannot be asked.

use std::collections::{BTreeMap, BTreeSet};

use claviger_domain::Secret;
use claviger_domain::member::is_language;
use claviger_domain::name::search_form;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::report::Problem;
use super::secrets::Opener;
use super::tables::{Kind, Record, Tables};

/// The containers whose applications have a password in Basic; those that are mapped by hand are older ones of theirs.
const WITHOUT_PASSWORD: [&str; 5] = ["SMS", "PBX", "Token", "OAuth", "WooCommerce"];
/// The types that `POST /application-types/predefined` makes, by their containers.
const TYPES: [(&str, &str); 6] = [
    ("WebserviceStandard", "webservice-standard"),
    ("WebservicePremium", "webservice-premium"),
    ("ManageConsents", "manage-consents"),
    ("SMS", "sms"),
    ("PBX", "pbx"),
    ("Token", "token"),
];

/// What the command line says of the rows.
pub(super) struct Mapping<'m> {
    /// Persons here by the ids of users there.
    pub(super) profiles: &'m BTreeMap<String, String>,
    /// Types here by containers there, beside those that are known.
    pub(super) types: &'m BTreeMap<String, String>,
    /// Whether other users are looked for by their addresses.
    pub(super) by_email: bool,
    /// What opens secrets.
    pub(super) opener: &'m Opener,
    /// What the hashes of passwords were made with; none where there are none.
    pub(super) installation_key: Option<&'m Secret>,
}

/// An application and its users.
pub(super) struct Plan {
    pub(super) table: String,
    pub(super) id: String,
    pub(super) application: ApplicationBody,
    pub(super) users: Vec<PlannedUser>,
    /// What they are called, as names are compared.
    names: BTreeSet<String>,
}

/// A user, and where it stands in the dump.
pub(super) struct PlannedUser {
    pub(super) table: String,
    pub(super) id: String,
    pub(super) body: UserBody,
}

/// As the API takes an application.
#[derive(Serialize)]
pub(super) struct ApplicationBody {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    active: bool,
    allowed_ips: Vec<String>,
    public_url: Option<String>,
    #[serde(serialize_with = "expose_some", skip_serializing_if = "Option::is_none")]
    password: Option<Secret>,
    #[serde(skip)]
    pub(super) key: Secret,
    #[serde(skip)]
    container: String,
}

/// As the API takes a user.
#[derive(Serialize)]
pub(super) struct UserBody {
    user_name: String,
    active: bool,
    permission_type: i64,
    contact: Option<Value>,
    profile_user: String,
    profile_external: String,
    sign_in_method: &'static str,
    language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_hash: Option<HashBody>,
    #[serde(serialize_with = "expose_some", skip_serializing_if = "Option::is_none")]
    totp_secret: Option<Secret>,
    #[serde(serialize_with = "expose_some", skip_serializing_if = "Option::is_none")]
    static_token: Option<Secret>,
}

#[derive(Serialize)]
struct HashBody {
    #[serde(serialize_with = "expose")]
    hash: Secret,
    #[serde(serialize_with = "expose")]
    mac_key: Secret,
}

/// A column, and what is wrong with it.
type Wrong = (&'static str, String);

pub(super) fn expose<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

#[expect(clippy::ref_option, reason = "serde hands the field over so")]
fn expose_some<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::expose).serialize(serializer)
}

/// What can be asked, application by application, and the rows that cannot.
pub(super) fn plan(tables: &mut Tables, mapping: &Mapping<'_>) -> (Vec<Plan>, Vec<Problem>) {
    let (mut plans, mut problems) = (Vec::new(), Vec::new());
    let mut left: Vec<(String, &'static str)> = Vec::new();
    for record in tables.of(Kind::Servers) {
        match application(record, mapping, &mut left) {
            Ok(application) if plans.iter().any(|plan: &Plan| plan.application.is_like(&application)) => {
                problems.push(Problem::of(record, wrong("name", "another row has this name, or this key")));
            }
            Ok(application) => plans.push(Plan {
                table: record.table.clone(),
                id: record.id().to_owned(),
                application,
                users: Vec::new(),
                names: BTreeSet::new(),
            }),
            Err(wrong) => problems.push(Problem::of(record, wrong)),
        }
    }
    let emails = emails(tables, mapping);
    for record in tables.records.iter().filter(|record| record.kind.container().is_some()) {
        let found = plans.iter_mut().find(|plan| Some(plan.id.as_str()) == record.text("server_id"));
        let body = match found.as_ref().map(|plan| &plan.application) {
            Some(application) => user(record, application, mapping, &emails, &mut left),
            None => Err(("server_id", "its application is not taken".to_owned())),
        };
        match (found, body) {
            (Some(plan), Ok(body)) => {
                if plan.names.insert(search_form(&body.user_name)) {
                    plan.users.push(PlannedUser { table: record.table.clone(), id: record.id().to_owned(), body });
                } else {
                    problems.push(Problem::of(record, wrong("user_name", "another row has this name")));
                }
            }
            (_, Err(wrong)) => problems.push(Problem::of(record, wrong)),
            (None, Ok(_)) => {}
        }
    }
    for (table, column) in left {
        tables.leave(&table, column);
    }
    (plans, problems)
}

/// The addresses of the CRM's users by their ids, where they are asked for.
fn emails(tables: &Tables, mapping: &Mapping<'_>) -> BTreeMap<String, String> {
    let rows = tables.of(Kind::CrmUsers).filter(|_| mapping.by_email);
    rows.filter_map(|row| Some((row.id().to_owned(), row.text("email1")?.to_owned()))).collect()
}

// === applications ===

impl ApplicationBody {
    /// Whether two cannot be there together.
    fn is_like(&self, other: &Self) -> bool {
        let is_named = self.kind == other.kind && search_form(&self.name) == search_form(&other.name);
        is_named || self.key.expose() == other.key.expose()
    }
}

fn application(
    record: &Record,
    mapping: &Mapping<'_>,
    left: &mut Vec<(String, &'static str)>,
) -> Result<ApplicationBody, Wrong> {
    let container = record.text("type").ok_or_else(|| wrong("type", "there is none"))?;
    let known = TYPES.iter().find(|(known, _)| *known == container).map(|(_, slug)| (*slug).to_owned());
    let kind = mapping.types.get(container).cloned().or(known);
    let kind = kind.ok_or_else(|| {
        wrong("type", format!("no type is known for the container {container}: name one by --type {container}=TYPE"))
    })?;
    let key = opened(record, "api_key", mapping)?.ok_or_else(|| wrong("api_key", "there is none"))?;
    if !key.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(wrong("api_key", "expected letters, digits and _; is it encrypted?"));
    }
    let mut password = opened(record, "pass", mapping)?;
    if password.is_some() && WITHOUT_PASSWORD.contains(&container) {
        password = None;
        left.push((record.table.clone(), "pass"));
    }
    let addresses = record.text("ips").unwrap_or_default().split(',').map(str::trim);
    Ok(ApplicationBody {
        name: record.text("name").unwrap_or_default().to_owned(),
        kind,
        active: record.is_active(),
        allowed_ips: addresses.filter(|address| !address.is_empty()).map(str::to_owned).collect(),
        public_url: record.text("url").map(str::to_owned),
        password,
        key,
        container: container.to_owned(),
    })
}

/// What a column holds in plain; nothing where it is empty.
fn opened(record: &Record, column: &'static str, mapping: &Mapping<'_>) -> Result<Option<Secret>, Wrong> {
    let Some(stored) = record.secret(column) else { return Ok(None) };
    let opened = mapping.opener.open(&stored);
    let opened =
        opened.ok_or_else(|| wrong(column, "does not decrypt: are encryptionPass and vector the right ones?"))?;
    Ok(Some(opened).filter(|text| !text.expose().is_empty()))
}

fn wrong(column: &'static str, problem: impl Into<String>) -> Wrong {
    (column, problem.into())
}

// === users ===

fn user(
    record: &Record,
    application: &ApplicationBody,
    mapping: &Mapping<'_>,
    emails: &BTreeMap<String, String>,
    left: &mut Vec<(String, &'static str)>,
) -> Result<UserBody, Wrong> {
    let container = record.kind.container().unwrap_or_default();
    let is_of_type =
        TYPES.iter().all(|(known, _)| *known != application.container) || application.container == container;
    if !is_of_type {
        return Err(wrong("server_id", format!("its application is of the container {}", application.container)));
    }
    let kind = number(record, "type")?.unwrap_or(1);
    let signs_in = matches!(record.kind, Kind::ApiUser | Kind::PortalUser);
    let user_name = if signs_in {
        record.text("user_name").ok_or_else(|| wrong("user_name", "there is none"))?.to_owned()
    } else {
        // These have no names there.
        format!("{} {}", if record.kind == Kind::SmsUser { "sms" } else { "consents" }, record.id())
    };
    let contact = record.text("crmid").filter(|id| kind != 1 && *id != "0");
    let crm_user = record.text("user_id").unwrap_or_default();
    let sign_in_method = method(record)?;
    let custom = custom_params(record);
    let language = record.text("language").or(custom["language"].as_str()).filter(|tag| is_language(tag));
    if custom.as_object().is_some_and(|members| members.keys().any(|name| name != "language")) {
        left.push((record.table.clone(), "custom_params"));
    }
    Ok(UserBody {
        contact: contact.map(|id| json!({ "id": id, "email": user_name })),
        user_name,
        active: record.is_active(),
        permission_type: kind,
        profile_user: profile(crm_user, mapping, emails)?,
        profile_external: crm_user.to_owned(),
        sign_in_method,
        language: language.map(str::to_owned),
        password_hash: if signs_in { hash(record, application, mapping) } else { None },
        totp_secret: if signs_in { totp(record, sign_in_method, mapping, left)? } else { None },
        static_token: if signs_in { None } else { record.secret("token") },
    })
}

fn number(record: &Record, column: &'static str) -> Result<Option<i64>, Wrong> {
    let read = |text: &str| text.parse().map_err(|_| wrong(column, "expected a number"));
    record.text(column).map(read).transpose()
}

fn method(record: &Record) -> Result<&'static str, Wrong> {
    match record.text("login_method") {
        None | Some("PLL_PASSWORD") => Ok("password"),
        Some("PLL_PASSWORD_2FA") => Ok("password_2fa"),
        Some(_) => Err(wrong("login_method", "expected PLL_PASSWORD or PLL_PASSWORD_2FA")),
    }
}

fn profile(crm_user: &str, mapping: &Mapping<'_>, emails: &BTreeMap<String, String>) -> Result<String, Wrong> {
    let found = mapping.profiles.get(crm_user).or_else(|| emails.get(crm_user));
    found.cloned().ok_or_else(|| {
        wrong(
            "user_id",
            format!("nobody here is named for the permissions profile {crm_user}: --profile {crm_user}=USER"),
        )
    })
}

/// The hash of a password, and the key of the MAC that was hashed: the container and the installation's key.
fn hash(record: &Record, application: &ApplicationBody, mapping: &Mapping<'_>) -> Option<HashBody> {
    let (hash, key) = (record.secret("password")?, mapping.installation_key?);
    Some(HashBody { hash, mac_key: Secret::new(format!("{}{}", application.container, key.expose())) })
}

/// The secret of one-time codes that are in use.
fn totp(
    record: &Record,
    sign_in_method: &str,
    mapping: &Mapping<'_>,
    left: &mut Vec<(String, &'static str)>,
) -> Result<Option<Secret>, Wrong> {
    let Some(auth) = opened(record, "auth", mapping)? else { return Ok(None) };
    let auth: Value = serde_json::from_str(auth.expose())
        .map_err(|_| wrong("auth", "expected JSON; are encryptionPass and vector the right ones?"))?;
    let Some(secret) = auth["authy_secret_key"].as_str().filter(|secret| !secret.is_empty()) else { return Ok(None) };
    if sign_in_method == "password_2fa" && auth["authy_methods"] != "PLL_AUTHY_TOTP" {
        // Nobody is asked for a code there, and here they would be.
        left.push((record.table.clone(), "auth"));
        return Ok(None);
    }
    Ok(Some(Secret::new(secret.to_owned())))
}

fn custom_params(record: &Record) -> Value {
    record.text("custom_params").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Whether any user has a password.
pub(super) fn has_passwords(tables: &Tables) -> bool {
    let users = tables.of(Kind::ApiUser).chain(tables.of(Kind::PortalUser));
    users.into_iter().any(|record| record.text("password").is_some())
}
