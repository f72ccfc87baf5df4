//! The corpus' language: text files of request sequences, parsed into steps. Sends nothing.
//!
//! ```text
//! let CMS = /api/v1/namespaces/$NS/configmaps      a text to reuse, here or (before any `==`) in the whole file
//! == create twice                                  begins a sequence; tags such as [http1] may follow
//! POST $CMS?fieldManager=x                         a request; then headers; then an empty line and the body
//! content-type: application/yaml
//!
//! metadata: {name: a}
//!
//! $rv = .metadata.resourceVersion                  keeps a value of the last answer
//! @anonymous GET $CMS                              as another user: `anonymous`, or a variable with a token
//! WATCH w $CMS?watch=1&resourceVersion=$rv         opens a watch; its answer is recorded, its events are kept
//! EVENTS w 2                                       records the next events: a number, `bookmark`, `end` or `error`
//! WAIT $CMS/a 404                                  repeats GET until this status, or until `.path=value`
//! UNTIL 422 POST $CMS?dryRun=All                   the same with any request
//! FOR q in a b 'c d' ''                            what stands before `END` once for each, with `{q}` replaced
//! RAW                                              bytes for a socket, with `\n` sent as CR LF
//! ```
//!
//! A body in YAML is sent as JSON, unless a content type is given or it is applied. `MERGE`, `STRATEGIC`, `JSONPATCH`
//! and `APPLY` are `PATCH` with the content type in question. `<<"text"*N>>` stands for N times the text. Lines that begin with `#`
//! are comments. Headers that begin with `%` reduce the answer before it is recorded:
//! `%only: .resources name a b` keeps the members of an array with these names, `%drop: .path` drops a value,
//! `%names: .items` keeps only names, `%shape: .path` keeps only the types of values, `%status` keeps status and headers
//! only. `== name` inside a `FOR` makes a family of sequences.
//!
//! Tags: `[http1]`, `[http2]`; `[no-namespace]` where none is needed; `[pods]` where the namespace needs a service
//! account; `[controllers]` where the real server needs kube-controller-manager beside it.

use std::collections::BTreeMap;

use crate::text::{substitute, unroll};

/// Texts by name.
pub(crate) type Variables = BTreeMap<String, String>;

/// One sequence: what is done to a server from a fresh namespace on.
#[derive(Debug, Clone)]
pub(crate) struct Sequence {
    /// The file's path in the corpus without `.txt`, as in `apply/lists`.
    pub(crate) file: String,
    pub(crate) name: String,
    pub(crate) tags: Vec<String>,
    pub(crate) variables: Variables,
    pub(crate) steps: Vec<Step>,
    /// All of its text, loops unrolled, and of what it uses from its file's head: a change of it makes the record stale.
    pub(crate) source: String,
}

/// One step, and the line that it is written on, for reports.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) label: String,
    pub(crate) action: Action,
}

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Send(Request),
    Watch { name: String, request: Request },
    Events { name: String, until: Until },
    Capture { name: String, path: String },
    Wait { request: Request, goal: Goal },
    Raw { text: String },
}

/// What is sent, with variables in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// None is the admin.
    pub(crate) user: Option<String>,
    pub(crate) method: String,
    pub(crate) target: String,
    /// The content type that the verb stands for. One among the headers wins, and the body is sent as it is.
    pub(crate) media: &'static str,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) filters: Vec<Filter>,
}

/// How an answer is reduced before it is recorded.
#[derive(Debug, Clone)]
pub(crate) enum Filter {
    Only {
        path: String,
        key: String,
        values: Vec<String>,
    },
    Drop {
        path: String,
    },
    Names {
        path: String,
    },
    Shape {
        path: String,
    },
    Status,
}

/// How many events are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    Count(usize),
    Bookmark,
    End,
}

/// What a repeated GET waits for.
#[derive(Debug, Clone)]
pub(crate) enum Goal {
    Status(u16),
    Value { path: String, value: String },
}

impl Sequence {
    /// `apply/lists: create twice`.
    pub(crate) fn id(&self) -> String {
        format!("{}: {}", self.file, self.name)
    }

    /// A name of its own, the same in every run.
    pub(crate) fn namespace(&self) -> String {
        format!("t-{:08x}", fingerprint(&self.id()) >> 32)
    }

    /// Changes with the sequence's text and with what it uses of its file's head.
    pub(crate) fn fingerprint(&self) -> String {
        format!(
            "{:016x}",
            fingerprint(&substitute(&self.source, &self.variables))
        )
    }

    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|it| it == tag)
    }
}

