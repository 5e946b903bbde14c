//! What a path names: `/webservice/{container}[/{module}]/{action}[/…]`, the same as a query of `/webservice.php`, or an old path
//! without a container.

use http::Uri;
use percent_encoding::percent_decode_str;

use crate::action::Action;

/// The longest part of a path that names anything.
const PART_LENGTH_MAX: usize = 100;
/// The container whose service is the plain edition: letters alone, in lower case.
const STANDARD: &str = "webservicestandard";

/// What is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Called {
    /// None in an old path: the application is found by its name and key alone.
    pub(crate) container: Option<String>,
    pub(crate) module: Option<String>,
    /// Empty where the path names no action.
    pub(crate) name: String,
}

// === impl Called ===

impl Called {
    /// `None`: the path is none of the service's.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let path = uri.path().strip_prefix('/')?;
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        if first.eq_ignore_ascii_case("webservice.php") {
            return Some(Self::of_query(uri.query().unwrap_or_default()));
        }
        if !first.eq_ignore_ascii_case("webservice") {
            return None;
        }
        let mut parts = rest.split('/').filter(|part| !part.is_empty());
        let parts: Vec<_> = parts.by_ref().take(3).map(part).collect::<Option<_>>()?;
        Some(Self::of_parts(parts))
    }

    fn of_query(query: &str) -> Self {
        let mut called = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = Some(value.into_owned()).filter(|value| !value.is_empty() && value.len() <= PART_LENGTH_MAX);
            match &*name {
                "_container" => called.container = value,
                "module" => called.module = value,
                "action" => called.name = value.unwrap_or_default(),
                _ => {}
            }
        }
        called
    }

    /// Containers have the names of types, which no module and no action has: so an old path is told from a new one.
    fn of_parts(parts: Vec<String>) -> Self {
        let is_old = match parts.as_slice() {
            [first] => Action::named(None, first).is_some(),
            [first, ..] => first == "Users",
            [] => false,
        };
        let mut parts = parts.into_iter();
        let container = if is_old { None } else { parts.next() };
        let (first, second) = (parts.next(), parts.next());
        match (first, second) {
            (Some(module), Some(name)) if Action::named(None, &module).is_none() => {
                Self { container, module: Some(module), name }
            }
            (name, _) => Self { container, module: None, name: name.unwrap_or_default() },
        }
    }

    pub(crate) fn action(&self) -> Option<Action> {
        Action::named(self.module.as_deref(), &self.name)
    }

    /// Whether it is the plain edition that is called.
    pub(crate) fn is_standard(&self) -> bool {
        self.container.as_ref().is_some_and(|container| container.eq_ignore_ascii_case(STANDARD))
    }
}

fn part(text: &str) -> Option<String> {
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    (decoded.len() <= PART_LENGTH_MAX).then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(path: &str) -> Option<(Option<String>, Option<Action>)> {
        let called = Called::of(&path.parse().expect("a path"))?;
        Some((called.container.clone(), called.action()))
    }

    #[test]
    fn w_01_both_forms_of_a_path_any_case_of_the_prefix_slashes_and_the_old_form() {
        let standard = Some("WebserviceStandard".to_owned());
        for path in [
            "/webservice/WebserviceStandard/Users/Login",
            "/WebService/WebserviceStandard/Users/Login/",
            "/webservice//WebserviceStandard/Users/Login//",
            "/webservice/WebserviceStandard/Users/Login/7",
            "/webservice.php?_container=WebserviceStandard&module=Users&action=Login",
            "/WEBSERVICE.PHP?action=Login&module=Users&_container=WebserviceStandard&record=7",
        ] {
            assert_eq!(called(path), Some((standard.clone(), Some(Action::Login))), "{path}");
        }
        for path in ["/webservice/Users/Login", "/webservice.php?module=Users&action=Login", "/WEBSERVICE/Users/Login/"]
        {
            assert_eq!(called(path), Some((None, Some(Action::Login))), "{path}");
        }
        assert_eq!(called("/webservice/Modules"), Some((None, Some(Action::Modules))));
        let premium = Some("WebservicePremium".to_owned());
        assert_eq!(called("/webservice/WebservicePremium/Menu"), Some((premium.clone(), Some(Action::Menu))));
        assert_eq!(
            called("/webservice/WebservicePremium/Users/Preferences/"),
            Some((premium, Some(Action::Preferences)))
        );
    }

    #[test]
    fn what_is_after_the_prefix_keeps_its_case_and_other_paths_are_not_the_services() {
        assert_eq!(
            called("/webservice/WebserviceStandard/users/login"),
            Some((Some("WebserviceStandard".to_owned()), None))
        );
        assert_eq!(called("/webservice"), Some((None, None)));
        assert_eq!(called("/webservices/WebserviceStandard/Users/Login"), None);
        assert_eq!(called("/"), None);
        assert_eq!(called(&format!("/webservice/{}/Users/Login", "x".repeat(101))), None);
        assert_eq!(called("/webservice/%ff/Users/Login"), None);
    }
}
