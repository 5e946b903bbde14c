//! What stands around every page.

/// The product.
pub const NAME: &str = "Claviger";
/// The first link of a page, for who goes by keyboard.
pub const SKIP: &str = "Skip to the content";
/// The search box's name.
pub const SEARCH: &str = "Search keys, APIs, operations, API sets, applications, users and pages";
/// In the empty search box.
pub const SEARCH_HINT: &str = "Search, or paste a key";
/// In the person's menu.
pub const PROFILE: &str = "View profile";
/// In the person's menu.
pub const API_KEYS: &str = "API Keys";
/// In the person's menu: leads to the organization's keys.
pub const SETTINGS_API: &str = "Settings → API";
/// In the person's menu.
pub const SECURITY: &str = "Security";
/// In the person's menu.
pub const SIGN_OUT: &str = "Sign out";
/// The name of the choice of themes.
pub const THEME: &str = "Theme";
/// The menu's name.
pub const PLACES: &str = "Places";

/// A theme's word.
pub fn theme(word: &str) -> &'static str {
    match word {
        "light" => "Light",
        "dark" => "Dark",
        _ => "System",
    }
}

/// The places of the menu.
pub mod places {
    /// The overview.
    pub const OVERVIEW: &str = "Overview";
    /// The organization's keys.
    pub const KEYS: &str = "Keys";
    /// Keys that wait for approval.
    pub const APPROVALS: &str = "Approvals";
    /// APIs and sets.
    pub const APIS: &str = "APIs";
    /// Requests over time.
    pub const USAGE: &str = "Usage";
    /// Gateways and code.
    pub const GATEWAYS: &str = "Gateways";
    /// The organization itself.
    pub const ORGANIZATION: &str = "Organization";
    /// What administrators do.
    pub const ADMIN: &str = "Admin";
    /// Under Admin: what other systems need.
    pub const INTEGRATION: &str = "Admin → Integration";
    /// Applications.
    pub const APPLICATIONS: &str = "Web service - Applications";
    /// Who signs in under them.
    pub const API_USERS: &str = "Web service - Users";
    /// People.
    pub const USERS: &str = "Users";
    /// Roles.
    pub const ROLES: &str = "Roles";
    /// The organization's rules.
    pub const POLICY: &str = "Policy";
    /// Who is told of what.
    pub const NOTICES: &str = "Notices";
    /// Where events are sent.
    pub const WEBHOOKS: &str = "Webhooks";
    /// The words of mails.
    pub const MAIL: &str = "Mail";
    /// The audit log.
    pub const AUDIT: &str = "Audit";
}

/// Pages that tell of a failure.
pub mod failed {
    /// The title of 404.
    pub const NOT_FOUND: &str = "There is nothing here";
    /// The text of 404.
    pub const NOT_FOUND_HINT: &str = "It may have been deleted, or it belongs to another organization.";
    /// The title of 403.
    pub const FORBIDDEN: &str = "You may not do this";
    /// A form that one may not send.
    pub const NOT_YOURS: &str = "Your roles do not let you do this. Ask an administrator of your organization.";
    /// The title of anything else.
    pub const NOT_NOW: &str = "This did not work";
    /// A form that was not of this session.
    pub const OTHER_SITE: &str = "This form was not sent by a page of this session.";
    /// The way out.
    pub const HOME: &str = "Go to the start page";
}
