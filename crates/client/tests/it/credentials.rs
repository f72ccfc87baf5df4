//! Where credentials come from, how they are renewed, and that no error repeats them.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use http::{Request, header};
use tidegate_client::{Advice, Client, ClientError, ClientOptions, Impersonation, Purpose, Source};
use tokio::task::JoinSet;

use crate::server::{Server, answer};

const JSON: &str = "application/json";

/// A folder that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "tidegate-client-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::SeqCst)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a file");
        path
    }

    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.write(name, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A kubeconfig with one user; `cluster` and `user` are YAML in braces.
pub(crate) fn kubeconfig(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         contexts: [{{name: here, context: {{cluster: c, user: u, namespace: spaced}}}}]\n\
         clusters: [{{name: c, cluster: {cluster}}}]\nusers: [{{name: u, user: {user}}}]\n"
    )
}

pub(crate) fn from_file(path: &Path) -> Source {
    Source::Kubeconfig {
        path: Some(path.to_owned()),
        context: None,
        cluster: None,
        user: None,
    }
}

pub(crate) fn plugin(command: &Path) -> String {
    let command = command.display();
    format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {command}, interactiveMode: Never}}}}"
    )
}

/// A server that takes one token and repeats who the request acts as.
async fn guarded(token: &'static str) -> Server {
    Server::start(async move |request: Request<_>| guard(token, request)).await
}

fn guard<B>(token: &str, request: Request<B>) -> http::Response<crate::server::Streamed> {
    let header = |name: &str| {
        request
            .headers()
            .get_all(name)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .collect::<Vec<_>>()
    };
    if header(header::AUTHORIZATION.as_str()) == [format!("Bearer {token}")] {
        answer(
            200,
            format!(
                "{:?} {:?}",
                header("impersonate-user"),
                header("impersonate-group")
            ),
        )
    } else {
        answer(401, "no")
    }
}

async fn status(client: &Client) -> u16 {
    client
        .get("/", JSON, Purpose::Call)
        .await
        .expect("an answer")
        .status
        .as_u16()
}

#[tokio::test]
async fn a_rotated_token_file_is_read_after_401_once_for_all() {
    let server = guarded("two").await;
    let folder = Folder::new();
    let token = folder.write("token", "one\n");
    let user = format!("{{tokenFile: {}}}", token.display());
    let file = folder.write(
        "config",
        &kubeconfig(&format!("{{server: '{}'}}", server.url), &user),
    );
    let client = Client::connect(from_file(&file), ClientOptions::default())
        .await
        .expect("a client");
    assert_eq!(client.default_namespace(), "spaced");
    folder.write("token", "two\n");
    let mut all = JoinSet::new();
    for _ in 0..50 {
        let client = client.clone();
        all.spawn(async move { status(&client).await });
    }
    assert_eq!(all.join_all().await, [200; 50]);
    assert_eq!(client.generation(), 2);
}

#[tokio::test]
async fn lasting_refusals_are_not_answered_with_a_storm() {
    let server = guarded("other").await;
    let folder = Folder::new();
    let file = folder.write(
        "config",
        &kubeconfig(&format!("{{server: '{}'}}", server.url), "{token: mine}"),
    );
    let client = Client::connect(from_file(&file), ClientOptions::default())
        .await
        .expect("a client");
    for _ in 0..10 {
        assert_eq!(status(&client).await, 401);
    }
    assert_eq!((client.generation(), server.requests()), (2, 11)); // one renewal, one repeat
    let error = client.renew(2).await.expect_err("too soon");
    assert!(
        matches!(error, ClientError::RenewedRecently { .. }) && error.advice() == Advice::Retry,
        "{error}"
    );
    assert_eq!(client.renew(1).await.expect("already done"), 2);
}

#[tokio::test]
async fn a_plugin_is_run_again_when_its_token_is_refused() {
    let server = guarded("run 2").await;
    let folder = Folder::new();
    let count = folder.path("count");
    let script = folder.script(
        "plugin",
        &format!(
            "n=$(($(cat {0} 2>/dev/null || echo 0) + 1)); echo $n > {0}\n\
             echo '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",'\
             \"\\\"status\\\":{{\\\"token\\\":\\\"run $n\\\"}}}}\"",
            count.display()
        ),
    );
    let cluster = format!("{{server: '{}'}}", server.url);
    let file = folder.write("config", &kubeconfig(&cluster, &plugin(&script)));
    let client = Client::connect(from_file(&file), ClientOptions::default())
        .await
        .expect("a client");
    assert_eq!(fs::read_to_string(&count).expect("a file").trim(), "1"); // not once more for TLS
    assert_eq!(status(&client).await, 200);
    assert_eq!(status(&client).await, 200);
    assert_eq!(fs::read_to_string(&count).expect("a file").trim(), "2");
}

