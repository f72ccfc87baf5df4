//! What literals stand for.

/// The text of a quoted string; each item a code point, or in bytes literals also a byte.
pub(super) fn unquote(quoted: &[char], bytes: bool) -> Result<Vec<u8>, &'static str> {
    const FAILED: &str = "unable to unescape string";
    let (raw, body) = match quoted.first() {
        Some('r' | 'R') => (true, &quoted[1..]),
        _ => (false, quoted),
    };
    let quote = *body.first().ok_or(FAILED)?;
    let triple = body.len() >= 6 && body[1] == quote && body[2] == quote;
    let cut = if triple { 3 } else { 1 };
    if body.len() < 2 * cut {
        return Err(FAILED);
    }
    let mut rest = &body[cut..body.len() - cut];
    let mut out = Vec::with_capacity(rest.len());
    let push = |out: &mut Vec<u8>, c: char| {
        let mut buffer = [0; 4];
        out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
    };
    while let Some((&c, tail)) = rest.split_first() {
        rest = tail;
        match c {
            '\r' => {
                if rest.first() == Some(&'\n') {
                    rest = &rest[1..];
                }
                out.push(b'\n');
            }
            '\\' if !raw => {
                let (code, encode, taken) = escape(rest, bytes)?;
                rest = &rest[taken..];
                if encode {
                    push(
                        &mut out,
                        char::from_u32(code).ok_or("invalid unicode code point")?,
                    );
                } else {
                    out.push(u8::try_from(code).map_err(|_| FAILED)?);
                }
            }
            c => push(&mut out, c),
        }
    }
    Ok(out)
}

/// The code after a backslash, whether it is a code point (else a byte), and how long it is.
fn escape(rest: &[char], bytes: bool) -> Result<(u32, bool, usize), &'static str> {
    const FAILED: &str = "unable to unescape string";
    let number = |from: usize, count: usize, radix: u32| -> Result<u32, &'static str> {
        let digits = rest.get(from..from + count).ok_or(FAILED)?;
        digits.iter().try_fold(0u32, |sum, c| {
            let digit = c.to_digit(radix).ok_or(FAILED)?;
            sum.checked_mul(radix)
                .and_then(|sum| sum.checked_add(digit))
                .ok_or(FAILED)
        })
    };
    let simple = |code: u32| Ok((code, true, 1));
    match rest
        .first()
        .ok_or("unable to unescape string, found '\\' as last character")?
    {
        'a' => simple(7),
        'b' => simple(8),
        'f' => simple(12),
        'n' => simple(10),
        'r' => simple(13),
        't' => simple(9),
        'v' => simple(11),
        c @ ('\\' | '\'' | '"' | '`' | '?') => simple(u32::from(*c)),
        'x' | 'X' => Ok((number(1, 2, 16)?, !bytes, 3)),
        'u' if !bytes => Ok((number(1, 4, 16)?, true, 5)),
        'U' if !bytes => Ok((number(1, 8, 16)?, true, 9)),
        '0'..='3' => Ok((number(0, 3, 8)?, !bytes, 3)),
        _ => Err(FAILED),
    }
}

/// A whole number, `0x` for hexadecimal.
pub(super) fn int(text: &str, negative: bool) -> Option<i64> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(hex) => (hex, 16),
        None => (text, 10),
    };
    let sign = if negative { "-" } else { "" };
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

/// A whole number with a trailing `u`.
pub(super) fn uint(text: &str) -> Option<u64> {
    let text = text.strip_suffix(['u', 'U']).unwrap_or(text);
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A number with a point or an exponent. Too large ones are refused.
pub(super) fn double(text: &str, negative: bool) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let value = if negative { -value } else { value };
    value.is_finite().then_some(value)
}
