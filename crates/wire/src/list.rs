//! Reads a list body as it arrives, item by item, with the list's keys in any order.
//!
//! Gathers what surrounds the items, within the limit for one item, and reads it at the end;
//! only then is it known whether the body was a list at all. Holds at most one item. At most one
//! item per chunk is tried in vain, so the cost stays linear.

use crate::{
    carry::Carry,
    cursor::{Cursor, Member},
    error::{FeedError, FrameError, ListError, ScanError},
    object::{RawObject, object_prefix, parse_object},
    skip::{blank, is_scalar},
    status,
};

/// Members of the body that are kept: those of a list, and those of a Status.
const KEPT: [&str; 8] = [
    "kind",
    "apiVersion",
    "metadata",
    "status",
    "code",
    "reason",
    "message",
    "details",
];

/// Streaming parser of one list body.
#[derive(Debug)]
pub struct ListParser {
    carry: Carry,
    place: Place,
    member: Key,
    /// The kept members, as the inside of an object.
    head: Vec<u8>,
    saw_items: bool,
    /// Bytes before the one to be read next.
    offset: usize,
    failed: bool,
}

/// What surrounds the items of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListMeta {
    /// apiVersion of the list; empty if absent.
    pub api_version: String,
    /// Kind of the list, such as `PodList`; empty if absent.
    pub kind: String,
    /// Version of the list as a whole; empty if absent.
    pub resource_version: String,
    /// Asks for the next page; `None` on the last one.
    pub continue_token: Option<String>,
    /// About how many items are left.
    pub remaining_item_count: Option<i64>,
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Body,
    FirstKey,
    Key,
    Colon,
    Value,
    KeyOrEnd,
    FirstItem,
    Item,
    ItemOrEnd,
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Items,
    Kept(&'static str),
    Other,
}

impl ListParser {
    /// A parser that refuses items longer than `max_item_bytes`, and so it does for all that
    /// surrounds the items.
    pub fn new(max_item_bytes: usize) -> Self {
        Self {
            carry: Carry::new(max_item_bytes),
            place: Place::Body,
            member: Key::Other,
            head: Vec::new(),
            saw_items: false,
            offset: 0,
            failed: false,
        }
    }

