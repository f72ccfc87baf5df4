//! A directory of manifests, applied and followed.
//!
//! Invariants: a file with a fault changes nothing, not even what an earlier form of it has made. Only what was applied
//! from here is ever deleted: the server keeps a list of it, so that this holds over restarts.

mod apply;
mod document;
mod folder;
mod inventory;
mod remote;

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
/// How many looks may pass until what failed is tried again.
const LONGEST_PAUSE: u32 = 8;

/// A directory that is there.
#[derive(Debug)]
pub(super) struct Found(Folder);

/// A directory that is being followed.
#[derive(Debug)]
pub(super) struct Manifests(JoinHandle<()>);

impl Found {
    /// The directory must be there.
    pub(super) fn open(dir: &Path) -> Result<Self, Failure> {
        Folder::open(dir).map(Self)
    }

    /// Applies what is there, and goes on in the background.
    pub(super) async fn follow(self, kubeconfig: &Path) -> Result<Manifests, Failure> {
        let Self(folder) = self;
        let source = Source::Kubeconfig {
            path: Some(kubeconfig.to_owned()),
            context: None,
            cluster: None,
            user: None,
        };
        let client = Client::connect(source, ClientOptions::default())
            .await
            .map_err(Failure::error)?;
        let applier = Applier::new(client).await?;
        let mut follower = Follower {
            folder,
            applier,
            pause: 1,
            passed: 0,
        };
        follower.turn(true).await;
        Ok(Manifests(tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                follower.turn(false).await;
            }
        })))
    }
}

impl Manifests {
    /// Looks no more.
    pub(super) fn stop(self) {
        self.0.abort();
    }
}

/// Who looks.
struct Follower {
    folder: Folder,
    applier: Applier,
    /// How many looks pass until what failed is tried again, and how many have.
    pause: u32,
    passed: u32,
}

impl Follower {
    /// Looks once. Applies if something has changed, or what failed if it is time.
    async fn turn(&mut self, first: bool) {
        let changed = self.folder.look() || first;
        for problem in self.folder.take_problems() {
            say(&problem);
        }
        if changed {
            self.pause = 1;
        } else {
            self.passed += 1;
            if !self.applier.must_try_again() || self.passed < self.pause {
                return;
            }
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        self.passed = 0;
        let (folder, applier) = (&self.folder, &mut self.applier);
        for line in applier
            .apply(folder.objects(), folder.is_whole(), !changed)
            .await
        {
            say(&line);
        }
    }
}

/// A line for whoever watches.
fn say(line: &str) {
    // Where nobody reads it, the work goes on all the same.
    let _ = writeln!(io::stderr().lock(), "manifests: {line}");
}
