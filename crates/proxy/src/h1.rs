//! stub
use crate::{
    connections::Connection,
    stream::{ReadHalf, WriteHalf},
    worker::Worker,
};
use std::{rc::Rc, sync::Arc};
use tidegate_routing::Listener;
pub(crate) async fn serve(
    _worker: &Rc<Worker>,
    _connection: &Connection,
    _secure: Option<Arc<Listener>>,
    _read: ReadHalf,
    _write: WriteHalf,
) {
}
