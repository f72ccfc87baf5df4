//! What a command line means: the flags checked against each other and turned into values.
//!
//! Reads files and the environment only for the webhook's secret and the spill file's default
//! place; opens no connection.

use super::{
    args::{ColorArg, HookArgs, OutputArg, OutputArgs, WatchArgs},
    filter::Filter,
    hook::{ExecOptions, Signer, WebhookOptions},
    output::Format,
    units,
};
use crate::failure::Failure;
use http::Uri;
use std::{
    env, fs,
    io::{self, IsTerminal},
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
    time::Duration,
};

/// A checked command line, but for the connection.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) wanted: Wanted,
    pub(super) scope: Scope,
    pub(super) labels: Option<String>,
    pub(super) fields: Option<String>,
    pub(super) filter: Option<Filter>,
    pub(super) changes_only: bool,
    pub(super) until_synced: bool,
    pub(super) format: Format,
    pub(super) color: bool,
    pub(super) live: bool,
    pub(super) timestamps: bool,
    pub(super) exec: Option<ExecOptions>,
    pub(super) webhook: Option<WebhookOptions>,
    pub(super) metrics: Option<SocketAddr>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Everything,
    /// In the order given, each once.
    Words(Vec<Word>),
}

/// `pods` or `pod/nginx`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Word {
    pub(super) resource: String,
    pub(super) name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// The context's namespace.
    Default,
    Namespace(String),
    All,
}

/// How long the webhook may go on after the last event.
const WEBHOOK_DRAIN: Duration = Duration::from_secs(10);

impl Plan {
    pub(super) fn new(arguments: &WatchArgs) -> Result<Self, Failure> {
        let selection = &arguments.selection;
        let wanted = if arguments.all {
            Wanted::Everything
        } else {
            Wanted::Words(words(&arguments.resources)?)
        };
        let fields = selection
            .field_selector
            .clone()
            .filter(|selector| !selector.is_empty());
        let labels = selection
            .selector
            .clone()
            .filter(|selector| !selector.is_empty());
        let named =
            matches!(&wanted, Wanted::Words(words) if words.iter().any(|word| word.name.is_some()));
        if named && (fields.is_some() || labels.is_some()) {
            return Err(Failure::error(
                "name cannot be provided when a selector is specified",
            ));
        }
        if named && selection.all_namespaces {
            return Err(Failure::error(
                "a resource cannot be retrieved by name across all namespaces",
            ));
        }
        let tty = io::stdout().is_terminal();
        Ok(Self {
            wanted,
            scope: match &selection.namespace {
                _ if selection.all_namespaces => Scope::All,
                Some(namespace) => Scope::Namespace(namespace.clone()),
                None => Scope::Default,
            },
            labels,
            fields,
            filter: selection
                .filter
                .as_deref()
                .map(Filter::compile)
                .transpose()
                .map_err(Failure::error)?,
            changes_only: selection.watch_only,
            until_synced: arguments.until_synced,
            format: format(&arguments.output)?,
            color: color(arguments.output.color, tty),
            live: tty,
            timestamps: arguments.output.timestamps,
            exec: arguments
                .hooks
                .on_event
                .as_ref()
                .map(|command| ExecOptions {
                    command: command.clone(),
                    concurrency: arguments.hooks.on_event_concurrency.into(),
                }),
            webhook: arguments
                .hooks
                .webhook
                .as_deref()
                .map(|url| webhook(url, &arguments.hooks))
                .transpose()?,
            metrics: arguments.metrics.as_deref().map(address).transpose()?,
        })
    }
}

