//! Mails to people, in English.

use super::Mail;

// === impl Mail ===

impl Mail {
    /// Subject and text; nothing of a mail whose words are a template's.
    pub(super) fn in_english(&self, link: &str) -> (String, String) {
        match self {
            Self::Invitation { organization, inviter, until } => (
                format!("Invitation to {organization}"),
                format!(
                    "Hello,\n\n{inviter} invites you to {organization} at Claviger, the key server.\n\n\
                     Open this link to accept. It works once, until {until}:\n\n{link}\n\n\
                     If you do not expect this invitation, ignore this mail.\n"
                ),
            ),
            Self::NewAddress { name, until } => (
                "Confirm your new e-mail address".to_owned(),
                format!(
                    "Hello {name},\n\nthis is to be your e-mail address at Claviger, the key server, from now on.\n\n\
                     Open this link to confirm. It works once, until {until}:\n\n{link}\n\n\
                     If you do not want this, ignore this mail: nothing changes.\n"
                ),
            ),
            Self::PasswordReset { name, until } => (
                "Choose another password".to_owned(),
                format!(
                    "Hello {name},\n\nsomebody, hopefully you, wants another password for you at Claviger, the key server.\n\n\
                     Open this link to choose it. It works once, until {until}:\n\n{link}\n\n\
                     If this was not you, ignore this mail: your password stays as it is.\n"
                ),
            ),
            Self::PasswordChanged { name, at } => (
                "Your password was changed".to_owned(),
                format!(
                    "Hello {name},\n\nyour password at Claviger, the key server, was changed on {at}, and whoever was signed in \
                     with the one before has to sign in again.\n\n\
                     If this was not you, tell an administrator of your organization at once.\n"
                ),
            ),
            Self::AddressChanged { address, at } => (
                "Your e-mail address was changed".to_owned(),
                format!(
                    "Hello,\n\nsince {at} your e-mail address at Claviger, the key server, is {address}.\n\n\
                     If this was not you, tell an administrator of your organization at once.\n"
                ),
            ),
            Self::SecondFactorOn { name, at } => (
                "Your account has a second factor".to_owned(),
                format!(
                    "Hello {name},\n\nsince {at} signing in to Claviger, the key server, takes a code of your authenticator app. Whoever \
                     was signed in as you elsewhere has to sign in again.\n\n\
                     If this was not you, tell an administrator of your organization at once.\n"
                ),
            ),
            Self::SecondFactorOff { name, at } => (
                "Your account has no second factor any more".to_owned(),
                format!(
                    "Hello {name},\n\nsince {at} signing in to Claviger, the key server, takes your password alone: you have ended your \
                     second factor.\n\nIf this was not you, change your password and tell an administrator of your organization at once.\n"
                ),
            ),
            Self::SecondFactorReset { name, by, at } => (
                "Your second factor was reset".to_owned(),
                format!(
                    "Hello {name},\n\non {at} {by} has reset your second factor at Claviger, the key server. Signing in takes your \
                     password alone until you set up another one; please do so now.\n\n\
                     If you have not asked for this, tell an administrator of your organization at once.\n"
                ),
            ),
            Self::RecoveryCodesMade { name, at } => (
                "You have new recovery codes".to_owned(),
                format!(
                    "Hello {name},\n\non {at} you have made new recovery codes at Claviger, the key server. Those before work no \
                     more.\n\nIf this was not you, tell an administrator of your organization at once.\n"
                ),
            ),
            Self::RecoveryCodeUsed { name, at, left } => (
                "A recovery code was used".to_owned(),
                format!(
                    "Hello {name},\n\non {at} somebody, hopefully you, has signed in as you at Claviger, the key server, with a recovery \
                     code. Codes left: {left}.\n\n\
                     If this was not you, change your password and tell an administrator of your organization at once.\n"
                ),
            ),
            Self::ToApiUser(_) | Self::Notices(_) => Default::default(),
        }
    }
}
