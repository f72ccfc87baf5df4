//! DELETE of a collection: every object that is selected, one by one.

use super::{Write, delete};
use crate::{
    call::{Answer, Call},
    cluster::Cluster,
    read::{list, present},
    request::options::{ListOptions, WriteOptions},
    status::ApiError,
};

/// Answers a deletecollection: with the list of what was selected.
pub(crate) async fn delete_collection(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    let list_options = ListOptions::parse(&call.query)?;
    let options = delete::options(call)?;
    let write_options = WriteOptions {
        dry_run: options.dry_run,
        ..WriteOptions::default()
    };
    let page = list::selected(cluster, call, &list_options).await?;
    for entry in &page.items {
        let object = call.resource.tree(&entry.value)?;
        let mut one = call.clone();
        one.info.namespace = crate::object::Meta::namespace(&object).to_owned();
        one.info.name = crate::object::Meta::name(&object).to_owned();
        let write = Write {
            cluster,
            call: &one,
            options: &write_options,
        };
        match write.delete(&one.info.name, &options).await {
            Err(error) if error.code != 404 => return Err(error),
            _ => {}
        }
    }
    present::list(cluster, call, page)
}
