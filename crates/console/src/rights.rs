//! Whose the pages with forms are: what one may not send is not shown, and leads nowhere by its address either. The API has the
//! last word; which records one may change is for their own pages to say.

/// The address of each page that is a form, and the authority that sending it takes.
const FORMS: [(&str, &str); 25] = [
    ("/keys/new", "keys.manage_all"),
    ("/admin/applications/{id}/keys/new", "keys.manage_all"),
    ("/profile/keys/new", "keys.manage_own"),
    ("/apis/new", "apis.manage"),
    ("/apis/import", "apis.manage"),
    ("/apis/{api}/edit", "apis.manage"),
    ("/apis/{api}/delete", "apis.manage"),
    ("/api-sets/new", "apis.manage"),
    ("/api-sets/{set}/edit", "apis.manage"),
    ("/api-sets/templates/{template}", "apis.manage"),
    ("/admin/applications/new", "applications.manage"),
    ("/admin/applications/{id}/edit", "applications.manage"),
    ("/admin/applications/{id}/delete", "applications.manage"),
    ("/admin/applications/{id}/mail", "applications.manage"),
    ("/admin/applications/types/new", "applications.manage"),
    ("/admin/api-users/of/{type}/new", "applications.manage"),
    ("/admin/api-users/{id}/edit", "applications.manage"),
    ("/admin/api-users/{id}/password", "applications.manage"),
    ("/admin/users/new", "users.manage"),
    ("/admin/users/{id}/edit", "users.manage"),
    ("/admin/users/{id}/disable", "users.manage"),
    ("/admin/roles/new", "roles.manage"),
    ("/admin/roles/{role}/edit", "roles.manage"),
    ("/admin/webhooks/new", "policy.manage"),
    ("/admin/webhooks/{id}/edit", "policy.manage"),
];

/// The authority that the page at this address of the router takes.
pub(crate) fn needed(route: &str) -> Option<&'static str> {
    FORMS.iter().find(|(form, _)| *form == route).map(|(_, authority)| *authority)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::sources;

    #[test]
    fn every_address_of_the_table_is_one_of_a_page() {
        let all: String = sources("src/pages").into_iter().map(|(_, source)| source).collect();
        for (form, authority) in FORMS {
            assert!(all.contains(&format!("\"{form}\"")), "{form}");
            assert!(claviger_domain::authority::Authority::named(authority).is_some(), "{authority}");
        }
        assert_eq!(needed("/keys"), None);
    }
}
