//! A directory of manifests, applied and followed.
//!
//! Invariants: a file with a fault changes nothing, not even what an earlier form of it has made. Only what was applied
//! from here is ever deleted: the server keeps a list of it, so that this holds over restarts.

mod apply;
mod document;
mod folder;
mod inventory;

use self::{apply::Applier, folder::Folder};
use crate::failure::Failure;
use std::{
    io::{self, Write},
    path::Path,
    time::Duration,
};
use tidegate_client::{Client, ClientOptions, Source};
use tokio::task::JoinHandle;

/// How often the directory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A directory that is being followed.
#[derive(Debug)]
pub(super) struct Manifests(JoinHandle<()>);

impl Manifests {
    /// Applies what is there, and goes on in the background.
    pub(super) async fn follow(dir: &Path, kubeconfig: &Path) -> Result<Self, Failure> {
        let mut folder = Folder::open(dir)?;
        let source = Source::Kubeconfig {
            path: Some(kubeconfig.to_owned()),
            context: None,
            cluster: None,
            user: None,
        };
        let client = Client::connect(source, ClientOptions::default())
            .await
            .map_err(Failure::error)?;
        let mut applier = Applier::new(client).await?;
        turn(&mut folder, &mut applier, true).await;
        Ok(Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                turn(&mut folder, &mut applier, false).await;
            }
        })))
    }

    /// Looks no more.
    pub(super) fn stop(self) {
        self.0.abort();
    }
}

/// Looks once. Applies if something has changed, or if something failed the last time.
async fn turn(folder: &mut Folder, applier: &mut Applier, first: bool) {
    let changed = folder.look();
    for problem in folder.take_problems() {
        say(&problem);
    }
    if !changed && !first && !applier.must_try_again() {
        return;
    }
    for line in applier.apply(folder.objects(), folder.is_whole()).await {
        say(&line);
    }
}

/// A line for whoever watches.
fn say(line: &str) {
    // Where nobody reads it, the work goes on all the same.
    let _ = writeln!(io::stderr().lock(), "manifests: {line}");
}
