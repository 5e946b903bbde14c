//! Why a command failed, and with which exit code.

use claviger_server::StartError;
use serde_json::{Value, json};

/// What a command ends with when it does not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: u8,
    /// What happened and what to do next.
    pub(crate) message: String,
    /// The server's problem document, where there is one.
    pub(crate) problem: Option<Value>,
}

/// Refused, or not found.
const REFUSED: u8 = 1;
/// Usage or configuration.
const USAGE: u8 = 2;
/// Cannot reach the server.
const UNREACHABLE: u8 = 3;

// === impl Failure ===

#[allow(clippy::needless_pass_by_value, reason = "errors are handed over: `map_err(Failure::usage)`")]
impl Failure {
    /// The server, or what it found, says no.
    pub(crate) fn refused(message: impl ToString) -> Self {
        Self { code: REFUSED, message: message.to_string(), problem: None }
    }

    /// The command or the configuration is wrong.
    pub(crate) fn usage(message: impl ToString) -> Self {
        Self { code: USAGE, message: message.to_string(), problem: None }
    }

    /// Nobody answers.
    pub(crate) fn unreachable(message: impl ToString) -> Self {
        Self { code: UNREACHABLE, message: message.to_string(), problem: None }
    }

    /// The server answered with a problem document (RFC 9457).
    pub(crate) fn of_problem(status: u16, problem: Value) -> Self {
        let detail = problem["detail"].as_str().or(problem["title"].as_str()).unwrap_or("The server refused this.");
        let mut message = format!("{detail} ({status}{})", word(" ", &problem["code"]));
        for error in problem["errors"].as_array().into_iter().flatten() {
            let (field, reason) = (error["field"].as_str().unwrap_or("?"), error["message"].as_str().unwrap_or("?"));
            if detail.contains(reason) {
                continue;
            }
            message.extend(["\n  ", field, ": ", reason]);
        }
        message.push_str(match status {
            401 => "\nCheck CLAVIGER_TOKEN, or run this on the server's machine as the user who runs the server.",
            403 => "\nUse the token of an administrator in CLAVIGER_TOKEN.",
            503 => "\nTry again in a moment.",
            _ => "",
        });
        Self { code: REFUSED, message, problem: Some(problem) }
    }

    /// For `--json`: the server's own document, or one of the same form.
    pub(crate) fn to_json(&self) -> Value {
        self.problem.clone().unwrap_or_else(|| {
            let code = match self.code {
                REFUSED => "refused",
                USAGE => "usage",
                _ => "unreachable",
            };
            json!({"code": code, "detail": self.message})
        })
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self { code: error.exit_code(), message: error.to_string(), problem: None }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::usage(format!("cannot write the result: {error}"))
    }
}

fn word(before: &str, value: &Value) -> String {
    value.as_str().map_or_else(String::new, |word| format!("{before}{word}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_its_fields() {
        let problem = json!({
            "code": "invalid_request", "detail": "The request is not valid.",
            "errors": [{"field": "name", "message": "must not be empty"}],
        });
        let failure = Failure::of_problem(400, problem.clone());
        assert_eq!(failure.code, 1);
        assert_eq!(failure.message, "The request is not valid. (400 invalid_request)\n  name: must not be empty");
        assert_eq!(failure.to_json(), problem);
        let said = json!({"detail": "name: must not be empty", "code": "x", "errors": problem["errors"]});
        assert_eq!(Failure::of_problem(400, said).message, "name: must not be empty (400 x)", "not said twice");
    }
}
