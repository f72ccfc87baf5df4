//! `--manifests`: a directory is applied and followed.

use crate::{
    api::{Api, config_map},
    folder::Folder,
    process::{Up, until},
};

use std::{os::unix::fs::symlink, process::Command};

const CRD: &str = include_str!("../kubectl/files/crd.yaml");
const BOATS: &str = "/apis/harbor.example.org/v1/namespaces/default/boats";

fn start(folder: &Folder) -> Up {
    Up::on(folder, &["--manifests", &folder.text("files")])
}

fn yaml(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  k: \"{value}\"\n")
}

fn boat(name: &str) -> String {
    format!(
        "apiVersion: harbor.example.org/v1\nkind: Boat\nmetadata:\n  name: {name}\nspec:\n  berth: A1\n"
    )
}

/// What a config map holds.
fn value(api: &Api, name: &str) -> Option<String> {
    Some(api.config_map(name)?["data"]["k"].as_str()?.to_owned())
}

#[track_caller]
fn until_value(api: &Api, name: &str, expected: Option<&str>) {
    until(&format!("{name} with {expected:?}"), || {
        (value(api, name).as_deref() == expected).then_some(())
    });
}

#[test]
fn changes_are_followed_and_removals_pruned() {
    let folder = Folder::new();
    folder.write(
        "files/deep/a.yaml",
        &format!("{}---\n{}", yaml("a", "1"), yaml("b", "1")),
    );
    folder.write("files/c.json", &config_map("c", "1").to_string());
    folder.write("files/.hidden.yaml", &yaml("hidden", "1"));
    folder.write("files/notes.txt", "no manifest");
    let up = start(&folder);
    let api = up.api();
    for name in ["a", "b", "c"] {
        until_value(&api, name, Some("1"));
    }
    api.create("foreign");
    folder.write("files/deep/a.yaml", &yaml("a", "22"));
    until_value(&api, "a", Some("22"));
    until_value(&api, "b", None);
    folder.remove("files/c.json");
    until_value(&api, "c", None);
    assert!(value(&api, "foreign").is_some() && value(&api, "hidden").is_none());
}

#[test]
fn what_went_while_it_did_not_run_is_pruned_too() {
    let folder = Folder::new();
    folder.write("files/a.yaml", &yaml("a", "1"));
    folder.write("files/b.yaml", &yaml("b", "1"));
    let up = start(&folder);
    until_value(&up.api(), "b", Some("1"));
    up.end();
    folder.remove("files/b.yaml");
    let up = start(&folder);
    until_value(&up.api(), "b", None);
    until_value(&up.api(), "a", Some("1"));
}

#[test]
fn a_bad_file_is_named_with_its_line_and_changes_nothing() {
    let folder = Folder::new();
    folder.write("files/a.yaml", &yaml("a", "1"));
    folder.write("files/b.yaml", &yaml("b", "1"));
    let up = start(&folder);
    let api = up.api();
    until_value(&api, "b", Some("1"));
    // The first document is good, but the file is not; what is only in it stays as it was.
    folder.write("files/a.yaml", &format!("{}---\nkind: [\n", yaml("z", "1")));
    up.running
        .complains("a.yaml:8: did not find expected node content");
    folder.write("files/b.yaml", &yaml("b", "2"));
    until_value(&api, "b", Some("2"));
    assert_eq!(
        (value(&api, "a").as_deref(), value(&api, "z")),
        (Some("1"), None)
    );
    for (text, words) in [
        ("kind: ConfigMap\n", "a.yaml:1: apiVersion is missing"),
        (
            "apiVersion: v1\nkind: ConfigMap\nkind: Secret\nmetadata: {name: a}\n",
            "a.yaml:3: ",
        ),
    ] {
        folder.write("files/a.yaml", text);
        up.running.complains(words);
    }
    // What the server refuses is named by the line at which it begins.
    folder.write(
        "files/a.yaml",
        &format!("{}---\n{}dta: {{}}\n", yaml("a", "3"), yaml("z", "1")),
    );
    let line = up.running.complains("a.yaml:8: ");
    assert!(
        line.contains(".dta: field not declared in schema"),
        "{line}"
    );
    until_value(&api, "a", Some("3"));
    folder.write("files/a.yaml", &yaml("z", "1"));
    until_value(&api, "z", Some("1"));
    until_value(&api, "a", None);
}

