//! Sends a sequence to a server and keeps what came back, as it came.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request as HttpRequest;
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet, time::timeout};

use crate::{
    http::{Answer, Client, Watch},
    script::{Action, Filter, Goal, Request, Sequence, Step, Until, Variables},
    text::substitute,
    value,
};

/// How many sequences run at a time.
const CONCURRENT: usize = 6;
/// How long events, or a state that is waited for, may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a whole sequence may take.
const SEQUENCE_PATIENCE: Duration = Duration::from_secs(120);

/// What one step brought.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) label: String,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// The body as JSON or YAML where it is either, and as text.
    Answer {
        answer: Answer,
        filters: Vec<Filter>,
    },
    Events {
        events: Vec<Value>,
        note: &'static str,
    },
    Failure(String),
}

/// All that one sequence brought, and what is needed to normalise it.
#[derive(Debug, Clone)]
pub(crate) struct Transcript {
    pub(crate) namespace: String,
    pub(crate) authority: String,
    /// What the sequence says itself, with variables put in: it is no secret of a server's.
    pub(crate) given: String,
    pub(crate) records: Vec<Record>,
}

/// Runs all sequences, some at a time; the order of the results is the sequences'.
pub(crate) async fn run_all(client: &Client, sequences: &[Sequence]) -> Vec<Transcript> {
    let room = Arc::new(Semaphore::new(CONCURRENT));
    let mut tasks = JoinSet::new();
    for (at, sequence) in sequences.iter().enumerate() {
        let (client, room, sequence) = (client.clone(), Arc::clone(&room), sequence.clone());
        let namespace = sequence.namespace();
        tasks.spawn(async move {
            let _place = room.acquire().await.expect("invariant: never closed");
            (at, run_one(&client, &sequence, &namespace).await)
        });
    }
    let mut done = BTreeMap::new();
    while let Some(result) = tasks.join_next().await {
        let (at, transcript) = result.expect("a sequence's task");
        done.insert(at, transcript);
    }
    done.into_values().collect()
}

async fn run_one(client: &Client, sequence: &Sequence, namespace: &str) -> Transcript {
    let mut runner = Runner {
        client,
        http1: sequence.has_tag("http1")
            || (!sequence.has_tag("http2") && sequence.name.len().is_multiple_of(2)),
        variables: sequence.variables.clone(),
        watches: BTreeMap::new(),
        last: None,
        crds: Vec::new(),
    };
    runner
        .variables
        .insert("NS".to_owned(), namespace.to_owned());
    runner
        .variables
        .insert("HOST".to_owned(), client.target().authority().to_owned());
    runner
        .variables
        .insert("TOKEN".to_owned(), client.target().token.clone());
    let mut records = Vec::new();
    let work = async {
        if let Err(reason) = runner.prepare(sequence, namespace).await {
            records.push(failure("namespace", reason));
        }
        for step in &sequence.steps {
            if let Some(record) = runner.step(step).await {
                records.push(record);
            }
        }
    };
    if timeout(SEQUENCE_PATIENCE, work).await.is_err() {
        records.push(failure(
            "end",
            "the sequence did not end in time".to_owned(),
        ));
    }
    runner.clean_up().await;
    Transcript {
        namespace: namespace.to_owned(),
        authority: client.target().authority().to_owned(),
        given: substitute(&sequence.source, &sequence.variables),
        records,
    }
}

fn failure(label: &str, reason: String) -> Record {
    Record {
        label: label.to_owned(),
        outcome: Outcome::Failure(reason),
    }
}

struct Runner<'a> {
    client: &'a Client,
    http1: bool,
    variables: Variables,
    watches: BTreeMap<String, Watch>,
    /// The body of the last answer.
    last: Option<Value>,
    crds: Vec<String>,
}

