//! The recorder: starts a cluster, sends the steps of all cases, and writes what came back.

use super::{LAST, cases, files};
use crate::schemas;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};
use tidegate_merge::merge_patch;

/// A cluster, and a proxy to its API server without TLS.
struct Cluster {
    children: Vec<Child>,
    address: String,
}

impl Cluster {
    fn start() -> Self {
        let binary = std::env::var("MERGE_TESTCLUSTER").expect("MERGE_TESTCLUSTER is set");
        let mut up = Command::new(&binary)
            .args(["up", "--controller-manager=false", "--stop-on-stdin-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the cluster starts");
        let ready = first_line(&mut up);
        let ready: Value = serde_json::from_str(&ready).expect("a line of JSON");
        let kubeconfig = ready["kubeconfig"].as_str().expect("a kubeconfig");
        let mut proxy = Command::new(&binary)
            .args(["kubectl", "--kubeconfig", kubeconfig, "proxy", "--port=0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the proxy starts");
        let line = first_line(&mut proxy);
        let address = line.trim().rsplit(' ').next().unwrap_or_default();
        Self {
            address: address.to_owned(),
            children: vec![proxy, up],
        }
    }

    /// Sends one request; the code and the body of the answer.
    fn send(&self, method: &str, path: &str, content_type: &str, body: &str) -> (u64, Value) {
        let mut stream = TcpStream::connect(&self.address).expect("the proxy listens");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\nContent-Type: {content_type}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .expect("it can be sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let body = serde_json::from_str(body).unwrap_or_else(|_| body.into());
        (code.expect("a code"), body)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in &mut self.children {
            // The cluster ends with its input.
            drop(child.stdin.take());
        }
        let mut children = self.children.drain(..);
        if let Some(mut proxy) = children.next() {
            let _ = proxy.kill();
            let _ = proxy.wait();
        }
        for mut child in children {
            let _ = child.wait();
        }
    }
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    let out = child.stdout.take().expect("a pipe");
    let mut out = BufReader::new(out);
    out.read_line(&mut line).expect("a line");
    // What follows is of no interest, but must be read.
    std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    line
}

#[test]
#[ignore = "needs a test cluster"]
fn record_the_answers_of_a_server() {
    let cluster = Cluster::start();
    install_the_definition(&cluster);
    // Pods need it, and no controller makes it.
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    let path = "/api/v1/namespaces/default/serviceaccounts";
    let (code, answer) = cluster.send("POST", path, "application/json", &account.to_string());
    assert!(code == 201 || code == 409, "{answer}");
    for file in files() {
        let mut text = String::new();
        for mut case in cases(&file) {
            let mut steps = case["steps"].as_array().cloned().unwrap_or_default();
            let mut last = Value::Null;
            for step in &mut steps {
                run(&cluster, &case, step);
                shorten(step, &mut last);
            }
            case["steps"] = steps.into();
            text.push_str(&case.to_string());
            text.push('\n');
        }
        fs::write(&file, text).expect("the file can be written");
    }
}

/// The live object is mostly the last answer, and is left out then.
fn shorten(step: &mut Value, last: &mut Value) {
    if step["live"] == *last {
        step["live"] = LAST.into();
    }
    if step["code"].as_u64().is_some_and(|code| code < 300) {
        *last = step["answer"].clone();
    }
}

fn run(cluster: &Cluster, case: &Value, step: &mut Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let version = match text(&step["version"]) {
        version if version.is_empty() => text(&case["apiVersion"]),
        version => version,
    };
    let root = if version.contains('/') { "apis" } else { "api" };
    let collection = format!("/{root}/{version}/{}", text(&case["resource"]));
    let name = text(&case["object"]);
    let (code, live) = cluster.send("GET", &format!("{collection}/{name}"), "", "");
    step["live"] = if code == 200 {
        live.clone()
    } else {
        Value::Null
    };
    let subresource = match text(&step["subresource"]) {
        none if none.is_empty() => none,
        subresource => format!("/{subresource}"),
    };
    let manager = text(&step["manager"]);
    let force = if step["force"] == true {
        "&force=true"
    } else {
        ""
    };
    let query = format!("?fieldManager={manager}{force}{}", text(&step["query"]));
    let object = format!("{collection}/{name}{subresource}{query}");
    let (method, path, content_type) = match step["do"].as_str() {
        Some("POST") => ("POST", format!("{collection}{query}"), "application/json"),
        Some("PUT") => ("PUT", object, "application/json"),
        Some("json") => ("PATCH", object, "application/json-patch+json"),
        Some("merge") => ("PATCH", object, "application/merge-patch+json"),
        Some("strategic") => ("PATCH", object, "application/strategic-merge-patch+json"),
        Some("apply") => ("PATCH", object, "application/apply-patch+yaml"),
        other => panic!("no such step: {other:?}"),
    };
    if let Some(edit) = step.get("edit") {
        let edited = merge_patch(&live, edit.to_string().as_bytes(), false);
        step["body"] = edited.expect("it can be edited").value;
    }
    let body = match &step["body"] {
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    let (code, answer) = cluster.send(method, &path, content_type, &body);
    step["code"] = code.into();
    step["answer"] = answer;
    assert!(code != 404 && code != 415, "{method} {path}: {step}");
}

/// `Fleet` as a custom resource.
fn install_the_definition(cluster: &Cluster) {
    let components = schemas::components("fleet");
    let version = |name: &str, storage: bool| {
        let component = &components[format!("dev.test.{name}.Fleet")];
        let mut properties = component["properties"].clone();
        properties["metadata"] = json!({"type": "object"});
        let schema = json!({"type": "object", "properties": properties});
        json!({"name": name, "served": true, "storage": storage, "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": schema}})
    };
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "fleets.test.dev"},
        "spec": {
            "group": "test.dev", "scope": "Namespaced",
            "names": {"plural": "fleets", "singular": "fleet", "kind": "Fleet"},
            "versions": [version("v1", true), version("v1beta1", false)],
        },
    });
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let (code, answer) = cluster.send("POST", path, "application/json", &definition.to_string());
    assert!(code == 201 || code == 409, "{answer}");
    for _ in 0..100 {
        let list = "/apis/test.dev/v1beta1/namespaces/default/fleets";
        if cluster.send("GET", list, "", "").0 == 200 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("the definition is not established");
}
