//! The parameters of a policy's binding, as they are in the store.

use super::{Asked, Binding, Known};
use crate::resource::Resource;
use serde_json::Value;
use tidegate_rules::Selector;

impl Asked<'_> {
    /// The parameters of a binding: each is asked about. One that is nothing where none is wanted.
    pub(super) fn params(
        &self,
        known: &Known,
        binding: &Binding,
    ) -> Result<Vec<Option<Value>>, String> {
        let reference = &binding.param_ref;
        let (Some((api_version, kind)), true) = (&known.param_kind, reference.is_object()) else {
            return Ok(vec![None]);
        };
        let resources = self.cluster.registry.now();
        let resource = resources.of_kind(api_version, kind);
        let resource = resource
            .ok_or_else(|| format!("paramKind kind `{api_version}, Kind={kind}` not known"))?;
        let text = |key: &str| reference[key].as_str().unwrap_or_default();
        let namespace = match (
            resource.namespaced,
            text("namespace"),
            self.request.namespace(),
        ) {
            (false, "", _) => "",
            (false, ..) => {
                return Err(
                    "paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
                        .to_owned(),
                );
            }
            (true, "", "") => {
                return Err(
                    "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources".to_owned(),
                );
            }
            (true, "", own) => own,
            (true, named, _) => named,
        };
        let found = self.find_params(resource, namespace, text("name"), &reference["selector"])?;
        if found.is_empty() && text("parameterNotFoundAction") == "Deny" {
            return Err(
                "no params found for policy binding with `Deny` parameterNotFoundAction".to_owned(),
            );
        }
        Ok(found.into_iter().map(Some).collect())
    }

    fn find_params(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        selector: &Value,
    ) -> Result<Vec<Value>, String> {
        if !name.is_empty() {
            let entry = self.cluster.store.head(&resource.key(namespace, name));
            return Ok(entry
                .and_then(|entry| resource.tree(&entry.value).ok())
                .into_iter()
                .collect());
        }
        let selector = Selector::read(selector).map_err(|error| error.to_string())?;
        let snapshot = self.cluster.store.snapshot();
        let prefix = resource.key(namespace, "");
        let objects = snapshot
            .range(&prefix, None)
            .filter_map(|(_, entry)| resource.tree(&entry.value).ok());
        let selected = objects.filter(|object| {
            let labels = object
                .pointer("/metadata/labels")
                .and_then(Value::as_object)
                .into_iter()
                .flatten();
            let labels = labels
                .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()));
            selector.matches(&labels.collect())
        });
        Ok(selected.collect())
    }
}
