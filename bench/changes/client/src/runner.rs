//! Who started this program does for it what needs power over processes: a line `do WHAT` asks, a line `done` answers.

use std::io::{BufRead as _, Write as _};

use anyhow::{Context as _, bail};

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// The API server ends without notice.
    KillApiServer,
    /// It comes again, with what it had stored; done when it is ready.
    StartApiServer,
    /// Another process of the gateway takes over; done when the old one has ended.
    Upgrade,
}

impl Deed {
    fn word(self) -> &'static str {
        match self {
            Self::KillApiServer => "kill-api-server",
            Self::StartApiServer => "start-api-server",
            Self::Upgrade => "upgrade",
        }
    }
}

/// Asks, and waits until it is done.
pub(crate) async fn ask(deed: Deed) -> anyhow::Result<()> {
    let word = deed.word();
    let asked = tokio::task::spawn_blocking(move || {
        let mut out = std::io::stdout().lock();
        writeln!(out, "do {word}")?;
        out.flush()?;
        drop(out);
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        std::io::Result::Ok(line)
    });
    match asked.await?.context("the runner has gone")?.trim_end() {
        "done" => Ok(()),
        other => bail!("the runner could not {word}: {other:?}"),
    }
}
