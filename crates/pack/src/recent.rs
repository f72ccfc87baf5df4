//! The unpacked bases that a thread used last, since lists keep siblings next to one another.
//!
//! Bounded in entries and bytes, so an idle thread holds little. Holds copies: a base that is
//! gone is merely never asked for again, because ids are not reused.

use std::{cell::RefCell, rc::Rc};

const ENTRIES_MAX: usize = 8;
const BYTES_MAX: usize = 256 * 1024;

thread_local! {
    /// Most recently used last.
    static RECENT: RefCell<Vec<(u64, Rc<Vec<u8>>)>> = const { RefCell::new(Vec::new()) };
}

/// The body with this id, from the cache or else from `load`.
pub(crate) fn get_or_load<E>(
    id: u64,
    load: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<Rc<Vec<u8>>, E> {
    if let Some(found) = find(id) {
        return Ok(found);
    }
    let mut body = Vec::new();
    load(&mut body)?;
    let body = Rc::new(body);
    put(id, Rc::clone(&body));
    Ok(body)
}

/// Remembers a body that the caller has at hand anyway.
pub(crate) fn put(id: u64, body: Rc<Vec<u8>>) {
    if body.len() > BYTES_MAX {
        return;
    }
    RECENT.with_borrow_mut(|recent| {
        let mut bytes: usize = recent.iter().map(|(_, body)| body.len()).sum();
        while recent.len() >= ENTRIES_MAX || bytes + body.len() > BYTES_MAX {
            bytes -= recent.remove(0).1.len();
        }
        recent.push((id, body));
    });
}

fn find(id: u64) -> Option<Rc<Vec<u8>>> {
    RECENT.with_borrow_mut(|recent| {
        let at = recent.iter().rposition(|(known, _)| *known == id)?;
        recent[at..].rotate_left(1);
        recent.last().map(|(_, body)| Rc::clone(body))
    })
}
