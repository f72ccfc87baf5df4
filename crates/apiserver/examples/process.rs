//! A server in a process of its own, for tests that stop, kill or pause it, in any language.
//!
//! `process DIR ADDR:PORT [--no-controllers]` keeps its data in `DIR/data`, takes the users of `DIR/tokens.csv`, writes
//! `DIR/ca.crt` and `DIR/admin-cert.kubeconfig`, prints its URL, and then obeys its standard input, a word in each line:
//! `compact` and `drop-watches` are answered by a line, `stop` ends it, and the end of input removes `DIR` as well.
#![expect(clippy::print_stdout, reason = "its answers")]

use secrecy::ExposeSecret;
use std::{env, error::Error, fs, path::Path};
use tidegate_apiserver::{Options, Server};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [dir, listen, flags @ ..] = arguments.as_slice() else {
        return Err("usage: process DIR ADDR:PORT [--no-controllers]".into());
    };
    let dir = Path::new(dir);
    let server = Server::start(Options {
        data_dir: Some(dir.join("data")),
        listen: listen.parse()?,
        token_auth_file: Some(dir.join("tokens.csv")),
        controllers: !flags.iter().any(|flag| flag == "--no-controllers"),
        ..Options::default()
    })
    .await?;
    fs::write(dir.join("ca.crt"), server.ca_pem())?;
    fs::write(
        dir.join("admin-cert.kubeconfig"),
        server.admin_kubeconfig()?.expose_secret(),
    )?;
    println!("{}", server.url());
    let ended = obey(&server).await;
    server.stop().await;
    if matches!(ended, Ended::Input) {
        fs::remove_dir_all(dir)?;
    }
    Ok(())
}

/// Why the server is to end.
enum Ended {
    Stop,
    Input,
}

async fn obey(server: &Server) -> Ended {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match line.as_str() {
            "stop" => return Ended::Stop,
            "compact" => match server.compact().await {
                Ok(()) => println!("ok"),
                Err(error) => println!("{error}"),
            },
            "drop-watches" => {
                server.fault_drop_watches();
                println!("ok");
            }
            other => println!("{other:?} is not a command"),
        }
    }
    Ended::Input
}
