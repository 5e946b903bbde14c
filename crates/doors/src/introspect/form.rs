//! The form of the question (RFC 7662, 2.1), as the question that `/v1/verify` reads from JSON.

use std::borrow::Cow;

use crate::problem::FieldError;
use crate::question::{Body, Text};

/// The most parameters of one form, those that say nothing included.
const PARAMETERS_MAX: usize = 64;

/// Reads a form. `pin`: the API that the path names. An empty parameter counts as left out and one that is not known as not
/// there (RFC 6749, 3.2); any value of `token_type_hint` is one, as every kind of key is looked for anyway.
pub(super) fn read<'b>(form: &'b [u8], pin: Option<&'b str>) -> Result<Body<'b>, Vec<FieldError>> {
    let mut body = Body::about(pin);
    let (mut errors, mut has_hint) = (Vec::new(), None);
    for (at, (name, value)) in form_urlencoded::parse(form).enumerate() {
        if at == PARAMETERS_MAX {
            return Err(vec![FieldError::new("", format!("expected at most {PARAMETERS_MAX} parameters"))]);
        }
        if value.is_empty() {
            continue;
        }
        let is_repeated = match &*name {
            "token" => body.credential.replace(Text(value)).is_some(),
            "token_type_hint" => has_hint.replace(()).is_some(),
            "client_ip" => body.client_ip.replace(Text(value)).is_some(),
            "method" => body.method.replace(Text(value)).is_some(),
            "path" => body.path.replace(Text(value)).is_some(),
            "host" => body.host.replace(Text(value)).is_some(),
            "requires" => body.requires.replace(sets(&value)).is_some(),
            "cost" => {
                let cost = value.parse();
                if cost.is_err() {
                    errors.push(FieldError::new("cost", "expected a whole number from 0 on"));
                }
                cost.is_ok_and(|cost| body.cost.replace(cost).is_some())
            }
            _ => false,
        };
        if is_repeated {
            errors.push(FieldError::new(name, "expected once"));
        }
    }
    if body.credential.is_none() {
        errors.push(FieldError::new("token", "expected a key"));
    }
    if errors.is_empty() { Ok(body) } else { Err(errors) }
}

/// Sets with spaces between them, as scopes are written.
fn sets<'s>(value: &str) -> Vec<Text<'s>> {
    value.split_ascii_whitespace().map(|set| Text(Cow::Owned(set.to_owned()))).collect()
}
