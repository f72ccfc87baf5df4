//! Finds where a head ends, and where its lines do. Goes on where it stopped when more bytes come.

use memchr::memchr;

use crate::HeadError;

/// The state of the search, used again for every message of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scan {
    /// Where each line's LF is; the last one is the empty line's.
    ends: Vec<u32>,
    /// How far the search for the next LF has come.
    searched: usize,
    /// Where the start line begins, after an empty line that is overlooked.
    start: usize,
}

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) bytes_max: usize,
    /// Beyond: the target is too long.
    pub(crate) first_line_bytes_max: usize,
    pub(crate) lines_max: usize,
}

/// A complete head: `ends` are the LFs of the start line, of each field's line, and of the empty line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines<'a> {
    pub(crate) start: usize,
    pub(crate) ends: &'a [u32],
}

impl Lines<'_> {
    /// The bytes of the start line, without CR LF.
    pub(crate) fn first(&self) -> std::ops::Range<usize> {
        self.start..(self.ends[0] as usize).saturating_sub(1)
    }

    /// Start line's end to the empty line's end.
    pub(crate) fn rest(&self) -> std::ops::Range<usize> {
        self.ends[0] as usize + 1..self.end()
    }

    /// How long the head is.
    pub(crate) fn end(&self) -> usize {
        self.ends.last().map_or(0, |&end| end as usize + 1)
    }

    /// LFs of the fields' lines.
    pub(crate) fn fields(&self) -> &[u32] {
        &self.ends[1..self.ends.len() - 1]
    }
}

impl Scan {
    pub(crate) fn reset(&mut self) {
        self.ends.clear();
        self.searched = 0;
        self.start = 0;
    }

    /// Whether the first line has come whole.
    pub(crate) fn has_first_line(&self) -> bool {
        !self.ends.is_empty()
    }

    /// Where the start line begins.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// What was found last.
    pub(crate) fn lines(&self) -> Lines<'_> {
        Lines {
            start: self.start,
            ends: &self.ends,
        }
    }

    /// Overlooks one empty line before a request, as RFC 9112 §2.2 wants. To be asked before [`Self::find`].
    pub(crate) fn skip_empty_line(&mut self, buf: &[u8]) {
        if self.ends.is_empty() && self.start == 0 && buf.starts_with(b"\r\n") {
            self.start = 2;
            self.searched = 2;
        }
    }

    /// Whether all lines are there. Looks at no more bytes and lines than the bounds say.
    pub(crate) fn find(&mut self, buf: &[u8], bounds: &Bounds) -> Result<bool, HeadError> {
        if self.ends.is_empty() {
            let bytes_max = bounds
                .bytes_max
                .min(self.start + bounds.first_line_bytes_max);
            let full = match bytes_max < bounds.bytes_max {
                true => HeadError::TargetTooLong,
                false => HeadError::HeadTooLarge,
            };
            if !self.find_line(buf, bytes_max, full)? {
                return Ok(false);
            }
        }
        while self.ends.len() <= bounds.lines_max {
            let line = self.line_start();
            if !self.find_line(buf, bounds.bytes_max, HeadError::HeadTooLarge)? {
                return Ok(false);
            }
            if self.line_start() == line + 2 {
                return Ok(true);
            }
        }
        Err(HeadError::TooManyFields)
    }

    fn line_start(&self) -> usize {
        self.ends.last().map_or(self.start, |&end| end as usize + 1)
    }

    /// Finds the end of one line more. `full` is the error where there are `bytes_max` bytes without it.
    fn find_line(
        &mut self,
        buf: &[u8],
        bytes_max: usize,
        full: HeadError,
    ) -> Result<bool, HeadError> {
        let seen = &buf[..buf.len().min(bytes_max)];
        let Some(distance) = memchr(b'\n', seen.get(self.searched..).unwrap_or_default()) else {
            self.searched = seen.len().max(self.searched);
            return match buf.len() >= bytes_max {
                true => Err(full),
                false => Ok(false),
            };
        };
        let end = self.searched + distance;
        if end == self.line_start() || seen[end - 1] != b'\r' {
            return Err(HeadError::LineEnd);
        }
        self.searched = end + 1;
        self.ends
            .push(u32::try_from(end).map_err(|_| HeadError::HeadTooLarge)?);
        Ok(true)
    }
}
