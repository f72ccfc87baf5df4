//! One cluster, from start to stop, and what tests do with it.
//!
//! The processes belong to the supervisor; this is a handle. Any number of tests may use one cluster
//! at a time, each in a namespace of its own.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use serde::Deserialize;
use tokio::{sync::OnceCell, task};

use crate::{
    ApiServer, Error, Output,
    control::Control,
    embedded,
    kubectl::Kubectl,
    supervisor::{Status, Supervisor},
};

/// What a cluster consists of. `Options::default()` is what tests want.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whose API server it is.
    pub server: Server,
    /// Log every request; see [`Cluster::audit_log`].
    pub audit: bool,
    /// Run kube-controller-manager: deployments, endpoint slices, garbage collection, namespaces.
    pub controller_manager: bool,
    /// More arguments for kube-apiserver, such as `--watch-cache=false`; they win over the usual.
    pub apiserver_arguments: Vec<String>,
}

/// Which API server a cluster has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Server {
    /// kube-apiserver on etcd.
    #[default]
    Real,
    /// Tidegate's own, in a process of its own, on disk. It has no audit log, no more arguments, and makes no
    /// credentials of a chosen life span.
    Embedded,
}

/// The users that every cluster has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// May do everything; static token.
    Admin,
    /// May do everything; client certificate. Has no token.
    AdminCert,
    /// May do everything; static token that its kubeconfig reads from a file.
    Rotating,
    /// Holds the ClusterRole `view`; static token.
    Viewer,
    /// Is known but has no rights of its own; static token.
    Nobody,
}

/// A running control plane. Dropping it blocks for the tenth of a second that its stop takes.
#[derive(Debug)]
pub struct Cluster {
    _supervisor: Option<Supervisor>,
    control: Control,
    status: Status,
    kubectl: PathBuf,
    address: SocketAddr,
    ca_pem: String,
    has_controllers: bool,
    namespaces: AtomicU32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            server: Server::Real,
            audit: false,
            controller_manager: true,
            apiserver_arguments: Vec::new(),
        }
    }
}

impl User {
    /// The user's name in the cluster's folder. [`User::AdminCert`] calls itself `admin` on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::AdminCert => "admin-cert",
            Self::Rotating => "rotating",
            Self::Viewer => "viewer",
            Self::Nobody => "nobody",
        }
    }
}

#[derive(Deserialize)]
struct Kubeconfig {
    kubeconfig: PathBuf,
}

#[derive(Deserialize)]
struct Compacted {
    revision: u64,
}

impl Cluster {
    /// Starts a cluster of its own for the caller: about 3 s and 700 MB. Builds the binary if
    /// needed, which takes minutes and happens once per machine.
    pub async fn start() -> Result<Self, Error> {
        Self::start_with(Options::default()).await
    }

    /// [`start`](Self::start) with options.
    pub async fn start_with(options: Options) -> Result<Self, Error> {
        task::spawn_blocking(move || Self::start_blocking(&options))
            .await
            .map_err(|source| Error::Start {
                reason: format!("the task that started it broke off: {source}"),
            })?
    }

    /// The one cluster that all tests of this process share, started by the first of them.
    ///
    /// It ends with the process. Use [`namespace`](Self::namespace), and take a cluster of your own
    /// for a test that stops things. A failed start is remembered: all tests fail with its reason.
    pub async fn shared() -> Result<&'static Self, &'static Error> {
        Self::shared_on(Server::Real).await
    }

    /// The same with a choice of server.
    pub async fn shared_on(server: Server) -> Result<&'static Self, &'static Error> {
        static REAL: OnceCell<Result<Cluster, Error>> = OnceCell::const_new();
        static EMBEDDED: OnceCell<Result<Cluster, Error>> = OnceCell::const_new();
        let place = match server {
            Server::Real => &REAL,
            Server::Embedded => &EMBEDDED,
        };
        let options = Options {
            server,
            ..Options::default()
        };
        let start = || Self::start_with(options);
        place.get_or_init(start).await.as_ref()
    }

    /// Ends all of the cluster's processes and deletes its folder.
    pub async fn stop(self) {
        // A failure means that this runtime is shutting down; the drop has happened either way.
        drop(task::spawn_blocking(move || drop(self)).await);
    }

