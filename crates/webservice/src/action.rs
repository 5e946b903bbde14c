//! What can be called, by which methods, and by whom.

use http::Method;

/// An action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// `Users/Login`
    Login,
    /// `Users/Logout`
    Logout,
    /// `Users/ChangePassword`
    ChangePassword,
    /// `Users/ResetPassword`
    ResetPassword,
    /// `Users/TwoFactorAuth`
    TwoFactorAuth,
    /// `Users/AccessActivityHistory`
    AccessActivityHistory,
    /// `Users/Preferences`
    Preferences,
    /// `Install`: a client's test of its connection
    Install,
    /// `Modules`
    Modules,
    /// `Menu`
    Menu,
}

// === impl Action ===

impl Action {
    /// The action of this name, in a module or in none.
    pub(crate) fn named(module: Option<&str>, name: &str) -> Option<Self> {
        match (module, name) {
            (Some("Users"), "Login") => Some(Self::Login),
            (Some("Users"), "Logout") => Some(Self::Logout),
            (Some("Users"), "ChangePassword") => Some(Self::ChangePassword),
            (Some("Users"), "ResetPassword") => Some(Self::ResetPassword),
            (Some("Users"), "TwoFactorAuth") => Some(Self::TwoFactorAuth),
            (Some("Users"), "AccessActivityHistory") => Some(Self::AccessActivityHistory),
            (Some("Users"), "Preferences") => Some(Self::Preferences),
            (None, "Install") => Some(Self::Install),
            (None, "Modules") => Some(Self::Modules),
            (None, "Menu") => Some(Self::Menu),
            _ => None,
        }
    }

    pub(crate) const fn methods(self) -> &'static [Method] {
        match self {
            Self::Login => &[Method::POST],
            Self::Logout | Self::ChangePassword | Self::Preferences | Self::Install => &[Method::PUT],
            Self::ResetPassword => &[Method::POST, Method::PUT],
            Self::TwoFactorAuth => &[Method::GET, Method::POST, Method::DELETE],
            Self::AccessActivityHistory | Self::Modules | Self::Menu => &[Method::GET],
        }
    }

    /// Whether somebody must have signed in.
    pub(crate) const fn needs_session(self) -> bool {
        !matches!(self, Self::Login | Self::ResetPassword | Self::Install)
    }

    /// Whether it is there for who has yet to set up the one-time codes that are obligatory.
    pub(crate) const fn is_of_enrolment(self) -> bool {
        matches!(self, Self::TwoFactorAuth | Self::Logout)
    }

    /// Whether the plain edition of the service has it not.
    pub(crate) const fn is_premium(self) -> bool {
        matches!(self, Self::Preferences | Self::Install | Self::Menu)
    }
}
