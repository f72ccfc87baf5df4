//! `--on-event`: a shell command for each event, with the event as JSON on its standard input.
//!
//! Commands for one object run one after the other, in order; at most `concurrency` run at once.
//! While commands are slow, a bounded number of events waits here and the rest in the informers'
//! queues, which merge the changes of an object: no object's last state is lost, memory is bounded.
//! What a command prints goes to standard error, so that it cannot mix with `-o json`.

use crate::watch::{
    diff::printable,
    event::{EventKind, WatchEvent},
    intake::Intake,
    metrics::{Counter, Metrics},
    output::envelope,
    report::Reporter,
};
use std::{
    collections::{HashSet, VecDeque},
    io,
    process::{ExitStatus, Stdio},
    sync::Arc,
};
use tokio::{io::AsyncWriteExt, process::Command, sync::watch, task::JoinSet};

/// Events that wait here for another command of the same object.
const WAITING_MAX: usize = 16;

#[derive(Debug, Clone)]
pub(crate) struct ExecOptions {
    pub(crate) command: String,
    pub(crate) concurrency: usize,
}

#[derive(Debug)]
pub(crate) struct Exec {
    options: ExecOptions,
    waiting: VecDeque<WatchEvent>,
    busy: HashSet<String>,
    running: JoinSet<(WatchEvent, io::Result<ExitStatus>)>,
    report: Reporter,
    metrics: Arc<Metrics>,
}

impl Exec {
    pub(crate) fn new(options: ExecOptions, report: Reporter, metrics: Arc<Metrics>) -> Self {
        Self {
            options,
            waiting: VecDeque::new(),
            busy: HashSet::new(),
            running: JoinSet::new(),
            report,
            metrics,
        }
    }

    /// Runs until the events end and their commands have. When `stop` turns true, no further
    /// command starts, and those that run are waited for.
    pub(crate) async fn run(mut self, mut intake: Intake, mut stop: watch::Receiver<bool>) {
        let mut ended = false;
        loop {
            let stopping = *stop.borrow();
            if !stopping {
                self.start_due();
            }
            let nothing_left = ended && self.waiting.is_empty();
            if self.running.is_empty() && (nothing_left || stopping) {
                break;
            }
            tokio::select! {
                event = intake.next_wanted(), if !ended && !stopping && self.waiting.len() < WAITING_MAX => match event {
                    Some(event) if event.kind == EventKind::Synced => {}
                    Some(event) => self.waiting.push_back(event),
                    None => ended = true,
                },
                Some(finished) = self.running.join_next() => match finished {
                    Ok((event, result)) => self.finished(&event, result),
                    Err(error) => self.report.warn(&format!("--on-event: {error}")),
                },
                changed = stop.changed(), if !stopping => if changed.is_err() { ended = true },
            }
        }
        if !self.waiting.is_empty() {
            self.report.warn(&format!(
                "--on-event: {} events had no turn before the end",
                self.waiting.len()
            ));
        }
    }

    /// The oldest waiting events whose objects have no command running.
    fn start_due(&mut self) {
        let mut at = 0;
        // A later event of an object must not overtake an earlier one that waits.
        let mut blocked: HashSet<String> = HashSet::new();
        while at < self.waiting.len() && self.running.len() < self.options.concurrency.max(1) {
            let key = self.waiting[at].object_key();
            if self.busy.contains(&key) || blocked.contains(&key) {
                blocked.insert(key);
                at += 1;
                continue;
            }
            if let Some(event) = self.waiting.remove(at) {
                self.busy.insert(key);
                self.running.spawn(run(self.options.command.clone(), event));
            }
        }
    }

    fn finished(&mut self, event: &WatchEvent, result: io::Result<ExitStatus>) {
        self.busy.remove(&event.object_key());
        self.metrics.add(Counter::CommandsRun);
        let failure = match result {
            Ok(status) if status.success() => return,
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        self.metrics.add(Counter::CommandsFailed);
        let subject = format!(
            "{}/{}",
            event.resource.qualified_singular(),
            printable(event.name())
        );
        self.report.warn(&format!(
            "--on-event for {} {subject}: {failure}",
            event.kind.word()
        ));
    }
}

async fn run(command: String, event: WatchEvent) -> (WatchEvent, io::Result<ExitStatus>) {
    let result = run_command(&command, &event).await;
    (event, result)
}

async fn run_command(command: &str, event: &WatchEvent) -> io::Result<ExitStatus> {
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(command)
        .env("TIDEGATE_EVENT", event.kind.word())
        .env("TIDEGATE_GVR", event.resource.gvr())
        .env("TIDEGATE_NAMESPACE", event.namespace())
        .env("TIDEGATE_NAME", event.name())
        .stdin(Stdio::piped())
        .stdout(Stdio::from(io::stderr()))
        .spawn()?;
    let mut input = envelope(event);
    input.push(b'\n');
    let stdin = child.stdin.take();
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // A command that does not read its input is no failure.
            let _ = stdin.write_all(&input).await;
        }
    };
    let ((), status) = tokio::join!(feed, child.wait());
    status
}

#[cfg(test)]
mod tests {
    //! Real commands: input and environment, order, concurrency, failures, the end.

