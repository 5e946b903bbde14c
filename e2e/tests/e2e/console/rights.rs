//! What somebody may not do is not shown: no form that they may not send, and no link that leads to a refusal.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ADA, PASSWORD, call, on};
use crate::harness::app::person;
use crate::harness::browser::Browser;
use crate::harness::chromium::Chromium;
use crate::harness::world::World;

/// People, and what their role gives; the predefined roles go by their slugs.
const PEOPLE: [(&str, &[&str]); 12] = [
    ("auditor", &[]),
    ("developer", &[]),
    ("key-manager", &[]),
    ("nobody", &[]),
    ("of-people", &["users.read", "users.manage"]),
    ("of-roles", &["roles.manage"]),
    ("of-apis", &["apis.read", "apis.manage"]),
    ("of-applications", &["keys.read", "applications.manage"]),
    ("of-keys", &["keys.read", "keys.manage_all"]),
    ("of-own-keys", &["keys.manage_own"]),
    ("of-the-policy", &["policy.manage"]),
    ("of-the-house", &["organization.manage"]),
];

/// Reads pages and answers their statuses and the forms on them; with the first argument it follows their links too. Of links
/// that sort, page or filter, one of each kind is enough; files are not pages.
const READ: &str = "
    const [follows, paths, done] = arguments;
    const unlike = ['sort', 'cursor', 'told', 'format', 'text', 'object'];
    const clean = (href) => {
      const url = new URL(href, location.origin);
      if (url.origin !== location.origin || /^\\/(assets|api)\\//.test(url.pathname)) return [];
      const kept = new URLSearchParams([...url.searchParams].filter(([name]) => !unlike.includes(name)));
      return [url.pathname + (kept.size ? `?${kept}` : '')];
    };
    (async () => {
      const statuses = {};
      const forms = [];
      const queue = [...paths];
      while (queue.length > 0 && Object.keys(statuses).length < 400) {
        const path = queue.shift();
        if (path in statuses) continue;
        const answer = await fetch(path);
        statuses[path] = answer.status;
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        for (const form of page.querySelectorAll('form[method=\"post\"]')) {
          forms.push([path, new URL(form.getAttribute('action'), location.origin).pathname]);
        }
        if (follows) queue.push(...[...page.querySelectorAll('a[href]:not([download])')].flatMap((a) => clean(a.getAttribute('href'))));
      }
      done({statuses, forms});
    })();";

/// Sends a form with nothing in it but the session's token; a redirection, which says that it was done, is 0.
const SEND: &str = "
    const [path, done] = arguments;
    (async () => {
      const page = new DOMParser().parseFromString(await (await fetch('/profile')).text(), 'text/html');
      const body = new URLSearchParams({csrf: page.querySelector('[name=csrf]').value});
      done((await fetch(path, {method: 'POST', body, redirect: 'manual'})).status);
    })();";

/// Whose keys there are.
struct Keys {
    of_ada: String,
    of_others: Vec<String>,
}

/// Who looks.
struct Who<'a> {
    id: String,
    authorities: Vec<String>,
    keys: &'a Keys,
}

