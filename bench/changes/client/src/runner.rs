//! Who started this program does for it what needs power over processes: a line `do WHAT` asks, a line `done WHAT` answers.
//! Several may be under way at once.

use std::{
    collections::HashMap,
    io::{BufRead as _, Write as _},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, bail};
use tokio::sync::oneshot;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Deed {
    /// The API server ends without notice.
    KillApiServer,
    /// It comes again, with what it had stored; done when it is ready.
    StartApiServer,
    /// Another process of the gateway takes over; done when the old one has ended.
    Upgrade,
}

/// The line to who does it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runner(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    listens: bool,
    for_word: HashMap<String, oneshot::Sender<()>>,
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

impl Runner {
    /// Asks, and waits until it is done.
    pub(crate) async fn ask(&self, deed: Deed) -> anyhow::Result<()> {
        let word = deed.word();
        let (done, heard) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            if waiting.for_word.insert(word.to_owned(), done).is_some() {
                bail!("{word} is under way already");
            }
            if !std::mem::replace(&mut waiting.listens, true) {
                let runner = self.clone();
                std::thread::spawn(move || runner.listen());
            }
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "do {word}").context("the runner has gone")?;
        out.flush().context("the runner has gone")?;
        drop(out);
        heard
            .await
            .with_context(|| format!("the runner could not {word}"))
    }

    /// Until there is nothing more to hear.
    fn listen(&self) {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if let Some(word) = line.strip_prefix("done ")
                && let Some(done) = self.waiting().for_word.remove(word)
            {
                // Who asked may not wait any more.
                let _ = done.send(());
            }
        }
        self.waiting().for_word.clear();
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
