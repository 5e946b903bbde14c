//! What users do to their own account: passwords, and what their client remembers.

use claviger_manage::api_users::{self, ChosenByLink, NewPassword};
use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::Failure;
use crate::call::Call;
use crate::sessions::shown;

/// `2024-01-02 11:00:00 (CET +01:00)`
const UNTIL: &str = "%Y-%m-%d %H:%M:%S (%Z %:z)";

// === PUT Users/ChangePassword ===

/// False where the current password is another.
pub(crate) async fn change_password(call: &Call<'_>) -> Result<Value, Failure> {
    let request = NewPassword { current: call.secret("currentPassword")?, password: call.secret("newPassword")? };
    let changed = api_users::change_password(call.manage, &call.session()?, request).await?;
    if !changed {
        call.note_refusal("wrong current password");
    }
    Ok(Value::Bool(changed))
}

// === POST Users/ResetPassword ===

/// The same answer whether there is such a user or not.
pub(crate) async fn ask_for_password(call: &Call<'_>) -> Result<Value, Failure> {
    let (until, _) = api_users::ask_for_password(call.manage, &call.origin(), call.text("userName")?).await?;
    Ok(json!({"expirationDate": shown(call, until, UNTIL), "mailerStatus": true}))
}

// === PUT Users/ResetPassword ===

pub(crate) async fn choose_password(call: &Call<'_>) -> Result<Value, Failure> {
    let request = ChosenByLink { token: call.secret("token")?, password: call.secret("password")? };
    if api_users::choose_password(call.manage, &call.origin(), request).await? {
        return Ok(Value::Bool(true));
    }
    call.note_refusal("unknown, used or expired link");
    Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, "The token does not exist or has expired"))
}

// === PUT Users/Preferences ===

pub(crate) async fn keep_preferences(call: &Call<'_>) -> Result<Value, Failure> {
    api_users::keep_preferences(call.manage, &call.session()?, call.fields.clone().into_map()).await?;
    Ok(Value::Bool(true))
}
