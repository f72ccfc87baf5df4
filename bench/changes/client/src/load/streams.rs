//! HTTP/2 over TLS, several streams at once. Where the server says goodbye, no stream may be lost that had begun before; one
//! that crosses the goodbye may be given back unserved.

use std::time::Duration;

use tokio::{task::JoinSet, time::Instant};

use super::{Reporter, Target, every};
use crate::exchange::{Exchange, Http2};

/// A target, and how many streams of one connection ask for it.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    pub(crate) target: Target,
    pub(crate) lanes: usize,
    /// Between two requests of one lane.
    pub(crate) pause: Duration,
}

impl Streams {
    pub(super) async fn run(self, reporter: Reporter) {
        let mut ticks = every(self.pause);
        while reporter.goes_on() {
            ticks.tick().await;
            let began = Instant::now();
            match self.target.connect().await {
                Ok(Exchange::Http2(connection)) => {
                    let mut lanes = JoinSet::new();
                    for _ in 0..self.lanes {
                        lanes.spawn(self.clone().lane(connection.clone(), reporter.clone()));
                    }
                    drop(connection);
                    while lanes.join_next().await.is_some() {}
                    reporter.event("connections");
                }
                Ok(Exchange::Http1(_)) => return,
                Err(failure) => {
                    reporter.report(began, Err(failure));
                }
            }
        }
    }

    async fn lane(self, mut connection: Http2, reporter: Reporter) {
        let mut ticks = every(self.pause);
        loop {
            ticks.tick().await;
            if !reporter.goes_on() || !connection.goes_on().await {
                return;
            }
            let began = Instant::now();
            let answered = connection.send_in_time(&self.target.ask).await;
            let right = answered.and_then(|answer| answer.expect(&self.target.bodies));
            if !reporter.report(began, right) {
                return;
            }
        }
    }
}
