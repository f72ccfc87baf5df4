//! The log on standard error: one line for each event, its fields after its words. No spans, no colours, no buffers.

use clap::ValueEnum;
use std::{
    fmt::{self, Write as _},
    io::{self, Write},
    sync::atomic::{AtomicU64, Ordering},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

impl From<Level> for tracing::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::ERROR,
            Level::Warn => Self::WARN,
            Level::Info => Self::INFO,
            Level::Debug => Self::DEBUG,
        }
    }
}

/// From now on, events of this level and above are told.
pub(crate) fn start(level: Level) {
    let log = Log {
        level: level.into(),
        spans: AtomicU64::new(1),
    };
    // Fails only where there is a log already, which then serves as well.
    let _ = tracing::subscriber::set_global_default(log);
}

struct Log {
    level: tracing::Level,
    spans: AtomicU64,
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && *metadata.level() <= self.level
            && metadata.target().starts_with("tidegate")
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.level.into())
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed).max(1))
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let line = line(&jiff::Timestamp::now(), event);
        // Where nobody reads it, the work goes on all the same.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// `2026-11-25T18:00:00.123Z info the words field=value`
fn line(now: &jiff::Timestamp, event: &Event<'_>) -> String {
    let mut words = Words::default();
    event.record(&mut words);
    let level = match *event.metadata().level() {
        tracing::Level::ERROR => "error",
        tracing::Level::WARN => "warn ",
        tracing::Level::INFO => "info ",
        tracing::Level::DEBUG => "debug",
        tracing::Level::TRACE => "trace",
    };
    format!("{now:.3} {level} {}{}\n", words.message, words.fields)
}

#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Words {
    fn put(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // What came from elsewhere must not begin a line of its own.
        let text = format!("{value:?}").replace(['\n', '\r'], " ");
        // A string takes whatever is written to it.
        let _ = if field.name() == "message" && self.message.is_empty() {
            self.message.write_str(&text)
        } else {
            write!(self.fields, " {}={text}", field.name())
        };
    }
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, Log, line};
    use std::sync::{Arc, Mutex, atomic::AtomicU64};
    use tracing::{Event, Metadata, Subscriber, span};

    /// Keeps the lines instead of writing them.
    struct Keep(Log, Arc<Mutex<Vec<String>>>);

    impl Subscriber for Keep {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            self.0.enabled(metadata)
        }
        fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
            self.0.new_span(attributes)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, event: &Event<'_>) {
            let mut kept = self.1.lock().expect("no panic");
            kept.push(line(&jiff::Timestamp::UNIX_EPOCH, event));
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    #[test]
    fn events_become_lines() {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let log = Log {
            level: Level::Info.into(),
            spans: AtomicU64::new(1),
        };
        tracing::subscriber::with_default(Keep(log, Arc::clone(&kept)), || {
            tracing::info!(count = 3, name = "a b", "words\nof two lines");
            tracing::debug!("not told");
        });
        assert_eq!(
            *kept.lock().expect("no panic"),
            ["1970-01-01T00:00:00.000Z info  words of two lines count=3 name=\"a b\"\n"]
        );
    }
}
