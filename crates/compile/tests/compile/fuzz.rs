//! Random histories: objects of the conformance suite come, change, break and go. Never a panic; and what was compiled
//! step by step equals what a fresh compiler makes of the same objects at once.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};
use tidegate_compile::{Addresses, Change, Compiler, Kind, ObjectKey, Options};

use crate::{
    cases::render,
    conformance::{manifest, set_up, slices},
    lab::{self, CONTROLLER, Lab, documents, key_of, kind_of},
};

/// Numbers from a seed (xorshift), so that a failure can be run again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides.max(1) as u64).expect("small")
    }
}

/// All objects that histories are made of.
fn pool() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/manifests");
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the manifests")
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .collect();
    names.sort();
    let all = names.iter().flat_map(|name| documents(&manifest(name)));
    let mut all: Vec<Value> = all.filter(|one| kind_of(one).is_some()).collect();
    let mut lab = Lab::new(Lab::pool());
    set_up(&mut lab);
    slices(&mut lab);
    all.extend(lab.objects.into_values().map(|mut one| {
        let meta = one["metadata"].as_object_mut().expect("metadata");
        meta.retain(|field, _| ["name", "namespace", "labels"].contains(&field.as_str()));
        one
    }));
    all.push(json!({
        "kind": "Backend", "metadata": { "name": "outside", "namespace": lab::INFRA },
        "spec": { "endpoints": [{ "host": "example.org", "port": 443 }], "tls": {} },
    }));
    // With everything that a Backend can say, so that each of it is damaged in turn.
    all.push(json!({
        "kind": "Backend", "metadata": { "name": "full", "namespace": lab::INFRA },
        "spec": {
            "endpoints": [
                { "host": "198.51.100.7", "port": 80, "weight": 2, "zone": "a" },
                { "host": "[2001:db8::1]", "port": 80 },
            ],
            "protocol": "HTTP1",
            "proxyProtocol": "v1",
            "tls": {
                "hostname": "a.example", "subjectAltNames": [{ "type": "URI", "uri": "spiffe://a/b" }],
                "caCertificateRefs": [{ "name": "ca" }], "clientCertificateRef": { "name": "pair" },
            },
            "balancing": {
                "policy": "ConsistentHash", "hash": { "source": "Cookie", "name": "id" }, "slowStart": "5s",
            },
            "healthCheck": {
                "type": "HTTP", "path": "/h", "host": "a.example:80", "expectedStatuses": ["200-299"],
                "interval": "1s", "timeout": "500ms", "healthyAfter": 2, "unhealthyAfter": 3,
            },
            "limits": {
                "connections": 1, "pending": 2, "requests": 3, "connectTimeout": "1s", "idleTimeout": "1m",
            },
            "outlierDetection": { "consecutiveFailures": 5, "baseEjection": "30s", "maxEjectedPercent": 50 },
        },
    }));
    all
}

/// Values that no schema allows, or barely.
fn strange(dice: &mut Dice) -> Value {
    match dice.roll(12) {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(1e300),
        3 => json!(""),
        4 => json!("\u{0}\r\n: x"),
        5 => json!("*.".repeat(200)),
        6 => json!([]),
        7 => json!({}),
        8 => json!([[[[[[{}]]]]]]),
        9 => json!("((((((((((a{100}){100}){100}){100}){100}"),
        10 => json!(true),
        _ => json!(65536),
    }
}

/// Changes one random place below a value.
fn mutate(value: &mut Value, dice: &mut Dice) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let at = dice.roll(map.len());
            let name = map.keys().nth(at).expect("inside").clone();
            match dice.roll(8) {
                0 => {
                    map.remove(&name);
                }
                1 => {
                    map.insert(name, strange(dice));
                }
                _ => mutate(&mut map[&name], dice),
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let at = dice.roll(list.len());
            match dice.roll(8) {
                0 => {
                    list.remove(at);
                }
                1 => list.push(list[at].clone()),
                2 => list[at] = strange(dice),
                _ => mutate(&mut list[at], dice),
            }
        }
        Value::String(text) if dice.roll(3) == 0 => {
            const WORDS: &[&str] = &[
                "infra-backend-v1",
                "same-namespace",
                "Exact",
                "RegularExpression",
                "HTTPS",
                "HTTP",
                "All",
                "Same",
                "None",
                "*.example.com",
                "example.com",
                "tidegate",
                "Backend",
                "tidegate.dev",
                "outside",
            ];
            WORDS[dice.roll(WORDS.len())].clone_into(text);
        }
        other => *other = strange(dice),
    }
}

