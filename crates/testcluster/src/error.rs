//! Everything that can go wrong with the fixture; a test should fail with it.

use std::{io, path::PathBuf};

/// Why the cluster could not do what a test asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The binary could not be built, for want of Go or of the module proxy. See `reason`.
    #[error("the test cluster's binary could not be built:\n{reason}")]
    Build {
        /// What `build.sh` had to say.
        reason: String,
    },
    /// The cluster did not come up. See `reason`; the machine may be out of memory.
    #[error("the test cluster did not start:\n{reason}")]
    Start {
        /// What the supervisor had to say.
        reason: String,
    },
    /// A program could not be run at all.
    #[error("could not run {program}")]
    Spawn {
        /// The program's path.
        program: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The supervisor refused or failed a control command.
    #[error("control command {command:?} failed: {reason}")]
    Command {
        /// The command's words.
        command: Vec<String>,
        /// What the supervisor had to say.
        reason: String,
    },
    /// The supervisor does not answer: it died, or the command took longer than any should.
    #[error("the supervisor did not answer {command:?}")]
    Control {
        /// The command's words.
        command: Vec<String>,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// kubectl ran and ended with an error.
    #[error("kubectl {arguments:?} ended with {code}: {stderr}")]
    Kubectl {
        /// kubectl's arguments.
        arguments: Vec<String>,
        /// Its exit code; −1 if a signal ended it.
        code: i32,
        /// What it wrote to standard error.
        stderr: String,
    },
    /// A file of the cluster could not be read.
    #[error("could not read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The supervisor said something that this crate does not understand: their versions differ.
    #[error("the supervisor's answer {answer:?} is not understood")]
    Protocol {
        /// What it said.
        answer: String,
        /// Where it deviates.
        #[source]
        source: serde_json::Error,
    },
}
