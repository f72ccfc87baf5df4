//! Changes as text for people: one bounded line, safe to print on a terminal.
//!
//! Invariant: what comes out has no control characters, so that an object in the cluster cannot
//! steer the terminal of whoever watches it.

use super::{
    Change, What,
    lines::{Line, line_diff},
};
use serde_json::Value;

/// Widest form of a single value in the one-line form.
const VALUE_WIDTH_MAX: usize = 48;

/// `status.phase: Pending → Running, +metadata.labels.app: web, +2 more`, at most `width` wide
/// but for the last count. Empty when nothing changed.
pub(crate) fn one_line(changes: &[Change], width: usize) -> String {
    let mut ordered: Vec<&Change> = changes.iter().collect();
    // The outermost first: `status.phase` sums up what its container statuses say.
    ordered.sort_by_key(|change| (change.rank, change.path.matches(['.', '[']).count()));
    let mut line = String::new();
    for (at, change) in ordered.iter().enumerate() {
        let text = change_text(change);
        let separator = if at == 0 { "" } else { ", " };
        let fits = line.chars().count() + separator.len() + text.chars().count() <= width;
        if !fits && at > 0 {
            line.push_str(&format!(", +{} more", ordered.len() - at));
            return line;
        }
        line.push_str(separator);
        line.push_str(&shorten(&text, width));
    }
    line
}

fn change_text(change: &Change) -> String {
    let path = printable(&change.path);
    match &change.what {
        What::Added(new) => format!("+{path}: {}", short(new)),
        What::Removed(old) => format!("-{path}: {}", short(old)),
        What::Changed(Value::String(old), Value::String(new))
            if old.contains('\n') || new.contains('\n') =>
        {
            format!("{path}: {}", lines_text(old, new))
        }
        What::Changed(old, new) => format!("{path}: {} → {}", short(old), short(new)),
        What::Reordered(old, new) => format!("{path} (order): {} → {}", short(old), short(new)),
    }
}

fn lines_text(old: &str, new: &str) -> String {
    let lines = line_diff(old, new);
    let come = lines
        .iter()
        .filter(|line| matches!(line, Line::New(_)))
        .count();
    let gone = lines
        .iter()
        .filter(|line| matches!(line, Line::Old(_)))
        .count();
    format!("+{come} -{gone} lines")
}

fn short(value: &Value) -> String {
    let condition = |value: &Value| {
        value.get("type")?;
        let status = value.get("status")?.as_str()?;
        Some(match value.get("reason").and_then(Value::as_str) {
            Some(reason) if !reason.is_empty() => format!("{status} ({reason})"),
            _ => status.to_owned(),
        })
    };
    match condition(value) {
        Some(text) => printable(&text),
        None => shorten(&value_text(value), VALUE_WIDTH_MAX),
    }
}

/// A value on one line: plain text where that is unmistakable, JSON otherwise.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::String(text)
            if text.is_empty() || text.trim() != text || text.contains(char::is_control) =>
        {
            printable(&value.to_string())
        }
        Value::String(text) => text.clone(),
        other => printable(&other.to_string()),
    }
}

/// The text with control characters shown instead of obeyed.
pub(crate) fn printable(text: &str) -> String {
    if !text.contains(unsafe_to_print) {
        return text.to_owned();
    }
    text.chars()
        .map(|letter| {
            if unsafe_to_print(letter) {
                letter.escape_unicode().to_string()
            } else {
                letter.to_string()
            }
        })
        .collect()
}

/// Control characters, and the marks that reorder text on screen.
fn unsafe_to_print(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn shorten(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}
