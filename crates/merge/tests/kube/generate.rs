//! Generated questions: by a seed, and by schemas, so that what is patched mostly fits.

mod maker;
mod sequence;
mod strategic;

use self::{sequence::owners, strategic::strategic};
use serde_json::{Map, Value, json};

/// A small generator of numbers (splitmix64): the same on every machine.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % (n as u64)).expect("it is below n")
    }

    /// True `percent` times of a hundred.
    pub(crate) fn often(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// One question of each sort; `only` names one operation, or is empty.
pub(crate) fn questions(seed: u64, only: &str) -> Vec<Value> {
    let dice = &mut Dice::new(seed);
    let mut out = Vec::new();
    let wanted = |op: &str| only.is_empty() || only == op;
    if wanted("json") {
        out.push(json_patch(dice));
    }
    if wanted("merge") {
        out.push(merge_patch(dice));
    }
    if wanted("strategic") {
        out.push(strategic(dice, "items", "", "Item"));
        out.push(strategic(dice, "kinds", "v1", "Pod"));
        out.push(strategic(dice, "kinds", "apps/v1", "Deployment"));
    }
    if wanted("fields") {
        out.push(fields(dice));
    }
    if wanted("owners") {
        let (one, two) = (["test.dev/v1"], ["test.dev/v1", "test.dev/v1beta1"]);
        out.push(owners(dice, None, "Fleet", &one, false));
        out.push(owners(dice, Some("fleet"), "Fleet", &one, false));
        out.push(owners(dice, Some("fleet"), "Fleet", &two, false));
    }
    if wanted("builtin") {
        out.push(owners(
            dice,
            Some("kinds"),
            "Deployment",
            &["apps/v1"],
            true,
        ));
        out.push(owners(dice, Some("kinds"), "Service", &["v1"], true));
        out.push(owners(dice, Some("kinds"), "ConfigMap", &["v1"], true));
    }
    out
}

const WORDS: [&str; 13] = [
    "\u{8}\u{2028}\u{7f}",
    "a",
    "b",
    "c",
    "x",
    "",
    "~",
    "/",
    "a/b",
    "<&>",
    "ü\u{301}",
    "0",
    "\n\"",
];

pub(crate) fn scalar(dice: &mut Dice) -> Value {
    match dice.below(9) {
        0 => Value::Null,
        1 => dice.often(50).into(),
        2..=4 => json!(*dice.pick(&WORDS)),
        5 => json!(*dice.pick(&[1.5, -0.25, 1e21, 1e-7, 123_456.789])),
        _ => json!(*dice.pick(&[0, 1, 2, -1, 9_007_199_254_740_993, i64::MIN])),
    }
}

/// Any JSON.
pub(crate) fn any(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth == 0 { 2 } else { 5 }) {
        0 | 1 => scalar(dice),
        2 => (0..dice.below(4)).map(|_| any(dice, depth - 1)).collect(),
        _ => Value::Object(
            (0..dice.below(5))
                .map(|_| (dice.pick(&WORDS).to_string(), any(dice, depth - 1)))
                .collect(),
        ),
    }
}

fn object(dice: &mut Dice, depth: usize) -> Value {
    loop {
        if let value @ Value::Object(_) = any(dice, depth) {
            return value;
        }
    }
}

fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{i}"), out);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(field, &format!("{at}/{name}"), out);
            }
        }
        _ => {}
    }
}

const ODD_ENDS: [&str; 9] = [
    "/01",
    "/+1",
    "/1e0",
    "/",
    "//",
    "/~",
    "/~2",
    "/x/y",
    "/99999999999999999999",
];

fn pointer(dice: &mut Dice, known: &[String]) -> String {
    let mut pointer = dice.pick(known).clone();
    match dice.below(12) {
        0 => pointer.push_str("/-"),
        1 => pointer.push_str(&format!("/{}", dice.below(5))),
        2 => pointer.push_str(&format!("/-{}", dice.below(4))),
        3 => pointer.push_str("/new"),
        4 => pointer.push_str(ODD_ENDS[dice.below(ODD_ENDS.len())]),
        5 => pointer = (*dice.pick(&["", "/", "a", "a/b", "/-", "/~1", "x"])).to_owned(),
        _ => {}
    }
    pointer
}