#[tokio::test]
async fn the_context_stays_chosen_when_the_file_changes() {
    let (here, there) = (guarded("t").await, guarded("t").await);
    let folder = Folder::new();
    let text = |current: &str, token: &str| {
        format!(
            "current-context: {current}\nusers: [{{name: u, user: {{token: {token}}}}}]\n\
             contexts: [{{name: a, context: {{cluster: a, user: u}}}}, {{name: b, context: {{cluster: b, user: u}}}}]\n\
             clusters: [{{name: a, cluster: {{server: '{}'}}}}, {{name: b, cluster: {{server: '{}'}}}}]\n",
            here.url, there.url
        )
    };
    let file = folder.write("config", &text("a", "old"));
    let client = Client::connect(from_file(&file), ClientOptions::default())
        .await
        .expect("a client");
    folder.write("config", &text("b", "t"));
    assert_eq!(status(&client).await, 200);
    assert_eq!((here.requests(), there.requests()), (2, 0));
}

#[tokio::test]
async fn overrides_win() {
    let server = guarded("t").await;
    let folder = Folder::new();
    let file = folder.write(
        "config",
        &kubeconfig("{server: 'https://elsewhere'}", "{token: t, as: nobody}"),
    );
    let options = ClientOptions {
        server: Some(server.url.parse().expect("a URL")),
        namespace: Some("mine".to_owned()),
        impersonate: Some(Impersonation {
            user: "jane".to_owned(),
            groups: vec!["a".to_owned(), "b".to_owned()],
        }),
        ..ClientOptions::default()
    };
    let client = Client::connect(from_file(&file), options)
        .await
        .expect("a client");
    assert_eq!(client.default_namespace(), "mine");
    let body = client
        .get("/", JSON, Purpose::Call)
        .await
        .expect("an answer")
        .bytes(100)
        .await
        .expect("bytes");
    assert_eq!(body, r#"["jane"] ["a", "b"]"#);
}

#[tokio::test]
async fn errors_repeat_no_secret() {
    let folder = Folder::new();
    let cluster = "{server: 'https://127.0.0.1:1'}";
    let failing = folder.script("failing", "echo hunter2; echo hunter2 >&2; exit 3");
    let babbling = folder.script(
        "babbling",
        "echo '{\"status\": {\"token\": \"hunter2\", : }'",
    );
    let empty = folder.write("token", "\n");
    let key = folder.write("key", "-----BEGIN PRIVATE KEY-----hunter2\n");
    for (user, expect) in [
        (
            plugin(&failing),
            "the credential plugin failed: exit status: 3",
        ),
        (
            plugin(&babbling),
            "the credential plugin did not print an ExecCredential",
        ),
        (
            plugin(&folder.path("absent")),
            "the credential plugin cannot be started: No such file or directory (os error 2)",
        ),
        (
            "{token: \"hunter2\\nx\"}".to_owned(),
            "the token cannot be used: it holds characters that no token has",
        ),
        (
            format!("{{tokenFile: {}}}", empty.display()),
            "cannot be used: it is empty",
        ),
        (
            format!(
                "{{client-key: {0}, client-certificate: {0}}}",
                key.display()
            ),
            "identity PEM is invalid",
        ),
        (
            "{token: hunter2, token: [hunter2".to_owned(),
            "the kubeconfig is not valid",
        ),
        (
            "{client-certificate-data: hunter2!, client-key-data: aHVudGVyMg==}".to_owned(),
            "",
        ),
    ] {
        let file = folder.write("config", &kubeconfig(cluster, &user));
        let error = Client::connect(from_file(&file), ClientOptions::default())
            .await
            .expect_err(&user);
        let (shown, debugged) = (error.to_string(), format!("{error:?}"));
        assert!(shown.contains(expect), "{user}: {shown}");
        assert!(
            !shown.contains("hunter2") && !debugged.contains("hunter2"),
            "{user}: {debugged}"
        );
    }
}