#[test]
fn kinds_are_waited_for() {
    let folder = Folder::new();
    folder.write("files/boat.yaml", &boat("one"));
    let up = start(&folder);
    let api = up.api();
    up.running
        .complains("boat.yaml:1: no kind Boat in harbor.example.org/v1 is served yet");
    folder.write("files/crd.yaml", CRD);
    until("boat", || {
        (api.get(&format!("{BOATS}/one")).0 == 200).then_some(())
    });
    up.end();
    // Where both are new, nothing fails on the way.
    let folder = Folder::new();
    folder.write("files/all.yaml", &format!("{}---\n{CRD}", boat("two")));
    let up = start(&folder);
    up.running
        .complains("Boat.harbor.example.org/two in default applied");
    assert_eq!(up.api().get(&format!("{BOATS}/two")).0, 200);
}

#[test]
fn an_object_stands_in_one_file() {
    let folder = Folder::new();
    folder.write("files/a.yaml", &yaml("a", "1"));
    folder.write("files/b.yaml", &yaml("a", "2"));
    let up = start(&folder);
    up.running
        .complains("b.yaml:1: ConfigMap/a in default is in a.yaml:1 already");
    until_value(&up.api(), "a", Some("1"));
    let (_, list) = up
        .api()
        .get("/api/v1/namespaces/kube-system/configmaps/tidegate-manifests");
    assert_eq!(list["data"]["objects"], "- v1 ConfigMap default a");
    folder.remove("files/a.yaml");
    until_value(&up.api(), "a", Some("2"));
}

#[test]
fn what_others_own_is_not_pruned() {
    let folder = Folder::new();
    // Refused, so that it is never applied from here; then somebody else makes it.
    folder.write(
        "files/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nbad: 1\n",
    );
    let up = start(&folder);
    up.running.complains("a.yaml:1: ");
    up.api().create("a");
    folder.remove("files/a.yaml");
    folder.write("files/b.yaml", &yaml("b", "1"));
    until_value(&up.api(), "b", Some("1"));
    assert_eq!(value(&up.api(), "a").as_deref(), Some("1"));
    assert_eq!(
        up.running
            .complaints()
            .iter()
            .filter(|line| line.contains("deleted"))
            .count(),
        0
    );
}

/// A pipe that nobody writes to would be waited for; links in a circle would be followed to the end of all names.
#[test]
fn only_files_are_read_and_each_folder_once() {
    let folder = Folder::new();
    folder.write("files/a.yaml", &yaml("a", "1"));
    folder.write("files/deep/b.yaml", &yaml("b", "1"));
    for (target, link) in [("..", "up"), (".", "self"), ("../files", "deep/again")] {
        symlink(target, folder.path("files").join(link)).expect("a link");
    }
    symlink("/dev/zero", folder.path("files/endless.yaml")).expect("a link");
    let pipe = Command::new("mkfifo")
        .arg(folder.path("files/pipe.yaml"))
        .status();
    assert!(pipe.expect("mkfifo runs").success());
    let up = start(&folder);
    up.running.says("Manifests are followed");
    for name in ["a", "b"] {
        until_value(&up.api(), name, Some("1"));
    }
    let complaints = up.running.complaints();
    let applied = |line: &String| line.contains(" applied");
    assert!(complaints.iter().all(applied), "{complaints:?}");
}

/// Nothing in it is applied but its name, so no field of it would have an owner.
#[test]
fn an_object_that_is_only_a_name_is_pruned_too() {
    let folder = Folder::new();
    folder.write("files/a.yaml", &yaml("a", "1"));
    let bare = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: sea\n";
    folder.write("files/b.yaml", bare);
    let up = start(&folder);
    let api = up.api();
    let status = || api.get("/api/v1/namespaces/sea").0;
    until("the namespace", || (status() == 200).then_some(()));
    until_value(&api, "a", Some("1"));
    folder.remove("files/b.yaml");
    until("its end", || (status() == 404).then_some(()));
}
