//! Tidegate's own API server in the place of the real one: the same handle, the same commands, the same users.
//!
//! It runs in a process of its own, so that tests may stop, kill and pause it. Its data, its keys and its port stay the
//! same throughout. There is no etcd: what a test does to etcd is done to the server and its store.

use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::{
    Error, User,
    cluster::Options,
    supervisor::{self, Status},
};

mod process;
mod program;

use process::Process;

const USERS: [User; 5] = [
    User::Admin,
    User::AdminCert,
    User::Rotating,
    User::Viewer,
    User::Nobody,
];

/// A server that can be stopped and started.
#[derive(Debug)]
pub(crate) struct Embedded {
    program: PathBuf,
    dir: PathBuf,
    address: SocketAddr,
    controllers: bool,
    process: Mutex<Option<Process>>,
}

impl Embedded {
    /// Starts a server, and says what [`Supervisor`](crate::supervisor::Supervisor) says of a cluster.
    pub(crate) fn start(options: &Options, kubectl: &Path) -> Result<(Self, Status), Error> {
        if options.audit || !options.apiserver_arguments.is_empty() {
            return Err(Error::Start {
                reason: "the embedded server has no audit log and no arguments".to_owned(),
            });
        }
        let program = program::build()?;
        let dir = new_dir()?;
        let tokens = tokens();
        write_tokens(&dir, &tokens)?;
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let process = Process::start(&program, &dir, free, options.controller_manager)?;
        let address = super::cluster::loopback_address(&process.url)?;
        for (user, token) in &tokens {
            write_kubeconfig(&dir, &process.url, user, token)?;
        }
        let status = Status {
            server: process.url.clone(),
            kubeconfigs: USERS
                .map(|user| (user.name().to_owned(), kubeconfig_path(&dir, user.name())))
                .into(),
            ca: dir.join("ca.crt"),
            tokens,
            control: PathBuf::new(),
            audit_log: None,
            pids: BTreeMap::new(),
            dir: dir.clone(),
        };
        let embedded = Self {
            program,
            dir,
            address,
            controllers: options.controller_manager,
            process: Mutex::new(Some(process)),
        };
        embedded.let_viewer_view(kubectl)?;
        Ok((embedded, status))
    }

    /// Does what the supervisor of a real cluster does at the same words.
    pub(crate) fn obey(&self, words: &[&str]) -> Result<Value, Error> {
        let mut place = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        match words {
            ["apiserver", "start"] if place.is_none() => *place = Some(self.again()?),
            ["apiserver", "stop"] => take(&mut place, words)?.stop()?,
            ["apiserver", "kill"] => take(&mut place, words)?.kill(),
            ["apiserver", "restart"] => {
                take(&mut place, words)?.stop()?;
                *place = Some(self.again()?);
            }
            ["apiserver", "pause"] => running(&mut place, words)?.signal("STOP")?,
            ["apiserver", "resume"] => running(&mut place, words)?.signal("CONT")?,
            ["etcd", "restart"] => {
                take(&mut place, words)?.kill();
                *place = Some(self.again()?);
            }
            ["etcd", "compact", ..] => {
                running(&mut place, words)?.order("compact")?;
                return Ok(json!({ "revision": 0 }));
            }
            ["kubeconfig", "--user", user, "--server", server] => {
                return self.kubeconfig_via(user, server);
            }
            ["token", "rotate", "--user", user] => return self.rotate(user),
            ["status"] => return Ok(self.status(place.as_ref())),
            _ => return Err(refused(words, "not at the embedded server, or not now")),
        }
        Ok(json!({}))
    }

    fn again(&self) -> Result<Process, Error> {
        Process::start(&self.program, &self.dir, self.address, self.controllers)
    }

    fn status(&self, process: Option<&Process>) -> Value {
        let pids = process.map(|process| json!({ "tidegate-apiserver": process.id() }));
        json!({
            "dir": self.dir, "server": "", "kubeconfigs": {}, "ca": "", "tokens": {}, "control": "",
            "pids": pids.unwrap_or_else(|| json!({})),
        })
    }

    fn kubeconfig_via(&self, user: &str, server: &str) -> Result<Value, Error> {
        let path = kubeconfig_path(&self.dir, user);
        let text = fs::read_to_string(&path).map_err(reading(&path))?;
        let port = server.rsplit(':').next().unwrap_or_default();
        let via = self.dir.join(format!("{user}-{port}.kubeconfig"));
        let text = text.replace(&format!("https://{}", self.address), server);
        fs::write(&via, text).map_err(reading(&via))?;
        Ok(json!({ "kubeconfig": via }))
    }

