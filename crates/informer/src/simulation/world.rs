//! One history: a server, a reflector with its cache, handlers, and what happens between them.

use super::{
    handler::Handler,
    server::{Answer, Server, State, bookmark, error_frame, refuse},
    tally::Tally,
};
use crate::{
    cache::{Cache, Ingest, Snapshot},
    reflector::{Config, End, Flow, Reflector, Request, Step},
    rng::Rng,
    shared::Shared,
};
use std::{sync::Arc, time::Duration};
use tidegate_pack::{HotCache, Mode, PackOptions, Packer};

pub(super) struct World {
    rng: Rng,
    now: Duration,
    server: Server,
    reflector: Reflector,
    shared: Arc<Shared>,
    handlers: Vec<Handler>,
    line: Line,
    /// The server went back in time, and the client has not had a full picture since.
    restored: bool,
    ever_restored: bool,
    /// Something happened that a relist is the right answer to.
    relist_excused: bool,
    most_objects: usize,
    tally: Tally,
}

/// The connection.
enum Line {
    Idle,
    Waiting(Duration),
    Open {
        pending: Vec<u8>,
        watch_from: Option<u64>,
        since: Duration,
    },
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let server = Server::new(&mut rng);
        let mode = if rng.below(2) == 0 {
            Mode::Plain
        } else {
            Mode::Compressed
        };
        let hot = (mode == Mode::Compressed).then(|| Arc::new(HotCache::new(1 << 16)));
        let ingest = Ingest::new(Packer::new(mode, PackOptions::default()), hot, None);
        let config = Config {
            page_limit: 1 + u32::try_from(rng.below(4)).expect("small"),
            object_bytes_max: 1 << 20,
            streaming_lists: rng.below(5) > 0,
            seed,
        };
        let shared = Shared::new(Cache::new(ingest));
        let mut world = Self {
            now: Duration::ZERO,
            server,
            reflector: Reflector::new(config),
            handlers: vec![Handler::join(&shared), Handler::join(&shared)],
            shared,
            line: Line::Idle,
            restored: false,
            ever_restored: false,
            relist_excused: false,
            most_objects: 0,
            tally: Tally::default(),
            rng,
        };
        world.relist_excused = !world.server.served;
        world
    }

    pub(super) fn length(&mut self) -> u64 {
        20 + self.rng.below(300)
    }

    /// One random thing.
    pub(super) fn act(&mut self) {
        match self.rng.below(100) {
            0..=29 => self.write(),
            30..=64 => self.progress(),
            65..=84 => self.consume(),
            85..=87 => self.now += Duration::from_millis(self.rng.below(4000)),
            88..=89 => self.hang_up(),
            90 => self.corrupt(),
            91 => self.send(&error_frame(500, "InternalError")),
            92 => {
                self.relist_excused = true;
                self.server.compact();
            }
            93 => self.remove_or_return(),
            94 => self.restore(),
            95 => self.join(),
            96 => self.leave(),
            97 => self.send(&bookmark(self.server.version, false)),
            98 => self.reflector.wake(),
            _ => self.end_cleanly(),
        }
        self.check_snapshot();
    }

    /// The server stops changing and serves; everything must become equal to it.
    pub(super) fn settle(&mut self) {
        self.server.served = true;
        self.write();
        for _ in 0..3000 {
            self.progress();
            self.check_snapshot();
            self.now += Duration::from_millis(200);
            if self.is_settled() {
                break;
            }
        }
        assert!(
            self.is_settled(),
            "the cache never became equal to the server: {:?}, restored: {}, it has {:?} at {:?}, the server {:?} at {}",
            self.reflector.status(),
            self.restored,
            keys(&self.shared.snapshot()),
            self.shared.snapshot().resource_version(),
            self.server.state(),
            self.server.version,
        );
        for handler in &mut self.handlers {
            while handler.take(self.ever_restored) {}
            assert!(
                handler.synced,
                "a handler was never told that it is in sync"
            );
            let view = handler.view.values().map(|object| {
                (
                    object.key().to_string(),
                    object.resource_version().to_string(),
                )
            });
            let truth = self
                .server
                .state()
                .iter()
                .map(|(name, truth)| (format!("n/t{name}"), truth.version.to_string()));
            assert!(
                view.eq(truth),
                "a handler's view differs: {:?} / {:?}",
                handler.view,
                self.server.state()
            );
        }
        assert!(
            self.relist_excused || self.tally.relists == 1,
            "{} relists without a reason",
            self.tally.relists
        );
    }

    pub(super) fn tally(mut self) -> Tally {
        for handler in &self.handlers {
            self.tally.events += handler.events;
            self.tally.deletions += handler.recreated;
            self.tally.marked_unknown += handler.marked_unknown;
        }
        self.tally
    }

    fn write(&mut self) {
        // While a restored server catches up with its former versions, nobody could tell them apart.
        if self.server.served && !self.restored {
            self.server.mutate(&mut self.rng);
        }
    }

    /// The driver's next move, or some bytes of the open response.
    fn progress(&mut self) {
        match std::mem::replace(&mut self.line, Line::Idle) {
            Line::Waiting(until) if self.now < until => {
                self.now = until;
            }
            Line::Waiting(_) | Line::Idle => self.step(),
            Line::Open {
                pending,
                watch_from,
                since,
            } => self.read(pending, watch_from, since),
        }
    }

    fn step(&mut self) {
        let step = self.reflector.step(&mut self.shared.writer().cache);
        match step {
            Step::Wait(delay) => self.line = Line::Waiting(self.now + delay),
            Step::Send(request) => self.ask(&request),
        }
    }

    fn ask(&mut self, request: &Request) {
        let answer = match self.rng.below(30) {
            0 => refuse(429, "TooManyRequests"),
            1 => refuse(503, "ServiceUnavailable"),
            2 => refuse(401, "Unauthorized"),
            3 => refuse(403, "Forbidden"),
            4 => {
                self.tally.broken += 1;
                return self.input(|world, changes| {
                    let mut writer = world.shared.writer();
                    let end = End::Broken("refused".to_owned());
                    world
                        .reflector
                        .ended(world.now, end, &mut writer.cache, changes);
                });
            }
            _ => self.server.answer(request),
        };
        match answer {
            Answer::Refused {
                code,
                body,
                retry_after_s,
            } => {
                self.tally.refused += 1;
                let retry_after = retry_after_s.map(Duration::from_secs);
                self.input(|world, changes| {
                    let mut writer = world.shared.writer();
                    world.reflector.refused(
                        world.now,
                        code,
                        retry_after,
                        body.as_bytes(),
                        &mut writer.cache,
                        changes,
                    );
                });
            }
            Answer::Body { bytes, watch_from } => {
                self.reflector
                    .started(self.now, &mut self.shared.writer().cache);
                self.line = Line::Open {
                    pending: bytes.into_bytes(),
                    watch_from,
                    since: self.now,
                };
            }
        }
    }

    fn read(&mut self, mut pending: Vec<u8>, watch_from: Option<u64>, since: Duration) {
        let mut from = watch_from;
        if let Some(from) = &mut from
            && *from < self.server.version
        {
            pending.extend(self.server.events_after(*from).into_bytes());
            *from = self.server.version;
        }
        if pending.is_empty() {
            return match watch_from {
                None => self.end(End::Clean),
                Some(_) => self.stay_silent(from, since),
            };
        }
        let most = u64::try_from(pending.len()).expect("small");
        let length = usize::try_from(1 + self.rng.below(most)).expect("small");
        let rest = pending.split_off(length);
        let mut flow = Flow::Done;
        self.input(|world, changes| {
            let mut writer = world.shared.writer();
            flow = world
                .reflector
                .chunk(world.now, &pending, &mut writer.cache, changes);
        });
        if flow == Flow::More {
            self.line = Line::Open {
                pending: rest,
                watch_from: from,
                since,
            };
        }
    }

    fn stay_silent(&mut self, watch_from: Option<u64>, since: Duration) {
        let limit = self.reflector.silence_limit(self.now);
        let step = Duration::from_millis(1 + self.rng.below(3000));
        if step >= limit {
            self.now += limit;
            return self.end(End::Silent);
        }
        self.now += step;
        self.line = Line::Open {
            pending: Vec::new(),
            watch_from,
            since,
        };
    }

    fn end(&mut self, end: End) {
        self.line = Line::Idle;
        self.input(|world, changes| {
            let mut writer = world.shared.writer();
            world
                .reflector
                .ended(world.now, end, &mut writer.cache, changes);
        });
    }

    /// Feeds the reflector and tells everybody, as the driver does.
    fn input(&mut self, feed: impl FnOnce(&mut Self, &mut Vec<crate::event::Change>)) {
        let mut changes = Vec::new();
        feed(self, &mut changes);
        let relists = self.reflector.take_relists();
        self.tally.relists += relists.len() as u64;
        if !relists.is_empty() {
            self.restored = false;
        }
        let mut writer = self.shared.writer();
        writer.changes = changes;
        self.shared.commit(&mut writer, !relists.is_empty());
        drop(writer);
        self.most_objects = self.most_objects.max(self.shared.snapshot().len());
    }

    fn consume(&mut self) {
        let count = self.handlers.len() as u64;
        if count == 0 {
            return;
        }
        let which = usize::try_from(self.rng.below(count)).expect("small");
        for _ in 0..self.rng.below(5) {
            self.handlers[which].take(self.ever_restored);
        }
        for handler in &self.handlers {
            // What a replay has left, its deletions, and what is new.
            let bound = handler.view.len() + 3 * self.most_objects;
            assert!(
                handler.mailbox().depth() <= bound,
                "a queue grew past its bound"
            );
        }
    }

    fn hang_up(&mut self) {
        if matches!(self.line, Line::Open { .. }) {
            self.tally.broken += 1;
            self.end(End::Broken("cut".to_owned()));
        }
    }

    fn end_cleanly(&mut self) {
        if let Line::Open {
            watch_from: Some(_),
            ..
        } = self.line
        {
            self.end(End::Clean);
        }
    }

    /// Damages what is on its way. Nothing may come of it but a new request.
    fn corrupt(&mut self) {
        if let Line::Open { pending, .. } = &mut self.line
            && let Some(first) = pending.first_mut()
            && *first == b'{'
        {
            *first = b'}';
            self.relist_excused = true;
        }
    }

    fn send(&mut self, frame: &str) {
        if let Line::Open {
            pending,
            watch_from: Some(from),
            ..
        } = &mut self.line
            && pending.is_empty()
            && *from == self.server.version
        {
            pending.extend_from_slice(frame.as_bytes());
        }
    }

    fn remove_or_return(&mut self) {
        if self.server.served && self.restored {
            // As with writes: at its former versions again, the empty server could not be told from the full one.
            return;
        }
        if self.server.served {
            self.tally.removed += 1;
            self.relist_excused = true;
            self.server.remove_resource();
            self.hang_up();
        } else {
            self.server.served = true;
        }
    }

    fn restore(&mut self) {
        if self.rng.below(4) == 0 {
            self.tally.restored += 1;
            self.relist_excused = true;
            self.server.restore(&mut self.rng);
            let held = self
                .shared
                .snapshot()
                .resource_version()
                .map(|version| version.to_string());
            let held: u64 = held.map_or(0, |version| version.parse().expect("a number"));
            self.restored = held > self.server.version;
            self.ever_restored = true;
            self.hang_up();
        }
    }

    fn join(&mut self) {
        self.tally.late_handlers += 1;
        self.handlers.push(Handler::join(&self.shared));
    }

    fn leave(&mut self) {
        if self.handlers.len() > 2 {
            let gone = self.handlers.swap_remove(1);
            gone.leave(&self.shared);
        }
    }

    /// What readers see is exactly what the server held at the version that they see.
    fn check_snapshot(&self) {
        let snapshot = self.shared.snapshot();
        let Some(version) = snapshot.resource_version() else {
            assert!(snapshot.is_empty(), "objects before the first picture");
            return;
        };
        if self.restored || !self.server.served {
            return;
        }
        let version = version.to_string().parse().expect("a number");
        if let Some(state) = self.server.state_at(version) {
            assert!(
                equal(&snapshot, state),
                "at {version} the cache has {:?}, the server had {state:?}",
                keys(&snapshot)
            );
        }
    }

    fn is_settled(&self) -> bool {
        let snapshot = self.shared.snapshot();
        snapshot.is_synced() && !self.restored && equal(&snapshot, self.server.state())
    }
}

fn keys(snapshot: &Snapshot) -> Vec<String> {
    snapshot
        .iter()
        .map(|object| format!("{object:?}"))
        .collect()
}

fn equal(snapshot: &Snapshot, state: &State) -> bool {
    let cached = snapshot.iter().map(|object| {
        let spec: Option<u64> = object.pointer("/spec/version").expect("it decodes");
        let spec = spec.expect("it has a version").to_string();
        (
            object.name().to_owned(),
            object.uid().to_string(),
            object.resource_version().to_string(),
            spec,
        )
    });
    let truth = state.iter().map(|(name, truth)| {
        let version = truth.version.to_string();
        (
            format!("t{name}"),
            format!("uid-{}", truth.uid),
            version.clone(),
            version,
        )
    });
    cached.eq(truth)
}
