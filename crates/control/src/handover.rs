//! From an old process to a new one without a refused connection: the listening sockets go over a Unix socket in the
//! state's directory. Both share the sockets' queues until the old process, told that the new one serves, ends in peace.
//!
//! The new process asks by connecting: starting it beside the old one is all that an upgrade takes.

#[cfg(unix)]
mod wire;

use std::{
    io,
    net::TcpListener,
    path::{Path, PathBuf},
};

/// The socket in the state's directory.
const SOCKET: &str = "handover.sock";

/// What a new process got from an old one.
#[derive(Debug)]
pub struct Predecessor {
    listeners: Vec<TcpListener>,
    #[cfg(unix)]
    stream: std::os::unix::net::UnixStream,
}

impl Predecessor {
    /// Asks the process that runs on this state directory for its sockets. Nothing where there is none.
    ///
    /// # Errors
    /// One runs, but doesn't give them.
    #[cfg(unix)]
    pub fn ask(state_dir: &Path) -> io::Result<Option<Self>> {
        match wire::connect(&state_dir.join(SOCKET))? {
            None => Ok(None),
            Some(stream) => {
                let listeners = wire::receive(&stream)?;
                Ok(Some(Self { listeners, stream }))
            }
        }
    }

    /// There is no such thing here.
    ///
    /// # Errors
    /// Never.
    #[cfg(not(unix))]
    pub fn ask(_: &Path) -> io::Result<Option<Self>> {
        Ok(None)
    }

    /// The listening sockets.
    pub fn take_listeners(&mut self) -> Vec<TcpListener> {
        std::mem::take(&mut self.listeners)
    }

    /// Tells the old process that this one serves: it may end.
    ///
    /// # Errors
    /// It has ended already.
    pub fn dismiss(self) -> io::Result<()> {
        #[cfg(unix)]
        wire::say_served(&self.stream)?;
        Ok(())
    }
}

/// Waits for a new process, gives it the sockets of `listeners`, and calls `served` when that one serves. The thread
/// lives as long as this process, or until a successor serves.
///
/// # Errors
/// The socket can't be had.
pub fn offer(
    state_dir: &Path,
    listeners: impl Fn() -> io::Result<Vec<TcpListener>> + Send + 'static,
    served: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let path: PathBuf = state_dir.join(SOCKET);
    #[cfg(unix)]
    return wire::offer(path, listeners, served);
    #[cfg(not(unix))]
    {
        let _ = (path, listeners, served);
        Ok(())
    }
}