/// What a fresh compiler makes of the same objects. Each is told with all its versions, as the last good one may count.
fn fresh(
    lab: &Lab,
    versions: &BTreeMap<(Kind, ObjectKey), Vec<Value>>,
    options: Options,
) -> Compiler {
    let mut compiler = Compiler::new(options);
    for (place, object) in &lab.objects {
        for version in versions.get(place).into_iter().flatten().chain([object]) {
            let bytes = serde_json::to_vec(version).expect("JSON");
            let change = Change::Upsert {
                kind: place.0,
                object: &bytes,
            };
            compiler.apply(change).expect("metadata");
        }
    }
    compiler
}

fn history(seed: u64, steps: usize, pool: &[Value], addresses: &Addresses, breaks: bool) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let options = || Options::new(CONTROLLER, addresses.clone());
    let mut lab = Lab::with(options());
    let mut versions: BTreeMap<(Kind, ObjectKey), Vec<Value>> = lab
        .objects
        .iter()
        .map(|(place, object)| (place.clone(), vec![object.clone()]))
        .collect();
    for step in 0..steps {
        let mut object = pool[dice.roll(pool.len())].clone();
        let kind = kind_of(&object).expect("a kind");
        let key = key_of(kind, &object);
        if dice.roll(5) == 0 {
            lab.delete(kind, &key);
            versions.remove(&(kind, key));
        } else {
            if breaks && dice.roll(3) == 0 {
                for part in ["spec", "data", "endpoints", "ports", "status"] {
                    if object[part].is_object() || object[part].is_array() {
                        mutate(&mut object[part], &mut dice);
                    }
                }
            }
            lab.put(object);
            let place = (kind, key);
            let now = lab.objects[&place].clone();
            versions.entry(place).or_default().push(now);
        }
        if dice.roll(6) == 0 {
            lab.settle();
        }
        if step % 50 == 49 || step + 1 == steps {
            lab.settle();
            let mut other = fresh(&lab, &versions, options());
            let built = other.build(0);
            pretty(
                &render(lab.snapshot()),
                &render(&built.snapshot),
                seed,
                step,
            );
            if let Some(update) = built.statuses.first() {
                let held = &lab.objects[&(update.kind, update.key.clone())];
                let (kind, key, status) = (update.kind, &update.key, &update.status);
                panic!("seed {seed} step {step}: {kind:?} {key}\nheld: {held}\nfresh: {status}");
            }
            for kind in Kind::ALL {
                assert_eq!(
                    lab.compiler.references(kind),
                    other.references(kind),
                    "seed {seed}: {kind:?}"
                );
            }
        }
    }
}

/// Compares two renderings, and tells the first lines that differ.
fn pretty(step_by_step: &str, at_once: &str, seed: u64, step: usize) {
    if step_by_step == at_once {
        return;
    }
    let (mine, others): (Vec<&str>, Vec<&str>) =
        (step_by_step.lines().collect(), at_once.lines().collect());
    let at = mine.iter().zip(&others).take_while(|(a, b)| a == b).count();
    let excerpt = |lines: &[&str]| {
        lines[at.saturating_sub(3)..]
            .iter()
            .take(8)
            .copied()
            .collect::<Vec<_>>()
            .join("\n")
    };
    panic!(
        "seed {seed} step {step}: step by step:\n{}\nat once:\n{}",
        excerpt(&mine),
        excerpt(&others)
    );
}

fn histories(count: u64, steps: usize) {
    let pool = pool();
    let fixed = Addresses::Fixed(vec!["192.0.2.1".parse().expect("an address")]);
    for seed in 1..=count {
        let addresses = if seed % 2 == 0 { &fixed } else { &Lab::pool() };
        history(seed, steps, &pool, addresses, seed % 3 != 0);
    }
}

#[test]
fn step_by_step_equals_at_once() {
    histories(12, 300);
}

#[test]
#[ignore = "takes minutes: run it after a change to what depends on what"]
fn step_by_step_equals_at_once_for_long() {
    histories(400, 600);
}

/// Bytes that are no objects, and objects that are no API server's.
#[test]
fn garbage_is_refused_or_told_of() {
    let pool = pool();
    let mut dice = Dice(7);
    let mut compiler = Compiler::new(Options::new(CONTROLLER, Lab::pool()));
    for turn in 0..4000 {
        let mut object = pool[dice.roll(pool.len())].clone();
        let kind = Kind::ALL[dice.roll(Kind::ALL.len())];
        for _ in 0..dice.roll(4) {
            mutate(&mut object, &mut dice);
        }
        let mut bytes = serde_json::to_vec(&object).expect("JSON");
        if dice.roll(4) == 0 && !bytes.is_empty() {
            let at = dice.roll(bytes.len());
            bytes[at] = u8::try_from(dice.roll(256)).expect("a byte");
        }
        // Either way is right; only a panic is not.
        let _ = compiler.apply(Change::Upsert {
            kind,
            object: &bytes,
        });
        if turn % 100 == 0 {
            compiler.build(turn);
        }
    }
    compiler.build(0);
}
