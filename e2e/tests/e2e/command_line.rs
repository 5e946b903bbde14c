//! What people meet on the command line beside the operations themselves: completion, empty lists, the first lines of a log.

use std::process::Command;

use crate::harness::process::{Serving, binary, command, run, text};

#[test]
fn every_shell_gets_its_completions() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(command(folder.path(), &["completions", shell]), "");
        let script = text(&output.stdout);
        assert!(output.status.success(), "{shell}: {}", text(&output.stderr));
        for word in ["claviger", "master-secret", "restore", "overlap-seconds"] {
            assert!(script.contains(word), "{shell}: no {word:?}");
        }
    }
    assert_eq!(run(command(folder.path(), &["completions", "dos"]), "").status.code(), Some(2));
}

#[test]
fn bash_completes_commands_and_options() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (line, expected) in [
        ("claviger back", "backup"),
        ("claviger master-secret r", "rotate"),
        ("claviger key rotate --over", "--overlap-seconds"),
        ("claviger completions b", "bash"),
    ] {
        let words: Vec<_> = line.split(' ').collect();
        let script = format!(
            "source <({binary} completions bash) && complete -p claviger > /dev/null && \
             COMP_WORDS=({line}) && COMP_CWORD={at} && _claviger claviger {last} {before} && echo \"${{COMPREPLY[@]}}\"",
            binary = binary().display(),
            at = words.len() - 1,
            last = words[words.len() - 1],
            before = words[words.len() - 2],
        );
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).env_clear().env("PATH", "/usr/bin:/bin").current_dir(folder.path());
        let output = run(bash, "");
        assert_eq!(text(&output.stdout).trim(), expected, "{line}: {}", text(&output.stderr));
    }
}

#[tokio::test]
async fn an_empty_list_says_what_to_do_and_a_first_start_is_brief() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let serving = Serving::start(&data, None).await;
    let about_tables = serving.log().lines().filter(|line| line.contains("tables") || line.contains("migrat")).count();
    assert_eq!(about_tables, 1, "one line, however many steps:\n{}", serving.log());
    let list = |arguments: &[&str]| {
        let output = run(command(&data, arguments), "");
        assert!(output.status.success(), "{}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    let (shown, said) = list(&["organization", "list"]);
    assert_eq!(
        (shown.as_str(), said.as_str()),
        ("", "No organizations yet. Make one: claviger setup --organization NAME --email ADDRESS\n")
    );
    list(&["setup", "--organization", "Acme", "--email", "ada@example.com"]);
    let (shown, said) = list(&["application", "list"]);
    assert!(shown.is_empty() && said.contains("claviger application create"), "{shown}{said}");
    let (shown, said) = list(&["key", "list", "--text", "nobody"]);
    assert_eq!((shown.as_str(), said.as_str()), ("", "No keys like that.\n"));
    let (shown, _) = list(&["application", "list", "--json"]);
    assert!(shown.contains("\"data\": []"), "{shown}");
    let (shown, said) = list(&["key", "list"]);
    assert!(shown.starts_with("ID") && said == "1 key\n", "{shown}{said}");
    serving.stop();
}