/// Parses one file. Errors name the line.
pub(crate) fn parse(file: &str, text: &str, shared: &Variables) -> Result<Vec<Sequence>, String> {
    let mut parser = Parser {
        file,
        common: shared.clone(),
        sequences: Vec::new(),
        part: Part::Between,
    };
    for (at, line) in unroll(text).map_err(|reason| format!("{file}.txt: {reason}"))? {
        parser
            .line(&line)
            .map_err(|reason| format!("{file}.txt:{at}: {reason}: {line}"))?;
        if let Some(sequence) = parser.sequences.last_mut() {
            sequence.source.push_str(&line);
            sequence.source.push('\n');
        }
    }
    parser.end_body();
    Ok(parser.sequences)
}

/// The texts that a file of snippets defines.
pub(crate) fn snippets(text: &str) -> Variables {
    text.lines().filter_map(definition).collect()
}

fn definition(line: &str) -> Option<(String, String)> {
    let (name, value) = line.strip_prefix("let ")?.split_once('=')?;
    Some((name.trim().to_owned(), value.trim().to_owned()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Between,
    Headers,
    Body,
}

struct Parser<'a> {
    file: &'a str,
    common: Variables,
    sequences: Vec<Sequence>,
    part: Part,
}

impl Parser<'_> {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.starts_with('#') {
            return Ok(());
        }
        if let Some(title) = line.strip_prefix("== ") {
            self.end_body();
            return self.begin(title);
        }
        if let Some((name, value)) = definition(line) {
            self.end_body();
            let place = self
                .sequences
                .last_mut()
                .map_or(&mut self.common, |it| &mut it.variables);
            place.insert(name, value);
            return Ok(());
        }
        if let Some(step) = step(line)? {
            self.end_body();
            let Some(sequence) = self.sequences.last_mut() else {
                return Err("a step before the first `== name`".to_owned());
            };
            self.part = match step.action {
                Action::Send(_) | Action::Watch { .. } | Action::Wait { .. } => Part::Headers,
                Action::Raw { .. } => Part::Body,
                Action::Events { .. } | Action::Capture { .. } => Part::Between,
            };
            sequence.steps.push(step);
            return Ok(());
        }
        match self.part {
            Part::Between if line.trim().is_empty() => Ok(()),
            Part::Between => Err("neither a step nor part of one".to_owned()),
            Part::Headers if line.trim().is_empty() => {
                self.part = Part::Body;
                Ok(())
            }
            Part::Headers => self.header(line),
            Part::Body => {
                let body = self.body().ok_or("no step to have a body")?;
                body.push_str(line);
                body.push('\n');
                Ok(())
            }
        }
    }

    fn begin(&mut self, title: &str) -> Result<(), String> {
        let mut words = title.split(" [");
        let name = words.next().unwrap_or_default().trim().to_owned();
        if self.sequences.iter().any(|it| it.name == name) {
            return Err("two sequences of this name".to_owned());
        }
        self.sequences.push(Sequence {
            file: self.file.to_owned(),
            name,
            tags: words
                .map(|tag| tag.trim_end_matches([']', ' ']).to_owned())
                .collect(),
            variables: self.common.clone(),
            steps: Vec::new(),
            source: String::new(),
        });
        Ok(())
    }

    fn request(&mut self) -> Option<&mut Request> {
        match &mut self.sequences.last_mut()?.steps.last_mut()?.action {
            Action::Send(request)
            | Action::Watch { request, .. }
            | Action::Wait { request, .. } => Some(request),
            Action::Events { .. } | Action::Capture { .. } | Action::Raw { .. } => None,
        }
    }

    fn body(&mut self) -> Option<&mut String> {
        match &mut self.sequences.last_mut()?.steps.last_mut()?.action {
            Action::Send(request)
            | Action::Watch { request, .. }
            | Action::Wait { request, .. } => Some(&mut request.body),
            Action::Raw { text } => Some(text),
            Action::Events { .. } | Action::Capture { .. } => None,
        }
    }

    fn header(&mut self, line: &str) -> Result<(), String> {
        let request = self.request().ok_or("no request to have headers")?;
        if let Some(filter) = line.strip_prefix('%') {
            request.filters.push(self::filter(filter)?);
            return Ok(());
        }
        let (name, value) = line.split_once(':').ok_or("a header needs a colon")?;
        request
            .headers
            .push((name.trim().to_owned(), value.trim().to_owned()));
        Ok(())
    }

    /// Empty lines at the end belong to nobody.
    fn end_body(&mut self) {
        let raw = matches!(
            self.sequences.last().and_then(|it| it.steps.last()),
            Some(Step {
                action: Action::Raw { .. },
                ..
            })
        );
        if self.part == Part::Body
            && !raw
            && let Some(body) = self.body()
        {
            body.truncate(body.trim_end().len());
        }
        self.part = Part::Between;
    }
}

