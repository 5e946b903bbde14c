//! API users: who signs in under an application, and their sessions.

mod change_state;
mod create;
mod delete;
mod edit;
mod history;
pub mod http;
mod import;
mod list;
mod mailing;
mod password;
mod proof;
mod record;
mod recovery_codes;
mod request;
mod second_factor;
mod send_mail;
mod sessions;
mod set_password;
mod sign_in;
mod sign_out;
mod token;
mod unlock;
mod verify;
mod wire;

pub use change_state::{disable, enable};
pub use create::create;
pub use delete::delete;
pub use edit::edit;
pub use history::{EventQuery, events, history};
pub(crate) use import::{ApiUserImport, import_users};
pub use import::{ImportApiUser, ImportedHash, ImportedRow};
pub use list::{ApiUserSort, ListApiUsers, get, list};
pub use mailing::{FIRST_LINK_LIFETIME, LINK_LIFETIME};
pub use password::{
    ChosenByLink, NewPassword, ask_for_password, change_password, choose_password, choose_password_at_page,
};
pub use record::Session;
pub use recovery_codes::make_recovery_codes;
pub use request::{CreateApiUser, EditApiUser};
pub use second_factor::{confirm_codes, draw_codes, has_codes, remove_codes, reset_second_factor};
pub use send_mail::{SendMail, SentMail, reset_password, send_mail};
pub use sessions::{end_session, end_sessions, list_sessions};
pub use set_password::{SetPassword, set_password};
pub use sign_in::{Credentials, Origin, SignInRefused, SignedIn, sign_in};
pub use sign_out::{keep_preferences, sign_out};
pub use token::rotate_token;
pub use unlock::unlock;
pub use wire::{ApiSessionView, ApiUserView, EventView, NewApiUser, Recorded};

use claviger_domain::api_user::ApiSessionLimits;
pub use claviger_store::api_user_secrets::Event;

/// Settings of sign-ins under applications.
#[derive(Debug, Clone, Copy, Default)]
pub struct Config {
    /// How long sessions last.
    pub sessions: ApiSessionLimits,
    /// What becomes of one-time codes.
    pub second_factor: SecondFactorPolicy,
}

/// Whether users whose sign-in asks for a code must have one-time codes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SecondFactorPolicy {
    /// Nobody is asked for a code.
    Off,
    /// Whoever has set codes up is.
    #[default]
    Optional,
    /// Whoever has not set them up yet may do nothing else.
    Obligatory,
}
