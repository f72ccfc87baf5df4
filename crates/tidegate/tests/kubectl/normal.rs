//! What differs from run to run, in words that don't.

/// Text without identities, times, ages, versions and the widths of columns.
pub(super) fn text(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(line).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

fn line(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let mut out = line[..indent].to_owned();
    let mut words = Vec::new();
    for word in line.split_whitespace() {
        words.push(word_of(word));
    }
    out.push_str(&words.join(" "));
    out
}

fn word_of(word: &str) -> String {
    let mut out = String::new();
    let mut part = String::new();
    for c in word.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '+') {
            part.push(c);
        } else {
            out.push_str(&part_of(&std::mem::take(&mut part)));
            out.push(c);
        }
    }
    out.push_str(&part_of(&part));
    out
}

fn part_of(part: &str) -> String {
    let dashes = part.match_indices('-').map(|(at, _)| at);
    if part.len() == 36 && dashes.eq([8, 13, 18, 23]) {
        return "<uid>".to_owned();
    }
    if part.len() >= 20 && part.as_bytes()[4] == b'-' && part.contains('T') && part.ends_with('Z') {
        return "<time>".to_owned();
    }
    if is_age(part) {
        return "<age>".to_owned();
    }
    if part.len() >= 3 && part.bytes().all(|byte| byte.is_ascii_digit()) {
        return "<number>".to_owned();
    }
    if part.starts_with("10.") && part.split('.').count() == 4 {
        return "<ip>".to_owned();
    }
    if part.starts_with("127.0.0.1:") {
        return "<address>".to_owned();
    }
    part.to_owned()
}

fn is_age(part: &str) -> bool {
    let digits = part.bytes().any(|byte| byte.is_ascii_digit());
    let units = part
        .bytes()
        .filter(|byte| matches!(byte, b's' | b'm' | b'h' | b'd'))
        .count();
    digits
        && units >= 1
        && part.ends_with(['s', 'm', 'h', 'd'])
        && part
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"smhd".contains(&byte))
}
