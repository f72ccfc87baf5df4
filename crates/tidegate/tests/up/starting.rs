//! Where it listens, what it leaves on disk, how it ends, and what it refuses.

use crate::{
    api::Api,
    folder::{Folder, mode},
    process::{Running, Up, finish, until},
};
use std::{fs, net::TcpListener, os::unix::fs::symlink, path::Path};

#[test]
fn in_memory_nothing_is_left() {
    let folder = Folder::new();
    let up = Up::start(&["--in-memory"]);
    let kubeconfig = up.kubeconfig.clone();
    assert!(
        kubeconfig.is_absolute() && mode(&kubeconfig) == 0o600,
        "{kubeconfig:?}"
    );
    assert!(up.url.starts_with("https://127.0.0.1:"), "{}", up.url);
    up.api().create("a");
    up.end();
    assert!(!kubeconfig.exists());
    let named = folder.path("kubeconfig");
    let up = Up::start(&["--in-memory", "--kubeconfig", &folder.text("kubeconfig")]);
    assert_eq!(up.kubeconfig, named);
    assert!(Api::of(&named).config_map("a").is_none());
    up.end();
    assert!(named.exists(), "what was asked for by name stays");
}

#[test]
fn a_data_directory_keeps_everything() {
    let folder = Folder::new();
    let up = Up::on(&folder, &[]);
    let object = up.api().create("a");
    for (path, expected) in [
        ("data", 0o700),
        ("data/admin.kubeconfig", 0o600),
        ("data/pki/ca.key", 0o600),
    ] {
        assert_eq!(mode(&folder.path(path)), expected, "{path}");
    }
    let authority = fs::read(folder.path("data/pki/ca.crt")).expect("a certificate");
    up.end();
    let up = Up::on(&folder, &[]);
    assert_eq!(up.api().config_map("a"), Some(object));
    assert_eq!(
        fs::read(folder.path("data/pki/ca.crt")).expect("a certificate"),
        authority
    );
    up.end();
}

#[test]
fn listens_where_it_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = free.local_addr().expect("an address").to_string();
    let taken = finish(&["up", "--in-memory", "--listen", &address]);
    assert_eq!((taken.code, taken.stdout.as_str()), (Some(1), ""));
    assert!(
        taken
            .stderr
            .starts_with(&format!("error: cannot listen on {address}: ")),
        "{taken:?}"
    );
    drop(free);
    let up = Up::start(&["--in-memory", "--listen", &address]);
    assert_eq!(up.url, format!("https://{address}"));
    assert_eq!(up.api().get("/version").0, 200);
}

#[test]
fn a_second_start_on_a_directory_is_refused() {
    let folder = Folder::new();
    let up = Up::on(&folder, &[]);
    let before = fs::read(&up.kubeconfig).expect("a kubeconfig");
    let second = finish(&["up", "--data-dir", &folder.text("data")]);
    let expected = format!(
        "error: {} is in use: another tidegate runs on it\n",
        folder.text("data")
    );
    assert_eq!(
        (second.code, second.stderr.as_str()),
        (Some(1), expected.as_str())
    );
    assert_eq!(fs::read(&up.kubeconfig).expect("a kubeconfig"), before);
    assert_eq!(up.api().get("/readyz").0, 200);
    up.end();
    Up::on(&folder, &[]).end();
}

#[test]
fn what_can_not_be_is_said() {
    let folder = Folder::new();
    folder.write("file", "");
    let file = folder.text("file");
    for (arguments, words) in [
        (["--data-dir", &file], "error: cannot make "),
        (
            ["--manifests", "/nonexistent"],
            "error: /nonexistent is no directory",
        ),
        (
            ["--token-auth-file", "/nonexistent"],
            "error: token file '/nonexistent': ",
        ),
        (
            ["--kubeconfig", "/nonexistent/k"],
            "error: cannot write /nonexistent/k: ",
        ),
        (["--listen", "nowhere"], "error: invalid value 'nowhere'"),
    ] {
        let data = folder.text("data");
        let place = if arguments[0] == "--data-dir" {
            vec![]
        } else {
            vec!["--data-dir", data.as_str()]
        };
        let finished = finish(&[&["up"], &arguments[..], &place[..]].concat());
        assert_eq!(finished.code, Some(1), "{arguments:?}: {finished:?}");
        assert!(
            finished.stderr.starts_with(words),
            "{arguments:?}: {finished:?}"
        );
    }
}

#[test]
fn ends_in_peace_while_a_watch_runs() {
    for signal in ["TERM", "INT"] {
        let mut up = Up::start(&["--in-memory"]);
        let kubeconfig = up.kubeconfig.display().to_string();
        let watch = Running::start(&["watch", "configmaps", "-A", "--kubeconfig", &kubeconfig]);
        watch.says("SYNCED");
        up.running.signal(signal);
        assert_eq!(up.running.wait(), Some(0), "{signal}");
    }
}

#[test]
fn a_directory_that_was_deleted_is_made_anew() {
    let folder = Folder::new();
    Up::on(&folder, &[]).end();
    fs::remove_dir_all(folder.path("data")).expect("deleted");
    let up = Up::on(&folder, &[]);
    until("default service account", || {
        let (status, _) = up
            .api()
            .get("/api/v1/namespaces/default/serviceaccounts/default");
        (status == 200).then_some(())
    });
}

#[test]
fn a_kubeconfig_that_is_asked_for_is_one_more() {
    let folder = Folder::new();
    folder.write("elsewhere", "old");
    symlink(folder.path("elsewhere"), folder.path("link")).expect("a link");
    let up = Up::on(&folder, &["--kubeconfig", &folder.text("link")]);
    assert_eq!(up.kubeconfig, folder.path("link"));
    up.api().create("a");
    assert!(folder.path("link").is_symlink(), "a link stays one");
    let text = |name: &str| fs::read_to_string(folder.path(name)).expect("a file");
    assert_eq!(text("elsewhere"), text("data/admin.kubeconfig"));
    let (data, file) = (folder.text("data"), folder.text("backup"));
    let backup = finish(&["backup", "--data-dir", &data, &file]);
    assert_eq!((backup.code, backup.stderr.as_str()), (Some(0), ""));
    up.end();
    // What is no file stays what it is, and gets the text.
    let up = Up::on(&folder, &["--kubeconfig", "/dev/stdout"]);
    up.end();
    let device = fs::metadata("/dev/null").expect("a device");
    let up = Up::on(&folder, &["--kubeconfig", "/dev/null"]);
    assert_eq!(up.kubeconfig, Path::new("/dev/null"));
    up.end();
    let after = fs::metadata("/dev/null").expect("a device");
    assert_eq!(device.file_type(), after.file_type());
}