    /// Feeds one chunk; calls `on_item` with each item that is whole, in order. After an error
    /// nothing more may be fed. Offsets in errors count from the start of the item or, outside
    /// of items, of the body.
    pub fn feed<E>(
        &mut self,
        chunk: &[u8],
        mut on_item: impl FnMut(RawObject<'_>) -> Result<(), E>,
    ) -> Result<(), FeedError<E>> {
        if std::mem::replace(&mut self.failed, true) {
            return Err(FrameError::Spent.into());
        }
        let mut rest = chunk;
        while !rest.is_empty() {
            let used = if self.carry.active() { 0 } else { blank(rest) };
            self.offset += used;
            rest = &rest[used..];
            if !rest.is_empty() {
                let used = self.step(rest, &mut on_item)?;
                self.offset += used;
                rest = &rest[used..];
            }
        }
        self.carry.release();
        self.failed = false;
        Ok(())
    }

    /// The body has ended: what surrounds its items, or why it was no whole list.
    pub fn finish(mut self) -> Result<ListMeta, ListError> {
        if self.failed {
            return Err(FrameError::Spent.into());
        }
        if self.place != Place::Nothing {
            let received = self.offset;
            return Err(FrameError::CutOff { received }.into());
        }
        self.head.insert(0, b'{');
        self.head.push(b'}');
        let meta = list_meta(&self.head)?;
        if meta.kind == "Status" {
            let status = status::parse(&self.head)?;
            return Err(ListError::Status(Box::new(status)));
        }
        match self.saw_items {
            true => Ok(meta),
            false => Err(ScanError::Missing { field: "items" }.into()),
        }
    }

    /// Reads one token or item at the start of `text`; tells its length.
    fn step<E>(
        &mut self,
        text: &[u8],
        on_item: &mut impl FnMut(RawObject<'_>) -> Result<(), E>,
    ) -> Result<usize, FeedError<E>> {
        self.place = match (self.place, text[0]) {
            (Place::FirstKey | Place::Key, _) if self.carry.active() => return self.key(text),
            (Place::Value, _) => return self.value(text),
            (Place::Item, _) => return self.item(text, on_item),
            (Place::Body, b'{') => Place::FirstKey,
            (Place::FirstKey | Place::KeyOrEnd, b'}') => Place::Nothing,
            (Place::FirstKey | Place::Key, b'"') => return self.key(text),
            (Place::Colon, b':') => Place::Value,
            (Place::KeyOrEnd, b',') => Place::Key,
            (Place::FirstItem | Place::ItemOrEnd, b']') => Place::KeyOrEnd,
            (Place::FirstItem, _) => {
                self.place = Place::Item;
                return self.item(text, on_item);
            }
            (Place::ItemOrEnd, b',') => Place::Item,
            (place, _) => return Err(self.unexpected(place).into()),
        };
        Ok(1)
    }

    fn key<E>(&mut self, text: &[u8]) -> Result<usize, FeedError<E>> {
        let Some(taken) = self.carry.take(text)? else {
            return Ok(text.len());
        };
        let key = Cursor::new(taken.bytes).string()?.unescape()?;
        let kept = KEPT.into_iter().find(|kept| kept.as_bytes() == &*key);
        self.member = match kept {
            Some(kept) => Key::Kept(kept),
            None if &*key == b"items" => Key::Items,
            None => Key::Other,
        };
        self.place = Place::Colon;
        Ok(taken.used)
    }

    fn value<E>(&mut self, text: &[u8]) -> Result<usize, FeedError<E>> {
        if self.member == Key::Items && !self.carry.active() {
            let (field, offset) = ("items", self.offset);
            if std::mem::replace(&mut self.saw_items, true) {
                return Err(ScanError::Repeated { field }.into());
            }
            match text[0] {
                b'[' => {
                    self.place = Place::FirstItem;
                    return Ok(1);
                }
                b'n' => {} // null: how Go writes a slice that was never made
                _ => {
                    let expected = "an array";
                    return Err(ScanError::WrongType {
                        field,
                        expected,
                        offset,
                    }
                    .into());
                }
            }
        }
        let Some(taken) = self.carry.take(text)? else {
            return Ok(text.len());
        };
        let (value, used) = (taken.bytes, taken.used);
        if !matches!(value[0], b'{' | b'[' | b'"') && !is_scalar(value) {
            let (offset, expected) = (self.offset + used - value.len(), "a JSON value");
            return Err(ScanError::Unexpected { expected, offset }.into());
        }
        if let Key::Kept(key) = self.member {
            let comma: &[u8] = if self.head.is_empty() { b"" } else { b"," };
            for part in [comma, b"\"", key.as_bytes(), b"\":", value] {
                self.head.extend_from_slice(part);
            }
            self.carry.admit(self.head.len())?;
        }
        self.place = Place::KeyOrEnd;
        Ok(used)
    }

    fn item<E>(
        &mut self,
        text: &[u8],
        on_item: &mut impl FnMut(RawObject<'_>) -> Result<(), E>,
    ) -> Result<usize, FeedError<E>> {
        if !self.carry.active() && text[0] != b'{' {
            return Err(self.unexpected(Place::Item).into());
        }
        if self.carry.is_worth_a_try(text) {
            match object_prefix(text) {
                Ok((item, used)) => {
                    self.carry.note(used)?;
                    on_item(item).map_err(FeedError::Consumer)?;
                    self.place = Place::ItemOrEnd;
                    return Ok(used);
                }
                Err(ScanError::Truncated { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let Some(taken) = self.carry.take(text)? else {
            return Ok(text.len());
        };
        let item = parse_object(taken.bytes)?;
        on_item(item).map_err(FeedError::Consumer)?;
        self.place = Place::ItemOrEnd;
        Ok(taken.used)
    }

    fn unexpected(&self, place: Place) -> ScanError {
        let offset = self.offset;
        let expected = match place {
            Place::Body => "an object",
            Place::FirstKey | Place::Key => "a key",
            Place::Colon => "a colon",
            Place::Value => "a JSON value",
            Place::KeyOrEnd => "a comma or the end of the object",
            Place::FirstItem | Place::Item => "an item",
            Place::ItemOrEnd => "a comma or the end of the array",
            Place::Nothing => return ScanError::Trailing { offset },
        };
        ScanError::Unexpected { expected, offset }
    }
}

fn list_meta(head: &[u8]) -> Result<ListMeta, ScanError> {
    let mut list = ListMeta::default();
    Cursor::new(head).members(|cursor, key| {
        match key {
            b"kind" => list.kind = cursor.owned_text("kind")?,
            b"apiVersion" => list.api_version = cursor.owned_text("apiVersion")?,
            b"metadata" => metadata(cursor, &mut list)?,
            _ => cursor.skip_value()?,
        }
        Ok(Member::Keep)
    })?;
    Ok(list)
}

fn metadata(cursor: &mut Cursor<'_>, list: &mut ListMeta) -> Result<(), ScanError> {
    const REMAINING: &str = "metadata.remainingItemCount";
    list.resource_version.clear();
    (list.continue_token, list.remaining_item_count) = (None, None);
    cursor.object("metadata", |cursor, key| {
        match key {
            b"resourceVersion" => {
                list.resource_version = cursor.owned_text("metadata.resourceVersion")?;
            }
            b"continue" => {
                let token = cursor.owned_text("metadata.continue")?;
                list.continue_token = Some(token).filter(|token| !token.is_empty());
            }
            b"remainingItemCount" => list.remaining_item_count = cursor.integer(REMAINING)?,
            _ => cursor.skip_value()?,
        }
        Ok(Member::Keep)
    })
}