    use super::{Exec, ExecOptions};
    use crate::watch::{
        event::{
            EventKind, WatchEvent,
            testing::{event, pods},
        },
        intake::{CHANNEL, Entrance},
        metrics::Metrics,
        report::Reporter,
    };
    use serde_json::{Value, json};
    use std::{fs, path::PathBuf, sync::Arc, time::Instant};
    use tokio::sync::{mpsc, watch};

    fn change(name: &str, version: u32) -> WatchEvent {
        let object = json!({"metadata": {"name": name, "namespace": "n", "resourceVersion": version.to_string()}});
        event(EventKind::Modified, &pods(), &object)
    }

    fn file(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("tidegate-exec-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        path
    }

    async fn run(command: &str, concurrency: usize, events: Vec<WatchEvent>) -> Arc<Metrics> {
        let metrics = Arc::new(Metrics::default());
        let entrance = Entrance {
            filter: None,
            changes_only: false,
            report: Reporter::default(),
            metrics: Arc::clone(&metrics),
        };
        let (sender, receiver) = mpsc::channel(CHANNEL);
        let (_stop, stopped) = watch::channel(false);
        let exec = Exec::new(
            ExecOptions {
                command: command.to_owned(),
                concurrency,
            },
            entrance.report.clone(),
            Arc::clone(&metrics),
        );
        let feed = async move {
            for event in events {
                let _ = sender.send(event).await;
            }
        };
        tokio::join!(feed, exec.run(entrance.intake(receiver, "exec"), stopped));
        metrics
    }

    #[tokio::test]
    async fn the_event_is_on_standard_input_and_in_the_environment() {
        let out = file("input");
        let command = format!(
            "cat > {out}; printf '%s %s %s %s' $TIDEGATE_EVENT $TIDEGATE_GVR $TIDEGATE_NAMESPACE $TIDEGATE_NAME >> {out}",
            out = out.display()
        );
        run(
            &command,
            1,
            vec![WatchEvent::synced(pods()), change("web", 1)],
        )
        .await;
        let text = fs::read_to_string(&out).expect("the command ran");
        let (json, words) = text.split_once('\n').expect("two parts");
        let value: Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(value["object"]["metadata"]["name"], "web");
        assert_eq!(words, "MODIFIED v1/pods n web");
        let _ = fs::remove_file(out);
    }

    #[tokio::test]
    async fn order_per_object_with_many_at_once() {
        let out = file("order");
        let command = format!(
            "n=$(sed 's/.*resourceVersion\":\"//;s/\".*//'); sleep 0.0$((RANDOM % 3)); echo $TIDEGATE_NAME $n >> {}",
            out.display()
        );
        let events: Vec<WatchEvent> = (1..=30)
            .map(|version| change(["a", "b", "c"][version as usize % 3], version))
            .collect();
        run(&command, 8, events).await;
        let text = fs::read_to_string(&out).expect("the commands ran");
        assert_eq!(text.lines().count(), 30);
        for name in ["a", "b", "c"] {
            let versions: Vec<u32> = text
                .lines()
                .filter_map(|line| line.strip_prefix(name))
                .map(|version| version.trim().parse().expect("a number"))
                .collect();
            assert!(versions.is_sorted(), "{name}: {versions:?}");
        }
        let _ = fs::remove_file(out);
    }

    #[tokio::test]
    async fn concurrency_is_used() {
        let start = Instant::now();
        let names = ["a", "b", "c", "d", "e", "f"];
        run(
            "sleep 0.5",
            6,
            names.iter().map(|name| change(name, 1)).collect(),
        )
        .await;
        assert!(start.elapsed().as_secs_f32() < 2.0, "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn failures_and_unread_input_are_counted_right() {
        let mut big = change("web", 1);
        let object = json!({"metadata": {"name": "big"}, "data": "x".repeat(1 << 20)});
        big.object = Some(crate::watch::event::testing::body(&object));
        let page = run("test $TIDEGATE_NAME = big", 1, vec![big, change("web", 2)])
            .await
            .render();
        assert!(page.contains("tidegate_watch_commands_total 2"), "{page}");
        assert!(
            page.contains("tidegate_watch_commands_failed_total 1"),
            "{page}"
        );
    }

    #[tokio::test]
    async fn a_stop_waits_for_running_commands_only() {
        let out = file("stop");
        let entrance = Entrance {
            filter: None,
            changes_only: false,
            report: Reporter::default(),
            metrics: Arc::default(),
        };
        let (sender, receiver) = mpsc::channel(CHANNEL);
        let (stop, stopped) = watch::channel(false);
        let options = ExecOptions {
            command: format!("sleep 0.3; echo x >> {}", out.display()),
            concurrency: 1,
        };
        let exec = Exec::new(options, entrance.report.clone(), Arc::default());
        for version in 1..=5 {
            sender.send(change("web", version)).await.expect("room");
        }
        let signal = async {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            stop.send_replace(true);
        };
        tokio::join!(signal, exec.run(entrance.intake(receiver, "exec"), stopped));
        assert_eq!(fs::read_to_string(&out).expect("one ran"), "x\n");
        let _ = fs::remove_file(out);
    }
}
