//! Where informers come from: one shared watch for each distinct target, started by its first user.

use crate::{
    cache::{Cache, Ingest, Transform},
    driver::Driver,
    informer::{Informer, Running},
    metrics::Metrics,
    reflector::{Config, Reflector, Selectors},
    shared::Shared,
    target::Target,
};
use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Instant,
};
use tidegate_client::{Client, Gvr};
use tidegate_pack::{HotCache, Mode, PackOptions, Packer};
use tokio::{runtime, sync::Notify};

/// How a factory's informers keep and fetch objects.
#[derive(Debug, Clone)]
pub struct FactoryOptions {
    /// Keep bodies compressed (the default), or as they are: ten times the memory, reads without decompression.
    pub compressed: bool,
    /// Bytes of recently used bodies that are kept uncompressed, for all informers together. Default: 4 MiB.
    pub hot_cache_bytes: usize,
    /// Objects a page, where the server pages lists. Default: 500.
    pub page_limit: u32,
    /// The largest object that is taken, in bytes. Default: 32 MiB.
    pub object_bytes_max: usize,
    /// Fetch full pictures by streaming lists where the server can. Default: true.
    pub streaming_lists: bool,
}

impl Default for FactoryOptions {
    fn default() -> Self {
        Self {
            compressed: true,
            hot_cache_bytes: 4 * 1024 * 1024,
            page_limit: 500,
            object_bytes_max: 32 * 1024 * 1024,
            streaming_lists: true,
        }
    }
}

/// Makes informers over one client. Cheap to clone; clones share the informers.
///
/// Must be used within a tokio runtime, on which the informers run.
#[derive(Clone)]
pub struct InformerFactory(Arc<Registry>);

/// All informers of a factory.
pub(crate) struct Registry {
    client: Client,
    options: FactoryOptions,
    hot: Arc<HotCache>,
    running: Mutex<HashMap<InformerKey, Weak<Running>>>,
    news: Arc<Notify>,
    seeds: RandomState,
}

/// A transform is compared by identity: sharing one needs the same `Arc`.
#[derive(Clone, PartialEq, Eq, Hash)]
struct InformerKey {
    target: Target,
    transform: Option<usize>,
}

impl InformerFactory {
    /// A factory with default options.
    pub fn new(client: Client) -> Self {
        Self::with_options(client, FactoryOptions::default())
    }

    /// A factory.
    pub fn with_options(client: Client, options: FactoryOptions) -> Self {
        Self(Arc::new(Registry {
            client,
            hot: Arc::new(HotCache::new(options.hot_cache_bytes)),
            options,
            running: Mutex::default(),
            news: Arc::new(Notify::new()),
            seeds: RandomState::new(),
        }))
    }

    /// The client through which the informers talk to the server.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// All objects of a resource; narrow it down before [`start`](InformerBuilder::start).
    pub fn for_resource(&self, gvr: impl Into<Gvr>) -> InformerBuilder {
        InformerBuilder {
            registry: Arc::clone(&self.0),
            target: Target {
                gvr: gvr.into(),
                namespace: None,
                selectors: Selectors::default(),
                metadata_only: false,
            },
            transform: None,
        }
    }

    /// Every informer that runs.
    pub fn informers(&self) -> Vec<Informer> {
        self.0.all().into_iter().map(Informer::new).collect()
    }

    /// The figures of every informer that runs.
    pub fn metrics(&self) -> Metrics {
        let mut informers: Vec<_> = self
            .0
            .all()
            .iter()
            .map(|running| running.metrics())
            .collect();
        informers.sort_by(|a, b| a.labels.cmp(&b.labels));
        Metrics { informers }
    }

    /// The server's resources changed: informers that wait for theirs try at once.
    pub fn resources_changed(&self) {
        self.0.news.notify_waiters();
    }

    /// Stops every informer: streams end, handlers are not called any more. Caches stay readable.
    pub fn shutdown(&self) {
        self.0.all().iter().for_each(|running| running.stop());
        self.0.running().clear();
    }
}

