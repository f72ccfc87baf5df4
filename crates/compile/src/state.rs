//! What the compiler remembers of each object, and what it has yet to work out.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use foldhash::HashMap;
use tidegate_routing::{Attachment, Certificate, Cluster, ClusterKey};

use crate::{
    condition::Wanted,
    key::{Kind, ObjectKey},
    listener::Listener,
    object::{
        Meta,
        backend::Backend,
        gateway::{Class, Gateway, ListenerSet},
        grant::Grant,
        material::{ConfigMap, Secret},
        policy::Policy,
        reference::ParentRef,
        route::Route,
        service::{Service, Slice},
        status::{SharedEntry, TopStatus},
    },
    small::SmallMap,
    trust::TrustOutcome,
};

/// An object with a status of its own at its top.
#[derive(Debug)]
pub(crate) struct Held<T> {
    pub(crate) meta: Meta,
    /// The latest form that could be read.
    pub(crate) form: Option<Arc<T>>,
    /// Why the latest version can't be read.
    pub(crate) fault: Option<Arc<str>>,
    pub(crate) status: TopStatus,
}

#[derive(Debug)]
pub(crate) struct GatewayState {
    pub(crate) held: Held<Gateway>,
    /// `None` while it isn't ours.
    pub(crate) live: Option<LiveGateway>,
}