impl Who<'_> {
    fn has(&self, authority: &str) -> bool {
        self.authorities.iter().any(|held| held == authority)
    }

    /// Whether they may send the form that goes here.
    fn may(&self, path: &str) -> bool {
        let parts: Vec<_> = path.trim_matches('/').split('/').collect();
        match parts[..] {
            ["theme" | "sign-out" | "search"] | ["profile", "edit" | "security", ..] => true,
            ["profile", "keys", "new"] => self.has("keys.manage_own"),
            ["keys", "rotate"] => self.has("keys.manage_all") || self.has("keys.manage_own") && self.has("keys.read"),
            ["keys", "new"] | ["admin", "applications", _, "keys", "new"] => self.has("keys.manage_all"),
            ["keys", _, "try"] => self.has("keys.read") || self.has("keys.manage_own"),
            ["keys", key, verb] => self.may_do(key, verb),
            ["apis" | "api-sets", ..] => self.has("apis.manage"),
            ["admin", "users", user, "keys", "new"] => user == self.id && self.has("keys.manage_own"),
            ["admin", "users" | "invitations", ..] => self.has("users.manage"),
            ["admin", "roles", ..] => self.has("roles.manage"),
            ["admin", "applications" | "api-users" | "mail", ..] => self.has("applications.manage"),
            ["admin", "policy" | "notices"] | ["admin", "webhooks", ..] => self.has("policy.manage"),
            ["admin", "organization"] => self.has("organization.manage"),
            _ => panic!("whose is a form that goes to {path}?"),
        }
    }

    /// The keys of people are ended by those who manage keys, and changed by themselves alone.
    fn may_do(&self, key: &str, verb: &str) -> bool {
        let ends = ["disable", "enable", "delete"].contains(&verb);
        if key == self.keys.of_ada {
            return ends && self.has("keys.manage_all");
        }
        let is_of_others = self.keys.of_others.iter().any(|other| other == key);
        self.has(if is_of_others { "keys.manage_all" } else { "keys.manage_own" })
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Something of every kind, and somebody of every kind.
async fn furnish(world: &World) -> Keys {
    let kind = json!({"name": "Handhelds", "slug": "handhelds", "sign_in": "key_only", "api_sets": ["orders-read"]});
    call(world, "/application-types", &kind).await;
    let application = call(world, "/applications", &json!({"name": "Scanner", "type": "handhelds"})).await;
    let portal = json!({"name": "Portal", "slug": "portal", "sign_in": "session", "api_sets": ["orders-read"]});
    call(world, "/application-types", &portal).await;
    let portal = call(world, "/applications", &json!({"name": "Shop", "type": "portal"})).await;
    let carol = json!({"application": portal["application"]["id"], "permission_type": 1, "profile_user": ADA});
    call(world, "/api-users", &carol).await;
    let window = call(world, "/keys", &json!({"name": "Window", "api_sets": ["orders-read"]})).await;
    let off = call(world, "/keys", &json!({"name": "Off", "api_sets": ["orders-read"], "disabled": true})).await;
    call(world, "/users", &json!({"email": "invited@example.com", "roles": []})).await;
    let mut ada = Browser::signed_in(world.control, ADA, PASSWORD).await;
    let own = json!({"name": "Of Ada", "api_sets": ["orders-read"]});
    let own = ada.call("POST", "/me/keys", Some(&own)).await.expect(201).json();
    for (name, authorities) in PEOPLE {
        if !authorities.is_empty() {
            call(world, "/roles", &json!({"name": name, "slug": name, "authorities": authorities})).await;
        }
        let roles: &[&str] = if name == "nobody" { &[] } else { &[name] };
        person(world.control, &world.token, name, roles).await;
    }
    let all = world.api("GET", "/keys?limit=100", None).await.expect(200).json();
    let all = all["data"].as_array().expect("keys").iter().map(|key| text(&key["id"]));
    let of_ada = text(&own["key"]["id"]);
    let of_others: Vec<_> = all.filter(|id| *id != of_ada).collect();
    for key in [&window["key"]["id"], &off["key"]["id"], &application["key"]["id"]] {
        assert!(of_others.contains(&text(key)), "{key}");
    }
    Keys { of_ada, of_others }
}

async fn read(browser: &Chromium, follows: bool, paths: &[String]) -> (Vec<(String, u64)>, Vec<(String, String)>) {
    let found = browser.script_with_answer_of(READ, &[json!(follows), json!(paths)]).await;
    let statuses = found["statuses"].as_object().expect("statuses").iter();
    let statuses = statuses.map(|(path, status)| (path.clone(), status.as_u64().expect("a status"))).collect();
    let forms = found["forms"].as_array().expect("forms").iter();
    (statuses, forms.map(|form| (text(&form[0]), text(&form[1]))).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_shown_a_form_that_they_may_not_send_or_a_link_that_is_refused() {
    on(async |world, browser| {
        let keys = furnish(world).await;
        // All pages and forms that there are, as the administrator finds them.
        let (pages, forms) = read(browser, true, &["/".to_owned()]).await;
        let pages: Vec<String> = pages.into_iter().map(|(path, _)| path).collect();
        let actions: BTreeSet<String> = forms.into_iter().map(|(_, action)| action).collect();
        assert!(pages.len() > 60 && actions.len() > 30, "{} pages, {} forms", pages.len(), actions.len());
        for (name, _) in PEOPLE {
            browser.forget().await;
            browser.sign_in(&format!("{name}@example.com"), PASSWORD).await;
            let me = "fetch('/api/v1/me').then((answer) => answer.json()).then(arguments[0])";
            let me = browser.script_with_answer(me).await;
            let authorities = me["authorities"].as_array().expect("authorities").iter().map(text).collect();
            let who = Who { id: text(&me["user"]["id"]), authorities, keys: &keys };
            // What they come to by links is there.
            let (found, shown) = read(browser, true, &["/".to_owned()]).await;
            let refused: Vec<_> = found.iter().filter(|(_, status)| *status != 200).collect();
            assert!(refused.is_empty(), "{name} is shown links to {refused:?}");
            // What they know the address of has no form for them either.
            let (_, known) = read(browser, false, &pages).await;
            let beyond: BTreeSet<_> = shown.iter().chain(&known).filter(|(_, action)| !who.may(action)).collect();
            assert!(beyond.is_empty(), "{name} is shown forms (page, where it goes): {beyond:#?}");
            // And whoever sends one all the same is refused.
            for action in actions.iter().filter(|action| !who.may(action)) {
                let status = browser.script_with_answer_of(SEND, &[json!(action)]).await;
                assert!(status.as_u64().is_some_and(|status| status >= 400), "{name} sent {action}: {status}");
            }
        }
    })
    .await;
}
