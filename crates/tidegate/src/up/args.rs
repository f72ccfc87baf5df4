//! The flags of `tidegate up`, `backup` and `restore`.

use crate::gateway::ObserveArgs;
use clap::Args;
use std::{net::SocketAddr, path::PathBuf};

/// Start Tidegate without a cluster: an embedded Kubernetes API server, and a gateway on it
#[derive(Debug, Args)]
#[command(
    long_about = "Start Tidegate without a cluster: an embedded Kubernetes API server, and a gateway on it.\n\n\
    Gateways, HTTPRoutes and Backends that are applied to it are served at once, each Gateway on a loopback address of \
    its own. kubectl, Helm, GitOps tools and controllers work with it as with any cluster. It listens on loopback, and only \
    those with a certificate or a token get in. What is written is on disk before it is acknowledged."
)]
pub(crate) struct UpArgs {
    /// Where everything is kept
    #[arg(long, value_name = "DIR", default_value = "tidegate-data")]
    data_dir: PathBuf,
    /// Keep everything in memory, and lose it at the end
    #[arg(long, conflicts_with = "data_dir")]
    in_memory: bool,
    /// Address and port of the API server; port 0 is a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub(super) listen: SocketAddr,
    /// Where else the administrator's kubeconfig is written; it is in the data directory in any case
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// A directory of manifests to apply, and to follow as they change
    ///
    /// All .yaml, .yml and .json files in it and below are applied on the server's side. What was applied from here and
    /// is in no file any more is deleted. A file with a fault is reported and changes nothing.
    #[arg(long, value_name = "DIR")]
    pub(super) manifests: Option<PathBuf>,
    /// More users: a file with a line `token,user,uid,"group1,group2"` for each
    #[arg(long, value_name = "FILE")]
    pub(super) token_auth_file: Option<PathBuf>,
    /// Another name or address for the server's certificate; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) tls_san: Vec<String>,
    /// Serve no traffic: only the API server
    #[arg(long, conflicts_with = "ObserveArgs")]
    pub(super) no_gateway: bool,
    /// Addresses of which each Gateway gets one of its own
    #[arg(
        long,
        value_name = "CIDR",
        default_value = "127.42.0.0/16",
        conflicts_with = "no_gateway"
    )]
    pub(super) address_pool: String,
    /// Where the gateway's liveness, figures and explanations are to be had; port 0 is a free one
    ///
    /// By default port 19901 of loopback, or a free one where that is taken.
    #[arg(long, value_name = "ADDR:PORT", conflicts_with = "no_gateway")]
    pub(super) admin: Option<SocketAddr>,
    /// Threads that serve traffic; one for each core by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), conflicts_with = "no_gateway")]
    pub(super) gateway_workers: Option<u16>,
    /// Threads that answer requests; two by default, or one on a machine with one core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    #[command(flatten)]
    pub(super) observe: ObserveArgs,
}

impl UpArgs {
    /// Where to keep things, unless nothing is kept.
    pub(super) fn data_dir(&self) -> Option<&PathBuf> {
        (!self.in_memory).then_some(&self.data_dir)
    }

    pub(super) fn workers(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        self.workers.map_or(cores.min(2), usize::from)
    }
}

/// Write a backup of a data directory
#[derive(Debug, Args)]
#[command(
    long_about = "Write a backup of a data directory, whether `tidegate up` runs on it or not.\n\n\
    The backup holds all objects, secrets included, with a checksum. Keys and certificates are not in it."
)]
pub(crate) struct BackupArgs {
    /// The data directory
    #[arg(long, value_name = "DIR", default_value = "tidegate-data")]
    pub(super) data_dir: PathBuf,
    /// The file to write; it must not be there yet
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
}

/// Make a data directory from a backup
#[derive(Debug, Args)]
#[command(long_about = "Make a data directory from a backup.\n\n\
    The directory must have no objects yet. Watches that were running on the old server begin anew.")]
pub(crate) struct RestoreArgs {
    /// The data directory to make
    #[arg(long, value_name = "DIR", default_value = "tidegate-data")]
    pub(super) data_dir: PathBuf,
    /// The backup
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
}
