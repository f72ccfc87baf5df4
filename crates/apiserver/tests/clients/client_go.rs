//! client-go's informers: a program in Go, and a server that does what the program asks for.

use super::go::program;
use secrecy::ExposeSecret;
use std::{path::Path, process::Stdio, time::Duration};
use tidegate_apiserver::{Options, Server};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// How long the program may be silent.
const PATIENCE: Duration = Duration::from_secs(120);

/// The program, running.
struct Program {
    child: Child,
    answers: ChildStdin,
    asks: Lines<BufReader<ChildStdout>>,
}

impl Program {
    async fn start(kubeconfig: &Path, streams: bool) -> Self {
        let mut child = Command::new(program("clients").await)
            .arg(kubeconfig)
            .env("KUBE_FEATURE_WatchListClient", streams.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        Self {
            answers: child.stdin.take().expect("a pipe"),
            asks: BufReader::new(child.stdout.take().expect("a pipe")).lines(),
            child,
        }
    }

    /// What it wants next.
    async fn next(&mut self) -> String {
        let line = timeout(PATIENCE, self.asks.next_line()).await;
        let line = line.expect("it says something in time").expect("a line");
        line.expect("it ended, and said why on its standard error")
    }
}

async fn check(streams: bool) {
    let name = format!("tidegate-client-go-{streams}-{}", std::process::id());
    let dir = std::env::temp_dir().join(name);
    let kubeconfig = dir.join("admin.kubeconfig");
    let mut options = Options {
        data_dir: Some(dir.clone()),
        ..Options::default()
    };
    let mut server = Server::start(options.clone()).await.expect("a server");
    // Where it is now, it is to be found again after a restart.
    options.listen = server.address();
    let text = server.admin_kubeconfig().expect("a kubeconfig");
    std::fs::write(&kubeconfig, text.expose_secret()).expect("written");
    let mut program = Program::start(&kubeconfig, streams).await;
    loop {
        match program.next().await.as_str() {
            "drop" => server.fault_drop_watches(),
            "compact" => server.compact().await.expect("compacted"),
            "restart" => {
                server.stop().await;
                server = Server::start(options.clone()).await.expect("a server");
            }
            "well" => break,
            other => panic!("it asks for {other:?}"),
        }
        let answered = program.answers.write_all(b"done\n").await;
        answered.expect("it listens");
    }
    let ended = program.child.wait().await.expect("it ends");
    assert!(ended.success());
    server.stop().await;
    std::fs::remove_dir_all(dir).expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn informers_that_list() {
    check(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn informers_that_stream() {
    check(true).await;
}
