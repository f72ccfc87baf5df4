//! Random JSON texts: trees with repeated keys, written with random white space and escapes.

use proptest::{
    prelude::{BoxedStrategy, Just, Strategy, any, prop, prop_oneof},
    sample::select,
};

/// A JSON value whose objects keep the order and repetition of keys.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Scalar(String),
    Text(String),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// Small random numbers from a seed.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    pub(crate) fn space(&mut self, out: &mut Vec<u8>) {
        for _ in 0..self.below(8).saturating_sub(5) {
            out.push(b" \n\t\r"[self.below(4)]);
        }
    }

    /// Changes, drops or adds a few bytes, or cuts the end off.
    pub(crate) fn damage(&mut self, bytes: &mut Vec<u8>) {
        const BYTES: &[u8] = b"{}[]\",:\\ nu0\x00\xff";
        for _ in 0..=self.below(3) {
            let (at, byte) = (
                self.below(bytes.len().max(1)),
                BYTES[self.below(BYTES.len())],
            );
            match self.below(4) {
                0 if at < bytes.len() => bytes[at] = byte,
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => bytes.truncate(at),
                _ => bytes.insert(at, byte),
            }
        }
    }
}

impl Node {
    pub(crate) fn render(&self, noise: &mut Noise) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(noise, &mut out);
        out
    }

    pub(crate) fn write(&self, noise: &mut Noise, out: &mut Vec<u8>) {
        match self {
            Self::Scalar(text) => out.extend_from_slice(text.as_bytes()),
            Self::Text(text) => write_text(text, noise, out),
            Self::Array(elements) => {
                out.push(b'[');
                separated(elements, noise, out, |element, noise, out| {
                    element.write(noise, out)
                });
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                separated(members, noise, out, |(key, value), noise, out| {
                    write_text(key, noise, out);
                    noise.space(out);
                    out.push(b':');
                    noise.space(out);
                    value.write(noise, out);
                });
                out.push(b'}');
            }
        }
    }
}

fn separated<T>(
    all: &[T],
    noise: &mut Noise,
    out: &mut Vec<u8>,
    write: impl Fn(&T, &mut Noise, &mut Vec<u8>),
) {
    noise.space(out);
    for (index, one) in all.iter().enumerate() {
        if index > 0 {
            out.push(b',');
            noise.space(out);
        }
        write(one, noise, out);
        noise.space(out);
    }
}

fn write_text(text: &str, noise: &mut Noise, out: &mut Vec<u8>) {
    out.push(b'"');
    for character in text.chars() {
        let must = matches!(character, '"' | '\\' | '\0'..' ');
        match (character, must, noise.below(16)) {
            ('"' | '\\' | '/', _, 4..) => {
                out.extend_from_slice(&[b'\\', u8::try_from(character).expect("ASCII")])
            }
            ('\n', _, 4..) => out.extend_from_slice(b"\\n"),
            (_, false, 1..) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(format!("\\u{unit:04X}").as_bytes());
                }
            }
        }
    }
    out.push(b'"');
}

fn text() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        4 => "[a-z0-9./-]{0,12}",
        1 => "[\\PC\\x00-\\x20\"\\\\{}\\[\\]]{0,80}",
        1 => select(vec!["true", "1", "\\", "\"", "}{", "😀é", "\\\"\\"]).prop_map(String::from),
    ]
}

fn node() -> BoxedStrategy<Node> {
    let scalar = prop_oneof![
        select(vec!["null", "true", "false", "0", "-1.5e+3"]).prop_map(|s| Node::Scalar(s.into())),
        any::<i64>().prop_map(|number| Node::Scalar(number.to_string())),
        text().prop_map(Node::Text),
    ];
    let tree = scalar.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Node::Array),
            prop::collection::vec((text(), inner), 0..6).prop_map(Node::Object),
        ]
    });
    tree.boxed()
}

fn null_or(node: impl Strategy<Value = Node> + 'static) -> BoxedStrategy<Node> {
    prop_oneof![1 => Just(Node::Scalar("null".into())), 6 => node].boxed()
}

fn string() -> BoxedStrategy<Node> {
    null_or(text().prop_map(Node::Text))
}

fn members(fields: Vec<(&'static str, BoxedStrategy<Node>)>) -> BoxedStrategy<Node> {
    let known: Vec<_> = fields
        .into_iter()
        .map(|(key, value)| value.prop_map(move |value| (key.to_owned(), value)).boxed())
        .collect();
    let junk = ("x[a-z]{0,3}", node()).boxed();
    let member = prop_oneof![4 => prop::strategy::Union::new(known), 1 => junk];
    prop::collection::vec(member, 0..14)
        .prop_map(Node::Object)
        .boxed()
}

fn texts() -> BoxedStrategy<Node> {
    let key = prop_oneof![4 => text(), 1 => Just("k8s.io/initial-events-end".to_owned())];
    let entries = prop::collection::vec((key, string()), 0..6);
    null_or(entries.prop_map(Node::Object))
}

fn metadata() -> BoxedStrategy<Node> {
    let boolean = select(vec!["true", "false"]).prop_map(|text| Node::Scalar(text.into()));
    let number = any::<i64>().prop_map(|number| Node::Scalar(number.to_string()));
    let owner = members(vec![
        ("apiVersion", string()),
        ("kind", string()),
        ("name", string()),
        ("uid", string()),
        ("controller", null_or(boolean)),
    ]);
    members(vec![
        ("name", string()),
        ("namespace", string()),
        ("uid", string()),
        ("resourceVersion", string()),
        ("generation", null_or(number)),
        ("deletionTimestamp", string()),
        ("labels", texts()),
        ("annotations", texts()),
        (
            "ownerReferences",
            null_or(prop::collection::vec(owner, 0..3).prop_map(Node::Array)),
        ),
        ("managedFields", node()),
    ])
}

/// A Kubernetes object, or nearly one. Its type is given at most once: see `clean`.
pub(crate) fn object() -> impl Strategy<Value = Node> {
    let body = members(vec![
        ("metadata", null_or(metadata())),
        ("spec", node()),
        ("status", node()),
    ]);
    let types = (
        prop::option::of(string()),
        prop::option::of(string()),
        any::<(usize, usize)>(),
    );
    (body, types).prop_map(|(body, (kind, api_version, (a, b)))| {
        let Node::Object(mut members) = body else {
            return body;
        };
        for (key, value, at) in [("kind", kind, a), ("apiVersion", api_version, b)] {
            if let Some(value) = value {
                let at = at % (members.len() + 1);
                members.insert(at, (key.to_owned(), value));
            }
        }
        Node::Object(members)
    })
}

/// Bytes that look like JSON more often than chance.
pub(crate) fn junk() -> impl Strategy<Value = u8> {
    prop_oneof![8 => select(b"{}[]\"\\,: \nabtrue0-.e".to_vec()), 1 => any::<u8>()]
}