impl Runner<'_> {
    /// Makes the namespace, and waits for its service account where pods will need it.
    async fn prepare(&self, sequence: &Sequence, namespace: &str) -> Result<(), String> {
        if sequence.has_tag("no-namespace") {
            return Ok(());
        }
        let create = Request {
            method: "POST".to_owned(),
            target: "/api/v1/namespaces".to_owned(),
            body: json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
                .to_string(),
            ..Request::default()
        };
        let answer = self.send(&create).await?;
        if answer.status != 201 {
            return Err(format!(
                "{} {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            ));
        }
        if sequence.has_tag("pods") {
            let account = Request {
                method: "POST".to_owned(),
                target: "/api/v1/namespaces/$NS/serviceaccounts".to_owned(),
                body: json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}).to_string(),
                ..Request::default()
            };
            // A controller may have made it.
            let answer = self.send(&account).await?;
            if !matches!(answer.status, 201 | 409) {
                return Err(format!(
                    "{} {}",
                    answer.status,
                    String::from_utf8_lossy(&answer.body)
                ));
            }
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Option<Record> {
        let outcome = match &step.action {
            Action::Capture { name, path } => return self.capture(name, path),
            Action::Send(request) => self
                .send(request)
                .await
                .map(|answer| self.keep(answer, request)),
            Action::Wait { request, goal } => self
                .wait(request, goal)
                .await
                .map(|answer| self.keep(answer, request)),
            Action::Watch { name, request } => self.open(name, request).await,
            Action::Events { name, until } => self.events(name, *until).await,
            Action::Raw { text } => {
                let text = substitute(text, &self.variables);
                let bytes = text.replace('\n', "\r\n").into_bytes();
                self.client
                    .raw(bytes)
                    .await
                    .map(|answer| self.keep(answer, &Request::default()))
            }
        };
        Some(Record {
            label: step.label.clone(),
            outcome: outcome.unwrap_or_else(Outcome::Failure),
        })
    }

    fn keep(&mut self, answer: Answer, request: &Request) -> Outcome {
        self.last = serde_json::from_slice(&answer.body).ok();
        if answer.status == 201 && request.target.contains("/customresourcedefinitions") {
            self.crds.extend(
                self.last
                    .as_ref()
                    .and_then(|it| value::get(it, ".metadata.name"))
                    .map(value::text),
            );
        }
        Outcome::Answer {
            answer,
            filters: request.filters.clone(),
        }
    }

    fn capture(&mut self, name: &str, path: &str) -> Option<Record> {
        let found = self.last.as_ref().and_then(|last| value::get(last, path));
        let Some(found) = found else {
            self.variables.insert(name.to_owned(), String::new());
            return Some(failure(
                &format!("${name} = {path}"),
                "not in the answer".to_owned(),
            ));
        };
        self.variables.insert(name.to_owned(), value::text(found));
        None
    }

    fn build(&self, request: &Request) -> Result<HttpRequest<Full<Bytes>>, String> {
        let put_in = |text: &str| substitute(text, &self.variables);
        let url = format!("{}{}", self.client.target().url, put_in(&request.target));
        let mut builder = HttpRequest::builder()
            .method(request.method.as_str())
            .uri(url);
        let given = |name: &str| {
            request
                .headers
                .iter()
                .any(|(it, _)| it.eq_ignore_ascii_case(name))
        };
        match request.user.as_deref() {
            None if given("authorization") => {}
            None => {
                builder = builder.header(
                    "authorization",
                    format!("Bearer {}", self.client.target().token),
                )
            }
            Some("anonymous") => {}
            Some(user) => {
                let token = self.variables.get(user).map_or(user, String::as_str);
                builder = builder.header("authorization", format!("Bearer {token}"));
            }
        }
        for (name, text) in &request.headers {
            builder = builder.header(name, put_in(text));
        }
        if !given("accept") {
            builder = builder.header("accept", "application/json");
        }
        if !given("user-agent") {
            builder = builder.header("user-agent", "differential/1.0");
        }
        let mut body = put_in(&request.body);
        let sent = !body.is_empty() || !request.media.is_empty();
        if sent && !given("content-type") {
            let media = if request.media.is_empty() {
                "application/json"
            } else {
                request.media
            };
            builder = builder.header("content-type", media);
            if media.ends_with("json") && !body.is_empty() {
                let parsed: Value =
                    serde_saphyr::from_str(&body).map_err(|error| format!("the body: {error}"))?;
                body = parsed.to_string();
            }
        }
        builder
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())
    }

    async fn send(&self, request: &Request) -> Result<Answer, String> {
        let built = self.build(request)?;
        self.client.send(self.http1, built).await
    }

    async fn wait(&self, request: &Request, goal: &Goal) -> Result<Answer, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.send(request).await?;
            let reached = match goal {
                Goal::Status(status) => answer.status == *status,
                Goal::Value {
                    path,
                    value: wanted,
                } => serde_json::from_slice::<Value>(&answer.body).is_ok_and(
                    |body| match value::get(&body, path) {
                        Some(found) => value::text(found) == substitute(wanted, &self.variables),
                        None => wanted.is_empty(),
                    },
                ),
            };
            if reached {
                return Ok(answer);
            }
            if Instant::now() > deadline {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                return Err(format!(
                    "it did not come to that; last: {} {body}",
                    answer.status
                ));
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    async fn open(&mut self, name: &str, request: &Request) -> Result<Outcome, String> {
        let built = self.build(request)?;
        let (answer, watch) = self.client.watch(built).await?;
        if let Some(watch) = watch {
            self.watches.insert(name.to_owned(), watch);
        }
        Ok(Outcome::Answer {
            answer,
            filters: request.filters.clone(),
        })
    }

    async fn events(&mut self, name: &str, until: Until) -> Result<Outcome, String> {
        let watch = self.watches.get_mut(name).ok_or("no such watch")?;
        let mut events = Vec::new();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let note = loop {
            if matches!(until, Until::Count(count) if events.len() >= count) {
                break "";
            }
            let event = match tokio::time::timeout_at(deadline, watch.events.recv()).await {
                Ok(Some(event)) => event,
                Ok(None) if until == Until::End => break "end",
                Ok(None) => break "ended early",
                Err(_) => break "no more events came in time",
            };
            let bookmark = event["type"] == "BOOKMARK";
            if !bookmark || until != Until::End {
                events.push(event);
            }
            if bookmark && until == Until::Bookmark {
                break "";
            }
        };
        self.last = events.last().cloned();
        Ok(Outcome::Events { events, note })
    }

    /// CRDs slow a real server down for all others; everything else dies with it.
    async fn clean_up(&mut self) {
        self.watches.clear();
        for name in std::mem::take(&mut self.crds) {
            let delete = Request {
                method: "DELETE".to_owned(),
                target: format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"),
                ..Request::default()
            };
            // It may be gone already.
            drop(self.send(&delete).await);
        }
    }
}
