//! Byte streams, plain or TLS, as two halves that one task reads and writes independently.
//!
//! Knows nothing of HTTP. Both halves of a TLS stream share its state by `RefCell`: they are used by one task only, and
//! no borrow outlives a poll.

use std::{
    cell::RefCell,
    future::poll_fn,
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_rustls::TlsStream;

use crate::buffer::{Buffer, Pool};

/// What a TLS stream gives up first, so that an idle one needs no buffer.
const PEEK_BYTES: usize = 16;

/// A stream that is not cut in halves.
#[derive(Debug)]
pub(crate) enum Whole {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// The half that is read.
#[derive(Debug)]
pub(crate) enum ReadHalf {
    Plain(OwnedReadHalf),
    Tls(TlsReadHalf),
}

/// The half that is written.
#[derive(Debug)]
pub(crate) enum WriteHalf {
    Plain(OwnedWriteHalf),
    Tls(Rc<RefCell<TlsStream<TcpStream>>>),
}

#[derive(Debug)]
pub(crate) struct TlsReadHalf {
    stream: Rc<RefCell<TlsStream<TcpStream>>>,
    peeked: [u8; PEEK_BYTES],
    peeked_count: usize,
}

pub(crate) fn plain(stream: TcpStream) -> (ReadHalf, WriteHalf) {
    let (read, write) = stream.into_split();
    (ReadHalf::Plain(read), WriteHalf::Plain(write))
}

pub(crate) fn tls(stream: TlsStream<TcpStream>) -> (ReadHalf, WriteHalf) {
    let stream = Rc::new(RefCell::new(stream));
    let read = TlsReadHalf {
        stream: stream.clone(),
        peeked: [0; PEEK_BYTES],
        peeked_count: 0,
    };
    (ReadHalf::Tls(read), WriteHalf::Tls(stream))
}

impl Whole {
    pub(crate) fn split(self) -> (ReadHalf, WriteHalf) {
        match self {
            Self::Plain(stream) => plain(stream),
            Self::Tls(stream) => tls(*stream),
        }
    }

    /// Whether both sides have agreed on HTTP/2 by TLS.
    pub(crate) fn agreed_on_h2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }

    /// Puts the halves of a plain stream together. `None`: they are not, or of two streams.
    pub(crate) fn of(read: ReadHalf, write: WriteHalf) -> Option<Self> {
        match (read, write) {
            (ReadHalf::Plain(read), WriteHalf::Plain(write)) => {
                read.reunite(write).ok().map(Self::Plain)
            }
            _ => None,
        }
    }
}

impl ReadHalf {
    /// Ready when a read would not wait: bytes, the end, or an error are there. Holds no buffer.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(read) => read.as_ref().poll_read_ready(cx).map(|_| ()),
            Self::Tls(read) => read.poll_peek(cx),
        }
    }

    /// Whether anything has come, be it the end, without waiting.
    pub(crate) fn is_ready(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        self.poll_ready(&mut cx).is_ready()
    }

    /// Asks the kernel whether anything has come, be it the end.
    pub(crate) fn is_ready_now(&self) -> bool {
        let mut byte = [MaybeUninit::uninit(); 1];
        let result = match self {
            Self::Plain(read) => SockRef::from(read.as_ref()).peek(&mut byte),
            Self::Tls(read) => SockRef::from(read.stream.borrow().get_ref().0).peek(&mut byte),
        };
        !matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Reads once. 0 is the end, or a full buffer.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Buffer,
        pool: &Pool,
    ) -> Poll<io::Result<usize>> {
        let mut space = ReadBuf::new(buffer.space(pool));
        let result = match self {
            Self::Plain(read) => Pin::new(read).poll_read(cx, &mut space),
            Self::Tls(read) => read.poll_read(cx, &mut space),
        };
        let count = space.filled().len();
        buffer.added(count);
        result.map_ok(|()| count)
    }

    /// Reads once, as soon as something is there; until then no buffer is held. 0 is the end, or a full buffer.
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Buffer,
        pool: &Pool,
    ) -> Poll<io::Result<usize>> {
        // To ask first whether anything is there costs more than a buffer that is taken in vain.
        let result = self.poll_read(cx, buffer, pool);
        if result.is_pending() {
            buffer.release(pool);
        }
        result
    }

    /// [`ReadHalf::poll_fill`].
    pub(crate) async fn read(&mut self, buffer: &mut Buffer, pool: &Pool) -> io::Result<usize> {
        poll_fn(|cx| self.poll_fill(cx, buffer, pool)).await
    }
}

