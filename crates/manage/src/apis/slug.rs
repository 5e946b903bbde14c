//! Slugs that have a meaning of their own and are nobody's to take.

use claviger_domain::api::BUILT_IN_SLUG;
use claviger_domain::api_set::FULL_ACCESS_SLUG;
use claviger_domain::name::{SLUG_LENGTH_MAX, Slug};

/// What follows an API's slug in that of its General set.
const GENERAL_SUFFIX: &str = "-general";

/// A slug that means something else.
const RESERVED: &str = "this slug is reserved";

/// Checks the slug of an API that somebody wants to make or rename.
pub fn check_api(slug: &Slug) -> Result<(), String> {
    let text = slug.as_str();
    if is_built_in(text) || ["import", "templates", FULL_ACCESS_SLUG].contains(&text) {
        return Err(RESERVED.to_owned());
    }
    let longest = SLUG_LENGTH_MAX - GENERAL_SUFFIX.len();
    if text.len() > longest { Err(format!("expected at most {longest} characters")) } else { Ok(()) }
}

/// Checks the slug of a set that somebody wants to make or rename. Every `…-general` is kept for the General set of an
/// API that may still be made.
pub fn check_set(slug: &Slug) -> Result<(), String> {
    let text = slug.as_str();
    let reserved = is_built_in(text)
        || ["import", "templates", FULL_ACCESS_SLUG].contains(&text)
        || text.ends_with(GENERAL_SUFFIX);
    if reserved { Err(RESERVED.to_owned()) } else { Ok(()) }
}

/// The slug of an API's General set.
pub fn of_general(api: &Slug) -> Slug {
    let text = format!("{api}{GENERAL_SUFFIX}");
    text.parse().unwrap_or_else(|_| Slug::from_name(&text, "general"))
}

/// A slug made from a name, short enough for an API.
pub fn for_api(name: &str) -> Slug {
    let slug = Slug::from_name(name, "api");
    let longest = SLUG_LENGTH_MAX - GENERAL_SUFFIX.len();
    Slug::from_name(slug.as_str().get(..longest).unwrap_or(slug.as_str()), "api")
}

fn is_built_in(slug: &str) -> bool {
    slug.strip_prefix(BUILT_IN_SLUG).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug(text: &str) -> Slug {
        text.parse().expect("a slug")
    }

    #[test]
    fn reserved_slugs_are_refused() {
        for text in ["claviger", "claviger-admin", "claviger-mine", "import", "templates", "full-access"] {
            assert!(check_api(&slug(text)).is_err(), "{text}");
            assert!(check_set(&slug(text)).is_err(), "{text}");
        }
        assert!(check_set(&slug("github-general")).is_err());
        for text in ["github", "clavigers", "general", "importer"] {
            assert_eq!(check_api(&slug(text)), Ok(()), "{text}");
            assert_eq!(check_set(&slug(text)), Ok(()), "{text}");
        }
    }

    #[test]
    fn there_is_always_room_for_the_general_set() {
        let long = for_api(&"x".repeat(100));
        assert_eq!(check_api(&long), Ok(()));
        assert_eq!(of_general(&long).as_str().len(), SLUG_LENGTH_MAX);
        assert!(check_api(&slug(&"x".repeat(56))).is_err());
    }
}
