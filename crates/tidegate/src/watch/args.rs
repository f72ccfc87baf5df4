//! The flags of `tidegate watch`, as written. What they mean together is decided in `plan`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

const LONG: &str = "\
Watch any kinds of Kubernetes objects and see what changes.

Resources are named as in kubectl: plural, singular, kind, short name or category, with or without
.group or .version.group, separated by commas or spaces; TYPE/NAME watches one object. A name with a
group that the cluster does not serve yet is waited for.

If one of several resources is forbidden, that is reported and the others go on. The watch survives
restarts of the API server, expired credentials and deleted CRDs.

Exit codes: 0 done, 1 error, 130 after SIGINT, 143 after SIGTERM.";

const EXAMPLES: &str = "\
Examples:
  tidegate watch pods services deploy -n shop
  tidegate watch pods,ingresses.networking.k8s.io -A -o json | jq .object.metadata.name
  tidegate watch pods -A --table
  tidegate watch pods --filter 'has(object.status.phase) && object.status.phase == \"Failed\"'
  tidegate watch deploy --filter 'old != null && object.spec.replicas != old.spec.replicas'
  tidegate watch secrets --on-event './sync.sh' --on-event-concurrency 4
  tidegate watch --all -A --webhook https://example.com/hook --webhook-secret-file key.txt
  tidegate watch pods --until-synced -o name";

/// Watch any kinds of Kubernetes objects and see what changes
#[derive(Debug, Args)]
#[command(long_about = LONG, after_long_help = EXAMPLES, after_help = "See --help for examples.")]
pub(crate) struct WatchArgs {
    /// What to watch: pods, deploy, ingresses.networking.k8s.io, pod/NAME, …
    #[arg(
        value_name = "RESOURCE",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    pub(super) resources: Vec<String>,

    /// Watch everything that can be listed, following CRDs as they come and go
    #[arg(long)]
    pub(super) all: bool,

    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(flatten)]
    pub(super) hooks: HookArgs,
    #[command(flatten)]
    pub(super) connection: ConnectionArgs,

    /// Serve Prometheus metrics at http://ADDR/metrics, such as 127.0.0.1:9090; it is bound as given
    #[arg(long, value_name = "ADDR", help_heading = "Running")]
    pub(super) metrics: Option<String>,

    /// End after the first full picture; fail if a resource cannot be had
    #[arg(long, help_heading = "Running")]
    pub(super) until_synced: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Selection")]
