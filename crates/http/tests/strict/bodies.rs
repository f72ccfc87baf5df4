//! Bodies against their table: whole, byte by byte, and cut anywhere.

use tidegate_http::{
    BodyDecoder, BodyError, BodyLimits, CHUNK_HEAD_BYTES_MAX, Framing, chunk_head,
};

use crate::escape::{cases, unescape};

const CHUNKED: &str = include_str!("../cases/chunked.txt");

/// Feeds a body in slices of `step` bytes, keeping what isn't consumed. Says data, trailer, and how much was consumed.
fn decode(
    framing: Framing,
    bytes: &[u8],
    step: usize,
) -> Result<(Vec<u8>, String, Option<usize>), BodyError> {
    let mut decoder = BodyDecoder::new(framing, BodyLimits::default());
    let (mut data, mut at, mut end) = (Vec::new(), 0, 0);
    let mut finished = decoder.is_finished();
    while !finished {
        let piece = decoder.decode(&bytes[at..end])?;
        data.extend_from_slice(&bytes[at..end][piece.data.clone()]);
        assert!(piece.data.end <= piece.consumed);
        finished = piece.finished;
        at += piece.consumed;
        if at == end && !finished {
            if end == bytes.len() {
                return match decoder.end_of_input() {
                    Ok(()) => Ok((data, String::new(), Some(at))),
                    Err(_) => Ok((data, String::new(), None)),
                };
            }
            end = bytes.len().min(end + step);
        }
    }
    let trailer: Vec<String> = decoder
        .trailers()
        .into_iter()
        .flat_map(|trailer| trailer.iter())
        .map(|field| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            format!("{}={}", text(field.name), text(field.value))
        })
        .collect();
    Ok((data, trailer.join(","), Some(at)))
}

/// `ok DATA TRAILER REST`, `more`, or the reason.
fn describe(framing: Framing, bytes: &[u8], step: usize) -> String {
    match decode(framing, bytes, step) {
        Ok((_, _, None)) => "more".to_owned(),
        Ok((data, trailer, Some(consumed))) => {
            let word = |text: String| {
                if text.is_empty() {
                    "-".to_owned()
                } else {
                    text
                }
            };
            let rest = bytes.len() - consumed;
            let data = match data.len() {
                0..50 => word(String::from_utf8_lossy(&data).into_owned()),
                length => format!("{length}B"),
            };
            format!("ok {data} {} {rest}", word(trailer))
        }
        Err(error) => error.reason().to_owned(),
    }
}

#[test]
fn chunked_bodies_are_judged_as_the_table_says() {
    let mut count = 0;
    for case in cases(CHUNKED, 2) {
        let bytes = unescape(case[1]);
        for step in [usize::MAX / 2, 1, 2, 3, 7, 4096] {
            let got = describe(Framing::Chunked, &bytes, step);
            assert_eq!(got, case[0], "{} by {step}", bytes.escape_ascii());
        }
        count += 1;
    }
    assert!(count > 90, "the table was read: {count}");
}

#[test]
fn lengths_end_where_they_say() {
    for (framing, bytes, expect) in [
        (Framing::None, "abc", "ok - - 3"),
        (Framing::Length(0), "abc", "ok - - 3"),
        (Framing::Length(2), "abc", "ok ab - 1"),
        (Framing::Length(3), "abc", "ok abc - 0"),
        (Framing::Length(4), "abc", "more"),
        (Framing::Length(u64::MAX), "abc", "more"),
        (Framing::UntilClose, "abc", "ok abc - 0"),
        (Framing::UntilClose, "", "ok - - 0"),
    ] {
        for step in [1, 2, 100] {
            assert_eq!(describe(framing, bytes.as_bytes(), step), expect);
        }
    }
}

#[test]
fn chunk_heads_are_read_back() {
    for size in (1..300).chain([4095, 4096, 65_535, 65_536, 1 << 32, (1 << 60) - 1]) {
        let mut out = [0; CHUNK_HEAD_BYTES_MAX];
        let length = chunk_head(size, &mut out);
        assert_eq!(out[..length], *format!("{size:x}\r\n").as_bytes());
        let mut decoder = BodyDecoder::new(Framing::Chunked, BodyLimits::default());
        let piece = decoder.decode(&out[..length]).expect("a chunk's head");
        assert_eq!((piece.consumed, piece.finished), (length, false));
    }
}
