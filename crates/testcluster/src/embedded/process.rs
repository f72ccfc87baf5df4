//! One run of the server, and its standard input and output.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::Error;

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Process {
    /// Starts it and waits until it is ready, which is when it says where it is.
    pub(crate) fn start(
        program: &Path,
        dir: &Path,
        address: SocketAddr,
        controllers: bool,
    ) -> Result<Self, Error> {
        let spawn_error = |source| Error::Spawn {
            program: program.to_owned(),
            source,
        };
        let mut child = Command::new(program)
            .arg(dir)
            .arg(address.to_string())
            .args((!controllers).then_some("--no-controllers"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(spawn_error)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(spawn_error(io::ErrorKind::BrokenPipe.into()));
        };
        let mut process = Self {
            child,
            input,
            output: BufReader::new(output),
            url: String::new(),
        };
        process.url = process.line().map_err(spawn_error)?;
        if process.url.is_empty() {
            process.kill();
            return Err(Error::Start {
                reason: "the embedded server ended at once; its complaint is above".to_owned(),
            });
        }
        Ok(process)
    }

    /// A command that is answered by a line.
    pub(crate) fn order(&mut self, word: &str) -> Result<(), Error> {
        let failed = |source| Error::Control {
            command: vec![word.to_owned()],
            source,
        };
        writeln!(self.input, "{word}").map_err(failed)?;
        match self.line().map_err(failed)? {
            answer if answer == "ok" => Ok(()),
            reason => Err(Error::Command {
                command: vec![word.to_owned()],
                reason,
            }),
        }
    }

    /// Ends it in good order.
    pub(crate) fn stop(mut self) -> Result<(), Error> {
        let failed = |source| Error::Control {
            command: vec!["stop".to_owned()],
            source,
        };
        writeln!(self.input, "stop").map_err(failed)?;
        self.child.wait().map(drop).map_err(failed)
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        // An error means that it has ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) -> Result<(), Error> {
        let failed = |source| Error::Spawn {
            program: "kill".into(),
            source,
        };
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status()
            .map_err(failed)?;
        if sent.success() {
            return Ok(());
        }
        Err(failed(io::ErrorKind::NotFound.into()))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}
