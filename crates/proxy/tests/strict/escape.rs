//! Lines of tables, and their escapes.

/// The lines of a table that are cases, each cut at ` | ` into `parts` parts.
pub(crate) fn cases(table: &'static str, parts: usize) -> impl Iterator<Item = Vec<&'static str>> {
    table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "))
        .filter(|line| *line != "#")
        .map(move |line| {
            // Where the last part is empty, editors take away the space behind the bar.
            let (line, empty) = match line.strip_suffix(" |") {
                Some(line) => (line, true),
                None => (line, false),
            };
            let mut cut: Vec<&str> = line.splitn(parts, " | ").collect();
            if empty {
                cut.push("");
            }
            assert_eq!(cut.len(), parts, "{line}");
            cut
        })
}

/// `\r \n \t \\ \xNN`, and `\{TEXT*N}` for N times TEXT.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..start]);
        let tail = &rest[start + 2..];
        rest = match rest.as_bytes()[start + 1] {
            b'r' => push(&mut out, b'\r', tail),
            b'n' => push(&mut out, b'\n', tail),
            b't' => push(&mut out, b'\t', tail),
            b'\\' => push(&mut out, b'\\', tail),
            b'x' => {
                out.push(u8::from_str_radix(&tail[..2], 16).expect("two digits"));
                &tail[2..]
            }
            b'{' => {
                let (inner, tail) = tail.split_once('}').expect("a closing brace");
                let (inner, times) = inner.rsplit_once('*').expect("a star");
                let times = times.parse().expect("a number");
                out.extend_from_slice(&unescape(inner).repeat(times));
                tail
            }
            other => panic!("no such escape: {}", char::from(other)),
        };
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

fn push<'a>(out: &mut Vec<u8>, byte: u8, rest: &'a str) -> &'a str {
    out.push(byte);
    rest
}

/// What one side of a scene does, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Lets what was sent arrive on its own.
    Pause,
    /// Says that nothing more will be sent.
    Shut,
    Close,
    /// Closes so that what was sent may be lost.
    Reset,
    /// Of an origin: answers when the head is there, before the body.
    Early,
}

/// Text with `\p` pause, `\s` shut, `\c` close, `\R` reset and `\e` early between the bytes.
pub(crate) fn steps(text: &str) -> Vec<Step> {
    let (mut steps, mut start, mut at) = (Vec::new(), 0, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let step = match (bytes[at], bytes.get(at + 1)) {
            (b'\\', Some(b'p')) => Some(Step::Pause),
            (b'\\', Some(b's')) => Some(Step::Shut),
            (b'\\', Some(b'c')) => Some(Step::Close),
            (b'\\', Some(b'R')) => Some(Step::Reset),
            (b'\\', Some(b'e')) => Some(Step::Early),
            _ => None,
        };
        let length = if bytes[at] == b'\\' { 2 } else { 1 };
        if let Some(step) = step {
            if start < at {
                steps.push(Step::Send(unescape(&text[start..at])));
            }
            steps.push(step);
            start = at + length;
        }
        at += length;
    }
    if start < text.len() {
        steps.push(Step::Send(unescape(&text[start..])));
    }
    steps
}
