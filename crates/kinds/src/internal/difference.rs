//! Differences of texts in the unified form, found in the way of Python's difflib, which the server uses: other ways
//! find other differences. Knows no types.

use std::{collections::HashMap, fmt::Write as _};

/// How many equal lines are shown around a difference.
const CONTEXT: usize = 3;
/// In texts of at least so many lines, lines that make up more than a hundredth of them are no landmarks.
const POPULAR_FROM: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Equal,
    Changed,
}

/// Lines `old.0..old.1` became `new.0..new.1`.
#[derive(Debug, Clone, Copy)]
struct Step {
    kind: Kind,
    old: (usize, usize),
    new: (usize, usize),
}

/// The difference of two lists of lines.
pub(super) fn unified(old: &[String], new: &[String]) -> String {
    let mut out = String::new();
    for group in groups(steps(old, new)) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let (before, after) = (
            range(first.old.0, last.old.1),
            range(first.new.0, last.new.1),
        );
        let _infallible = writeln!(out, "@@ -{before} +{after} @@");
        for step in group {
            let mut lines = |sign: char, lines: &[String]| {
                for line in lines {
                    let _infallible = writeln!(out, "{sign}{line}");
                }
            };
            match step.kind {
                Kind::Equal => lines(' ', &old[step.old.0..step.old.1]),
                Kind::Changed => {
                    lines('-', &old[step.old.0..step.old.1]);
                    lines('+', &new[step.new.0..step.new.1]);
                }
            }
        }
    }
    out
}

fn range(start: usize, end: usize) -> String {
    match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        length => format!("{},{length}", start + 1),
    }
}

/// Steps with their surroundings, apart where more than twice the context is equal between them.
fn groups(mut steps: Vec<Step>) -> Vec<Vec<Step>> {
    let keep_end = |step: &mut Step, lines: usize| {
        step.old.0 = step.old.0.max(step.old.1.saturating_sub(lines));
        step.new.0 = step.new.0.max(step.new.1.saturating_sub(lines));
    };
    let keep_begin = |step: &mut Step, lines: usize| {
        step.old.1 = step.old.1.min(step.old.0 + lines);
        step.new.1 = step.new.1.min(step.new.0 + lines);
    };
    if let Some(first) = steps.first_mut().filter(|it| it.kind == Kind::Equal) {
        keep_end(first, CONTEXT);
    }
    if let Some(last) = steps.last_mut().filter(|it| it.kind == Kind::Equal) {
        keep_begin(last, CONTEXT);
    }
    let mut groups = vec![Vec::new()];
    for mut step in steps {
        if step.kind == Kind::Equal && step.old.1 - step.old.0 > 2 * CONTEXT {
            let mut end = step;
            keep_begin(&mut end, CONTEXT);
            groups.last_mut().into_iter().for_each(|it| it.push(end));
            groups.push(Vec::new());
            keep_end(&mut step, CONTEXT);
        }
        groups.last_mut().into_iter().for_each(|it| it.push(step));
    }
    groups.retain(|group| group.iter().any(|step| step.kind == Kind::Changed));
    groups
}

fn steps(old: &[String], new: &[String]) -> Vec<Step> {
    let mut blocks = Vec::new();
    let places = places(new);
    let mut open = vec![(0, old.len(), 0, new.len())];
    while let Some((old_from, old_to, new_from, new_to)) = open.pop() {
        let (i, j, size) = longest(old, new, &places, (old_from, old_to), (new_from, new_to));
        if size > 0 {
            blocks.push((i, j, size));
            open.push((old_from, i, new_from, j));
            open.push((i + size, old_to, j + size, new_to));
        }
    }
    blocks.sort_unstable();
    blocks.push((old.len(), new.len(), 0));
    let (mut i, mut j) = (0, 0);
    let mut steps: Vec<Step> = Vec::new();
    for (old_at, new_at, size) in blocks {
        let mut push = |kind: Kind, old: (usize, usize), new: (usize, usize)| {
            if old.0 == old.1 && new.0 == new.1 {
                return;
            }
            match steps.last_mut().filter(|last| last.kind == kind) {
                Some(last) => (last.old.1, last.new.1) = (old.1, new.1),
                None => steps.push(Step { kind, old, new }),
            }
        };
        push(Kind::Changed, (i, old_at), (j, new_at));
        (i, j) = (old_at + size, new_at + size);
        push(Kind::Equal, (old_at, i), (new_at, j));
    }
    steps
}

/// Where each line of the new text stands.
fn places(new: &[String]) -> HashMap<&str, Vec<usize>> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, line) in new.iter().enumerate() {
        places.entry(line).or_default().push(at);
    }
    if new.len() >= POPULAR_FROM {
        places.retain(|_, at| at.len() <= new.len() / 100 + 1);
    }
    places
}

/// The longest run of equal lines, the first of them: where it begins in both texts, and its length.
fn longest(
    old: &[String],
    new: &[String],
    places: &HashMap<&str, Vec<usize>>,
    (old_from, old_to): (usize, usize),
    (new_from, new_to): (usize, usize),
) -> (usize, usize, usize) {
    let (mut i, mut j, mut size) = (old_from, new_from, 0);
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for (at, line) in old.iter().enumerate().take(old_to).skip(old_from) {
        let mut next = HashMap::new();
        let found = places.get(line.as_str()).map(Vec::as_slice);
        for place in found.unwrap_or_default() {
            if !(new_from..new_to).contains(place) {
                continue;
            }
            let before = place.checked_sub(1).and_then(|it| lengths.get(&it));
            let length = before.copied().unwrap_or_default() + 1;
            next.insert(*place, length);
            if length > size {
                (i, j, size) = (at + 1 - length, place + 1 - length, length);
            }
        }
        lengths = next;
    }
    while i > old_from && j > new_from && old[i - 1] == new[j - 1] {
        (i, j, size) = (i - 1, j - 1, size + 1);
    }
    while i + size < old_to && j + size < new_to && old[i + size] == new[j + size] {
        size += 1;
    }
    (i, j, size)
}