/// What was worked out of a Gateway of ours.
#[derive(Debug, Default)]
pub(crate) struct LiveGateway {
    pub(crate) addresses: Vec<IpAddr>,
    /// Why not all addresses that were asked for could be given: reason and text.
    pub(crate) address_fault: Option<(&'static str, Arc<str>)>,
    /// Why it isn't served at all: reason and text.
    pub(crate) refusal: Option<(&'static str, Arc<str>)>,
    /// Its own listeners, in order.
    pub(crate) listeners: Vec<u32>,
    /// ListenerSets that are accepted.
    pub(crate) sets: u32,
    /// What it shows to backends, if that could be had.
    pub(crate) identity: Option<Arc<Certificate>>,
    /// Why its client certificate can't be had: reason and text.
    pub(crate) identity_fault: Option<(&'static str, Arc<str>)>,
    pub(crate) allows_insecure_clients: bool,
}

#[derive(Debug)]
pub(crate) struct SetState {
    pub(crate) held: Held<ListenerSet>,
    /// `None` while its Gateway isn't ours.
    pub(crate) live: Option<LiveSet>,
}

/// What was worked out of a ListenerSet of a Gateway of ours.
#[derive(Debug, Default)]
pub(crate) struct LiveSet {
    pub(crate) listeners: Vec<u32>,
    /// Why it isn't accepted: reasons for `Accepted` and `Programmed`, and text.
    pub(crate) refusal: Option<(&'static str, &'static str, Arc<str>)>,
}

#[derive(Debug)]
pub(crate) struct RouteState {
    pub(crate) meta: Meta,
    /// What is served: the latest form, or the last good one.
    pub(crate) form: Option<Arc<Route>>,
    /// Why the latest form isn't served.
    pub(crate) fault: Option<Arc<str>>,
    /// Of the latest spec, with its generation.
    pub(crate) hash: u64,
    /// Counts the forms that were ever served, of all routes.
    pub(crate) serial: u64,
    /// Parents of a spec that can't be read otherwise.
    pub(crate) parents_of_fault: Box<[ParentRef]>,
    pub(crate) status: Box<[SharedEntry]>,
    /// What was made of it, to know what changes.
    pub(crate) signature: u64,
    pub(crate) placed: Box<[Placed]>,
    /// Listeners that count it.
    pub(crate) attached: Box<[u32]>,
    pub(crate) verdicts: Box<[(ParentRef, Box<[Wanted]>)]>,
    pub(crate) clusters: Box<[ClusterKey]>,
    /// Services that it uses, by Gateway.
    pub(crate) ancestors: Box<[(ObjectKey, ObjectKey)]>,
}

/// One attachment and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) listener: u32,
    pub(crate) attachment: Arc<Attachment>,
}

#[derive(Debug)]
pub(crate) struct PolicyState {
    pub(crate) meta: Meta,
    pub(crate) form: Option<Arc<Policy>>,
    pub(crate) fault: Option<Arc<str>>,
    pub(crate) status: Box<[SharedEntry]>,
    pub(crate) outcome: TrustOutcome,
}

#[derive(Debug)]
pub(crate) struct BackendState {
    pub(crate) held: Held<Backend>,
    pub(crate) outcome: TrustOutcome,
    pub(crate) identity: Option<Arc<Certificate>>,
}

/// Where a cluster's endpoints come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClusterSource {
    pub(crate) kind: Kind,
    pub(crate) object: ObjectKey,
    /// Of a Service.
    pub(crate) port: u16,
    /// The Gateway whose client certificate is shown.
    pub(crate) gateway: Option<ObjectKey>,
}

#[derive(Debug)]
pub(crate) struct ClusterState {
    pub(crate) source: ClusterSource,
    /// How many routes use it.
    pub(crate) users: u32,
    pub(crate) built: Option<Arc<Cluster>>,
}

/// Everything that is known. Maps are hashed by seeds of this process: names are of anybody's choice.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// Definitions of Gateway API, with the release that each is of, if it says so.
    pub(crate) definitions: HashMap<ObjectKey, Option<Arc<str>>>,
    pub(crate) classes: HashMap<ObjectKey, Held<Class>>,
    pub(crate) gateways: HashMap<ObjectKey, GatewayState>,
    pub(crate) sets: HashMap<ObjectKey, SetState>,
    pub(crate) routes: HashMap<ObjectKey, RouteState>,
    pub(crate) policies: HashMap<ObjectKey, PolicyState>,
    pub(crate) backends: HashMap<ObjectKey, BackendState>,
    pub(crate) services: HashMap<ObjectKey, Service>,
    pub(crate) secrets: HashMap<ObjectKey, Secret>,
    pub(crate) config_maps: HashMap<ObjectKey, ConfigMap>,
    pub(crate) namespaces: HashMap<Arc<str>, BTreeMap<String, String>>,
    /// By namespace, then name.
    pub(crate) grants: HashMap<Arc<str>, BTreeMap<Arc<str>, Grant>>,
    /// By Service, then name of the slice.
    pub(crate) slices: HashMap<ObjectKey, SmallMap<Arc<str>, Slice>>,
    /// Which Service a slice belongs to.
    pub(crate) slice_services: HashMap<ObjectKey, ObjectKey>,
    pub(crate) listeners: HashMap<u32, Listener>,
    /// The listeners of an owner, by their names.
    pub(crate) sections: HashMap<(Kind, ObjectKey), BTreeMap<Arc<str>, u32>>,
    pub(crate) next_listener: u32,
    pub(crate) sets_of: HashMap<ObjectKey, BTreeSet<ObjectKey>>,
    pub(crate) gateways_of: HashMap<Arc<str>, BTreeSet<ObjectKey>>,
    pub(crate) policies_of: HashMap<ObjectKey, BTreeSet<ObjectKey>>,
    pub(crate) clusters: HashMap<ClusterKey, ClusterState>,
    pub(crate) clusters_of: HashMap<(Kind, ObjectKey), SmallMap<ClusterKey, ()>>,
    /// How many routes lead from a Gateway to a Service: by Service, then Gateway.
    pub(crate) ancestors: HashMap<ObjectKey, SmallMap<ObjectKey, u32>>,
    pub(crate) bind_errors: BTreeMap<SocketAddr, Arc<str>>,
}

impl Store {
    /// Forgets an object of which nothing but itself is held.
    pub(crate) fn remove_plain(&mut self, kind: Kind, key: &ObjectKey) {
        match kind {
            Kind::Secret => drop(self.secrets.remove(key)),
            Kind::ConfigMap => drop(self.config_maps.remove(key)),
            Kind::Definition => drop(self.definitions.remove(key)),
            _ => {}
        }
    }
}

/// What is to be worked out anew.
#[derive(Debug, Default)]
pub(crate) struct Dirty {
    pub(crate) gateways: BTreeSet<ObjectKey>,
    pub(crate) routes: BTreeSet<ObjectKey>,
    pub(crate) policies: BTreeSet<ObjectKey>,
    pub(crate) backends: BTreeSet<ObjectKey>,
    pub(crate) clusters: BTreeSet<ClusterKey>,
    pub(crate) binds: BTreeSet<SocketAddr>,
    /// Listeners whose content changed but not their place.
    pub(crate) listeners: BTreeSet<u32>,
    pub(crate) statuses: BTreeSet<(Kind, ObjectKey)>,
    pub(crate) infrastructure: BTreeSet<ObjectKey>,
}
