//! The client of the supervisor's control socket: a JSON array of words in, one JSON line out.
//!
//! Each command has a connection of its own, because each test has an async runtime of its own.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    time::timeout,
};

use crate::Error;

/// The supervisor itself gives up a start after 60 s; a restart may wait 15 s before that.
const ANSWER_PATIENCE: Duration = Duration::from_secs(120);

/// Where commands go to.
#[derive(Debug)]
pub(crate) struct Control {
    socket: PathBuf,
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
    pub(crate) fn new(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
        }
    }

    /// Sends one command and waits for its result.
    pub(crate) async fn send<T: DeserializeOwned>(&self, command: &[&str]) -> Result<T, Error> {
        let words = || command.iter().map(|&word| word.to_owned()).collect();
        let line = timeout(ANSWER_PATIENCE, self.exchange(command))
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

    async fn exchange(&self, command: &[&str]) -> io::Result<String> {
        let mut stream = UnixStream::connect(&self.socket).await?;
        let mut line = serde_json::to_vec(command)?;
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut answer = String::new();
        if BufReader::new(stream).read_line(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(answer)
    }
}
