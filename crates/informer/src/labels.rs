//! The labels of an object, sorted and packed into one string.

use std::{borrow::Cow, fmt};

/// A label set. Sorted by key; shared between the objects that have the same one.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Labels {
    text: Box<str>,
    /// Where each key and each value ends in `text`.
    ends: Box<[(u32, u32)]>,
}

impl Labels {
    /// Packs pairs; of a repeated key the last value counts.
    pub(crate) fn pack(mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)>) -> Self {
        pairs.reverse();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, first| later.0 == first.0);
        let mut text = String::with_capacity(
            pairs
                .iter()
                .map(|(key, value)| key.len() + value.len())
                .sum(),
        );
        let mut ends = Vec::with_capacity(pairs.len());
        for (key, value) in &pairs {
            text.push_str(key);
            let key_end = offset(&text);
            text.push_str(value);
            ends.push((key_end, offset(&text)));
        }
        Self {
            text: text.into_boxed_str(),
            ends: ends.into_boxed_slice(),
        }
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// Pairs of key and value, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |(key_end, value_end)| {
            let (key_end, value_end) = (*key_end as usize, *value_end as usize);
            let pair = (&self.text[start..key_end], &self.text[key_end..value_end]);
            start = value_end;
            pair
        })
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// Frames are limited to far less than 4 GiB, and so is every part of one.
fn offset(text: &str) -> u32 {
    u32::try_from(text.len()).expect("invariant: an object is smaller than 4 GiB")
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Labels;

    #[test]
    fn labels_are_sorted_and_the_last_of_a_key_counts() {
        let labels = Labels::pack(vec![
            ("tier".into(), "web".into()),
            ("app".into(), "old".into()),
            ("app".into(), "new".into()),
            ("empty".into(), "".into()),
        ]);
        let pairs: Vec<_> = labels.iter().collect();
        assert_eq!(pairs, [("app", "new"), ("empty", ""), ("tier", "web")]);
        assert_eq!(labels.get("app"), Some("new"));
        assert_eq!(labels.get("empty"), Some(""));
        assert_eq!(labels.get("nope"), None);
        assert_eq!(labels.len(), 3);
    }

    #[test]
    fn no_labels() {
        let labels = Labels::default();
        assert!(labels.is_empty() && labels.iter().next().is_none());
    }
}
