//! A process that may open few files: connections that nobody needs leave enough of them to the store.

use crate::{
    api::{Api, CONFIG_MAPS, config_map},
    folder::Folder,
    process::{Running, Up},
};
use http::Method;
use std::net::TcpStream;

/// So many files are allowed.
const FILES: usize = 150;

#[test]
fn connections_leave_files_for_the_store() {
    let folder = Folder::new();
    let (data, program) = (folder.text("data"), env!("CARGO_BIN_EXE_tidegate"));
    let script = format!("ulimit -n {FILES}; exec '{program}' up --no-gateway --data-dir '{data}'");
    let up = Up::of(Running::shell(&script));
    let api: Api = up.api();
    api.create("a");
    let address = up.url.trim_start_matches("https://");
    let idle: Vec<TcpStream> = (0..2 * FILES)
        .map(|_| TcpStream::connect(address).expect("a connection"))
        .collect();
    // More than a file of the log holds, so that the next one is begun.
    let value = "x".repeat(900_000);
    for number in 0..12 {
        let object = config_map(&format!("large-{number}"), &value);
        let (status, answer) = api.send(&Method::POST, CONFIG_MAPS, &object);
        assert_eq!(status, 201, "{answer}");
    }
    drop(idle);
    up.end();
}
