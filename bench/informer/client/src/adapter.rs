//! All that this program knows of the library under test.

use crate::{Args, Mode};
use anyhow::{Context as _, bail, ensure};
use informer_bench_protocol::{Session, TIMESTAMP};
use tidegate_informer::{
    Client, ClientOptions, FactoryOptions, Gvr, Handler, Informer, InformerFactory, Object,
    Registration, Source,
};

/// A running informer with its handler.
pub(crate) struct Cache {
    informer: Informer,
    registration: Registration,
}

/// The resource that a flag names.
pub(crate) fn resource(name: &str) -> anyhow::Result<Gvr> {
    let known = match name {
        "pods" => "/v1/pods",
        "deployments" => "apps/v1/deployments",
        "endpointslices" => "discovery.k8s.io/v1/endpointslices",
        other => other,
    };
    let parts: Vec<_> = known.split('/').collect();
    let [group, version, resource] = parts[..] else {
        bail!("{name:?} is neither a known resource nor group/version/resource");
    };
    Ok(Gvr::new(group, version, resource))
}

impl Cache {
    /// Connects and starts to watch. Returns before anything has arrived.
    pub(crate) async fn start(
        args: &Args,
        resource: Gvr,
        session: Session,
    ) -> anyhow::Result<Self> {
        let source = Source::Url(args.server.clone());
        let client = Client::connect(source, ClientOptions::default())
            .await
            .context("connect")?;
        let options = FactoryOptions {
            compressed: args.mode == Mode::Default,
            ..FactoryOptions::default()
        };
        let factory = InformerFactory::with_options(client, options);
        let informer = factory
            .for_resource(resource)
            .namespace(args.namespace.clone().unwrap_or_default())
            .start();
        let registration = informer.add_handler(Counting(session));
        Ok(Self {
            informer,
            registration,
        })
    }

    /// Waits until the handler has had every object.
    pub(crate) async fn synced(&self) -> anyhow::Result<()> {
        ensure!(
            self.registration.synced().await,
            "the informer was stopped before it was in sync"
        );
        Ok(())
    }

    /// Reads by namespace and by label, as the other contestants' listers do.
    pub(crate) fn check_reads(&self) -> anyhow::Result<()> {
        let snapshot = self.informer.snapshot();
        let Some(object) = snapshot.iter().next() else {
            return Ok(());
        };
        let found = self.informer.get(object.namespace(), object.name());
        ensure!(
            found.is_some(),
            "{} is listed but cannot be found",
            object.key()
        );
        Ok(())
    }
}

/// Counts objects and measures lags.
struct Counting(Session);

impl Handler for Counting {
    fn on_add(&mut self, _object: &Object, _initial: bool) {
        self.0.added();
    }

    fn on_update(&mut self, old: &Object, new: &Object) {
        if old.resource_version() == new.resource_version() {
            return;
        }
        if let Ok(Some(timestamp)) = new.annotation(TIMESTAMP) {
            self.0.updated(&timestamp);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::resource;

    #[test]
    fn resources() {
        assert!(resource("pods").is_ok());
        assert!(resource("example.com/v1/things").is_ok());
        assert!(resource("things").is_err());
    }
}
