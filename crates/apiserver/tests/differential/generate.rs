//! Sequences that are made up by a program: random ones, the same in every run.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// How many sequences each family has.
const COUNT: u64 = 20;
/// How many requests each sequence has.
const STEPS: u64 = 10;

/// Names of files that don't exist, and their texts.
pub(crate) fn files() -> Vec<(String, String)> {
    type Family = (&'static str, fn(&mut Random) -> String);
    const FAMILIES: [Family; 4] = [
        ("generated/configmaps", configmaps),
        ("generated/deployments", deployments),
        ("generated/services", services),
        ("generated/patches", patches),
    ];
    let file = |(at, (file, family)): (usize, &Family)| {
        let mut text = String::new();
        for number in 0..COUNT {
            let mut random = Random::new(number * 31 + at as u64);
            let _infallible = writeln!(text, "== {number}\n{}", family(&mut random));
        }
        ((*file).to_owned(), text)
    };
    FAMILIES.iter().enumerate().map(file).collect()
}

/// Several managers apply, update and patch one config map.
fn configmaps(random: &mut Random) -> String {
    let mut out = String::new();
    for _ in 0..STEPS {
        let body = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "a", "labels": random.map(&["x", "w"], 3), "annotations": random.map(&["n"], 2)},
            "data": random.map(&["a", "b", "c"], 3),
        });
        out.push_str(&random.write("$CMS", body));
    }
    out + "GET $CMS/a\n"
}

/// Containers, ports and environments are lists by key; arguments are one value.
fn deployments(random: &mut Random) -> String {
    let mut out = String::new();
    for _ in 0..STEPS {
        let mut containers = Vec::new();
        for name in ["one", "two"] {
            if random.below(3) > 0 {
                containers.push(random.container(name));
            }
        }
        let mut spec = json!({
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": containers}},
        });
        if random.below(2) == 0 {
            spec["replicas"] = random.below(4).into();
        }
        let body = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": spec});
        out.push_str(&random.write("$DEPLOYS", body));
    }
    out + "GET $DEPLOYS/a\n"
}

/// Ports have two keys, one of them with a default; the selector is one value.
fn services(random: &mut Random) -> String {
    let mut out = String::new();
    for _ in 0..STEPS {
        let mut ports = Vec::new();
        for (port, protocol) in [(80, "TCP"), (80, "UDP"), (81, "TCP")] {
            if random.below(3) == 0 {
                continue;
            }
            let mut entry = json!({"port": port, "name": format!("p{}", random.below(4))});
            if protocol == "UDP" || random.below(2) == 0 {
                entry["protocol"] = protocol.into();
            }
            if random.below(2) == 0 {
                entry["targetPort"] = (8080 + random.below(2)).into();
            }
            ports.push(entry);
        }
        let spec =
            json!({"ports": ports, "clusterIP": "None", "selector": random.map(&["a", "b"], 2)});
        let body =
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": spec});
        out.push_str(&random.write("$SVCS", body));
    }
    out + "GET $SVCS/a\n"
}

/// Patches of three kinds to one config map, some of them broken.
fn patches(random: &mut Random) -> String {
    let mut out = "POST $CMS\n\n{metadata: {name: a}, data: {a: \"1\", b: \"2\"}}\n\n".to_owned();
    for _ in 0..STEPS {
        let key = ["a", "b", "c", "d~1e"][random.index(4)];
        let path = match random.below(5) {
            0 => "/metadata/labels".to_owned(),
            1 => "/data".to_owned(),
            _ => format!("/data/{key}"),
        };
        let value = match random.below(6) {
            0 => json!(null),
            1 => json!(1),
            2 => json!({"a": "9", "z": "8"}),
            _ => json!(random.word()),
        };
        let step = match random.below(4) {
            0 => format!("MERGE $CMS/a\n\n{}\n\n", json!({"data": {key: value}})),
            1 => format!("STRATEGIC $CMS/a\n\n{}\n\n", json!({"data": {key: value}})),
            _ => {
                let op = ["add", "remove", "replace", "test", "add"][random.index(5)];
                let first = json!({"op": op, "path": path, "value": value});
                let from = format!("/data/{}", ["a", "b"][random.index(2)]);
                let op = ["copy", "move"][random.index(2)];
                let second = json!({"op": op, "from": from, "path": path});
                let list = if random.below(2) == 0 {
                    vec![first, second]
                } else {
                    vec![first]
                };
                format!("JSONPATCH $CMS/a\n\n{}\n\n", Value::from(list))
            }
        };
        out.push_str(&step);
    }
    out
}

/// Numbers by splitmix64.
struct Random {
    state: u64,
}

impl Random {
    fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap_or_default()
    }

    fn word(&mut self) -> String {
        ["red", "green", "blue"][self.index(3)].to_owned()
    }

    /// Some of these keys, with one of few values each.
    fn map(&mut self, keys: &[&str], values: u64) -> Value {
        let mut map = Map::new();
        for key in keys {
            let value = self.below(values + 1);
            if value < values {
                map.insert((*key).to_owned(), format!("v{value}").into());
            }
        }
        map.into()
    }

    fn container(&mut self, name: &str) -> Value {
        let mut container = json!({"name": name});
        if self.below(3) > 0 {
            container["image"] = format!("i:{}", self.below(3)).into();
        }
        if self.below(3) == 0 {
            container["args"] = json!([self.word(), self.word()]);
        }
        let env = self.map(&["A", "B", "C"], 2);
        if let Value::Object(env) = env {
            let list = env
                .into_iter()
                .map(|(name, value)| json!({"name": name, "value": value}));
            container["env"] = list.collect();
        }
        if self.below(2) == 0 {
            let port = |number: u64| json!({"containerPort": 80 + number});
            container["ports"] = (0..self.below(3)).map(port).collect();
        }
        container
    }

    /// A request with this body by one of three managers.
    fn write(&mut self, place: &str, body: Value) -> String {
        let manager = ["one", "two", "three"][self.index(3)];
        let force = ["", "&force=true"][self.index(2)];
        match self.below(8) {
            0 => format!("POST {place}?fieldManager={manager}\n\n{body}\n\n"),
            1 => format!("PUT {place}/a?fieldManager={manager}\n\n{body}\n\n"),
            2 => format!("MERGE {place}/a?fieldManager={manager}\n\n{body}\n\n"),
            3 => format!("STRATEGIC {place}/a?fieldManager={manager}\n\n{body}\n\n"),
            _ => format!("APPLY {place}/a?fieldManager={manager}{force}\n\n{body}\n\n"),
        }
    }
}
