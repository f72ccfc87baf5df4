//! `tidegate watch`: any kinds of objects, live, as text, tables, commands and webhooks.
//!
//! [`run`] goes through the phases in order: check the flags, open what is local, connect, watch,
//! end. Events flow `source` → `intake` → a sink (`sinks`, `hook`); `supervisor` looks after the
//! sources.

mod args;
mod connection;
mod diff;
mod event;
mod filter;
mod health;
mod hook;
mod intake;
mod metrics;
mod metrics_server;
mod output;
mod plan;
mod printer_columns;
mod report;
mod selectors;
mod sinks;
mod source;
mod supervisor;
mod targets;
mod units;
mod words;

pub(crate) use self::args::WatchArgs;

use self::{
    args::ConnectionArgs,
    hook::{Exec, Webhook},
    intake::Entrance,
    metrics::Metrics,
    output::{CrdColumns, Look, Style},
    plan::Plan,
    report::Reporter,
    sinks::Sink,
    supervisor::{Supervisor, Surroundings},
};
use crate::{
    failure::Failure,
    signals::{Signalled, Signals},
};
use std::{io, sync::Arc};
use tidegate_client::{Client, Discovery};
use tidegate_informer::InformerFactory;
use tokio::sync::watch;

/// How the watch came to its end.
enum Ending {
    /// By itself, well or badly.
    Over(Result<(), Failure>),
    Signalled(Signalled),
    /// Standard output is closed, or cannot be written.
    Output(io::Result<()>),
}

/// Runs the whole command; yields the exit code.
pub(crate) fn run(arguments: WatchArgs) -> Result<u8, Failure> {
    let plan = Plan::new(&arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::error(format!("cannot start: {error}")))?;
    let ended = runtime.block_on(watch(plan, &arguments.connection));
    // A credential plugin that waits for a person must not hold the end up.
    runtime.shutdown_background();
    ended
}

async fn watch(mut plan: Plan, connection: &ConnectionArgs) -> Result<u8, Failure> {
    let mut signals = Signals::catch()
        .map_err(|error| Failure::error(format!("cannot catch signals: {error}")))?;
    let report = Reporter::default();
    let metrics = Arc::new(Metrics::default());
    // What is local fails before anything connects.
    let webhook = plan
        .webhook
        .take()
        .map(|options| Webhook::open(options, report.clone(), Arc::clone(&metrics)));
    let webhook = webhook.transpose().map_err(Failure::error)?;
    if let Some(address) = plan.metrics {
        let bound = metrics_server::start(address, Arc::clone(&metrics)).await?;
        report.note(&format!("metrics at http://{bound}/metrics"));
    }
    let connecting = async {
        let client = connection::connect(connection).await?;
        let discovery = Discovery::fetch(&client)
            .await
            .map_err(|error| words::client(&error))?;
        Ok::<_, Failure>((client, discovery))
    };
    let (client, discovery) = tokio::select! {
        connected = connecting => connected?,
        signal = signals.next() => return Ok(signal.exit_code),
    };

    let entrance = Entrance {
        filter: plan.filter.clone(),
        changes_only: plan.changes_only,
        report,
        metrics,
    };
    let crd_columns = CrdColumns::default();
    let (stop, stopped) = watch::channel(false);
    let mut sinks = start_sinks(&plan, &client, &entrance, &crd_columns, webhook, &stopped)
        .map_err(|error| Failure::error(format!("cannot start: {error}")))?;
    let surroundings = Surroundings {
        factory: InformerFactory::new(client),
        sinks: sinks.iter().map(|sink| sink.events.clone()).collect(),
        stop: stopped,
        report: entrance.report.clone(),
        metrics: entrance.metrics.clone(),
        crd_columns,
    };
    let ending = tokio::select! {
        over = Supervisor::new(&plan, surroundings).run(&discovery) => Ending::Over(over),
        signal = signals.next() => Ending::Signalled(signal),
        output = ended(&mut sinks[0]) => Ending::Output(output),
    };
    if !matches!(ending, Ending::Over(Ok(()))) {
        stop.send_replace(true);
    }
    finish(ending, sinks, &mut signals).await
}

/// The output comes first.
fn start_sinks(
    plan: &Plan,
    client: &Client,
    entrance: &Entrance,
    crd_columns: &CrdColumns,
    webhook: Option<Webhook>,
    stop: &watch::Receiver<bool>,
) -> io::Result<Vec<Sink>> {
    let look = Look {
        style: Style { color: plan.color },
        timestamps: plan.timestamps,
        live: plan.live,
        crd_columns: crd_columns.clone(),
        report: entrance.report.clone(),
    };
    let format = plan.format;
    let mut sinks = vec![sinks::start("output", entrance, move |intake| {
        sinks::output(intake, format, look)
    })?];
    if let Some(options) = plan.exec.clone() {
        let exec = Exec::new(
            options,
            entrance.report.clone(),
            Arc::clone(&entrance.metrics),
        );
        let stop = stop.clone();
        sinks.push(sinks::start("exec", entrance, async move |intake| {
            exec.run(intake, stop).await;
            Ok(())
        })?);
    }
    if let Some(webhook) = webhook {
        let server = client.server().to_string();
        sinks.push(sinks::start("webhook", entrance, async move |intake| {
            webhook.run(&server, intake).await;
            Ok(())
        })?);
    }
    Ok(sinks)
}

/// Waits for the sink to end; one whose thread broke down has ended with an error.
async fn ended(sink: &mut Sink) -> io::Result<()> {
    (&mut sink.end)
        .await
        .unwrap_or_else(|_| Err(io::Error::other(format!("the {} broke down", sink.name))))
}

/// Lets the sinks finish what they have, unless another signal comes.
async fn finish(ending: Ending, sinks: Vec<Sink>, signals: &mut Signals) -> Result<u8, Failure> {
    let output_ended = matches!(ending, Ending::Output(_));
    let mut output = Ok(());
    let all = async {
        for (index, sink) in sinks.into_iter().enumerate() {
            let Sink { name, events, end } = sink;
            drop(events);
            if index == 0 && output_ended {
                continue;
            }
            let result = end
                .await
                .unwrap_or_else(|_| Err(io::Error::other(format!("the {name} broke down"))));
            if index == 0 {
                output = result;
            }
        }
    };
    tokio::select! {
        () = all => {}
        signal = signals.next() => return Ok(signal.exit_code),
    }
    match ending {
        Ending::Signalled(signal) => Ok(signal.exit_code),
        Ending::Over(Err(failure)) => Err(failure),
        Ending::Over(Ok(())) => written(output),
        Ending::Output(result) => written(result),
    }
}

/// Whoever closes the pipe has seen enough: that is a good end.
fn written(output: io::Result<()>) -> Result<u8, Failure> {
    match output {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::error(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(0),
    }
}
