//! What differs between two configurations, by the names of the settings.

use std::collections::BTreeMap;

use super::Config;

/// What takes effect while the server runs. All else takes a restart.
pub const RELOADED: [&str; 2] = ["doors.trusted_proxies", "log.filter"];

/// The settings, dotted, in which `new` differs from `old`; secrets are not looked at.
pub(crate) fn changed(old: &Config, new: &Config) -> Vec<String> {
    let (old, new) = (settings(old), settings(new));
    let differs = |name: &&String| old.get(*name) != new.get(*name);
    let mut names: Vec<String> = old.keys().chain(new.keys()).filter(differs).cloned().collect();
    names.sort();
    names.dedup();
    names
}

fn settings(config: &Config) -> BTreeMap<String, toml::Value> {
    let mut settings = BTreeMap::new();
    // A configuration is a table: `config show` prints it.
    if let Ok(table) = toml::Table::try_from(config) {
        collect(table, "", &mut settings);
    }
    settings
}

fn collect(table: toml::Table, prefix: &str, settings: &mut BTreeMap<String, toml::Value>) {
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        match value {
            toml::Value::Table(inner) => collect(inner, &format!("{name}."), settings),
            value => drop(settings.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_named() {
        let old = Config::default();
        assert_eq!(changed(&old, &old), Vec::<String>::new());
        let mut new = old.clone();
        new.log.filter = "debug".to_owned();
        new.doors.settings.trusted_proxies.clear();
        new.doors.listen = "127.0.0.1:1".parse().expect("an address");
        new.control.url = Some("https://keys.example.com".parse().expect("a URL"));
        assert_eq!(changed(&old, &new), ["control.url", "doors.listen", "doors.trusted_proxies", "log.filter"]);
        assert_eq!(changed(&new, &old), changed(&old, &new), "what is left out differs too");
    }

    #[test]
    fn what_is_reloaded_is_a_setting_and_the_documentation_names_it() {
        const DOCUMENTATION: &str = include_str!("../../../../docs/operating.md");
        let known = settings(&Config::default());
        for name in RELOADED {
            assert!(known.contains_key(name) && DOCUMENTATION.contains(&format!("`{name}`")), "{name}");
        }
    }
}
