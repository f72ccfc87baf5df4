//! Names of endpoints: resolved as long as a snapshot has them, and again whenever an answer's time is over.
//!
//! One thread does it for the whole process. Workers are told by message of answers that differ from the last, so no
//! request takes a lock or asks anybody for it; only before a name's first answer does one wait. While nobody can say
//! what has become of a name, its last addresses are used; when somebody says that it is gone, they are not.
//!
//! Names lead where the machine's file of hosts and its DNS servers say; other sources of the C library are not asked.

mod ask;
mod files;
mod follow;
mod lookup;
mod message;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use tidegate_routing::{Destination, Snapshot};
use tokio::sync::{mpsc, watch as latest};

use self::lookup::Resolver;
use crate::worker::Command;

/// What the machine knows of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameOptions {
    /// Which DNS servers are asked, and how, in the form of `resolv.conf`. A server may have a port: `192.0.2.1:5353`.
    /// Read again when it changes.
    pub resolv_conf: PathBuf,
    /// Names that no server is asked for, in the form of `hosts`. Read again when it changes.
    pub hosts: PathBuf,
}

/// What is known of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameReport {
    pub name: Arc<str>,
    /// What is used now.
    pub addresses: Vec<IpAddr>,
    /// Why the last lookup found none, where it did. Addresses are those of an earlier one then.
    pub fault: Option<Arc<str>>,
}

/// What is known of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    addresses: Vec<IpAddr>,
    fault: Option<Arc<str>>,
}

/// Answers by name. A name that is not there has none yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(imbl::HashMap<Arc<str>, Arc<Answer>>);

/// The thread that resolves. It ends with this.
#[derive(Debug)]
pub(crate) struct Names {
    snapshots: Option<latest::Sender<Arc<Snapshot>>>,
    known: Arc<Mutex<Known>>,
    thread: Option<JoinHandle<()>>,
}

impl Default for NameOptions {
    fn default() -> Self {
        Self {
            resolv_conf: PathBuf::from("/etc/resolv.conf"),
            hosts: PathBuf::from("/etc/hosts"),
        }
    }
}

impl Known {
    /// Where a destination leads. `None`: that is not known yet.
    pub(crate) fn addresses(&self, destination: &Destination) -> Option<Vec<SocketAddr>> {
        match destination {
            Destination::Address(address) => Some(vec![*address]),
            Destination::Name { host, port } => {
                let addresses = self.0.get(host)?.addresses.iter();
                let addresses = addresses.map(|address| SocketAddr::new(*address, *port));
                Some(addresses.collect())
            }
        }
    }

    /// These addresses, by name.
    #[cfg(test)]
    pub(crate) fn of(names: &[(&str, &str)]) -> Self {
        let known = names.iter().map(|(name, addresses)| {
            let addresses = addresses.split_whitespace();
            let answer = Answer {
                addresses: addresses
                    .map(|one| one.parse().expect("an address"))
                    .collect(),
                fault: None,
            };
            (Arc::from(*name), Arc::new(answer))
        });
        Self(known.collect())
    }

    fn report(&self) -> Vec<NameReport> {
        let each = self.0.iter().map(|(name, answer)| NameReport {
            name: name.clone(),
            addresses: answer.addresses.clone(),
            fault: answer.fault.clone(),
        });
        let mut all: Vec<NameReport> = each.collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }
}

impl Names {
    /// Resolves nothing before the first [`Names::apply`]. `allow_local`: names may lead to loopback, link-local and
    /// metadata addresses.
    ///
    /// # Errors
    /// The machine refuses a thread or a runtime.
    pub(crate) fn start(
        options: &NameOptions,
        allow_local: bool,
        workers: Vec<mpsc::UnboundedSender<Command>>,
        prober: latest::Sender<Known>,
    ) -> io::Result<Self> {
        let (snapshots, arriving) = latest::channel(Arc::default());
        let known = Arc::new(Mutex::new(Known::default()));
        let resolver = Arc::new(Resolver::new(options, allow_local));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let shared = known.clone();
        let thread = std::thread::Builder::new()
            .name("names".to_owned())
            .spawn(move || {
                runtime.block_on(follow::run(arriving, &resolver, &shared, &workers, &prober));
            })?;
        Ok(Self {
            snapshots: Some(snapshots),
            known,
            thread: Some(thread),
        })
    }

    /// Resolves what this snapshot has from now on.
    pub(crate) fn apply(&self, snapshot: Arc<Snapshot>) {
        if let Some(snapshots) = &self.snapshots {
            snapshots.send_replace(snapshot);
        }
    }

    /// All names that are resolved and have been answered, in order.
    pub(crate) fn report(&self) -> Vec<NameReport> {
        lock(&self.known).report()
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.snapshots = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been told already.
            let _ = thread.join();
        }
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}