    fn rotate(&self, user: &str) -> Result<Value, Error> {
        let path = self.dir.join("tokens.csv");
        let text = fs::read_to_string(&path).map_err(reading(&path))?;
        let mut tokens: BTreeMap<String, String> = text
            .lines()
            .filter_map(|line| line.split_once(','))
            .filter_map(|(token, rest)| {
                Some((rest.split(',').next()?.to_owned(), token.to_owned()))
            })
            .collect();
        let token = format!("{user}-{}", unique());
        tokens.insert(user.to_owned(), token.clone());
        write_tokens(&self.dir, &tokens)?;
        Ok(json!({
            "token": token,
            "token_file": token_path(&self.dir, user),
            "kubeconfig": kubeconfig_path(&self.dir, user),
        }))
    }

    /// kubectl's `create` sends protobuf, which the server does not read; its `apply` sends JSON.
    fn let_viewer_view(&self, kubectl: &Path) -> Result<(), Error> {
        let binding = self.dir.join("viewer.json");
        let text = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": { "name": "viewer" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view" },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "viewer" }],
        });
        fs::write(&binding, text.to_string()).map_err(reading(&binding))?;
        let output = Command::new(kubectl)
            .arg("kubectl")
            .arg("--kubeconfig")
            .arg(kubeconfig_path(&self.dir, User::Admin.name()))
            .arg("--cache-dir")
            .arg(self.dir.join("kubectl-cache"))
            .args(["apply", "-f"])
            .arg(&binding)
            .output()
            .map_err(|source| Error::Spawn {
                program: kubectl.to_owned(),
                source,
            })?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::Start {
            reason: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let mut place = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(process) = place.take() {
            process.kill();
        }
        // A folder that is gone already is what was wanted.
        drop(fs::remove_dir_all(&self.dir));
    }
}

fn take(place: &mut Option<Process>, words: &[&str]) -> Result<Process, Error> {
    place
        .take()
        .ok_or_else(|| refused(words, "it does not run"))
}

fn running<'a>(place: &'a mut Option<Process>, words: &[&str]) -> Result<&'a mut Process, Error> {
    place
        .as_mut()
        .ok_or_else(|| refused(words, "it does not run"))
}

fn refused(words: &[&str], reason: &str) -> Error {
    Error::Command {
        command: words.iter().map(|&word| word.to_owned()).collect(),
        reason: reason.to_owned(),
    }
}

fn reading(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Read { path, source }
}

/// Different in each process, and at each call.
fn unique() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!("{}-{}", std::process::id(), now.as_nanos())
}

fn new_dir() -> Result<PathBuf, Error> {
    let dir = std::env::temp_dir().join(format!("tidegate-embedded-{}", unique()));
    fs::create_dir_all(dir.join("tokens")).map_err(reading(&dir))?;
    Ok(dir)
}

fn token_path(dir: &Path, user: &str) -> PathBuf {
    dir.join(format!("tokens/{user}.token"))
}

fn kubeconfig_path(dir: &Path, user: &str) -> PathBuf {
    dir.join(format!("{user}.kubeconfig"))
}

fn tokens() -> BTreeMap<String, String> {
    USERS
        .into_iter()
        .filter(|user| *user != User::AdminCert)
        .map(|user| {
            (
                user.name().to_owned(),
                format!("{}-{}", user.name(), unique()),
            )
        })
        .collect()
}

fn write_tokens(dir: &Path, tokens: &BTreeMap<String, String>) -> Result<(), Error> {
    let mut csv = String::new();
    for (user, token) in tokens {
        let masters = [User::Admin, User::Rotating]
            .iter()
            .any(|master| master.name() == user);
        let groups = if masters { ",\"system:masters\"" } else { "" };
        csv.push_str(&format!("{token},{user},uid-{user}{groups}\n"));
        let path = token_path(dir, user);
        fs::write(&path, token).map_err(reading(&path))?;
    }
    let path = dir.join("tokens.csv");
    fs::write(&path, csv).map_err(reading(&path))
}

/// JSON is YAML too.
fn write_kubeconfig(dir: &Path, server: &str, user: &str, token: &str) -> Result<(), Error> {
    let credential = if user == User::Rotating.name() {
        json!({ "tokenFile": token_path(dir, user) })
    } else {
        json!({ "token": token })
    };
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "embedded", "cluster": { "server": server, "certificate-authority": dir.join("ca.crt") } }],
        "users": [{ "name": user, "user": credential }],
        "contexts": [{ "name": "embedded", "context": { "cluster": "embedded", "user": user } }],
        "current-context": "embedded",
    });
    let path = kubeconfig_path(dir, user);
    fs::write(&path, config.to_string()).map_err(reading(&path))
}

/// The program that is kubectl, and the server that it talks to.
pub(crate) fn start(options: &Options) -> Result<(Embedded, Status, PathBuf), Error> {
    let kubectl = supervisor::build()?;
    let (embedded, status) = Embedded::start(options, &kubectl)?;
    Ok((embedded, status, kubectl))
}
