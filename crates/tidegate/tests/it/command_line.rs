//! What the command line says without any cluster: usage, messages, exit codes, completion.

use crate::process::{Finished, finish, tidegate};
use std::path::Path;

fn run(arguments: &[&str]) -> Finished {
    finish(&mut tidegate(Path::new("/nonexistent"), arguments))
}

#[track_caller]
fn check(arguments: &[&str], code: i32, words: &str) {
    let finished = run(arguments);
    assert_eq!(finished.code, Some(code), "{arguments:?}: {finished:?}");
    assert!(
        finished.stderr.contains(words),
        "{arguments:?}: {finished:?}"
    );
    assert_eq!(finished.stdout, "", "{arguments:?}");
}

#[test]
fn usage_errors_exit_with_1_as_kubectls() {
    check(&[], 1, "Usage: tidegate");
    check(&["watch"], 1, "required arguments were not provided");
    check(
        &["watch", "pods", "--frob"],
        1,
        "unexpected argument '--frob'",
    );
    check(&["watch", "--all", "pods"], 1, "cannot be used with");
    check(&["watch", "pods", "-o", "xml"], 1, "invalid value 'xml'");
    check(
        &["watch", "pods", "--table", "-o", "json"],
        1,
        "error: --table goes with -o wide only",
    );
    check(
        &["watch", "pod/a", "-l", "x=y"],
        1,
        "error: name cannot be provided when a selector is specified",
    );
    check(
        &["watch", "pod/a", "-A"],
        1,
        "error: a resource cannot be retrieved by name across all namespaces",
    );
    check(&["watch", "pods", "--webhook-spill", "x"], 1, "--webhook");
}

#[test]
fn what_is_local_fails_before_anything_connects() {
    check(
        &["watch", "pods", "--filter", "object.a =="],
        1,
        "error: invalid --filter: ",
    );
    check(
        &["watch", "pods", "--filter", "pod.x"],
        1,
        "error: invalid --filter: there is no 'pod'",
    );
    check(
        &["watch", "pods", "--webhook", "ftp://x/"],
        1,
        "error: --webhook: the URL must start with http:// or https://",
    );
    check(
        &[
            "watch",
            "pods",
            "--webhook",
            "http://x/",
            "--webhook-spill-max",
            "x",
        ],
        1,
        "error: --webhook-spill-max: ",
    );
    check(
        &[
            "watch",
            "pods",
            "--webhook",
            "http://x/",
            "--webhook-secret-file",
            "/nonexistent",
        ],
        1,
        "error: --webhook-secret-file",
    );
    check(
        &["watch", "pods", "--metrics", "nowhere"],
        1,
        "error: --metrics nowhere: ",
    );
}

#[test]
fn servers_and_kubeconfigs_that_are_not_there() {
    check(
        &["watch", "pods", "--server", "http://127.0.0.1:1"],
        1,
        "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?",
    );
    check(
        &["watch", "pods", "--kubeconfig", "/nonexistent"],
        1,
        "error: stat /nonexistent: no such file or directory",
    );
    check(&["watch", "pods"], 1, "error: ");
    check(
        &["watch", "pods", "--request-timeout", "soon"],
        1,
        "error: --request-timeout: ",
    );
}

#[test]
fn a_bad_secret_is_never_shown() {
    let finished = finish(
        tidegate(
            Path::new("/nonexistent"),
            &["watch", "pods", "--webhook", "http://x/"],
        )
        .env("TIDEGATE_WEBHOOK_SECRET", "whsec_hunter2!"),
    );
    assert_eq!(finished.code, Some(1));
    assert!(
        finished
            .stderr
            .contains("error: the webhook secret starts with whsec_"),
        "{finished:?}"
    );
    assert!(!finished.stderr.contains("hunter2"), "{finished:?}");
}

#[test]
fn help_and_version_exit_with_0() {
    for (arguments, words) in [
        (&["--help"] as &[&str], "Print a shell completion script"),
        (
            &["watch", "--help"],
            "Exit codes: 0 done, 1 error, 130 after SIGINT, 143 after SIGTERM.",
        ),
        (&["watch", "-h"], "--until-synced"),
        (
            &["--version"],
            concat!("tidegate ", env!("CARGO_PKG_VERSION")),
        ),
    ] {
        let finished = run(arguments);
        assert_eq!(finished.code, Some(0), "{arguments:?}");
        assert!(
            finished.stdout.contains(words),
            "{arguments:?}: {}",
            finished.stdout
        );
    }
}

#[test]
fn completion_for_every_shell() {
    for (shell, words) in [
        ("bash", "_tidegate()"),
        ("zsh", "#compdef tidegate"),
        ("fish", "complete -c tidegate"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let finished = run(&["completion", shell]);
        assert_eq!(finished.code, Some(0));
        assert!(finished.stdout.contains(words), "{shell}");
        assert!(finished.stdout.contains("until-synced"), "{shell}");
    }
}