/// Says which objects an informer is to hold.
#[derive(Clone)]
#[must_use = "nothing is watched before `start`"]
pub struct InformerBuilder {
    registry: Arc<Registry>,
    target: Target,
    transform: Option<Transform>,
}

impl InformerBuilder {
    /// Only this namespace.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.target.namespace = Some(namespace.into()).filter(|namespace| !namespace.is_empty());
        self
    }

    /// Only objects that match this label selector; the server selects.
    pub fn labels(mut self, selector: impl Into<String>) -> Self {
        self.target.selectors.labels =
            Some(selector.into()).filter(|selector| !selector.is_empty());
        self
    }

    /// Only objects that match this field selector; the server selects.
    pub fn fields(mut self, selector: impl Into<String>) -> Self {
        self.target.selectors.fields =
            Some(selector.into()).filter(|selector| !selector.is_empty());
        self
    }

    /// Only `metadata` of each object (`PartialObjectMetadata`).
    pub fn metadata_only(mut self) -> Self {
        self.target.metadata_only = true;
        self
    }

    /// Changes each object before it is cached. Informers with different transforms share nothing.
    pub fn transform(mut self, transform: Transform) -> Self {
        self.transform = Some(transform);
        self
    }

    /// The informer: one that runs already, or a new one.
    pub fn start(self) -> Informer {
        let key = InformerKey {
            transform: self
                .transform
                .as_ref()
                .map(|transform| Arc::as_ptr(transform).cast::<()>() as usize),
            target: self.target,
        };
        let mut running = self.registry.running();
        if let Some(known) = running.get(&key).and_then(Weak::upgrade) {
            return Informer::new(known);
        }
        let started = self.registry.launch(&key.target, self.transform);
        running.insert(key, Arc::downgrade(&started));
        Informer::new(started)
    }
}

impl Registry {
    fn launch(self: &Arc<Self>, target: &Target, transform: Option<Transform>) -> Arc<Running> {
        let mode = if self.options.compressed {
            Mode::Compressed
        } else {
            Mode::Plain
        };
        let hot = self.options.compressed.then(|| Arc::clone(&self.hot));
        let packer = Packer::new(mode, PackOptions::default());
        let shared = Shared::new(Cache::new(Ingest::new(packer, hot, transform)));
        let began = Instant::now();
        let driver = Driver {
            client: self.client.clone(),
            target: target.clone(),
            shared: Arc::clone(&shared),
            reflector: Reflector::new(self.reflector_config(target)),
            news: Arc::clone(&self.news),
            registry: Arc::downgrade(self),
            definitions: None,
            began,
        };
        let runtime = runtime::Handle::current();
        Arc::new(Running {
            target: target.clone(),
            shared,
            registry: Arc::downgrade(self),
            driver: runtime.spawn(driver.run()).abort_handle(),
            runtime,
            began,
        })
    }

    fn reflector_config(&self, target: &Target) -> Config {
        Config {
            page_limit: self.options.page_limit,
            object_bytes_max: self.options.object_bytes_max,
            streaming_lists: self.options.streaming_lists,
            seed: self.seeds.hash_one(target),
        }
    }

    fn all(&self) -> Vec<Arc<Running>> {
        self.running().values().filter_map(Weak::upgrade).collect()
    }

    /// Forgets an informer that has stopped; not one that was started for the same target since.
    pub(crate) fn forget(&self, stopped: &Running) {
        self.running()
            .retain(|key, running| key.target != stopped.target || running.strong_count() > 0);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<InformerKey, Weak<Running>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Arc<Registry>> for InformerFactory {
    fn from(registry: Arc<Registry>) -> Self {
        Self(registry)
    }
}

impl fmt::Debug for InformerFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InformerFactory")
            .field("running", &self.0.running().len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for InformerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "builder of an informer of {}", self.target)
    }
}
