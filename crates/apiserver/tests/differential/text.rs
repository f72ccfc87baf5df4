//! What happens to a corpus file's text before and after it is parsed: loops, variables and repeated texts.

use crate::script::Variables;

/// How many lines one file may become.
const LINES_MAX: usize = 100_000;

/// The lines with their numbers, those between `FOR name in …` and `END` once for each value.
pub(crate) fn unroll(text: &str) -> Result<Vec<(usize, String)>, String> {
    let lines: Vec<(usize, String)> = text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.to_owned()))
        .collect();
    let mut out = Vec::new();
    unroll_into(&lines, &mut out)?;
    Ok(out)
}

fn unroll_into(lines: &[(usize, String)], out: &mut Vec<(usize, String)>) -> Result<(), String> {
    let mut at = 0;
    while let Some((number, line)) = lines.get(at) {
        at += 1;
        let Some(head) = line.strip_prefix("FOR ") else {
            out.push((*number, line.clone()));
            continue;
        };
        let (name, values) = head
            .split_once(" in ")
            .ok_or(format!("line {number}: FOR name in values"))?;
        let length = block(&lines[at..]).ok_or(format!("line {number}: a FOR without END"))?;
        let hole = format!("{{{name}}}");
        for value in words(values) {
            let filled: Vec<(usize, String)> = lines[at..at + length]
                .iter()
                .map(|(number, line)| (*number, line.replace(&hole, &value)))
                .collect();
            unroll_into(&filled, out)?;
            if out.len() > LINES_MAX {
                return Err(format!("line {number}: too many lines"));
            }
        }
        at += length + 1;
    }
    Ok(())
}

/// How many lines there are before the `END` that belongs here.
fn block(lines: &[(usize, String)]) -> Option<usize> {
    let mut open = 0;
    lines.iter().position(|(_, line)| {
        if line.starts_with("FOR ") {
            open += 1;
        } else if line == "END" {
            open -= 1;
        }
        open < 0
    })
}

/// Words between spaces; in single quotes they may hold spaces, or nothing.
fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, tail) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap_or((quoted, "")),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        out.push(word.to_owned());
        rest = tail.trim_start();
    }
    out
}

/// Puts the variables' values in, theirs too. Unknown names stay as they are.
pub(crate) fn substitute(text: &str, variables: &Variables) -> String {
    expand(&replace(text, variables, 8))
}

fn replace(text: &str, variables: &Variables, depth: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let length = after
            .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .unwrap_or(after.len());
        match variables.get(&after[..length]) {
            Some(value) if depth > 0 => out.push_str(&replace(value, variables, depth - 1)),
            _ => out.push_str(&rest[at..at + 1 + length]),
        }
        rest = &after[length..];
    }
    out.push_str(rest);
    out
}

/// `<<"text"*N>>`.
fn expand(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("<<\"") {
        let after = &rest[at + 3..];
        let parsed = after.split_once("\"*").and_then(|(unit, more)| {
            let (count, tail) = more.split_once(">>")?;
            Some((unit, count.parse::<usize>().ok()?, tail))
        });
        out.push_str(&rest[..at]);
        match parsed {
            Some((unit, count, tail)) => {
                out.push_str(&unit.repeat(count));
                rest = tail;
            }
            None => {
                out.push_str("<<\"");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}