impl TlsReadHalf {
    fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.peeked_count > 0 {
            return Poll::Ready(());
        }
        let mut space = ReadBuf::new(&mut self.peeked);
        let result = Pin::new(&mut *self.stream.borrow_mut()).poll_read(cx, &mut space);
        self.peeked_count = space.filled().len();
        // The end and errors are found again by the read that follows.
        result.map(|_| ())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.peeked_count == 0 {
            return Pin::new(&mut *self.stream.borrow_mut()).poll_read(cx, space);
        }
        let count = self.peeked_count.min(space.remaining());
        space.put_slice(&self.peeked[..count]);
        self.peeked.copy_within(count..self.peeked_count, 0);
        self.peeked_count -= count;
        if self.peeked_count == 0 && space.remaining() > 0 {
            // The rest of the record was decrypted with it. That there may be no more is no failure.
            let _more = Pin::new(&mut *self.stream.borrow_mut()).poll_read(cx, space);
        }
        Poll::Ready(Ok(()))
    }
}

impl WriteHalf {
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(write) => Pin::new(write).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(&mut *stream.borrow_mut()).poll_write(cx, bytes),
        }
    }

    pub(crate) fn poll_write_both(
        &mut self,
        cx: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        if first.is_empty() || second.is_empty() {
            return self.poll_write(cx, if first.is_empty() { second } else { first });
        }
        match self {
            Self::Plain(write) => Pin::new(write)
                .poll_write_vectored(cx, &[IoSlice::new(first), IoSlice::new(second)]),
            Self::Tls(stream) => Pin::new(&mut *stream.borrow_mut())
                .poll_write_vectored(cx, &[IoSlice::new(first), IoSlice::new(second)]),
        }
    }

    /// Writes `first`, then `second`, in one call where the kernel takes it.
    pub(crate) async fn write(&mut self, first: &[u8], second: &[u8]) -> io::Result<()> {
        let total = first.len() + second.len();
        let mut done = 0;
        while done < total {
            let count = poll_fn(|cx| {
                let of_first = done.min(first.len());
                self.poll_write_both(cx, &first[of_first..], &second[done - of_first..])
            })
            .await?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            done += count;
        }
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Sends what TLS still holds.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            // The kernel has it.
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(&mut *stream.borrow_mut()).poll_flush(cx),
        }
    }

    /// Makes closing look like the failure that it is, where the end of the connection would be taken for the end of a
    /// body.
    pub(crate) fn abort(self) {
        let zero = Some(Duration::ZERO);
        // Without it the connection closes all the same.
        let _ = match &self {
            Self::Plain(write) => SockRef::from(write.as_ref()).set_linger(zero),
            Self::Tls(stream) => SockRef::from(stream.borrow().get_ref().0).set_linger(zero),
        };
        if let Self::Plain(write) = self {
            // To drop it would say that all was sent.
            write.forget();
        }
    }

    /// Ends a connection on which nothing more can come, so that closing it takes nothing back: the kernel sends what it
    /// has, then the end. TLS says so first.
    pub(crate) async fn finish(mut self) -> io::Result<()> {
        match self {
            Self::Plain(write) => {
                // Dropping it would say in a call of its own what closing says, too.
                write.forget();
                Ok(())
            }
            Self::Tls(_) => self.shutdown().await,
        }
    }

    /// Says that nothing more will be sent; the other half stays open.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(write) => Pin::new(write).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(&mut *stream.borrow_mut()).poll_shutdown(cx),
        }
    }

    /// [`WriteHalf::poll_shutdown`].
    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_shutdown(cx)).await
    }
}
