//! URLs as Go's `net/url` takes them apart, as far as checks ask.

use tidegate_schema::go_quote;

/// The parts of a URL.
#[derive(Debug, Default)]
pub(super) struct Url {
    /// In small letters.
    pub(super) scheme: String,
    /// As written.
    pub(super) user: Option<String>,
    /// With the port.
    pub(super) host: String,
    pub(super) query: String,
    pub(super) fragment: String,
}

/// Takes a URL apart; the error is Go's text.
pub(super) fn parse(text: &str) -> Result<Url, String> {
    parts(text).map_err(|error| format!("parse {}: {error}", go_quote(text)))
}

fn parts(text: &str) -> Result<Url, String> {
    let mut url = Url::default();
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    escapes(fragment)?;
    url.fragment = fragment.to_owned();
    if rest.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    if rest.is_empty() {
        return Ok(url);
    }
    let (scheme, rest) = scheme(rest)?;
    url.scheme = scheme.to_ascii_lowercase();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    url.query = query.to_owned();
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            // Opaque: mailto:someone.
            return Ok(url);
        }
        if rest
            .split('/')
            .next()
            .is_some_and(|first| first.contains(':'))
        {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let Some(rest) = rest
        .strip_prefix("//")
        .filter(|_| !url.scheme.is_empty() || !rest.starts_with("///"))
    else {
        escapes(rest)?;
        return Ok(url);
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if let Some((user, host)) = authority.rsplit_once('@') {
        if !user
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c))
        {
            return Err("net/url: invalid userinfo".to_owned());
        }
        escapes(user)?;
        url.user = Some(user_text(user));
        url.host = check_host(host)?;
    } else {
        url.host = check_host(authority)?;
    }
    escapes(path)?;
    Ok(url)
}

fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (index, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if index == 0 => return Ok(("", text)),
            '0'..='9' | '+' | '-' | '.' => {}
            ':' if index == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((&text[..index], &text[index + 1..])),
            _ => return Ok(("", text)),
        }
    }
    Ok(("", text))
}

/// Name and password as Go prints them.
fn user_text(user: &str) -> String {
    match user.split_once(':') {
        Some((name, password)) => format!("{}:{}", escaped(name), escaped(password)),
        None => escaped(user),
    }
}

/// The text with its escapes made anew: only what needs one has one.
fn escaped(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = String::with_capacity(text.len());
    while let Some(mut byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next(), bytes.next()]
                .map(|digit| char::from(digit.unwrap_or(b'0')).to_digit(16));
            let code = digits
                .iter()
                .fold(0, |code, digit| code * 16 + digit.unwrap_or(0));
            byte = u8::try_from(code).unwrap_or(b'%');
        }
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,;=".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn check_host(host: &str) -> Result<String, String> {
    let port = if host.starts_with('[') {
        let Some(end) = host.rfind(']') else {
            return Err("missing ']' in host".to_owned());
        };
        &host[end + 1..]
    } else {
        host.rfind(':').map_or("", |at| &host[at..])
    };
    let digits = port
        .strip_prefix(':')
        .unwrap_or(if port.is_empty() { "" } else { "x" });
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("invalid port {} after host", go_quote(port)));
    }
    if let Some(bad) = host.chars().find(|c| c.is_ascii() && !is_host_char(*c)) {
        return Err(format!(
            "invalid character {} in host name",
            go_quote(&bad.to_string())
        ));
    }
    Ok(host.to_owned())
}

fn is_host_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:[]<>\"%".contains(c)
}

fn escapes(text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    for at in bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'%')
        .map(|(at, _)| at)
    {
        let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
        if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            let end = (at + 3).min(bytes.len());
            return Err(format!(
                "invalid URL escape {}",
                go_quote(&String::from_utf8_lossy(&bytes[at..end]))
            ));
        }
    }
    Ok(())
}
