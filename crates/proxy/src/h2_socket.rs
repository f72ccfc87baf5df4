//! A connection as HTTP/2 takes it: one stream for both directions, with what was read of it already in front.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{buffer::Buffer, h2_guard::Watch, stream::Whole};

/// What is still read of a client to whom all has been said: it may be about to send so much before it reads that.
const LINGER_BYTES: usize = 256 * 1024;

/// One connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Whole,
    /// Bytes that were read to find out what is spoken.
    first: Buffer,
    /// Looks at what the peer sends. Only clients have one.
    watch: Option<Watch>,
    /// Once nothing more is sent: what may still be read.
    linger: Option<usize>,
}

impl Socket {
    pub(crate) fn new(stream: Whole, first: Buffer, watch: Option<Watch>) -> Self {
        Self {
            stream,
            first,
            watch,
            linger: None,
        }
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Whole::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Whole::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
        }
    }

    /// Reads on until the client ends, too: closing with unread bytes would make the kernel take back what was said last.
    fn poll_linger(&mut self, left: usize, cx: &mut Context<'_>) -> Poll<()> {
        let mut left = left;
        let mut piece = [0; 4096];
        while left > 0 {
            let mut space = ReadBuf::new(&mut piece);
            let read = match &mut self.stream {
                Whole::Plain(stream) => Pin::new(stream).poll_read(cx, &mut space),
                Whole::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, &mut space),
            };
            if read.is_pending() {
                self.linger = Some(left);
                return Poll::Pending;
            }
            match space.filled().len() {
                // The end, or an error: there is nothing to wait for.
                0 => return Poll::Ready(()),
                count => left = left.saturating_sub(count),
            }
        }
        Poll::Ready(())
    }

    fn sent(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let (Some(watch), Poll::Ready(Ok(count))) = (&self.watch, &result) {
            watch.sent(*count);
        }
        result
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.watch.as_ref().is_some_and(Watch::is_alarmed) {
            // Nothing more is heard. The connection's task has been woken, and says so.
            return Poll::Pending;
        }
        let before = space.filled().len();
        let result = if this.first.is_empty() {
            match &mut this.stream {
                Whole::Plain(stream) => Pin::new(stream).poll_read(cx, space),
                Whole::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, space),
            }
        } else {
            let count = this.first.len().min(space.remaining());
            space.put_slice(&this.first.filled()[..count]);
            this.first.consume(count);
            if this.first.is_empty() {
                this.first = Buffer::default();
            }
            Poll::Ready(Ok(()))
        };
        if let Some(watch) = &mut this.watch
            && result.is_ready()
        {
            watch.look(&space.filled()[before..]);
        }
        result
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = match &mut self.stream {
            Whole::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Whole::Tls(stream) => Pin::new(&mut **stream).poll_write(cx, bytes),
        };
        self.sent(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = match &mut self.stream {
            Whole::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Whole::Tls(stream) => Pin::new(&mut **stream).poll_write_vectored(cx, parts),
        };
        self.sent(result)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Whole::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Whole::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let left = match (this.linger, &this.watch) {
            (Some(left), _) => left,
            (None, None) => return this.poll_end(cx),
            (None, Some(watch)) => {
                watch.over();
                ready!(this.poll_end(cx))?;
                LINGER_BYTES
            }
        };
        this.poll_linger(left, cx).map(Ok)
    }
}
