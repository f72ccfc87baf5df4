//! The election's decisions. Time is an argument; the server's clock is never compared with ours.

use std::time::{Duration, Instant};

/// client-go's three times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// How long a lease holds that nobody renews, as others see it.
    pub(crate) lease: Duration,
    /// How long the holder believes in it without a renewal. Less than `lease`: the difference is the fence.
    pub(crate) renew: Duration,
    /// How often it is renewed, or tried for.
    pub(crate) retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            renew: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

/// What a Lease says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Empty when it was released.
    pub(crate) holder: String,
    pub(crate) duration: Duration,
    /// As written: compared, never read as a time.
    pub(crate) renewed: String,
    pub(crate) acquired: String,
    pub(crate) transitions: i64,
    /// `resourceVersion`: a write succeeds only on top of it.
    pub(crate) version: String,
}

/// What to do with the Lease now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// There is none.
    Create,
    /// Write over this one: to renew it (`acquired` is kept), or to take it.
    Write { over: Record, renew: bool },
    /// Someone holds it.
    Wait,
}

/// One candidate's view.
#[derive(Debug)]
pub(crate) struct Election {
    identity: String,
    timing: Timing,
    /// What was last seen, and when it was first seen to be so.
    observed: Option<(Record, Instant)>,
    held_until: Option<Instant>,
}

impl Election {
    pub(crate) fn new(identity: String, timing: Timing) -> Self {
        Self {
            identity,
            timing,
            observed: None,
            held_until: None,
        }
    }

    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    pub(crate) fn timing(&self) -> Timing {
        self.timing
    }

    /// Until when this candidate leads; `None` if it doesn't.
    pub(crate) fn leads_until(&self, now: Instant) -> Option<Instant> {
        self.held_until.filter(|until| now < *until)
    }

    /// The holder may write over what it wrote itself, without reading it first.
    pub(crate) fn fast(&self, now: Instant) -> Option<Attempt> {
        self.leads_until(now)?;
        let (record, _) = self.observed.as_ref()?;
        (record.holder == self.identity).then(|| Attempt::Write {
            over: record.clone(),
            renew: true,
        })
    }

    /// The Lease was read.
    pub(crate) fn read(&mut self, found: Option<Record>, now: Instant) -> Attempt {
        let Some(found) = found else {
            self.observed = None;
            return Attempt::Create;
        };
        let same = self
            .observed
            .as_ref()
            .is_some_and(|(record, _)| *record == found);
        if !same {
            self.observed = Some((found.clone(), now));
        }
        let since = self.observed.as_ref().map_or(now, |(_, since)| *since);
        if found.holder == self.identity {
            return Attempt::Write {
                over: found,
                renew: true,
            };
        }
        self.held_until = None;
        if !found.holder.is_empty() && now < since + found.duration {
            return Attempt::Wait;
        }
        Attempt::Write {
            over: found,
            renew: false,
        }
    }

    /// Our write of it, begun at `started`, has succeeded.
    pub(crate) fn written(&mut self, record: Record, started: Instant) {
        self.observed = Some((record, started));
        self.held_until = Some(started + self.timing.renew);
    }

    /// Our write met another version: what was observed is of no use for a fast renewal.
    pub(crate) fn conflicted(&mut self) {
        if let Some((record, _)) = &mut self.observed {
            // The next read differs from it, and is taken as new.
            record.version.clear();
            record.holder.clear();
        }
    }

    /// The process gives it up.
    pub(crate) fn released(&mut self) {
        self.held_until = None;
        self.observed = None;
    }
}

#[cfg(test)]
mod tests {
    //! Stories: each step is what happens at a second, and what must come of it.

    use super::{Attempt, Election, Record, Timing};
    use std::time::{Duration, Instant};

    fn record(holder: &str, version: u32) -> Record {
        Record {
            holder: holder.to_owned(),
            duration: Duration::from_secs(15),
            renewed: version.to_string(),
            acquired: String::new(),
            transitions: 0,
            version: version.to_string(),
        }
    }

    /// Steps are `SECOND read HOLDER@VERSION|none = create|renew|take|wait`, `SECOND wrote VERSION`, `SECOND conflict`,
    /// `SECOND fast = renew|none` and `SECOND leads = yes|no`.
    #[track_caller]
    fn check(story: &str) {
        let zero = Instant::now();
        let mut election = Election::new("me".to_owned(), Timing::default());
        let name = |attempt: &Attempt| match attempt {
            Attempt::Create => "create",
            Attempt::Write { renew: true, .. } => "renew",
            Attempt::Write { .. } => "take",
            Attempt::Wait => "wait",
        };
        for step in story.split(';').map(str::trim) {
            let words: Vec<&str> = step.split_whitespace().collect();
            let now = zero + Duration::from_secs(words[0].parse().expect("a second"));
            let found = match words[1] {
                "read" => {
                    let seen = words[2].split_once('@').map(|(holder, version)| {
                        record(
                            holder.trim_matches('-'),
                            version.parse().expect("a version"),
                        )
                    });
                    name(&election.read(seen, now))
                }
                "wrote" => {
                    election.written(record("me", words[2].parse().expect("a version")), now);
                    continue;
                }
                "conflict" => {
                    election.conflicted();
                    continue;
                }
                "fast" => election.fast(now).as_ref().map_or("none", name),
                "leads" if election.leads_until(now).is_some() => "yes",
                _ => "no",
            };
            assert_eq!(Some(&found), words.last(), "{step} in {story}");
        }
    }

    #[test]
    fn elections() {
        check("0 read none = create; 0 wrote 1; 1 leads = yes; 9 leads = yes; 10 leads = no");
        check(
            "0 read none = create; 0 wrote 1; 2 fast = renew; 2 wrote 2; 11 leads = yes; 12 leads = no",
        );
        // Another one's lease is taken only when it was seen unchanged for all its time.
        check("0 read you@1 = wait; 14 read you@1 = wait; 15 read you@1 = take");
        check(
            "0 read you@1 = wait; 14 read you@2 = wait; 15 read you@2 = wait; 29 read you@2 = take",
        );
        // A released one is free at once.
        check("0 read you@1 = wait; 2 read -@2 = take; 2 wrote 3; 3 leads = yes");
        // Its own lease from before a restart.
        check("0 read me@7 = renew; 0 wrote 8; 1 leads = yes");
        // Lost while it could not renew: the fence fell before the other one could take it.
        check(
            "0 read none = create; 0 wrote 1; 10 leads = no; 16 fast = none; 16 read you@2 = wait; 16 leads = no",
        );
        check(
            "0 read none = create; 0 wrote 1; 2 conflict; 2 fast = none; 2 read you@2 = wait; 2 leads = no",
        );
        // Deleted by someone.
        check(
            "0 read none = create; 0 wrote 1; 2 conflict; 2 read none = create; 2 leads = yes; 2 wrote 1; 11 leads = yes",
        );
    }
}
