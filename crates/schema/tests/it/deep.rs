//! Deep and large documents, on a stack of 2 MB: nothing overflows, not even dropping what was read.

use serde_json::{Value, json};
use std::thread;
use tidegate_schema::{
    DEPTH_MAX, Path, Schemas, apply_defaults, parse_json, parse_yaml, prune, prune_nulls, validate,
};

const STACK: usize = 2 << 20;

fn on_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new()
        .stack_size(STACK)
        .spawn(test)
        .expect("a thread can be started");
    thread.join().expect("the test passes");
}

fn nested(depth: usize, open: &str, inner: &str, close: &str) -> String {
    [open.repeat(depth), inner.to_owned(), close.repeat(depth)].concat()
}

fn check(text: String, expected: Result<(), &'static str>) {
    on_small_stack(move || {
        let parsed = parse_json(text.as_bytes());
        match expected {
            Ok(()) => assert!(parsed.is_ok(), "{parsed:?}"),
            Err(words) => assert_eq!(
                parsed.map(drop).map_err(|error| error.to_string()),
                Err(words.to_owned())
            ),
        }
    });
}

#[test]
fn json_is_read_to_a_depth() {
    const ARRAY: Result<(), &str> = Err("invalid character '[' exceeded max depth");
    const OBJECT: Result<(), &str> = Err("invalid character '{' exceeded max depth");
    check(nested(DEPTH_MAX, "[", "", "]"), Ok(()));
    check(nested(DEPTH_MAX, "{\"a\":", "1", "}"), Ok(()));
    check(nested(DEPTH_MAX + 1, "[", "", "]"), ARRAY);
    check(nested(10_000, "[", "", "]"), ARRAY);
    check(nested(10_000, "{\"a\":", "1", "}"), OBJECT);
    check(nested(1_000_000, "[", "", "]"), ARRAY);
    check(nested(1_000_000, "{\"a\":", "1", "}"), OBJECT);
    check("[".repeat(1_000_000), ARRAY);
}

#[test]
fn yaml_is_read_to_a_depth() {
    for depth in [DEPTH_MAX + 1, 10_000, 1_000_000] {
        for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")] {
            let text = nested(depth, open, "x", close);
            on_small_stack(move || {
                let error = parse_yaml(text.as_bytes())
                    .expect_err("too deep")
                    .to_string();
                assert!(error.contains("exceeded max depth"), "{error}");
            });
        }
    }
    on_small_stack(|| {
        assert!(parse_yaml(nested(DEPTH_MAX - 1, "[", "", "]").as_bytes()).is_ok());
        assert!(parse_yaml(nested(DEPTH_MAX - 1, "- ", "x", "").as_bytes()).is_ok());
    });
}

#[test]
fn aliases_do_not_blow_up() {
    let mut laughs = "a: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        laughs.push_str(&format!("b{level}: &a{level} [{items}]\n"));
    }
    let mut long = format!("a: &a {}\nb:\n", "x".repeat(1 << 20));
    long.push_str(&"- *a\n".repeat(1000));
    let mut deep = "a0: &a0 x\n".to_owned();
    for level in 1..20 {
        let item = nested(100, "[", &format!("*a{}", level - 1), "]");
        deep.push_str(&format!("a{level}: &a{level} {item}\n"));
    }
    let cases = [
        (laughs, "document contains excessive aliasing"),
        (long, "document contains excessive aliasing"),
        (deep, "exceeded max depth"),
        ("a: &a [*a]".to_owned(), "anchor 'a' value contains itself"),
        (
            "a: &a {b: {<<: *a}}".to_owned(),
            "anchor 'a' value contains itself",
        ),
    ];
    for (text, words) in cases {
        on_small_stack(move || {
            let error = parse_yaml(text.as_bytes())
                .expect_err("refused")
                .to_string();
            assert!(error.contains(words), "{error}");
        });
    }
}

#[test]
fn deep_values_are_walked() {
    let mut schema = json!({"type": "string", "default": "x"});
    for level in 0..DEPTH_MAX / 2 - 1 {
        schema = match level % 3 {
            0 => json!({"type": "array", "items": schema}),
            1 => {
                json!({"type": "object", "properties": {"a": schema}, "anyOf": [{"required": ["a"]}]})
            }
            _ => json!({"type": "object", "additionalProperties": schema}),
        };
    }
    on_small_stack(move || {
        let mut value = json!("x");
        for level in 0..DEPTH_MAX / 2 - 1 {
            value = if level % 3 == 0 {
                json!([value])
            } else {
                json!({"a": value})
            };
        }
        let (schemas, root) = Schemas::from_crd(&schema).expect("the schema can be read");
        let schema = schemas.get(root);
        let before = value.clone();
        assert_eq!(prune(&mut value, schema, true), Vec::<String>::new());
        prune_nulls(&mut value, schema);
        apply_defaults(&mut value, schema);
        assert_eq!(value, before);
        assert_eq!(
            validate(&value, Some(&before), schema, &Path::ROOT),
            Vec::new()
        );
        let text = value.to_string();
        assert_eq!(
            parse_json(text.as_bytes()).expect("it can be read").value,
            value
        );
        assert_eq!(
            parse_yaml(text.as_bytes()).expect("it can be read").value,
            value
        );
    });
}

#[test]
fn a_deep_unknown_field_is_pruned() {
    on_small_stack(|| {
        let (schemas, root) =
            Schemas::from_crd(&json!({"type": "object"})).expect("the schema can be read");
        let text = format!("{{\"spec\":{}}}", nested(DEPTH_MAX - 1, "[", "", "]"));
        let mut value = parse_json(text.as_bytes()).expect("it can be read").value;
        assert_eq!(prune(&mut value, schemas.get(root), true), ["spec"]);
        assert_eq!(value, Value::Object(serde_json::Map::new()));
    });
}

#[test]
fn many_duplicates_are_told_in_part() {
    let fields = vec!["\"a\":1"; 100_000].join(",");
    let parsed = parse_json(format!("{{{fields}}}").as_bytes()).expect("it can be read");
    assert_eq!(parsed.duplicates, ["duplicate field \"a\""]);
    let fields: Vec<String> = (0..1000)
        .map(|index| format!("\"k{index}\":1,\"k{index}\":2"))
        .collect();
    let parsed =
        parse_json(format!("{{{}}}", fields.join(",")).as_bytes()).expect("it can be read");
    assert_eq!(parsed.duplicates.len(), 100);
}
