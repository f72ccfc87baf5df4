//! W3C trace context: `traceparent` in, `traceparent` out.
//!
//! <https://www.w3.org/TR/trace-context/>. A field that breaks its rules is as good as none; `tracestate` is passed on
//! as it is, and dropped with a `traceparent` that isn't used.

use tidegate_http::Fields;

/// The name of the field.
const TRACEPARENT: &str = "traceparent";
/// The name of the field beside it.
const TRACESTATE: &str = "tracestate";

/// What a `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// Never 0.
    pub trace_id: u128,
    /// Never 0.
    pub parent_id: u64,
    pub sampled: bool,
}

/// The gateway's part of a trace: one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub trace_id: u128,
    pub id: u64,
    /// The client's, if it sent one.
    pub parent_id: Option<u64>,
    pub sampled: bool,
}

impl TraceContext {
    /// Reads the value of a `traceparent` field.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (head, rest) = value.split_at_checked(55)?;
        let [version, trace_id, parent_id, flags] =
            [0..2, 3..35, 36..52, 53..55].map(|at| &head[at]);
        if [2, 35, 52].iter().any(|at| head[*at] != b'-') {
            return None;
        }
        let version = hex(version)?;
        // Later versions may have more, after a dash.
        let ends_well = rest.is_empty() || (version > 0 && rest.starts_with(b"-"));
        if version == 0xff || !ends_well {
            return None;
        }
        let (trace_id, parent_id) = (hex(trace_id)?, u64::try_from(hex(parent_id)?).ok()?);
        let flags = hex(flags)?;
        (trace_id != 0 && parent_id != 0).then_some(Self {
            trace_id,
            parent_id,
            sampled: flags & 1 == 1,
        })
    }
}

/// Digits in lower case only.
fn hex(text: &[u8]) -> Option<u128> {
    text.iter().try_fold(0, |value: u128, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u128::from(digit))
    })
}

impl Span {
    /// The gateway's span below the client's, or a trace of its own, whose `sample` says whether it is recorded.
    #[must_use]
    pub fn begin(client: Option<TraceContext>, random: [u64; 3], sample: bool) -> Self {
        let [high, low, id] = random;
        match client {
            Some(client) => Self {
                trace_id: client.trace_id,
                id: id.max(1),
                parent_id: Some(client.parent_id),
                sampled: client.sampled,
            },
            None => Self {
                trace_id: (u128::from(high) << 64 | u128::from(low)).max(1),
                id: id.max(1),
                parent_id: None,
                sampled: sample,
            },
        }
    }

    /// The value of the `traceparent` for upstreams.
    #[must_use]
    pub fn traceparent(&self) -> [u8; 55] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        digits(self.trace_id, &mut text[3..35]);
        digits(u128::from(self.id), &mut text[36..52]);
        text[54] = b'0' + u8::from(self.sampled);
        text
    }

    pub(super) fn trace_id_text(&self) -> [u8; 32] {
        let mut text = [0; 32];
        digits(self.trace_id, &mut text);
        text
    }
}

/// Fills with digits, from the right.
pub(super) fn digits(value: u128, text: &mut [u8]) {
    let mut rest = value;
    for place in text.iter_mut().rev() {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        *place = DIGITS[usize::try_from(rest & 15).unwrap_or(0)];
        rest >>= 4;
    }
}

/// What a request says of its trace: its one `traceparent`.
pub(crate) fn client_context(fields: &Fields) -> Option<TraceContext> {
    let mut all = fields.get_all(TRACEPARENT);
    let only = all.next()?;
    match all.next() {
        None => TraceContext::parse(only),
        Some(_) => None,
    }
}

/// Puts the gateway's span in the client's place.
pub(crate) fn pass_on(span: &Span, fields: &mut Fields) {
    // Made of digits and dashes.
    let _ = fields.set(TRACEPARENT.as_bytes(), &span.traceparent());
    if span.parent_id.is_none() {
        fields.remove(TRACESTATE);
    }
}
