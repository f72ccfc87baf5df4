//! The head of an answer as it comes, from a connection of HTTP/1 or a stream.

use std::task::{Context, Poll, ready};

use tidegate_http::{HeadLimits, Method, RequestHead, ResponseHead, parse_response};

use crate::{
    buffer::Buffer, failure::Failure, options::Limits, stream::ReadHalf, upstream::Answer,
    worker::Worker,
};

/// The answer's head on its way down.
pub(super) struct Arrival<'a> {
    pub(super) from: From<'a>,
    pub(super) head: &'a mut ResponseHead,
    pub(super) method: &'a Method,
    pub(super) limits: &'a HeadLimits,
    /// Whether anything has come.
    pub(super) begun: bool,
}

/// Where an answer comes from.
pub(super) enum From<'a> {
    Wire(&'a mut ReadHalf, &'a mut Buffer),
    Stream(&'a mut Answer),
}

impl<'a> Arrival<'a> {
    /// Of the answer to a request, into `head`.
    pub(super) fn new(
        from: From<'a>,
        request: &'a RequestHead,
        limits: &'a Limits,
        head: &'a mut ResponseHead,
    ) -> Self {
        Self {
            from,
            head,
            method: &request.method,
            limits: &limits.head,
            begun: false,
        }
    }

    /// Ready with a head, or with what is wrong.
    pub(super) fn poll(
        &mut self,
        worker: &Worker,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>> {
        match &mut self.from {
            From::Stream(answer) => {
                let head = ready!(answer.poll_head(self.method, self.limits, self.head, cx));
                self.begun |= head.is_ok();
                Poll::Ready(head)
            }
            From::Wire(read, buffer) => loop {
                if !buffer.is_empty() {
                    self.begun = true;
                    match parse_response(buffer.filled(), self.method, self.limits, self.head) {
                        Ok(Some(length)) => {
                            buffer.consume(length);
                            return Poll::Ready(Ok(()));
                        }
                        Ok(None) => {}
                        Err(_rule) => return Poll::Ready(Err(Failure::BadAnswer)),
                    }
                    if buffer.is_full() && !buffer.grow(self.limits.head_bytes_max + 1) {
                        return Poll::Ready(Err(Failure::BadAnswer));
                    }
                }
                match ready!(read.poll_fill(cx, buffer, &worker.buffers)) {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => return Poll::Ready(Err(Failure::UpstreamReset)),
                }
            },
        }
    }
}
