//! `--token-auth-file`: more users, each with what RBAC gives them, and nobody without a token.

use crate::{
    api::{Api, CONFIG_MAPS},
    folder::Folder,
    process::{Up, finish},
};
use std::fs;

/// The administrator's kubeconfig with a token in place of the certificate.
fn kubeconfig(folder: &Folder, up: &Up, token: &str) -> std::path::PathBuf {
    let text = fs::read_to_string(&up.kubeconfig).expect("a kubeconfig");
    let lines = text.lines().filter_map(|line| {
        let indent = &line[..line.len() - line.trim_start().len()];
        match line.trim().split(':').next() {
            Some("client-certificate-data") => Some(format!("{indent}token: {token}\n")),
            Some("client-key-data") => None,
            _ => Some(format!("{line}\n")),
        }
    });
    let name = format!("{token}.kubeconfig");
    folder.write(&name, &lines.collect::<String>());
    folder.path(&name)
}

#[test]
fn tokens_are_users() {
    let folder = Folder::new();
    let tokens = "t-root,root,1,\"system:masters,staff\"\nt-guest,guest,2\n";
    folder.write("tokens.csv", tokens);
    let up = Up::on(&folder, &["--token-auth-file", &folder.text("tokens.csv")]);
    for (token, status, words) in [
        ("t-root", 200, ""),
        (
            "t-guest",
            403,
            "User \"guest\" cannot list resource \"configmaps\"",
        ),
        ("t-nobody", 401, "Unauthorized"),
    ] {
        let (found, body) = Api::of(&kubeconfig(&folder, &up, token)).get(CONFIG_MAPS);
        assert_eq!(found, status, "{token}: {body}");
        let message = body["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{token}: {body}");
    }
}

#[test]
fn a_bad_file_is_named_with_its_line() {
    let folder = Folder::new();
    folder.write("tokens.csv", "t-root,root,1\nt-guest,guest\n");
    let tokens = folder.text("tokens.csv");
    let finished = finish(&["up", "--in-memory", "--token-auth-file", &tokens]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(
        finished.stderr.contains(&tokens) && finished.stderr.contains('2'),
        "{finished:?}"
    );
    assert!(
        !finished.stderr.contains("t-guest"),
        "a token is secret: {finished:?}"
    );
}
