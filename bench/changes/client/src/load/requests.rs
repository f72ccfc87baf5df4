//! One request after the other, on connections that are renewed now and then.

use std::{net::SocketAddr, time::Duration};

use tokio::time::{Instant, Interval};

use super::{Reporter, every};
use crate::{
    dial::{Dialled, Way},
    exchange::{Ask, Exchange, Protocol},
    fault::Failure,
};

/// What to ask for, and what must come back.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) way: Way,
    pub(crate) protocol: Protocol,
    pub(crate) ask: Ask,
    /// One of these bodies, with 200.
    pub(crate) bodies: Vec<String>,
}

/// A target and how often it is asked.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    pub(crate) target: Target,
    /// Between two requests of one client.
    pub(crate) pause: Duration,
    /// Requests on one connection before it is opened anew.
    pub(crate) requests_each: u64,
}

impl Target {
    /// A new connection on which nothing is spoken yet.
    pub(super) async fn dial(&self) -> Result<Dialled, Failure> {
        self.way.dial(self.address, &self.ask.host).await
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> Result<Exchange, Failure> {
        Exchange::open(&self.way, self.protocol, self.address, &self.ask.host).await
    }
}

impl Requests {
    pub(super) async fn run(self, reporter: Reporter) {
        let mut ticks = every(self.pause);
        while reporter.goes_on() {
            let began = Instant::now();
            match self.target.connect().await {
                Ok(exchange) => self.use_up(exchange, &mut ticks, &reporter).await,
                Err(failure) => {
                    reporter.report(began, Err(failure));
                    ticks.tick().await;
                }
            }
        }
    }

    /// Sends as many requests as a connection shall have, or until it ends.
    async fn use_up(&self, mut exchange: Exchange, ticks: &mut Interval, reporter: &Reporter) {
        for _ in 0..self.requests_each {
            ticks.tick().await;
            if !reporter.goes_on() || !exchange.goes_on().await {
                return;
            }
            let began = Instant::now();
            match exchange.send(&self.target.ask).await {
                Ok(answer) => {
                    reporter.report(began, answer.expect(&self.target.bodies));
                    if answer.close {
                        return;
                    }
                }
                Err(failure) => {
                    reporter.report(began, Err(failure));
                    return;
                }
            }
        }
    }
}