/// `pods,svc pod/nginx` taken apart.
fn words(arguments: &[String]) -> Result<Vec<Word>, Failure> {
    let mut words = Vec::new();
    for argument in arguments {
        if argument.contains('/') && argument.contains(',') {
            return Err(Failure::error(
                "arguments in resource/name form may not be combined with commas",
            ));
        }
        for part in argument
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let word = match part.split_once('/') {
                None => Word {
                    resource: part.to_owned(),
                    name: None,
                },
                Some((resource, name))
                    if !resource.is_empty() && !name.is_empty() && !name.contains('/') =>
                {
                    Word {
                        resource: resource.to_owned(),
                        name: Some(name.to_owned()),
                    }
                }
                Some(_) => {
                    return Err(Failure::error(
                        "arguments in resource/name form must have a single resource and name",
                    ));
                }
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
    }
    if words.is_empty() {
        Err(Failure::error(
            "you must specify the type of resource to watch",
        ))
    } else {
        Ok(words)
    }
}

fn format(output: &OutputArgs) -> Result<Format, Failure> {
    Ok(match (output.table, output.output) {
        (true, None) => Format::Table { wide: false },
        (true, Some(OutputArg::Wide)) => Format::Table { wide: true },
        (true, Some(_)) => return Err(Failure::error("--table goes with -o wide only")),
        (false, None) => Format::Line,
        (false, Some(OutputArg::Json)) => Format::Json,
        (false, Some(OutputArg::Yaml)) => Format::Yaml,
        (false, Some(OutputArg::Name)) => Format::Name,
        (false, Some(OutputArg::Wide)) => Format::Wide,
        (false, Some(OutputArg::Diff)) => Format::Diff,
    })
}

fn color(choice: ColorArg, tty: bool) -> bool {
    match choice {
        ColorArg::Always => true,
        ColorArg::Never => false,
        ColorArg::Auto => {
            let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
            let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
            tty && !set("NO_COLOR") && !dumb
        }
    }
}

fn webhook(url: &str, hooks: &HookArgs) -> Result<WebhookOptions, Failure> {
    let flag = |name: &str, what: String| Failure::error(format!("--{name}: {what}"));
    let url: Uri = url
        .parse()
        .map_err(|error| flag("webhook", format!("not a URL: {error}")))?;
    Ok(WebhookOptions {
        signer: signer(hooks)?,
        spill: match &hooks.webhook_spill {
            Some(path) => path.clone(),
            None => default_spill(&url)?,
        },
        spill_max_bytes: units::bytes(&hooks.webhook_spill_max)
            .map_err(|text| flag("webhook-spill-max", text))?,
        timeout: units::duration(&hooks.webhook_timeout)
            .map_err(|text| flag("webhook-timeout", text))?
            .ok_or_else(|| flag("webhook-timeout", "must be more than 0".to_owned()))?,
        concurrency: hooks.webhook_concurrency.into(),
        drain: WEBHOOK_DRAIN,
        url,
    })
}

/// The secret's value is never part of a message.
fn signer(hooks: &HookArgs) -> Result<Option<Signer>, Failure> {
    let text = match &hooks.webhook_secret_file {
        Some(path) => fs::read_to_string(path).map_err(|error| {
            Failure::error(format!("--webhook-secret-file {}: {error}", path.display()))
        })?,
        None => match env::var("TIDEGATE_WEBHOOK_SECRET") {
            Ok(text) => text,
            Err(env::VarError::NotPresent) => return Ok(None),
            Err(env::VarError::NotUnicode(_)) => {
                return Err(Failure::error("TIDEGATE_WEBHOOK_SECRET is not text"));
            }
        },
    };
    Signer::new(&text).map(Some).map_err(Failure::error)
}

/// One file for each URL, so that two webhooks do not share one.
fn default_spill(url: &Uri) -> Result<PathBuf, Failure> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .ok_or_else(|| {
            Failure::error("there is no home directory for the spill file; use --webhook-spill")
        })?;
    let name = format!(
        "webhook-{:08x}.spill",
        crc32fast::hash(url.to_string().as_bytes())
    );
    Ok(state.join("tidegate").join(name))
}

/// `127.0.0.1:9090`, `localhost:9090`, or `:9090` for all addresses.
fn address(text: &str) -> Result<SocketAddr, Failure> {
    let full = if text.starts_with(':') {
        format!("0.0.0.0{text}")
    } else {
        text.to_owned()
    };
    let found = full
        .to_socket_addrs()
        .map_err(|error| Failure::error(format!("--metrics {text}: {error}")))?
        .next();
    found.ok_or_else(|| Failure::error(format!("--metrics {text}: no such address")))
}

#[cfg(test)]
mod tests {
    //! Words as users write them.

    use super::{Word, words};

    fn check(arguments: &[&str], expected: &str) {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let shown = match words(&arguments) {
            Ok(words) => words
                .iter()
                .map(|Word { resource, name }| {
                    format!("{resource}:{}", name.as_deref().unwrap_or("*"))
                })
                .collect::<Vec<_>>()
                .join(" "),
            Err(failure) => failure.message().to_owned(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn words_are_taken_apart() {
        check(&["pods,svc", "deploy"], "pods:* svc:* deploy:*");
        check(&["pod/nginx", "pod/web", "pod/nginx"], "pod:nginx pod:web");
        check(&["a.b.c,"], "a.b.c:*");
        check(
            &[","],
            "error: you must specify the type of resource to watch",
        );
        check(
            &["pod/"],
            "error: arguments in resource/name form must have a single resource and name",
        );
        check(
            &["pod/a/b"],
            "error: arguments in resource/name form must have a single resource and name",
        );
        check(
            &["pod/a,svc"],
            "error: arguments in resource/name form may not be combined with commas",
        );
    }
}
