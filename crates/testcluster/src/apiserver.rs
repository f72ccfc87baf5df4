//! What a test may do to the API server's process.
//!
//! Its port, its data and its keys stay the same throughout.

use crate::{Error, control::Control};

/// The API server of one cluster, from [`Cluster::apiserver`](crate::Cluster::apiserver).
#[derive(Debug, Clone, Copy)]
pub struct ApiServer<'a> {
    control: &'a Control,
}

impl<'a> ApiServer<'a> {
    pub(crate) fn new(control: &'a Control) -> Self {
        Self { control }
    }

    /// Starts it and waits until it is ready. An error if it runs already.
    pub async fn start(&self) -> Result<(), Error> {
        self.control.order(&["apiserver", "start"]).await
    }

    /// Ends it in good order: watches are closed cleanly. Takes about a second.
    pub async fn stop(&self) -> Result<(), Error> {
        self.control.order(&["apiserver", "stop"]).await
    }

    /// Ends it as `kill -9` does; the kernel resets its connections.
    pub async fn kill(&self) -> Result<(), Error> {
        self.control.order(&["apiserver", "kill"]).await
    }

    /// [`stop`](Self::stop), then [`start`](Self::start).
    pub async fn restart(&self) -> Result<(), Error> {
        self.control.order(&["apiserver", "restart"]).await
    }

    /// Freezes the process. Its connections stay open, new ones are accepted by the kernel, and
    /// nothing is answered.
    pub async fn pause(&self) -> Result<(), Error> {
        self.control.order(&["apiserver", "pause"]).await
    }

    /// Ends a [`pause`](Self::pause).
    pub async fn resume(&self) -> Result<(), Error> {
        self.control.order(&["apiserver", "resume"]).await
    }
}
