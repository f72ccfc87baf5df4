//! Expressions and objects that mean harm: each ends soon, in an answer.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tidegate_rules::{
    Admission, Ask, Authorize, GroupVersionKind, GroupVersionResource, Policy, REQUEST_BUDGET,
    Rules, User, Verdict, check_policy, check_rules,
};
use tidegate_schema::{Path, Schemas};

const SOON: Duration = Duration::from_secs(20);

/// Compiles and runs a rule on an object of many texts; gives the errors of both.
fn run(rule: &str) -> (Vec<String>, Vec<String>) {
    let schema = json!({
        "type": "object",
        "x-kubernetes-validations": [{"rule": rule}],
        "properties": {
            "s": {"type": "string"},
            "l": {"type": "array", "items": {"type": "string"}},
            "any": {"type": "object", "additionalProperties": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
        },
    });
    let (schemas, root) = Schemas::from_crd(&schema).expect("the schema is good");
    let schema = schemas.get(root);
    let texts: Vec<String> = (0..3000).map(|index| format!("text{index}")).collect();
    let object = json!({
        "apiVersion": "g/v1", "kind": "K", "metadata": {"name": "n"},
        "s": "a".repeat(100_000), "l": texts, "any": {},
    });
    let checked = check_rules(schema, None, &Path::ROOT);
    let rules = Rules::compile(schema);
    let mut budget = REQUEST_BUDGET;
    let found = rules.validate(schema, &object, Some(&object), &Path::ROOT, &mut budget);
    let words =
        |errors: Vec<tidegate_schema::FieldError>| errors.iter().map(ToString::to_string).collect();
    (words(checked), words(found))
}

/// Rules that are written in full.
const PLAIN: &[&str] = &[
    "self.l.all(a, self.l.all(b, self.l.all(c, a != b + c)))",
    "self.l.map(a, self.l.map(b, a + b)) == self.l.map(a, self.l.map(b, a + b))",
    "self.l.all(a, self.l == self.l)",
    "self.l.all(a, self == oldSelf)",
    "self.l.all(a, self.s == self.s + '')",
    "self.l.all(a, a.matches(a + '(x{1,1000}){1,1000}'))",
    "self.s.matches('(a|aa|aaa)*(b|bb)*$') && self.s.find('(a*)*b') == ''",
    "lists.range(9000000000).size() > 0",
    "lists.range(100000).sort().size() > 0",
    "self.l.distinct().size() > 0 && self.s.split('').distinct().size() > 0",
    "self.s.split('').map(x, self.s).join(self.s).size() > 0",
    "[[self.l]].flatten(9223372036854775807).size() > 0",
    "'%s'.format([self.l.map(x, self.l)]) == ''",
    "'%.999999999f'.format([1.0]) == ''",
    "quantity('1e999999999').add(quantity('1e-999999999')).isGreaterThan(quantity('1'))",
    "int('9'.replace('9', '99999999999999999999')) > 0",
    "timestamp(253402300799) + duration('2562047h') > timestamp(0)",
    "duration('9223372036854775807ns') + duration('1ns') > duration('0')",
    "timestamp(0).getHours('999999999:00') > 0",
    "semver('99999999999999999999.0.0').major() > 0",
    "cidr('0.0.0.0/0').masked().containsIP('::')",
    "self.s.substring(9223372036854775807, -1) == ''",
    "self.s.indexOf('', 9223372036854775807) > 0 && self.s.lastIndexOf('', 9223372036854775807) > 0",
    "-9223372036854775808 / -1 == 0 || -9223372036854775808 % -1 == 0",
    "\u{0}\u{1}\u{7f}é日本`x`'",
    "'\\",
    "b'\\xff' + bytes(self.s) == b''",
];

#[test]
fn hostile_rules_end_soon() {
    let nested = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    let doubled = (0..40).fold("[self.s]".to_owned(), |list, _| {
        format!("optional.of({list}).optMap(x, x + x).value()")
    });
    let grown = (0..30).fold("self.s".to_owned(), |text, _| {
        format!("({text}).replace('a', 'aa')")
    });
    let same = "[['']]".to_owned() + &".map(x, [x, x])".repeat(60);
    let cases = [
        nested("(", "1", ")", 100_000) + " == 1",
        nested("[", "", "]", 40_000) + " == []",
        nested("{'a':", "1", "}", 15_000) + " == {}",
        nested("!", "true", "", 90_000),
        nested("-", "1", "", 90_000) + " == 1",
        nested("", "self", ".s", 40_000),
        nested("", "1", "+1", 45_000) + " == 1",
        nested("", "true", " && true", 10_000),
        nested("true ? ", "true", " : true", 9_000),
        nested("[1].all(x, ", "true", ")", 240),
        nested("self.l.all(x, ", "true", ")", 6),
        nested("self.l.map(x, ", "'a'", ")", 4) + " == []",
        nested("size(", "[]", ")", 200) + " == 1",
        format!("'%s'.format([{same}]) == ''"),
        format!("{same} == {same}"),
        format!("{same} == 1 || [{same}].distinct() == [] || {same}.flatten(50) == []"),
        format!("{{'a': {same}}}.a.b"),
        format!("{doubled}.size() > 0"),
        format!("({grown}).size() > 0"),
        "x".repeat(200_000),
    ];
    for rule in PLAIN.iter().map(|rule| (*rule).to_owned()).chain(cases) {
        let began = Instant::now();
        let (checked, found) = run(&rule);
        let took = began.elapsed();
        let short: String = rule.chars().take(60).collect();
        assert!(took < SOON, "{short}: {took:?}");
        assert!(
            checked.len() < 10 && found.len() < 10,
            "{short}: {checked:?} {found:?}"
        );
    }
}

struct Nobody;

impl Authorize for Nobody {
    fn authorize(&self, _: &Ask) -> Verdict {
        Verdict::default()
    }
}

/// Variables that refer to one another in a long chain, and a deep object.
#[test]
fn hostile_policies_end_soon() {
    let mut variables = vec![json!({"name": "v0", "expression": "1"})];
    for index in 1..2000 {
        let before = index - 1;
        variables.push(
            json!({"name": format!("v{index}"), "expression": format!("variables.v{before} + 1")}),
        );
    }
    let spec = json!({
        "variables": variables,
        "validations": [
            {"expression": "variables.v1999 == 2000"},
            {"expression": "object == oldObject"},
            {"expression": "[1, 2, 3].all(x, object.l.all(y, object == oldObject))"},
        ],
    });
    let deep = (0..120).fold(json!(1), |inner, _| json!([inner]));
    let object = json!({"deep": deep, "l": vec![1; 10_000]});
    let (kind, resource, user) = Default::default();
    let policy = Policy::compile(&spec);
    let began = Instant::now();
    let outcome = policy.evaluate(&Admission {
        object: Some(&object),
        old_object: Some(&object),
        operation: "UPDATE",
        kind: &kind,
        resource: &resource,
        request_kind: &GroupVersionKind::default(),
        request_resource: &GroupVersionResource::default(),
        subresource: "",
        name: "",
        namespace: "",
        user: &user,
        options: None,
        namespace_object: None,
        params: None,
        dry_run: false,
        authorizer: &Nobody,
    });
    let _: &User = &user;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    let messages: Vec<&str> = outcome
        .violations
        .iter()
        .map(|violation| violation.message.as_str())
        .collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(
        messages[0].contains("refers to others too deep"),
        "{messages:?}"
    );
    assert!(
        messages[1].contains("actual cost limit exceeded"),
        "{messages:?}"
    );
    let broken = json!({"spec": {"validations": [{"expression": Value::Null}, 1, [[]]], "matchConditions": "x"}});
    assert!(!check_policy(&broken, None).is_empty());
}
