//! Values, texts and bytes made wrong.

use crate::random::Random;
use serde_json::{Value, json};

/// Texts that programs stumble over.
const TEXTS: [&str; 24] = [
    "",
    " ",
    "a",
    "-1",
    "0",
    "é",
    "\u{0}",
    "\u{1f4a3}",
    "../..",
    "a/b",
    "%",
    "%zz",
    "{}",
    "null",
    "'",
    "\"",
    "\\",
    "\n",
    "9999999999999999999999",
    "1e400",
    "2026-13-45T99:99:99Z",
    "a.b.c.d",
    "$(X)",
    "10.0.0.256",
];

pub(crate) fn text(random: &mut Random) -> String {
    if random.percent(8) {
        let length = 1 + random.below(3000);
        return random.pick(&["x", "ü", "{", "[", "/", "a."]).repeat(length);
    }
    (*random.pick(&TEXTS)).to_owned()
}

/// A value of any type.
pub(crate) fn value(random: &mut Random) -> Value {
    match random.below(14) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(i64::MAX),
        5 => json!(u64::MAX),
        6 => json!(1.5e300),
        7 => json!([]),
        8 => json!({}),
        9 => json!([null, 1, "a", {}, []]),
        10 => json!({ "": null, "a": { "b": [1] } }),
        11 => deep(random.below(120)),
        _ => text(random).into(),
    }
}

fn deep(levels: usize) -> Value {
    (0..levels).fold(json!("core"), |inner, level| {
        if level % 2 == 0 {
            json!([inner])
        } else {
            json!({ "a": inner })
        }
    })
}

/// Changes one place of a tree.
pub(crate) fn tree(random: &mut Random, value: &mut Value) {
    let mut place = value;
    for _ in 0..random.below(8) {
        let has_children = match &*place {
            Value::Object(map) => !map.is_empty(),
            Value::Array(list) => !list.is_empty(),
            _ => false,
        };
        if !has_children {
            break;
        }
        place = match place {
            Value::Object(map) => {
                let at = random.below(map.len());
                map.values_mut()
                    .nth(at)
                    .expect("invariant: below the length")
            }
            Value::Array(list) => {
                let at = random.below(list.len());
                &mut list[at]
            }
            _ => break,
        };
    }
    match place {
        Value::Object(map) if random.percent(60) => {
            let key = match map.keys().nth(random.below(map.len().max(1))) {
                Some(key) if random.percent(70) => key.clone(),
                _ => text(random),
            };
            if random.percent(40) {
                map.remove(&key);
            } else {
                map.insert(key, self::value(random));
            }
        }
        Value::Array(list) if random.percent(60) => match list.first().cloned() {
            Some(first) if random.percent(60) => list.push(first),
            _ => list.push(self::value(random)),
        },
        place => *place = self::value(random),
    }
}

/// Changes some bytes.
pub(crate) fn bytes(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        match random.below(5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, *random.pick(b"\0\"{}[]:,\\&*!|>%@`-\n\xff")),
            3 => {
                let part: Vec<u8> = bytes[at..].iter().take(40).copied().collect();
                bytes.splice(at..at, part);
            }
            _ => bytes.extend_from_slice(&b"[{\"a\":".repeat(random.below(2000))),
        }
    }
}
