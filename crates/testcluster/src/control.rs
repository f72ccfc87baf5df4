//! The client of the supervisor's control socket: a JSON array of words in, one JSON line out.
//!
//! Each command has a connection of its own, because each test has an async runtime of its own.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    task,
    time::timeout,
};

use crate::{Error, embedded::Embedded};

/// The supervisor itself gives up a start after 60 s; a restart may wait 15 s before that.
const ANSWER_PATIENCE: Duration = Duration::from_secs(120);

/// Where commands go to.
#[derive(Debug)]
pub(crate) struct Control(Place);

#[derive(Debug)]
enum Place {
    Socket(PathBuf),
    Embedded(Arc<Embedded>),
}

/// The result of commands that have nothing to tell.
#[derive(Debug, Deserialize)]
pub(crate) struct Done {}

#[derive(Deserialize)]
struct Answer<T> {
    ok: bool,
    error: Option<String>,
    result: Option<T>,
}

impl Control {
    /// The supervisor of a real cluster.
    pub(crate) fn socket(socket: &Path) -> Self {
        Self(Place::Socket(socket.to_owned()))
    }

    /// An embedded server, which understands the same words.
    pub(crate) fn embedded(server: Embedded) -> Self {
        Self(Place::Embedded(Arc::new(server)))
    }

    /// Sends one command and waits for its result.
    pub(crate) async fn send<T: DeserializeOwned>(&self, command: &[&str]) -> Result<T, Error> {
        let words = || command.iter().map(|&word| word.to_owned()).collect();
        let socket = match &self.0 {
            Place::Socket(socket) => socket,
            Place::Embedded(server) => return obeyed(server.clone(), words()).await,
        };
        let line = timeout(ANSWER_PATIENCE, exchange(socket, command))
            .await
            .unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|source| Error::Control {
                command: words(),
                source,
            })?;
        let answer: Answer<T> = serde_json::from_str(&line).map_err(|source| Error::Protocol {
            answer: line.clone(),
            source,
        })?;
        match answer.result {
            Some(result) if answer.ok => Ok(result),
            _ => Err(Error::Command {
                command: words(),
                reason: answer.error.unwrap_or_else(|| "no reason given".to_owned()),
            }),
        }
    }

    /// Sends a command that has nothing to tell.
    pub(crate) async fn order(&self, command: &[&str]) -> Result<(), Error> {
        self.send::<Done>(command).await.map(|Done {}| ())
    }
}

async fn exchange(socket: &Path, command: &[&str]) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket).await?;
    let mut line = serde_json::to_vec(command)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut answer = String::new();
    if BufReader::new(stream).read_line(&mut answer).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(answer)
}

async fn obeyed<T: DeserializeOwned>(
    server: Arc<Embedded>,
    words: Vec<String>,
) -> Result<T, Error> {
    let command = words.clone();
    let work = move || server.obey(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let answer = task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Control {
            command,
            source: io::Error::other(error),
        })??;
    T::deserialize(&answer).map_err(|source| Error::Protocol {
        answer: answer.to_string(),
        source,
    })
}
