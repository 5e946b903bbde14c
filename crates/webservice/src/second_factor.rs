//! `Users/TwoFactorAuth`: one-time codes are set up and ended by the user.

use claviger_domain::Secret;
use claviger_manage::api_users;
use claviger_manage::error::{Error, ErrorCode};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::answer::{Failure, Success};
use crate::call::Call;

pub(crate) async fn run(call: &Call<'_>) -> Result<Success, Failure> {
    match call.method {
        Method::POST => confirm(call).await,
        Method::DELETE => remove(call).await.map(Success::from),
        _ => draw(call).await.map(Success::from),
    }
}

/// A secret for the app of the user, which counts when it is confirmed in this session within ten minutes; none where there is one.
async fn draw(call: &Call<'_>) -> Result<Value, Failure> {
    let session = call.session()?;
    if api_users::has_codes(call.manage, &session).await.map_err(failure)? {
        return Ok(json!({"authMethods": "TOTP"}));
    }
    let secret = api_users::draw_codes(call.manage, &session).await.map_err(failure)?;
    Ok(json!({"authMethods": "TOTP", "secretKey": secret.expose()}))
}

/// The result is what clients expect; the recovery codes stand beside it.
async fn confirm(call: &Call<'_>) -> Result<Success, Failure> {
    if call.text("methods")? != "TOTP" {
        return Err(Failure::field("methods", "expected TOTP"));
    }
    let (session, secret, code) = (call.session()?, call.secret("secret")?, call.secret("code")?);
    if api_users::has_codes(call.manage, &session).await.map_err(failure)? {
        return Err(Failure::new(StatusCode::UNAUTHORIZED, "A secret 2FA key has already been generated."));
    }
    if let Some(codes) = api_users::confirm_codes(call.manage, &session, &secret, &code).await.map_err(failure)? {
        let codes: Vec<_> = codes.iter().map(Secret::expose).collect();
        return Ok(Success::from(json!("Ok")).with_recovery_codes(json!(codes)));
    }
    call.note_refusal("wrong one-time code, or a secret that was not shown in this session");
    Err(Failure::new(StatusCode::UNAUTHORIZED, "Incorrect 2FA TOTP code"))
}

async fn remove(call: &Call<'_>) -> Result<Value, Failure> {
    if api_users::remove_codes(call.manage, &call.session()?).await.map_err(failure)? {
        return Ok(Value::Bool(true));
    }
    Err(Failure::new(StatusCode::UNAUTHORIZED, "2FA TOTP secret not generated"))
}

/// Where the user's sign-in asks for no codes, clients of the service expect a fault of the server.
fn failure(error: Error) -> Failure {
    if error.code() == ErrorCode::Conflict {
        return Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "Two-factor authentication has not been enabled");
    }
    Failure::from(error)
}
