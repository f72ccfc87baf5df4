//! Messages of HTTP/1 as this test reads them: only what a proxy of good manners writes. What isn't is a complaint.

/// Where `needle` is, not before `from`.
pub(crate) fn find(bytes: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    bytes
        .get(from..)?
        .windows(needle.len())
        .position(|window| window == needle)
        .map(|at| from + at)
}

/// Every byte as one character.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The value of a field in a head's text.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    fields(head)
        .find(|(own, _)| own.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn fields(head: &str) -> impl Iterator<Item = (&str, &str)> {
    head.split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(": "))
}

/// Data, and where the body ends. A body that isn't well formed has the data `BAD`.
pub(crate) fn dechunk(bytes: &[u8], mut at: usize) -> Option<(Vec<u8>, usize)> {
    let mut body = Vec::new();
    let bad = || Some((b"BAD".to_vec(), bytes.len()));
    loop {
        let line = find(bytes, b"\r\n", at)?;
        let digits = std::str::from_utf8(&bytes[at..line]).unwrap_or_default();
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let Some(size) = usize::from_str_radix(digits, 16).ok().filter(|_| plain) else {
            return bad();
        };
        at = line + 2;
        if size == 0 {
            // A trailer may follow.
            let rest = bytes.get(at..)?;
            let end = match rest.starts_with(b"\r\n") {
                true => 2,
                false => find(rest, b"\r\n\r\n", 0)? + 4,
            };
            return Some((body, at + end));
        }
        body.extend_from_slice(bytes.get(at..at + size)?);
        at += size;
        if bytes.get(at..at + 2)? != b"\r\n" {
            return bad();
        }
        at += 2;
    }
}

/// What is wrong with a head that the proxy has written; `None` for one that has only one reading.
pub(crate) fn complaint(head: &[u8], request: bool) -> Option<&'static str> {
    let text = text(head);
    let lines: Vec<&str> = text.strip_suffix("\r\n\r\n")?.split("\r\n").collect();
    let control = |byte: u8| byte != b'\t' && (byte < 0x20 || byte == 0x7f);
    if lines.iter().any(|line| line.bytes().any(control)) {
        return Some("control characters");
    }
    let parts: Vec<&str> = lines[0].split(' ').collect();
    let line = match request {
        true => parts.len() == 3 && parts[1].starts_with(['/', '*']) && parts[2] == "HTTP/1.1",
        false => parts.len() > 2 && parts[0] == "HTTP/1.1" && parts[1].len() == 3,
    };
    if !line || !parts[1].bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("first line");
    }
    let token = |name: &str| {
        let special = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || special(byte))
    };
    for line in &lines[1..] {
        let (name, value) = line.split_once(':').unwrap_or_default();
        let value = value.strip_prefix(' ').unwrap_or("\t");
        if !token(name) || value != value.trim_matches([' ', '\t']) {
            return Some("a field's line");
        }
    }
    framing(&text).or_else(|| if request { own(&text) } else { None })
}

fn count(head: &str, name: &str) -> usize {
    fields(head)
        .filter(|(own, _)| own.eq_ignore_ascii_case(name))
        .count()
}

/// One framing, in its plainest form.
fn framing(head: &str) -> Option<&'static str> {
    let (length, coding) = (
        field(head, "content-length"),
        field(head, "transfer-encoding"),
    );
    let digits = |value: &str| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let fine = count(head, "content-length") + count(head, "transfer-encoding") <= 1
        && length.is_none_or(digits)
        && coding.is_none_or(|coding| coding == "chunked");
    (!fine).then_some("framing")
}

/// What a request says of its client is the proxy's word, and no other's.
fn own(head: &str) -> Option<&'static str> {
    for name in [
        "host",
        "x-request-id",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
    ] {
        if count(head, name) != 1 {
            return Some(name);
        }
    }
    let truth = field(head, "x-forwarded-for") == Some("127.0.0.1")
        && field(head, "x-forwarded-proto") == Some("http");
    let hop = [
        "keep-alive",
        "proxy-connection",
        "http2-settings",
        "trailer",
    ];
    match truth && hop.iter().all(|name| count(head, name) == 0) {
        true => None,
        false => Some("a field for the next hop"),
    }
}
