//! The administrator's kubeconfig: where the program itself reads it, and where somebody wants to have it.
//!
//! Its certificate lasts a year, and the program may run for longer: it is written anew long before. Clients read it
//! again when they are refused.

use super::{
    args::UpArgs,
    data_dir::{self, DataDir},
};
use crate::failure::Failure;
use secrecy::ExposeSecret;
use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tidegate_apiserver::Server;

/// The age at which it is written anew.
const RENEWAL: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How often that is looked at. The clock may be set at any time.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The files that hold it.
#[derive(Debug)]
pub(super) struct Kubeconfig {
    /// In the data directory, for the program and for `tidegate backup`.
    own: PathBuf,
    /// Where it was asked for.
    asked: Option<PathBuf>,
    is_temporary: bool,
    made: SystemTime,
}

impl Kubeconfig {
    /// Writes it for the first time.
    pub(super) fn write(
        server: &Server,
        arguments: &UpArgs,
        data: Option<&DataDir>,
    ) -> Result<Self, Failure> {
        let asked = arguments.kubeconfig.clone();
        let own = match (data, &asked) {
            (Some(data), _) => data.path().join(data_dir::KUBECONFIG),
            (None, Some(asked)) => asked.clone(),
            (None, None) => {
                let name = format!("tidegate-{}.kubeconfig", std::process::id());
                std::env::temp_dir().join(name)
            }
        };
        let mut kubeconfig = Self {
            is_temporary: data.is_none() && asked.is_none(),
            asked: asked.filter(|asked| *asked != own).map(absolute),
            own: absolute(own),
            made: SystemTime::now(),
        };
        kubeconfig.renew(server)?;
        Ok(kubeconfig)
    }

    /// Where the program reads it.
    pub(super) fn own(&self) -> &Path {
        &self.own
    }

    /// Where people are to find it.
    pub(super) fn shown(&self) -> &Path {
        self.asked.as_deref().unwrap_or(&self.own)
    }

    /// Keeps it valid, for ever.
    pub(super) async fn keep(&mut self, server: &Server) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if is_due(self.made, SystemTime::now())
                && let Err(failure) = self.renew(server)
            {
                tracing::warn!("{}", failure.message());
            }
        }
    }

    /// One that nobody asked for by name ends with the server that was only in memory.
    pub(super) fn remove_temporary(&self) {
        if self.is_temporary {
            // It is of no use to anyone by now.
            let _ = std::fs::remove_file(&self.own);
        }
    }

    fn renew(&mut self, server: &Server) -> Result<(), Failure> {
        let made = SystemTime::now();
        let text = server.admin_kubeconfig().map_err(Failure::error)?;
        for path in [Some(&self.own), self.asked.as_ref()].into_iter().flatten() {
            data_dir::write_private(path, text.expose_secret().as_bytes()).map_err(|error| {
                Failure::error(format!("cannot write {}: {error}", path.display()))
            })?;
        }
        self.made = made;
        Ok(())
    }
}

/// Whoever reads it may be in another directory.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// Whether it is old, or of a time that has not come yet: then the clock was set back.
fn is_due(made: SystemTime, now: SystemTime) -> bool {
    now.duration_since(made).map_or(true, |age| age > RENEWAL)
}

#[cfg(test)]
mod tests {
    use super::{RENEWAL, is_due};
    use std::time::{Duration, SystemTime};

    #[test]
    fn it_is_due_when_it_is_old_or_the_clock_was_set_back() {
        let made = SystemTime::UNIX_EPOCH + 100 * RENEWAL;
        let day = Duration::from_secs(24 * 60 * 60);
        assert!(!is_due(made, made));
        assert!(!is_due(made, made + RENEWAL));
        assert!(is_due(made, made + RENEWAL + day));
        assert!(is_due(made, made - day));
    }
}
