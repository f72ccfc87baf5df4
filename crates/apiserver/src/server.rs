//! The server as its user holds it: started, reached, stopped.

use crate::{
    backup::BackupFailure,
    bootstrap,
    cluster::{Cluster, Parts},
    controller,
    endpoint::Endpoint,
    faults::{FaultAnswer, Faults},
    serve::{Limits, connection, handler::Handler},
};
use secrecy::{ExposeSecret, SecretString};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tidegate_access::{
    Authenticator, Authority, PkiError, ServiceAccountKeys, TokenFile, TokenFileError, User,
};
use tidegate_store::{
    self as store, BackupError, CompactError, OpenError, RestoreError, Stats, Store,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

/// How a server is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything is kept; nothing is, and all is lost at the end, without.
    pub data_dir: Option<PathBuf>,
    /// Where to listen. Port 0 is a free one.
    pub listen: SocketAddr,
    /// A file of tokens: `token,user,uid,"group1,group2"` in each line, as kube-apiserver's `--token-auth-file`.
    pub token_auth_file: Option<PathBuf>,
    /// A token of a user `admin` who may do everything.
    pub admin_token: Option<SecretString>,
    /// Names and addresses for the server's certificate, beside loopback and the address it listens on.
    pub names: Vec<String>,
    /// Whether the server also does what kube-controller-manager does: empty namespaces that end, collect garbage,
    /// make service accounts, aggregate roles. Tests of controllers may want to see nobody else at work.
    pub controllers: bool,
    /// How much the server takes on at once.
    pub limits: Limits,
    /// How objects are stored.
    pub store: store::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data_dir: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            token_auth_file: None,
            admin_token: None,
            names: Vec::new(),
            controllers: true,
            limits: Limits::default(),
            store: store::Options::default(),
        }
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another server has the directory.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The data can't be opened: damaged, not allowed.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Keys or certificates can't be read or made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The file of tokens can't be read.
    #[error(transparent)]
    Tokens(#[from] TokenFileError),
    /// The address can't be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The first objects can't be stored.
    #[error("cannot store the first objects: {0}")]
    Bootstrap(#[from] store::WriteError),
}

/// A running server. Stopped by [`stop`](Self::stop), or with the program.
#[derive(Debug)]
pub struct Server {
    cluster: Arc<Cluster>,
    authority: Arc<Authority>,
    tasks: Vec<JoinHandle<()>>,
}

/// The objects of a data directory are in this folder of it.
pub(crate) const OBJECTS: &str = "objects";
/// Keys and certificates in this one.
const KEYS: &str = "pki";

impl Server {
    /// Starts a server. It is ready when this returns.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let address = options.listen;
        let listening = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let now = crate::clock::Clock.seconds();
        let (store, authority, keys) = match &options.data_dir {
            None => (
                Store::in_memory(options.store.clone()),
                Authority::in_memory(now)?,
                ServiceAccountKeys::in_memory()?,
            ),
            Some(dir) => open(dir, &options, now)?,
        };
        let endpoint = Endpoint {
            url: format!("https://{}", reachable(address)),
            ca_pem: authority.ca_pem().to_owned(),
            address,
        };
        let tokens = options
            .token_auth_file
            .as_deref()
            .map(TokenFile::read)
            .transpose()?;
        for warning in tokens.iter().flat_map(TokenFile::warnings) {
            tracing::warn!("{warning}");
        }
        let mut tokens = tokens.unwrap_or_default();
        if let Some(token) = &options.admin_token {
            let admin = User {
                name: "admin".to_owned(),
                uid: "uid-admin".to_owned(),
                groups: vec!["system:masters".to_owned()],
                ..User::default()
            };
            tokens.insert(token.expose_secret(), admin);
        }
        let authenticator =
            Authenticator::new(Some(authority.client_trust()), tokens, keys.clone());
        let names = names(&options, address);
        let tls =
            authority.server_config(&names.iter().map(String::as_str).collect::<Vec<_>>(), now)?;
        let cluster = Arc::new(Cluster::new(Parts {
            store,
            authenticator,
            keys,
            endpoint,
            faults: Faults::default(),
        }));
        bootstrap::ensure(&cluster, options.controllers).await?;
        let handler = Arc::new(Handler::new(cluster.clone(), options.limits));
        let authority = Arc::new(authority);
        let tasks = vec![
            tokio::spawn(renew(cluster.clone(), authority.clone())),
            tokio::spawn(connection::serve(listener, TlsAcceptor::from(tls), handler)),
            tokio::spawn(controller::run(cluster.clone(), options.controllers)),
        ];
        Ok(Self {
            cluster,
            authority,
            tasks,
        })
    }

    /// `https://127.0.0.1:6443`.
    pub fn url(&self) -> &str {
        &self.cluster.endpoint.url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.cluster.endpoint.address
    }

    /// The certificate of its authority, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.cluster.endpoint.ca_pem
    }

    /// A kubeconfig for an administrator who may do everything. Keep it to yourself.
    ///
    /// # Errors
    ///
    /// If no certificate can be made.
    pub fn admin_kubeconfig(&self) -> Result<SecretString, PkiError> {
        self.kubeconfig("kubernetes-admin", &["system:masters"])
    }

    /// A kubeconfig for a user in some groups, with a certificate that lasts a year.
    ///
    /// # Errors
    ///
    /// If no certificate can be made.
    pub fn kubeconfig(&self, user: &str, groups: &[&str]) -> Result<SecretString, PkiError> {
        let identity = self
            .authority
            .client(user, groups, crate::clock::Clock.seconds())?;
        Ok(self.authority.kubeconfig(self.url(), user, &identity))
    }

    /// Figures of its store.
    pub fn stats(&self) -> Stats {
        self.cluster.store.stats()
    }

    /// Writes all objects as they are now; the server goes on.
    ///
    /// # Errors
    ///
    /// If the writer fails.
    pub fn backup(&self, writer: impl io::Write) -> Result<u64, BackupError> {
        self.cluster.store.backup(writer)
    }

    /// Writes a backup of a data directory on which no server runs.
    ///
    /// # Errors
    ///
    /// See [`BackupFailure`].
    pub fn backup_of(dir: &Path, writer: impl io::Write) -> Result<u64, BackupFailure> {
        crate::backup::of_dir(dir, writer)
    }

    /// Makes a data directory from a backup. The keys are not in it: clients get new certificates.
    ///
    /// # Errors
    ///
    /// If there are objects already, or the backup is damaged.
    pub fn restore(dir: &Path, backup: impl io::Read) -> Result<(), RestoreError> {
        Store::restore(dir.join(OBJECTS), backup)
    }

    /// Forgets the history up to now: watches that are behind get 410.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn compact(&self) -> Result<(), CompactError> {
        let revision = self.cluster.store.revision();
        self.cluster.store.compact(revision).await
    }

    /// For tests of clients: every request waits so long.
    pub fn fault_delay(&self, delay: Duration) {
        self.cluster.faults.set_delay(delay);
    }

    /// For tests of clients: the next requests are answered so, one each, in order.
    pub fn fault_answers(&self, answers: impl IntoIterator<Item = FaultAnswer>) {
        self.cluster.faults.answer_next(answers);
    }

    /// For tests of clients: all running watches end without a word.
    pub fn fault_drop_watches(&self) {
        self.cluster.faults.drop_watches();
    }

    /// Stops: no new connections, watches end, running requests may finish, what was accepted is durable.
    pub async fn stop(mut self) {
        self.cluster.begin_stop();
        for task in self.tasks.drain(..) {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the server has ended badly");
            }
        }
        if let Err(error) = self.cluster.store.close().await {
            tracing::error!(%error, "the store could not be closed");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.cluster.begin_stop();
    }
}