    /// The API server's URL.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.status().server
    }

    /// The API server's address, for a [`FaultProxy`](crate::FaultProxy) in front of it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The cluster's folder: keys, tokens and logs. It goes away with the cluster.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.status().dir
    }

    /// The admin's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        self.kubeconfig_of(User::Admin)
    }

    /// A user's kubeconfig.
    #[must_use]
    pub fn kubeconfig_of(&self, user: User) -> &Path {
        &self.status().kubeconfigs[user.name()]
    }

    /// Writes a kubeconfig that reaches the API server at another address, such as a proxy's.
    pub async fn kubeconfig_via(&self, user: User, address: SocketAddr) -> Result<PathBuf, Error> {
        let server = format!("https://{address}");
        let command = ["kubeconfig", "--user", user.name(), "--server", &server];
        self.control
            .send(&command)
            .await
            .map(|Kubeconfig { kubeconfig }| kubeconfig)
    }

    /// The certificate of the cluster's CA. The API server's certificate is valid for 127.0.0.1,
    /// ::1 and localhost at any port.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The admin's token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.status().tokens[User::Admin.name()]
    }

    /// The token that a user had when the cluster started. [`User::AdminCert`] has none.
    #[must_use]
    pub fn token_of(&self, user: User) -> Option<&str> {
        self.status().tokens.get(user.name()).map(String::as_str)
    }

    /// One JSON line per request that was answered, if [`Options::audit`] was set.
    #[must_use]
    pub fn audit_log(&self) -> Option<&Path> {
        self.status().audit_log.as_deref()
    }

    /// Runs kubectl as the admin. An exit code other than 0 is an error.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<Output, Error> {
        self.kubectl_as(User::Admin, arguments).await
    }

    /// Runs kubectl as some user.
    pub async fn kubectl_as(&self, user: User, arguments: &[&str]) -> Result<Output, Error> {
        self.kubectl_binary(user).run(arguments, "").await
    }

    /// `kubectl apply` of manifests, with any namespace written in them.
    pub async fn apply(&self, yaml: &str) -> Result<Output, Error> {
        self.kubectl_binary(User::Admin)
            .run(&["apply", "-f", "-"], yaml)
            .await
    }

    /// Creates a namespace that no other test has, called `prefix-N`. It is ready for pods.
    pub async fn namespace(&self, prefix: &str) -> Result<String, Error> {
        let number = self.namespaces.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("{prefix}-{number}");
        self.kubectl(&["create", "namespace", &name]).await?;
        if self.has_controllers {
            let account = "serviceaccount/default";
            self.kubectl(&[
                "wait",
                "--for=create",
                account,
                "-n",
                &name,
                "--timeout=30s",
            ])
            .await?;
        }
        Ok(name)
    }

    /// What may be done to the API server's process.
    #[must_use]
    pub fn apiserver(&self) -> ApiServer<'_> {
        ApiServer::new(&self.control)
    }

    /// Kills etcd, starts it with its old data, and waits until the API server is ready again.
    pub async fn restart_etcd(&self) -> Result<(), Error> {
        self.control.order(&["etcd", "restart"]).await
    }

    /// Drops etcd's history before the present revision, which is returned. The API server's watch
    /// cache still remembers recent events: see [`forget_history`](Self::forget_history).
    pub async fn compact_etcd(&self) -> Result<u64, Error> {
        self.control
            .send(&["etcd", "compact"])
            .await
            .map(|Compacted { revision }| revision)
    }

    /// Compacts etcd and restarts the API server, so that every older resourceVersion gets 410 Gone.
    pub async fn forget_history(&self) -> Result<u64, Error> {
        let command = ["etcd", "compact", "--restart-apiserver"];
        self.control
            .send(&command)
            .await
            .map(|Compacted { revision }| revision)
    }

    /// The process ids of what runs now: `supervisor`, `etcd`, `kube-apiserver` and
    /// `kube-controller-manager`.
    pub async fn pids(&self) -> Result<Vec<(String, u32)>, Error> {
        let status: Status = self.control.send(&["status"]).await?;
        Ok(status.pids.into_iter().collect())
    }

    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    fn status(&self) -> &Status {
        &self.status
    }

    fn start_blocking(options: &Options) -> Result<Self, Error> {
        let (control, status, kubectl, supervisor) = match options.server {
            Server::Embedded => {
                let (server, status, kubectl) = embedded::start(options)?;
                (Control::embedded(server), status, kubectl, None)
            }
            Server::Real => {
                let supervisor = Supervisor::start(&arguments(options))?;
                let status = supervisor.status.clone();
                let kubectl = supervisor.binary.clone();
                let control = Control::socket(&status.control);
                (control, status, kubectl, Some(supervisor))
            }
        };
        let ca_pem = fs::read_to_string(&status.ca).map_err(|source: io::Error| Error::Read {
            path: status.ca.clone(),
            source,
        })?;
        Ok(Self {
            address: loopback_address(&status.server)?,
            control,
            ca_pem,
            has_controllers: options.controller_manager,
            namespaces: AtomicU32::new(0),
            status,
            kubectl,
            _supervisor: supervisor,
        })
    }

    fn kubectl_binary(&self, user: User) -> Kubectl<'_> {
        Kubectl {
            binary: &self.kubectl,
            kubeconfig: self.kubeconfig_of(user),
            cache: self.dir().join("kubectl-cache"),
        }
    }
}

fn arguments(options: &Options) -> Vec<String> {
    let mut arguments = vec![
        format!("--audit={}", options.audit),
        format!("--controller-manager={}", options.controller_manager),
    ];
    let more = options.apiserver_arguments.iter();
    arguments.extend(more.map(|it| format!("--apiserver-arg={it}")));
    arguments
}

/// The address in a URL `https://127.0.0.1:PORT`.
pub(crate) fn loopback_address(server: &str) -> Result<SocketAddr, Error> {
    server
        .strip_prefix("https://")
        .and_then(|address| address.parse().ok())
        .filter(|address: &SocketAddr| address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST))
        .ok_or_else(|| Error::Start {
            reason: format!("{server} is not a loopback address"),
        })
}
