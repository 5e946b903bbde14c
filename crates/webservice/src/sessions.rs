//! Sessions: signing in and out, and what happened at a user's name.

use claviger_domain::api_user::{ApiUser, SignInMethod};
use claviger_domain::member::is_language;
use claviger_domain::{Secret, Timestamp};
use claviger_manage::api_users::{self, Credentials, SecondFactorPolicy, SignInRefused, SignedIn};
use claviger_manage::error::ErrorCode;
use http::StatusCode;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::answer::Failure;
use crate::call::Call;

const INSTANT: &str = "%Y-%m-%d %H:%M:%S";
const MINUTE: &str = "%Y-%m-%d %H:%M";

// === POST Users/Login ===

pub(crate) async fn sign_in(call: &Call<'_>) -> Result<Value, Failure> {
    let mut params = call.fields.map("params");
    let language = params.remove("language");
    let language = language.as_ref().and_then(Value::as_str).filter(|tag| is_language(tag)).map(str::to_owned);
    let credentials = Credentials {
        user_name: call.text("userName")?.to_owned(),
        password: call.secret("password")?,
        code: call.fields.text("code").map(|code| Secret::new(code.to_owned())),
        language,
        params,
    };
    match api_users::sign_in(call.manage, &call.origin(), credentials).await {
        Ok(signed_in) => Ok(welcome(call, &signed_in)),
        Err(refused) => Err(refusal(call, refused)),
    }
}

fn refusal(call: &Call<'_>, refused: SignInRefused) -> Failure {
    let (check, failure) = match refused {
        SignInRefused::Wrong => {
            ("wrong user name or password", Failure::new(StatusCode::UNAUTHORIZED, "Invalid data access"))
        }
        SignInRefused::CodeNeeded => {
            ("no one-time code", Failure::new(StatusCode::PRECONDITION_FAILED, "No 2FA TOTP code"))
        }
        SignInRefused::WrongCode => {
            let message = "2FA verification error: Incorrect 2FA TOTP code";
            ("wrong one-time code", Failure::new(StatusCode::UNAUTHORIZED, message))
        }
        SignInRefused::Other(error) if error.code() == ErrorCode::TooManyAttempts => {
            ("too many tries", Failure::from(error))
        }
        SignInRefused::Other(error) => return Failure::from(error),
    };
    call.note_refusal(check);
    failure
}

fn welcome(call: &Call<'_>, signed_in: &SignedIn) -> Value {
    let SignedIn { user, token, before, language, .. } = signed_in;
    let at = |instant: Option<Timestamp>| instant.map(|instant| shown(call, instant, INSTANT));
    json!({
        "token": token.expose(),
        "name": user.user_name.as_str(),
        "lastLoginTime": at(before.signed_in_at),
        "lastLogoutTime": at(before.signed_out_at).unwrap_or_default(),
        "language": language,
        "type": user.permission_type.number(),
        "login_method": method(user),
        "authy_methods": if asks_for_codes(call, user) { "PLL_AUTHY_TOTP" } else { "" },
        // Of who has to set codes up first: a client lets that user do nothing else.
        "2faObligatory": signed_in.enrolment_only,
        "logged": true,
        "preferences": preferences(call),
        "userPreferences": signed_in.preferences,
    })
}

fn method(user: &ApiUser) -> &'static str {
    match user.sign_in_method {
        SignInMethod::Password => "PLL_PASSWORD",
        SignInMethod::PasswordAndCode => "PLL_PASSWORD_2FA",
    }
}

fn policy(call: &Call<'_>) -> SecondFactorPolicy {
    call.manage.config.api_users.second_factor
}

fn asks_for_codes(call: &Call<'_>, user: &ApiUser) -> bool {
    user.sign_in_method == SignInMethod::PasswordAndCode && policy(call) != SecondFactorPolicy::Off
}

/// How a client writes times and amounts: all sixteen, as clients read each without asking whether it is there.
fn preferences(call: &Call<'_>) -> Value {
    json!({
        "hour_format": "24",
        "start_hour": "08:00",
        "end_hour": "16:00",
        "date_format": "yyyy-mm-dd",
        "time_zone": call.caller.time_zone,
        "raw_time_zone": call.caller.time_zone,
        "currency_id": 1,
        "currency_grouping_pattern": "123,456,789",
        "currency_decimal_separator": ".",
        "currency_grouping_separator": " ",
        "currency_symbol_placement": "1.0$",
        "no_of_currency_decimals": 2,
        "currency_name": "Euro",
        "currency_code": "EUR",
        "currency_symbol": "€",
        "conv_rate": 1,
    })
}

// === PUT Users/Logout ===

pub(crate) async fn sign_out(call: &Call<'_>) -> Result<Value, Failure> {
    api_users::sign_out(call.manage, &call.session()?).await?;
    Ok(Value::Bool(true))
}

// === GET Users/AccessActivityHistory ===

pub(crate) async fn history(call: &Call<'_>) -> Result<Value, Failure> {
    let (offset, limit) = (call.headers.row_offset, call.headers.row_limit);
    let events = api_users::events(call.manage, &call.session()?, offset, limit).await?;
    let row = |event: &claviger_manage::api_users::Event| {
        json!({
            "time": shown(call, event.at, MINUTE),
            "status": what_happened(&event.status),
            "agent": event.agent.as_deref().unwrap_or_default(),
            "ip": event.ip.as_deref().unwrap_or_default(),
        })
    };
    Ok(Value::Array(events.iter().map(row).collect()))
}

/// A word of the history as clients show it.
fn what_happened(status: &str) -> &str {
    match status {
        "signed_in" => "Signed in",
        "signed_in_by_recovery_code" => "Signed in with a recovery code",
        "signed_off" => "Signed off",
        "wrong_password" => "Incorrect password",
        "no_code" => "No 2FA TOTP code",
        "wrong_code" => "Incorrect 2FA TOTP code",
        "inactive" => "User inactive",
        "codes_set_up" => "2FA set up",
        "codes_ended" => "2FA removed",
        "password_asked_for" => "Password reset requested",
        "password_changed" => "Password changed",
        "password_not_changed" => "Password not changed",
        "password_reset" => "Password reset",
        other => other,
    }
}

/// An instant in the organization's zone.
pub(crate) fn shown(call: &Call<'_>, at: Timestamp, format: &str) -> String {
    let zone = TimeZone::get(&call.caller.time_zone).unwrap_or(TimeZone::UTC);
    match jiff::Timestamp::from_microsecond(at.as_micros()) {
        Ok(at) => at.to_zoned(zone).strftime(format).to_string(),
        Err(_) => at.to_string(),
    }
}
