//! *Try it*: what a request with a key would get, and why.

/// The panel.
pub const TITLE: &str = "Try it";
/// What it does.
pub const HINT: &str = "What would a request with this key get? Nothing is sent, and no quota is used.";
/// A field.
pub const API: &str = "API";
/// No API in particular.
pub const ANY_API: &str = "By host and path alone";
/// Shows what else hangs on the API, where scripts are off.
pub const CHOOSE: &str = "Show its operations";
/// A field.
pub const OPERATION: &str = "Operation";
/// What it does.
pub const OPERATION_HINT: &str = "It fills in method and path; put real values in the place of the path's parameters.";
/// The API has more operations than are offered.
pub fn first_operations(count: usize) -> String {
    format!("These are the first {count} that fit. Search for others, or enter method and path.")
}
/// A field: the search among many.
pub const FIND: &str = "Search its operations";
/// None of the operations.
pub const BY_HAND: &str = "As entered below";
/// A field.
pub const METHOD: &str = "Method";
/// A field.
pub const PATH: &str = "Path";
/// What is left out with it.
pub const PATH_HINT: &str = "Empty: the operation is not checked.";
/// A field.
pub const HOST: &str = "Host";
/// What it decides.
pub const HOST_HINT: &str = "Some hosts may be for live keys and some for test keys.";
/// A field.
pub const CLIENT_IP: &str = "Client IP";
/// What it is.
pub const CLIENT_IP_HINT: &str = "The address at which your gateway sees the client.";
/// None was entered.
pub const CLIENT_IP_EXPECTED: &str = "expected an IP address, such as 203.0.113.7";
/// The button.
pub const CHECK: &str = "Check";
/// Where what comes of it will stand.
pub const NOT_YET: &str =
    "Choose an operation, or enter a method and a path, and press Check: every check and its result is shown here.";
/// Above what is wrong with the form.
pub const NOT_CHECKED: &str = "The request could not be checked";

/// The outcome.
pub const PASSES: &str = "The request passes";
/// The outcome, with the operation that the request is.
pub fn passes_as(operation: &str) -> String {
    format!("{PASSES}: it is {operation}")
}
/// The outcome.
pub fn refused(why: &str) -> String {
    format!("Refused: {why}")
}
/// The outcome where the API only reports.
pub fn only_reported(why: &str) -> String {
    format!("{PASSES}, as the API only reports. Otherwise it would be refused: {why}")
}
/// The verdict's word, for who looks for it in a log.
pub fn verdict(code: &str) -> String {
    format!("Verdict: {code}")
}

/// The table of all checks.
pub const CHECKS: &str = "All checks";
/// A column.
pub const NAME: &str = "Check";
/// A column.
pub const RESULT: &str = "Result";
/// A column.
pub const WHY: &str = "Why";
/// What a check looked at.
pub const LOOKED_AT: &str = "Looked at:";
/// What a check asks.
pub const RULE: &str = "Rule:";
/// A check by its word in the API.
pub fn name(word: &str) -> &str {
    match word {
        "credential" => "Key",
        "state" => "In service",
        "owner" => "Owner",
        "ip" => "Client IP",
        "operation" => "Operation",
        "limits" => "Limits",
        other => other,
    }
}
/// A result by its word in the API.
pub fn result(word: &str) -> &str {
    match word {
        "passed" => "Passed",
        "failed" => "Failed",
        "skipped" => "Not checked",
        other => other,
    }
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// The operation that the request is, without its API.
    pub operation: Option<&'a str>,
    /// The API's name.
    pub api: Option<&'a str>,
    /// Method and path.
    pub line: &'a str,
    /// The client's address.
    pub ip: &'a str,
    /// The host.
    pub host: &'a str,
    /// `live` or `test`.
    pub environment: &'a str,
}

