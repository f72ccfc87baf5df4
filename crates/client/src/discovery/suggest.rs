//! The name that a mistyped one resembles most.
//!
//! Pure. Distance counts insertions, deletions, replacements and swaps of neighbours.

use crate::resource::Resource;

/// The resource of the nearest name, if it is near: one slip in short words, two in long ones.
pub(super) fn nearest<'a>(
    resources: impl Iterator<Item = &'a Resource>,
    word: &str,
) -> Option<&'a Resource> {
    let word = word.to_ascii_lowercase();
    let slips_max = if word.len() < 3 {
        return None;
    } else if word.len() < 6 {
        1
    } else {
        2
    };
    let distances = resources.filter_map(|resource| {
        let names = [&resource.plural, &resource.singular];
        let distance = names
            .into_iter()
            .map(|name| distance(&word, name, slips_max))
            .min()?;
        (distance <= slips_max).then_some((distance, resource))
    });
    distances
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, resource)| resource)
}

fn distance(left: &str, right: &str, limit: usize) -> usize {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len().abs_diff(right.len()) > limit {
        return limit + 1;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, a) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, b) in right.iter().enumerate() {
            let replaced = above[column] + usize::from(a != b);
            let mut best = replaced.min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && *a == right[column - 1] && left[row - 1] == *b {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn distances() {
        for (left, right, expect) in [
            ("pods", "pods", 0),
            ("pdos", "pods", 1),
            ("pod", "pods", 1),
            ("", "ab", 2),
            ("deplyoment", "deployments", 2),
        ] {
            assert_eq!(distance(left, right, 9), expect, "{left} {right}");
        }
        assert_eq!(distance("a", "abcdef", 2), 3);
    }
}