fn filter(text: &str) -> Result<Filter, String> {
    let (word, rest) = text.split_once(':').unwrap_or((text, ""));
    let mut words = rest.split_whitespace().map(str::to_owned);
    let mut next = || {
        words
            .next()
            .ok_or_else(|| format!("%{word} needs more words"))
    };
    Ok(match word.trim() {
        "only" => Filter::Only {
            path: next()?,
            key: next()?,
            values: words.collect(),
        },
        "drop" => Filter::Drop { path: next()? },
        "names" => Filter::Names { path: next()? },
        "shape" => Filter::Shape { path: next()? },
        "status" => Filter::Status,
        _ => return Err("an unknown filter".to_owned()),
    })
}

const METHODS: &[(&str, &str, &str)] = &[
    ("GET", "GET", ""),
    ("POST", "POST", ""),
    ("PUT", "PUT", ""),
    ("DELETE", "DELETE", ""),
    ("HEAD", "HEAD", ""),
    ("OPTIONS", "OPTIONS", ""),
    ("PATCH", "PATCH", ""),
    ("MERGE", "PATCH", "application/merge-patch+json"),
    (
        "STRATEGIC",
        "PATCH",
        "application/strategic-merge-patch+json",
    ),
    ("JSONPATCH", "PATCH", "application/json-patch+json"),
    ("APPLY", "PATCH", "application/apply-patch+yaml"),
];

/// The step that begins on this line, if one does.
fn step(line: &str) -> Result<Option<Step>, String> {
    let action = |action| {
        Ok(Some(Step {
            label: line.trim().to_owned(),
            action,
        }))
    };
    if let Some((name, path)) = line
        .strip_prefix('$')
        .and_then(|rest| rest.split_once(" = "))
    {
        return action(Action::Capture {
            name: name.to_owned(),
            path: path.trim().to_owned(),
        });
    }
    let (user, rest) = match line.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
        Some((user, rest)) => (Some(user.to_owned()), rest),
        None => (None, line),
    };
    let words: Vec<&str> = rest.split_whitespace().collect();
    let request = |method: &str, media: &'static str, target: &str| Request {
        user: user.clone(),
        method: method.to_owned(),
        target: target.to_owned(),
        media,
        ..Request::default()
    };
    match words.as_slice() {
        ["RAW"] => action(Action::Raw {
            text: String::new(),
        }),
        ["WATCH", name, target] => action(Action::Watch {
            name: (*name).to_owned(),
            request: request("GET", "", target),
        }),
        ["EVENTS", name, until] => action(Action::Events {
            name: (*name).to_owned(),
            until: self::until(until)?,
        }),
        ["UNTIL", goal, verb, target] => match METHODS.iter().find(|(word, ..)| word == verb) {
            Some((_, method, media)) => action(Action::Wait {
                request: request(method, media, target),
                goal: self::goal(goal)?,
            }),
            None => Err("an unknown verb".to_owned()),
        },
        ["WAIT", target, goal] => action(Action::Wait {
            request: request("GET", "", target),
            goal: self::goal(goal)?,
        }),
        [verb, target] if target.starts_with(['/', '$']) => {
            match METHODS.iter().find(|(word, ..)| word == verb) {
                Some((_, method, media)) => action(Action::Send(request(method, media, target))),
                None => Ok(None),
            }
        }
        _ => Ok(None),
    }
}

fn until(word: &str) -> Result<Until, String> {
    Ok(match word {
        "bookmark" => Until::Bookmark,
        "end" => Until::End,
        _ => Until::Count(word.parse().map_err(|_| "a number, `bookmark` or `end`")?),
    })
}

fn goal(word: &str) -> Result<Goal, String> {
    if let Ok(status) = word.parse() {
        return Ok(Goal::Status(status));
    }
    let (path, value) = word.split_once('=').ok_or("a status, or `.path=value`")?;
    Ok(Goal::Value {
        path: path.to_owned(),
        value: value.to_owned(),
    })
}

/// FNV-1a with 64 bits, which stays the same for ever.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}