/// Why a check fails, from the API's word for it.
pub fn why(reason: &str, request: &Request<'_>) -> String {
    let Request { operation, api, line, ip, host, environment } = request;
    let api = api.unwrap_or("this API");
    let other = if *environment == "test" { "live" } else { "test" };
    match reason {
        "lacks the operation" => format!("this key does not hold {}", operation.unwrap_or("the operation")),
        "an unlisted path" => format!("{line} is none of the operations of {api}"),
        "unknown API" | "the built-in API" => "there is no such API to ask for".to_owned(),
        "outside the API's base paths" => format!("the path is under no base path of {api}"),
        "no API" => "no API answers at this host and path".to_owned(),
        "an API that is not shared with the key's organization" => {
            format!("{api} is not shared with this organization")
        }
        "a host of the other environment" => {
            let host = if host.is_empty() { "this host" } else { host };
            format!("{host} is for {other} keys, and this is a {environment} key")
        }
        "the method is no token" => "this is no method".to_owned(),
        "address not in the key's list" => format!("{ip} is none of the key's allowed IPs"),
        "address not in the application's list" => format!("{ip} is none of the allowed IPs of its application"),
        "address not in the organization's list" => format!("{ip} is none of the allowed IPs of the organization"),
        "no client address" => "there is a list of allowed IPs, and no client IP was entered".to_owned(),
        "disabled" => "this key is disabled".to_owned(),
        "idle" => "this key went out of service, as it was not used for long".to_owned(),
        "expired" => "this key has expired".to_owned(),
        "awaits approval" => "this key waits for approval".to_owned(),
        "not yet valid" => "this key is not valid yet".to_owned(),
        "deleted" | "unknown" => "this key is deleted".to_owned(),
        "application inactive" => "its application is disabled".to_owned(),
        "the owner is gone" => "its owner is no more".to_owned(),
        "user disabled" => "its owner is disabled".to_owned(),
        "user locked by an administrator" => "its owner is locked".to_owned(),
        "user's account expired" => "its owner's account has expired".to_owned(),
        "no session" => "keys of this application pass only with the session of one of its users".to_owned(),
        "a rate" => "there were too many requests just now".to_owned(),
        "a quota" => "the quota is used up".to_owned(),
        other => super::form::quoted(other),
    }
}

/// What mends a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// More rights for the key.
    Rights,
    /// Another path, or another operation of the API.
    Path,
    /// Another host.
    Host,
    /// An entry in the key's list of addresses.
    KeyIps,
    /// An entry in its application's.
    ApplicationIps,
    /// An entry in the organization's.
    OrganizationIps,
    /// A client's address in the form.
    ClientIp,
    /// The key's own page: enable it.
    State,
    /// Another end or beginning.
    Dates,
    /// Its owner.
    Owner,
    /// Other limits, or time.
    Limits,
    /// Nothing that is said here.
    Nothing,
}

/// What mends a refusal, from the API's word for it.
pub fn remedy(reason: &str) -> Remedy {
    match reason {
        "lacks the operation" => Remedy::Rights,
        "an unlisted path" | "outside the API's base paths" => Remedy::Path,
        "a host of the other environment" | "no API" => Remedy::Host,
        "address not in the key's list" => Remedy::KeyIps,
        "address not in the application's list" => Remedy::ApplicationIps,
        "address not in the organization's list" => Remedy::OrganizationIps,
        "no client address" => Remedy::ClientIp,
        "disabled" | "idle" => Remedy::State,
        "expired" | "not yet valid" => Remedy::Dates,
        "application inactive" | "user disabled" | "user locked by an administrator" | "user's account expired" => {
            Remedy::Owner
        }
        "a rate" | "a quota" => Remedy::Limits,
        _ => Remedy::Nothing,
    }
}

/// The link to what mends it.
pub fn step(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Rights => "Edit the key's rights",
        Remedy::Path => "Show the operations of the API",
        Remedy::KeyIps => "Edit the key's allowed IPs",
        Remedy::ApplicationIps => "Edit the application's allowed IPs",
        Remedy::OrganizationIps => "Edit the organization's allowed IPs",
        Remedy::Dates => "Edit the key's dates",
        Remedy::Owner => "Show its owner",
        Remedy::Limits => "Edit the key's limits",
        Remedy::Host | Remedy::ClientIp | Remedy::State | Remedy::Nothing => "",
    }
}

/// What to do where no page mends it, or none that the person may open.
pub fn advice(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Rights => "Ask an administrator for the right, or try an operation that the key holds.",
        Remedy::Path => "Check method and path: the API's page lists its operations.",
        Remedy::Host => "Choose another host, or a key of the other environment.",
        Remedy::KeyIps | Remedy::ApplicationIps | Remedy::OrganizationIps => {
            "Ask an administrator to add the address, or ask from one that is allowed."
        }
        Remedy::ClientIp => "Enter the address of the client, as the gateway sees it.",
        Remedy::State => "Who may enables it on this page.",
        Remedy::Dates => "Ask an administrator for other dates.",
        Remedy::Owner => "Ask an administrator: the key passes again when its owner is in service.",
        Remedy::Limits => "Wait, or ask an administrator for other limits.",
        Remedy::Nothing => "",
    }
}
