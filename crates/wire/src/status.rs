//! `metav1.Status`: how the API server says that something failed.
//!
//! Owned, because it outlives the bytes it came in. Null counts as absent. Numbers are
//! handed on as they are: whether a code makes sense is for the caller to say.

use std::{borrow::Cow, fmt};

use crate::{
    cursor::{Cursor, Member},
    error::ScanError,
};

/// What the API server reports in an ERROR event or as the body of a failed request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// HTTP status code.
    pub code: Option<i64>,
    /// Reason in one word, such as `Expired`.
    pub reason: Option<String>,
    /// For people. May quote the request.
    pub message: Option<String>,
    /// Wait this long before another try: `details.retryAfterSeconds`.
    pub retry_after_seconds: Option<i64>,
    /// The reason of each of `details.causes`, such as `ResourceVersionTooLarge`.
    pub causes: Vec<String>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason.as_deref().unwrap_or("no reason");
        let message = self.message.as_deref().unwrap_or("no message");
        match self.code {
            Some(code) => write!(f, "{code} {reason}: {message}"),
            None => write!(f, "{reason}: {message}"),
        }
    }
}

impl std::error::Error for Status {}

/// Reads a Status; any other kind is an error.
pub(crate) fn parse(bytes: &[u8]) -> Result<Status, ScanError> {
    let mut cursor = Cursor::new(bytes);
    let mut status = Status::default();
    cursor.whitespace();
    cursor.members(|cursor, key| {
        match key {
            b"kind" => kind(cursor)?,
            b"code" => status.code = cursor.integer("code")?,
            b"reason" => status.reason = owned(cursor, "reason")?,
            b"message" => status.message = owned(cursor, "message")?,
            b"details" => details(cursor, &mut status)?,
            _ => cursor.skip_value()?,
        }
        Ok(Member::Keep)
    })?;
    Ok(status)
}

fn kind(cursor: &mut Cursor<'_>) -> Result<(), ScanError> {
    let wrong = cursor.wrong("kind", "Status");
    match cursor.text("kind")?.as_deref() {
        None | Some("" | "Status") => Ok(()),
        Some(_) => Err(wrong),
    }
}

fn details(cursor: &mut Cursor<'_>, status: &mut Status) -> Result<(), ScanError> {
    const RETRY: &str = "details.retryAfterSeconds";
    status.retry_after_seconds = None;
    status.causes.clear();
    cursor.object("details", |cursor, key| {
        match key {
            b"retryAfterSeconds" => status.retry_after_seconds = cursor.integer(RETRY)?,
            b"causes" => status.causes = causes(cursor)?,
            _ => cursor.skip_value()?,
        }
        Ok(Member::Keep)
    })
}

fn causes(cursor: &mut Cursor<'_>) -> Result<Vec<String>, ScanError> {
    const FIELD: &str = "details.causes";
    let mut causes = Vec::new();
    cursor.array(FIELD, |cursor| {
        let mut reason = String::new();
        cursor.object(FIELD, |cursor, key| {
            match key {
                b"reason" => reason = cursor.owned_text(FIELD)?,
                _ => cursor.skip_value()?,
            }
            Ok(Member::Keep)
        })?;
        causes.push(reason);
        Ok(())
    })?;
    Ok(causes)
}

fn owned(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Option<String>, ScanError> {
    Ok(cursor.text(field)?.map(Cow::into_owned))
}