fn json_patch(dice: &mut Dice) -> Value {
    let document = object(dice, 4);
    let mut known = Vec::new();
    pointers(&document, "", &mut known);
    let count = dice.below(4) + usize::from(dice.often(80));
    let mut patch = Vec::new();
    for _ in 0..count {
        let mut operation = Map::new();
        let name = *dice.pick(&[
            "add", "add", "remove", "replace", "move", "copy", "test", "test",
        ]);
        operation.insert("op".into(), name.into());
        operation.insert("path".into(), pointer(dice, &known).into());
        if matches!(name, "move" | "copy") || dice.often(5) {
            operation.insert("from".into(), pointer(dice, &known).into());
        }
        if !matches!(name, "remove" | "move" | "copy") || dice.often(5) {
            let path = operation["path"].as_str().unwrap_or_default();
            let same = document
                .pointer(path)
                .filter(|_| name == "test" && dice.often(70));
            let value = same.cloned().unwrap_or_else(|| any(dice, 2));
            operation.insert("value".into(), value);
        }
        if dice.often(4) {
            let gone = *dice.pick(&["op", "path", "from", "value"]);
            operation.remove(gone);
        }
        if dice.often(4) {
            let odd = *dice.pick(&["op", "path", "from", "extra", "Op"]);
            operation.insert(odd.into(), any(dice, 1));
        }
        patch.push(Value::Object(operation));
    }
    let patch = if dice.often(3) {
        any(dice, 2)
    } else {
        Value::Array(patch)
    };
    json!({"op": "json", "object": document, "patch": torn(dice, &patch), "strict": dice.often(50)})
}

/// The text of a patch, seldom with a doubled field or cut off.
fn torn(dice: &mut Dice, patch: &Value) -> String {
    let mut text = patch.to_string();
    if dice.often(3) {
        let double = text
            .replacen('{', "{\"a\":1,", 1)
            .replacen("\"a\":", "\"a\":0,\"a\":", 1);
        text = double;
    }
    if dice.often(2) {
        let mut at = dice.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        text.truncate(at);
    }
    text
}

fn merge_patch(dice: &mut Dice) -> Value {
    let document = object(dice, 4);
    let patch = if dice.often(90) {
        changed(dice, &document, 4)
    } else {
        any(dice, 4)
    };
    json!({"op": "merge", "object": document, "patch": torn(dice, &patch), "strict": dice.often(50)})
}

/// A patch that touches some of what is there.
fn changed(dice: &mut Dice, value: &Value, depth: usize) -> Value {
    match value {
        Value::Object(fields) if depth > 0 => {
            let mut out = Map::new();
            for (name, field) in fields {
                match dice.below(6) {
                    0 => drop(out.insert(name.clone(), Value::Null)),
                    1 => drop(out.insert(name.clone(), any(dice, 2))),
                    2..=4 => drop(out.insert(name.clone(), changed(dice, field, depth - 1))),
                    _ => {}
                }
            }
            if dice.often(40) {
                out.insert(dice.pick(&WORDS).to_string(), any(dice, 3));
            }
            Value::Object(out)
        }
        _ => any(dice, 2),
    }
}

fn fields(dice: &mut Dice) -> Value {
    json!({"op": "fields", "fields": set(dice, 3).to_string()})
}

pub(crate) fn set(dice: &mut Dice, depth: usize) -> Value {
    let mut out = Map::new();
    for _ in 0..dice.below(4) {
        let key = match dice.below(12) {
            0..=5 => format!("f:{}", dice.pick(&WORDS)),
            6 => format!("v:{}", scalar(dice)),
            7 => format!("v:[{}]", scalar(dice)),
            8 => format!(
                "k:{}",
                json!({*dice.pick(&WORDS): scalar(dice), "z": scalar(dice)})
            ),
            9 => format!("i:{}", dice.below(4)),
            10 => ".".to_owned(),
            _ => (*dice.pick(&[
                "x:y", "f", "", "k:1", "v:", "i:x", "k:{}", "fx", "i:-1", "k:[]",
            ]))
            .to_owned(),
        };
        let below = if depth == 0 || dice.often(40) {
            json!({})
        } else {
            set(dice, depth - 1)
        };
        let below = if dice.often(2) { any(dice, 1) } else { below };
        out.insert(key, below);
    }
    Value::Object(out)
}
