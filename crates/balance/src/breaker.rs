//! Circuit breakers: how much of a cluster may be in use at once, in one worker.
//!
//! Counts only. Invariant: what was admitted is released exactly once, by the caller.

use tidegate_routing::Limits;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Connections to endpoints, idle ones too.
    Connection,
    /// Requests that wait for a connection.
    Pending,
    /// Requests under way.
    Request,
}

/// A limit is reached. Answer 503 with `Retry-After`, or wait; never queue without limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limit of {limit} reached: {resource:?}")]
pub struct Tripped {
    pub resource: Resource,
    pub limit: u32,
}

/// The counters of one cluster.
#[derive(Clone, Debug, Default)]
pub struct Breakers {
    limits: Limits,
    used: [u32; 3],
    tripped: u64,
}

impl Breakers {
    /// Nothing in use.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// New limits; what is in use stays so.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Counts one more.
    ///
    /// # Errors
    /// The limit is reached; nothing was counted but the refusal.
    pub fn admit(&mut self, resource: Resource) -> Result<(), Tripped> {
        let limit = match resource {
            Resource::Connection => self.limits.connections,
            Resource::Pending => self.limits.pending,
            Resource::Request => self.limits.requests,
        };
        let used = &mut self.used[resource as usize];
        if let Some(limit) = limit
            && *used >= limit
        {
            self.tripped += 1;
            return Err(Tripped { resource, limit });
        }
        *used = used.saturating_add(1);
        Ok(())
    }

    /// Counts one less.
    pub fn release(&mut self, resource: Resource) {
        let used = &mut self.used[resource as usize];
        debug_assert!(*used > 0, "released more than was admitted");
        *used = used.saturating_sub(1);
    }

    /// How many are in use.
    pub fn used(&self, resource: Resource) -> u32 {
        self.used[resource as usize]
    }

    /// How many were refused so far.
    pub fn tripped(&self) -> u64 {
        self.tripped
    }
}

#[cfg(test)]
mod tests {
    use tidegate_routing::Limits;

    use super::{Breakers, Resource};

    /// Steps are `+` (admitted), `!` (refused), `-` (released), each with the resource's first letter.
    fn check(limits: Limits, steps: &str) {
        let mut breakers = Breakers::new(limits);
        for step in steps.split(' ') {
            let resource = match &step[1..] {
                "c" => Resource::Connection,
                "p" => Resource::Pending,
                _ => Resource::Request,
            };
            match &step[..1] {
                "-" => breakers.release(resource),
                expect => {
                    let admitted = breakers.admit(resource).is_ok();
                    assert_eq!(admitted, expect == "+", "{limits:?}: {step} of {steps}");
                }
            }
        }
    }

    #[test]
    fn each_resource_has_its_own_limit() {
        let limits = |connections, pending, requests| Limits {
            connections,
            pending,
            requests,
            ..Limits::default()
        };
        check(limits(Some(2), None, None), "+c +c !c -c +c !c +r +r +r +p");
        check(limits(None, Some(0), Some(1)), "!p +r !r -r +r +c +c");
        check(limits(None, None, None), "+c +p +r -c -p -r");
    }
}
