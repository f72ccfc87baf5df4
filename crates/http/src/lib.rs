//! HTTP messages: strict parsing, framing, fields and targets. Pure: bytes in, values and bytes out.
