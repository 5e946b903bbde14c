//! No page is forgotten: each address that the console answers to is one of those that axe looks at, or is no page.

use std::path::Path;

use super::{api_users, on, pages, people_pages, rules};

/// What answers to `GET` and is no page: files, and addresses that lead on to one.
const NO_PAGES: [&str; 9] = [
    "/",
    "/assets/{digest}/{name}",
    "/admin/audit/export",
    "/admin/organization/scanner-rules/{scanner}",
    "/keys/export",
    "/usage/export",
    "/profile/security/two-factor",
    "/profile/security/two-factor/confirm",
    "/profile/security/two-factor/recovery-codes",
];

/// The addresses that the sources route `GET` of.
fn routes() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/console/src");
    let (mut folders, mut routes) = (vec![root], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = std::fs::read_to_string(&path).expect("a source");
                // Constants stand in the file, or in that of its folder.
                let around = std::fs::read_to_string(path.with_file_name("mod.rs")).unwrap_or_default();
                routes.extend(routes_of(&source, &format!("{source}{around}")));
            }
        }
    }
    routes.sort();
    routes
}

fn routes_of(source: &str, constants: &str) -> Vec<String> {
    let mut routes = Vec::new();
    for part in source.split(".route(").skip(1) {
        let Some((address, methods)) = part.split_once(',') else { continue };
        if !methods.trim_start().starts_with("get(") {
            continue;
        }
        let written = address.trim().strip_prefix('"').unwrap_or_else(|| {
            let constant = format!("const {}: &str = \"", address.trim());
            constants.split_once(&constant).unwrap_or_else(|| panic!("{address} is no constant")).1
        });
        routes.push(written.split('"').next().unwrap_or_default().to_owned());
    }
    routes
}

/// Whether a path is one of a route.
fn fits(route: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
    let is_same = |(part, given): (&&str, &&str)| part == given || part.starts_with('{') && !given.is_empty();
    route.len() == path.len() && route.iter().zip(&path).all(is_same)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_looks_at_every_page_that_there_is() {
    on(async |world, _| {
        let mut looked_at = pages::pages(world).await;
        looked_at.extend(pages::between(world).await);
        looked_at.extend(pages::OUTSIDE.map(str::to_owned));
        looked_at.extend(rules::furnished(world).await);
        looked_at.extend(people_pages::furnished(world).await);
        looked_at.extend(api_users::furnished(world).await);
        let routes = routes();
        assert!(routes.len() > 60, "{routes:?}");
        // A route of words is nearer than one that takes any.
        let nearest = |path: &str| {
            let fitting = routes.iter().filter(|route| fits(route, path));
            fitting.min_by_key(|route| route.matches('{').count()).map(String::as_str)
        };
        let seen: Vec<_> = looked_at.iter().filter_map(|path| nearest(path)).collect();
        let forgotten: Vec<_> = routes
            .iter()
            .filter(|route| !seen.contains(&route.as_str()) && !NO_PAGES.contains(&route.as_str()))
            .collect();
        assert!(forgotten.is_empty(), "add these to a list of pages that axe looks at: {forgotten:?}");
        let gone: Vec<_> = NO_PAGES.iter().filter(|path| !routes.iter().any(|route| route == **path)).collect();
        assert!(gone.is_empty(), "the console answers to these no more: {gone:?}");
    })
    .await;
}
