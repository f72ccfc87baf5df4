//! TLS connections that are kept for a while, and whose sessions the next ones resume.

use std::time::Duration;

use tokio::time::Instant;

use super::{Reporter, Target, every};
use crate::exchange::{Exchange, Http1};

/// A target whose way resumes sessions.
#[derive(Debug, Clone)]
pub(crate) struct Resumed {
    pub(crate) target: Target,
    /// Between two requests of one client.
    pub(crate) pause: Duration,
    /// Requests on one connection.
    pub(crate) requests_each: u64,
}

impl Resumed {
    /// What is counted when a session goes on.
    pub(crate) const RESUMED: &'static str = "resumed";

    pub(super) async fn run(self, reporter: Reporter) {
        let mut ticks = every(self.pause);
        let target = &self.target;
        while reporter.goes_on() {
            let began = Instant::now();
            let dialled = match target.dial().await {
                Ok(dialled) => dialled,
                Err(failure) => {
                    reporter.report(began, Err(failure));
                    ticks.tick().await;
                    continue;
                }
            };
            reporter.event(match dialled.resumed {
                true => Self::RESUMED,
                false => "full handshakes",
            });
            let mut exchange = Exchange::Http1(Http1::new(dialled.stream));
            for _ in 0..self.requests_each {
                ticks.tick().await;
                let began = Instant::now();
                let answered = exchange.send(&target.ask).await;
                let close = !matches!(&answered, Ok(answer) if !answer.close);
                reporter.report(
                    began,
                    answered.and_then(|answer| answer.expect(&target.bodies)),
                );
                if close || !reporter.goes_on() {
                    break;
                }
            }
        }
    }
}