/// What a data directory holds; made where it is missing.
fn open(
    dir: &Path,
    options: &Options,
    now: i64,
) -> Result<(Store, Authority, ServiceAccountKeys), StartError> {
    let store =
        Store::open(dir.join(OBJECTS), options.store.clone()).map_err(|error| match error {
            OpenError::Locked { .. } => StartError::InUse(dir.to_owned()),
            error => error.into(),
        })?;
    let authority = Authority::open_or_create(&dir.join(KEYS), now)?;
    let keys = ServiceAccountKeys::open_or_create(&dir.join(KEYS))?;
    Ok((store, authority, keys))
}

/// An address to reach the server at: one that means "all" is reached on loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address
}

fn names(options: &Options, address: SocketAddr) -> Vec<String> {
    let fixed = [
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "127.0.0.1",
        "::1",
    ];
    let mut names: Vec<String> = fixed.iter().map(|name| (*name).to_owned()).collect();
    names.push(crate::services::Addresses::of_server().to_string());
    if !address.ip().is_unspecified() {
        names.push(address.ip().to_string());
    }
    names.extend(options.names.iter().cloned());
    names.sort_unstable();
    names.dedup();
    names
}

/// Renews the server's certificate before it ends. That may be soon, where the clock is set right after the start.
async fn renew(cluster: Arc<Cluster>, authority: Arc<Authority>) {
    const LOOK_EVERY: Duration = Duration::from_secs(60);
    loop {
        tokio::select! {
            () = cluster.stopping() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        match authority.renew(cluster.clock.seconds()) {
            Ok(true) => tracing::info!("the server's certificate was renewed"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the server's certificate can't be renewed"),
        }
    }
}
