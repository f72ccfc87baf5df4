//! Visitors of the one walk through the table, which lookup and explanation share.

use std::ops::ControlFlow;

use crate::{Attachment, RequestView};

/// Sees candidates in the order of precedence.
pub(super) trait Visit<'a> {
    /// Host and path match; the rest is for the visitor to check.
    fn candidate(&mut self, attachment: &'a Attachment) -> ControlFlow<()>;
}

/// Stops at the first attachment that matches.
#[derive(Debug)]
pub(super) struct First<'a, 'r> {
    request: &'r RequestView<'r>,
    found: Option<&'a Attachment>,
}

impl<'a, 'r> First<'a, 'r> {
    pub(super) fn new(request: &'r RequestView<'r>) -> Self {
        Self {
            request,
            found: None,
        }
    }

    pub(super) fn found(self) -> Option<&'a Attachment> {
        self.found
    }
}

impl<'a> Visit<'a> for First<'a, '_> {
    #[inline]
    fn candidate(&mut self, attachment: &'a Attachment) -> ControlFlow<()> {
        if attachment.takes(self.request) {
            self.found = Some(attachment);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// Shows everything to a function.
pub(super) struct Each<F>(pub(super) F);

impl<'a, F: FnMut(&'a Attachment) -> ControlFlow<()>> Visit<'a> for Each<F> {
    fn candidate(&mut self, attachment: &'a Attachment) -> ControlFlow<()> {
        (self.0)(attachment)
    }
}
