//! Readiness and one timer: epoll and a timerfd with safe types, nothing on top.
//!
//! A timerfd because epoll itself waits for whole milliseconds only, and requests are due every few dozen microseconds.

use std::{io, os::fd::OwnedFd, time::Duration};

use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
    fd::AsFd,
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    },
};

/// The token of the timer's events.
pub(crate) const TIMER: u64 = u64::MAX;

/// What a socket waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Interest {
    Read,
    ReadWrite,
}

/// An epoll instance with a timer in it.
pub(crate) struct Events {
    epoll: OwnedFd,
    timer: OwnedFd,
    ready: Vec<Event>,
}

impl Events {
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        // Edge-triggered: nobody reads the timer, setting it anew makes the next edge.
        let flags = EventFlags::IN | EventFlags::ET;
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), flags)?;
        Ok(Self {
            epoll,
            timer,
            ready: Vec::with_capacity(256),
        })
    }

    pub(crate) fn add(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        let data = EventData::new_u64(token);
        Ok(epoll::add(&self.epoll, socket, data, EventFlags::IN)?)
    }

    pub(crate) fn change(
        &self,
        socket: impl AsFd,
        token: u64,
        interest: Interest,
    ) -> io::Result<()> {
        let flags = match interest {
            Interest::Read => EventFlags::IN,
            Interest::ReadWrite => EventFlags::IN | EventFlags::OUT,
        };
        let data = EventData::new_u64(token);
        Ok(epoll::modify(&self.epoll, socket, data, flags)?)
    }

    /// Asks for a wake-up; the one asked for before is forgotten.
    pub(crate) fn wake_in(&self, wait: Duration) -> io::Result<()> {
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // Zero would switch the timer off.
        let wait = wait.max(Duration::from_nanos(1));
        let once = Itimerspec {
            it_interval: zero,
            it_value: Timespec {
                tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: wait.subsec_nanos().into(),
            },
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }

    /// Waits, and adds the tokens of what is ready.
    pub(crate) fn wait(&mut self, tokens: &mut Vec<u64>) -> io::Result<()> {
        match epoll::wait(&self.epoll, spare_capacity(&mut self.ready), None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        tokens.extend(self.ready.drain(..).map(|event| event.data.u64()));
        Ok(())
    }
}