pub(super) struct SelectionArgs {
    /// Namespace; that of the context by default
    #[arg(short, long, value_name = "NAME")]
    pub(super) namespace: Option<String>,
    /// All namespaces
    #[arg(short = 'A', long)]
    pub(super) all_namespaces: bool,
    /// Label selector, such as app=web,tier!=db
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(super) selector: Option<String>,
    /// Field selector, such as status.phase=Running
    #[arg(long, value_name = "SELECTOR")]
    pub(super) field_selector: Option<String>,
    /// Show only events for which this CEL expression is true
    ///
    /// Variables: object, old (null but for MODIFIED) and event (ADDED, MODIFIED or DELETED). Kubernetes'
    /// CEL functions are there: quantity(), isIP(), semver() and so on. An expression that asks for a
    /// field that an object does not have fails on it, and it does not match: test with
    /// has(object.status.phase) first. SYNCED events always pass.
    #[arg(long, value_name = "CEL")]
    pub(super) filter: Option<String>,
    /// Leave the objects that are there at the start out, and show changes only
    #[arg(long, alias = "changes-only")]
    pub(super) watch_only: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Form of the output; by default, a line for each event with what changed
    ///
    /// json and yaml show whole objects as the server sent them, values of Secrets included, as kubectl
    /// does; lines and diffs never show those values.
    #[arg(short, long, value_name = "FORMAT")]
    pub(super) output: Option<OutputArg>,
    /// Show a table: redrawn in place on a terminal, else rows as from kubectl get -w
    #[arg(long)]
    pub(super) table: bool,
    /// Colours: on a terminal only, always or never; NO_COLOR is respected
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(super) color: ColorArg,
    /// Show when each event arrived (UTC)
    #[arg(long)]
    pub(super) timestamps: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputArg {
    Json,
    Yaml,
    Name,
    Wide,
    Diff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorArg {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Hooks")]
pub(super) struct HookArgs {
    /// Run a shell command for each event, with the event as JSON on standard input
    ///
    /// TIDEGATE_EVENT, TIDEGATE_GVR, TIDEGATE_NAMESPACE and TIDEGATE_NAME are set; what it prints goes to
    /// standard error. Commands for one object run in order. While commands are slower than changes, the
    /// changes of an object are merged; its last state always comes.
    #[arg(long, value_name = "COMMAND")]
    pub(super) on_event: Option<String>,
    /// How many commands may run at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) on_event_concurrency: u16,
    /// Post each event to this URL as a CloudEvent, at least once, in order per object
    ///
    /// Events that the receiver does not take are kept in the spill file and sent again, after a restart
    /// too. 2xx counts as delivered; a 4xx other than 408, 425 and 429 as refused: the event goes, with the
    /// reason, to the spill file's neighbour ending in .refused. Certificates are checked against the
    /// system's, or those in SSL_CERT_FILE.
    #[arg(long, value_name = "URL")]
    pub(super) webhook: Option<String>,
    /// File with the secrets, one a line, that sign events (Standard Webhooks); or set TIDEGATE_WEBHOOK_SECRET
    #[arg(long, value_name = "FILE", requires = "webhook")]
    pub(super) webhook_secret_file: Option<PathBuf>,
    /// Where undelivered events are kept; by default in ~/.local/state/tidegate
    ///
    /// An event is in the file before it is sent. kill -9 loses none; the file is forced to disk every
    /// second, so that a power cut loses at most the last one.
    #[arg(long, value_name = "FILE", requires = "webhook")]
    pub(super) webhook_spill: Option<PathBuf>,
    /// How many bytes of undelivered events to keep; when they are reached, the changes of an object are
    /// merged until there is room
    #[arg(long, value_name = "SIZE", default_value = "256Mi")]
    pub(super) webhook_spill_max: String,
    /// How long to wait for an answer
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub(super) webhook_timeout: String,
    /// How many events, of different objects, may be under way at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) webhook_concurrency: u16,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(super) struct ConnectionArgs {
    /// The kubeconfig file; by default $KUBECONFIG, ~/.kube/config or the pod's service account
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context to use
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// The kubeconfig's cluster to use
    #[arg(long, value_name = "NAME")]
    pub(super) cluster: Option<String>,
    /// The kubeconfig's user to use
    #[arg(long, value_name = "NAME")]
    pub(super) user: Option<String>,
    /// The address of the API server
    #[arg(short, long, value_name = "URL")]
    pub(super) server: Option<String>,
    /// Bearer token for the API server
    #[arg(long, value_name = "TOKEN", hide_env_values = true)]
    pub(super) token: Option<String>,
    /// User to act as
    #[arg(long = "as", value_name = "USER")]
    pub(super) act_as: Option<String>,
    /// Group to act as; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", requires = "act_as")]
    pub(super) act_as_group: Vec<String>,
    /// Certificate authority for the API server
    #[arg(long, value_name = "FILE")]
    pub(super) certificate_authority: Option<PathBuf>,
    /// Do not check the API server's certificate
    #[arg(long)]
    pub(super) insecure_skip_tls_verify: bool,
    /// Name that the API server's certificate must have
    #[arg(long, value_name = "NAME")]
    pub(super) tls_server_name: Option<String>,
    /// How long to wait for the answer to a single request (watches excepted), such as 30s; 0 for the default
    #[arg(long, value_name = "DURATION", default_value = "0")]
    pub(super) request_timeout: String,
}
