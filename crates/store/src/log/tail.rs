//! The end of a log: a file, and the room in it, which is filled with zeros before it is needed.
//!
//! So most batches change neither the length of the file nor its place on the disk: waiting for the disk waits for the
//! bytes alone. And a disk that is full shows before anything of a batch is written.
//!
//! Invariant: behind the offset the file has only zeros, unless a write has failed.

use std::{
    fmt,
    fs::File,
    io::{self, Seek, SeekFrom, Write},
};

/// Room is made in steps of this many bytes: a metadata change for every hundred small batches or so.
const STEP: u64 = 1 << 18;
const ZEROS: [u8; 1 << 14] = [0; 1 << 14];

/// A file, as far as the log needs it.
pub(crate) trait Disk: Send + fmt::Debug {
    /// Writes bytes at a place.
    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Cuts off what is behind a place.
    fn shorten(&mut self, length: u64) -> io::Result<()>;
    /// Waits until the disk has all that was written.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.seek(SeekFrom::Start(at))?;
        self.write_all(bytes)
    }

    fn shorten(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

#[derive(Debug)]
pub(crate) struct Tail {
    disk: Box<dyn Disk>,
    offset: u64,
    /// Where the file ends. Never before the offset.
    length: u64,
    /// How much room is made at once.
    step: u64,
}

impl Tail {
    /// A file that has frames up to an offset, and zeros up to its length. There is no use in more room than a file
    /// of the log gets.
    pub(crate) fn new(disk: Box<dyn Disk>, offset: u64, length: u64, segment_bytes: u64) -> Self {
        Self {
            disk,
            offset,
            length,
            step: segment_bytes.clamp(1, STEP),
        }
    }

    /// Where the next frame goes.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Makes room for so many bytes. After an error nothing but room has changed, and it may be tried again.
    pub(crate) fn reserve(&mut self, bytes: u64) -> io::Result<()> {
        let needed = self.offset.saturating_add(bytes);
        if needed <= self.length {
            return Ok(());
        }
        let end = needed.next_multiple_of(self.step);
        while self.length < end {
            let step = (end - self.length).min(ZEROS.len() as u64);
            let zeros = &ZEROS[..usize::try_from(step).unwrap_or(ZEROS.len())];
            self.disk.write_at(zeros, self.length)?;
            self.length += step;
        }
        Ok(())
    }

    /// Writes bytes where the last ones ended.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.write_at(bytes, self.offset)?;
        self.offset += bytes.len() as u64;
        self.length = self.length.max(self.offset);
        Ok(())
    }

    /// Writes bytes again that were there before.
    pub(crate) fn mend(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.write_at(bytes, at)
    }

    /// Cuts off what is behind the last frame. It is durable with the next [`sync`](Self::sync).
    pub(crate) fn cut(&mut self) -> io::Result<()> {
        if self.length > self.offset {
            self.disk.shorten(self.offset)?;
            self.length = self.offset;
        }
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.disk.sync()
    }
}
