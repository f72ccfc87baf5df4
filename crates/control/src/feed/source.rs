//! One informer's stream of events, and what part of a kind it covers.

use super::gate;
use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};
use tidegate_client::Gvr;
use tidegate_compile::{Kind, ObjectKey};
use tidegate_informer::{Event, EventStream, Informer, InformerFactory, Object};

/// What a source covers of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    Namespace(Arc<str>),
    Object(ObjectKey),
}

/// A stream, and how far it is.
#[derive(Debug)]
pub(super) struct Source {
    kind: Kind,
    scope: Scope,
    stream: EventStream,
    synced: bool,
    wanted_since: Option<Instant>,
}

impl Source {
    /// Must be called within the runtime that informers run on.
    pub(super) fn start(factory: &InformerFactory, kind: Kind, scope: Scope) -> Self {
        let builder = factory.for_resource(Gvr::new(kind.group(), kind.version(), kind.plural()));
        let builder = match &scope {
            Scope::All => builder,
            Scope::Namespace(namespace) => builder.namespace(&**namespace),
            Scope::Object(key) => {
                let builder = match kind.is_namespaced() {
                    true => builder.namespace(&*key.namespace),
                    false => builder,
                };
                builder.fields(format!("metadata.name={}", key.name))
            }
        };
        let builder = match kind {
            // Their schemas are large, and of no use here.
            Kind::Definition => builder.metadata_only(),
            _ => builder,
        };
        Self {
            kind,
            scope,
            stream: builder.start().stream(),
            synced: false,
            wanted_since: None,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(super) fn informer(&self) -> &Informer {
        self.stream.informer()
    }

    pub(super) fn is_synced(&self) -> bool {
        self.synced
    }

    pub(super) fn set_synced(&mut self) {
        self.synced = true;
    }

    /// Whether the server says that there is no such kind, or that it may not be read.
    pub(super) fn is_out_of_reach(&self) -> bool {
        gate::is_out_of_reach(&self.informer().status())
    }

    /// When something began to refer to what this source covers.
    pub(super) fn wanted_since(&self) -> Option<Instant> {
        self.wanted_since
    }

    pub(super) fn set_wanted_since(&mut self, now: Instant) {
        self.wanted_since = Some(now);
    }

    pub(super) fn covers(&self, kind: Kind, key: &ObjectKey) -> bool {
        self.kind == kind
            && match &self.scope {
                Scope::All => true,
                Scope::Namespace(namespace) => key.namespace == *namespace,
                Scope::Object(own) => own == key,
            }
    }

    /// Whether it is of this object and no other.
    pub(super) fn is_of_object(&self, kind: Kind, key: &ObjectKey) -> bool {
        self.kind == kind && self.scope == Scope::Object(key.clone())
    }

    /// Whether it is of one object of that namespace.
    pub(super) fn is_single_of(&self, kind: Kind, namespace: &Arc<str>) -> bool {
        self.kind == kind
            && matches!(&self.scope, Scope::Object(key) if key.namespace == *namespace)
    }

    /// Whether anything that it covers is referred to.
    pub(super) fn is_needed(&self, needed: &impl Fn(Kind, &str) -> bool) -> bool {
        match &self.scope {
            Scope::Namespace(namespace) => needed(self.kind, namespace),
            Scope::All | Scope::Object(_) => true,
        }
    }

    /// The next event. One that was stopped has none any more.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        match futures::Stream::poll_next(std::pin::Pin::new(&mut self.stream), context) {
            Poll::Ready(Some(event)) => Poll::Ready(event),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

/// The compiler's key of an object.
pub(super) fn key(object: &Object) -> ObjectKey {
    ObjectKey::new(object.namespace().unwrap_or_default(), object.name())
}
