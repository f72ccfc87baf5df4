//! placeholder
pub(crate) fn run(_update: bool) -> Result<String, String> {
    Err("not yet".into())
}
