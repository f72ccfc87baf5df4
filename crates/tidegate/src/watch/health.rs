//! How the watched resources fare, and what of it the user hears. Knows states, not informers' insides.
//!
//! Invariant: each change of a resource's state is said at most once, and trouble that concerns the
//! whole server is said once for all resources.

use super::{event::ResourceId, report::Reporter};
use crate::failure::Failure;
use std::sync::Arc;
use tidegate_informer::{Failure as Trouble, FailureKind, Phase, Status};

#[derive(Debug)]
pub(super) struct Health {
    resources: Vec<Resource>,
    /// The server cannot be reached, and that was said.
    outage: bool,
    until_synced: bool,
    report: Reporter,
}

#[derive(Debug)]
struct Resource {
    id: Arc<ResourceId>,
    synced: bool,
    /// What the user was told last, if it still holds.
    told: Option<Told>,
    /// Counts as an error at the end.
    failed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Forbidden,
    Absent,
    Trouble(FailureKind),
}

/// Whether to go on with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    GoOn,
    /// It will not sync, and that is what was waited for.
    GiveUp,
}

impl Health {
    pub(super) fn new(until_synced: bool, report: Reporter) -> Self {
        Self {
            resources: Vec::new(),
            outage: false,
            until_synced,
            report,
        }
    }

    /// Resources are numbered in the order of their coming.
    pub(super) fn add(&mut self, id: &Arc<ResourceId>) {
        self.resources.push(Resource {
            id: Arc::clone(id),
            synced: false,
            told: None,
            failed: false,
        });
    }

    pub(super) fn status(&mut self, index: usize, status: &Status) -> Verdict {
        let Some(resource) = self.resources.get_mut(index) else {
            return Verdict::GoOn;
        };
        resource.synced = status.synced;
        match (&status.failure, status.phase) {
            (_, Phase::Absent) => self.absent(index),
            (Some(trouble), _) => self.trouble(index, trouble),
            (None, Phase::Watching) => {
                self.well(index);
                Verdict::GoOn
            }
            (None, Phase::Listing | Phase::Waiting | Phase::Stopped) => Verdict::GoOn,
        }
    }

    /// The end of the command, if this is it. `pumping`: events are still on their way to a sink.
    pub(super) fn end(&self, pumping: bool) -> Option<Result<(), Failure>> {
        if self.until_synced {
            if pumping {
                return None;
            }
            let failed = self.resources.iter().any(|resource| resource.failed);
            return Some(if failed { Err(Failure::told()) } else { Ok(()) });
        }
        let hopeless =
            |resource: &Resource| resource.told == Some(Told::Forbidden) && !resource.synced;
        self.resources
            .iter()
            .all(hopeless)
            .then(|| Err(Failure::told()))
    }

    fn absent(&mut self, index: usize) -> Verdict {
        let resource = &mut self.resources[index];
        let name = resource.id.qualified_plural();
        let news = resource.told.replace(Told::Absent) != Some(Told::Absent);
        if self.until_synced {
            resource.failed = true;
            if news {
                self.report.plain(&format!(
                    "error: the server doesn't have a resource type {name:?}"
                ));
            }
            return Verdict::GiveUp;
        }
        if news {
            self.report
                .note(&format!("{name} is not served now; waiting for it"));
        }
        Verdict::GoOn
    }

    fn trouble(&mut self, index: usize, trouble: &Trouble) -> Verdict {
        let resource = &mut self.resources[index];
        let told = match trouble.kind {
            FailureKind::Forbidden => Told::Forbidden,
            kind => Told::Trouble(kind),
        };
        let before = resource.told.replace(told);
        let news = before != Some(told);
        match trouble.kind {
            FailureKind::Forbidden => {
                if news {
                    self.report.plain(&format!(
                        "Error from server (Forbidden): {}",
                        trouble.message
                    ));
                }
                if self.until_synced {
                    resource.failed = true;
                    return Verdict::GiveUp;
                }
            }
            FailureKind::Unreachable | FailureKind::Silent | FailureKind::Unauthorized => {
                // Who was in trouble already belongs to the outage that was told.
                if before.is_none() && !std::mem::replace(&mut self.outage, true) {
                    self.report
                        .warn(&format!("{}; trying again", outage_text(trouble)));
                }
            }
            // The server is busy or its history is over: part of normal life, and dealt with.
            FailureKind::Expired | FailureKind::Throttled | FailureKind::TooNew => {}
            FailureKind::NotFound | FailureKind::Server | FailureKind::BadData => {
                if news {
                    let name = resource.id.qualified_plural();
                    self.report
                        .warn(&format!("{name}: {}; trying again", trouble.message));
                }
            }
        }
        Verdict::GoOn
    }

    fn well(&mut self, index: usize) {
        // One answer shows that the server is back, whatever this resource failed with meanwhile.
        if std::mem::take(&mut self.outage) {
            self.report.note("the server answers again");
        }
        let resource = &mut self.resources[index];
        let name = resource.id.qualified_plural();
        match resource.told.take() {
            Some(Told::Absent) => self.report.note(&format!("{name} is served again")),
            Some(
                Told::Forbidden
                | Told::Trouble(FailureKind::Server | FailureKind::BadData | FailureKind::NotFound),
            ) => self.report.note(&format!("{name} can be watched now")),
            Some(Told::Trouble(_)) | None => {}
        }
    }
}

fn outage_text(trouble: &Trouble) -> String {
    match trouble.kind {
        FailureKind::Unauthorized => {
            format!("the server refuses the credentials ({})", trouble.message)
        }
        _ => format!("the server cannot be reached ({})", trouble.message),
    }
}
