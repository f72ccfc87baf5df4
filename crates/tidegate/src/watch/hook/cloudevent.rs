//! Events as CloudEvents 1.0 in structured JSON mode.
//!
//! `id` is made of a random name for this run and a counter: unique, and the same in every attempt,
//! because the finished event is what the spill file keeps. `partitionkey` is the object's uid.

use super::spill::Record;
use crate::watch::{
    event::{EventKind, WatchEvent},
    output::envelope,
};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

#[derive(Debug)]
pub(super) struct Encoder {
    /// `https://host:port`, without a slash at the end.
    server: String,
    run: String,
    count: u64,
}

impl Encoder {
    pub(super) fn new(server: &str) -> Self {
        let mut bytes = [0; 8];
        // Should the system have no randomness, the time still tells runs apart.
        if aws_lc_rs::rand::fill(&mut bytes).is_err() {
            bytes = Timestamp::now().as_microsecond().to_le_bytes();
        }
        Self::with_run(server, &format!("{:016x}", u64::from_le_bytes(bytes)))
    }

    fn with_run(server: &str, run: &str) -> Self {
        Self {
            server: server.trim_end_matches('/').to_owned(),
            run: run.to_owned(),
            count: 0,
        }
    }

    /// `None` for `SYNCED`, which is about no object.
    pub(super) fn encode(&mut self, event: &WatchEvent, now: Timestamp) -> Option<Record> {
        let kind = match event.kind {
            EventKind::Added => "added",
            EventKind::Modified => "modified",
            EventKind::Deleted => "deleted",
            EventKind::Synced => return None,
        };
        self.count += 1;
        let id = format!("{}-{}", self.run, self.count);
        let attributes = json!({
            "specversion": "1.0",
            "id": id,
            "source": format!("{}/{}", self.server, event.resource.gvr()),
            "type": format!("dev.tidegate.resource.{kind}"),
            "subject": event.path(),
            "time": format!("{now:.3}"),
            "datacontenttype": "application/json",
        });
        let mut body = attributes.to_string().into_bytes();
        body.pop();
        if let Some(uid) = event
            .object
            .as_ref()
            .map(|object| object.uid())
            .filter(|uid| !uid.is_empty())
        {
            body.extend_from_slice(b",\"partitionkey\":");
            body.extend_from_slice(Value::from(uid).to_string().as_bytes());
        }
        body.extend_from_slice(b",\"data\":");
        body.extend_from_slice(&envelope(event));
        body.push(b'}');
        Some(Record {
            key: event.object_key(),
            id,
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    //! One golden event.

    use super::Encoder;
    use crate::watch::event::{
        EventKind, WatchEvent,
        testing::{event, resource},
    };
    use expect_test::expect;
    use serde_json::{Value, json};

    #[test]
    fn a_deployment_as_a_cloud_event() {
        let mut encoder = Encoder::with_run("https://10.0.0.1:6443/", "run");
        let object = json!({"metadata": {"name": "web", "namespace": "shop", "uid": "u-1"}});
        let deployments = resource("Deployment", "deployments", "apps");
        let now = "2026-11-25T10:00:00Z".parse().expect("a time");
        let record = encoder
            .encode(&event(EventKind::Deleted, &deployments, &object), now)
            .expect("a record");
        let value: Value = serde_json::from_slice(&record.body).expect("JSON");
        expect![[r#"
            {
              "data": {
                "diff": null,
                "event": "DELETED",
                "gvr": "apps/v1/deployments",
                "initial": false,
                "object": {
                  "metadata": {
                    "name": "web",
                    "namespace": "shop",
                    "uid": "u-1"
                  }
                },
                "old": null
              },
              "datacontenttype": "application/json",
              "id": "run-1",
              "partitionkey": "u-1",
              "source": "https://10.0.0.1:6443/apps/v1/deployments",
              "specversion": "1.0",
              "subject": "/apis/apps/v1/namespaces/shop/deployments/web",
              "time": "2026-11-25T10:00:00.000Z",
              "type": "dev.tidegate.resource.deleted"
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&value).expect("JSON"));
        assert_eq!(record.id, "run-1");
        assert_eq!(encoder.encode(&WatchEvent::synced(deployments), now), None);
    }
}
