//! Header fields in one flat store that is used again and again: no allocation per field, none per message.
//!
//! Names keep the case they came in and compare without it. Order is kept. What is removed stays in the text until the
//! store is cleared.

mod known;
mod parse;

pub use self::known::KnownName;
pub(crate) use self::{known::KnownSet, parse::parse};
use crate::chars;

/// Fields of one head or trailer.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    text: Vec<u8>,
    list: Vec<Entry>,
    present: KnownSet,
}

/// One field, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// In the case it came in.
    pub name: &'a [u8],
    /// Without whitespace at its ends.
    pub value: &'a [u8],
    pub known: Option<KnownName>,
}

/// The name isn't a token, or the value has control characters: nothing was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid field")]
pub struct InvalidField;

#[derive(Clone, Copy, Debug)]
struct Entry {
    name: Span,
    value: Span,
    known: Option<KnownName>,
    /// Whether the text has the line as it is to be sent: `name: value` and CR LF.
    whole: bool,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    at: u32,
    len: u32,
}

impl Span {
    fn new(start: usize, end: usize) -> Self {
        let at = u32::try_from(start).unwrap_or(u32::MAX);
        let end = u32::try_from(end).unwrap_or(u32::MAX);
        Self {
            at,
            len: end.saturating_sub(at),
        }
    }

    fn of(self, text: &[u8]) -> &[u8] {
        let at = self.at as usize;
        // Always inside: a store beyond 4 GiB is out of every limit.
        text.get(at..at + self.len as usize).unwrap_or_default()
    }
}

impl Fields {
    /// An empty store. Allocates nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all fields and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.list.clear();
        self.present = KnownSet::default();
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All fields in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Field<'_>> + DoubleEndedIterator + Clone {
        self.list.iter().map(|entry| self.field(*entry))
    }

    /// The first value.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// All values in order.
    pub fn get_all<'a, 'n>(
        &'a self,
        name: &'n str,
    ) -> impl DoubleEndedIterator<Item = &'a [u8]> + use<'a, 'n> {
        let known = KnownName::of(name.as_bytes());
        let any = known.is_none_or(|known| self.has(known));
        let list = if any { &self.list[..] } else { &[] };
        list.iter()
            .filter(move |entry| match known {
                Some(_) => entry.known == known,
                None => {
                    entry.known.is_none()
                        && entry.name.len as usize == name.len()
                        && entry
                            .name
                            .of(&self.text)
                            .eq_ignore_ascii_case(name.as_bytes())
                }
            })
            .map(|entry| entry.value.of(&self.text))
    }

    /// Whether there is one. Costs one comparison.
    pub fn has(&self, name: KnownName) -> bool {
        self.present.has(name)
    }

    pub(crate) fn has_any(&self, names: KnownSet) -> bool {
        self.present.meets(names)
    }

    /// The first value.
    pub fn known(&self, name: KnownName) -> Option<&[u8]> {
        self.all_known(name).next()
    }

    /// All values in order.
    pub fn all_known(&self, name: KnownName) -> impl DoubleEndedIterator<Item = &[u8]> {
        let list = if self.has(name) { &self.list[..] } else { &[] };
        list.iter()
            .filter(move |entry| entry.known == Some(name))
            .map(|entry| entry.value.of(&self.text))
    }

    /// Adds a field at the end. Whitespace at the value's ends is dropped.
    ///
    /// # Errors
    /// The name isn't a token, or the value has control characters.
    pub fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), InvalidField> {
        if !chars::is_token(name) {
            return Err(InvalidField);
        }
        self.push_checked(name, KnownName::of(name), value)
    }

    /// Adds a field at the end, its name in lower case.
    ///
    /// # Errors
    /// The value has control characters.
    pub fn push_known(&mut self, name: KnownName, value: &[u8]) -> Result<(), InvalidField> {
        self.push_checked(name.as_str().as_bytes(), Some(name), value)
    }

    /// Replaces all fields of this name by one. It stands where the first stood, else at the end.
    ///
    /// # Errors
    /// The name isn't a token, or the value has control characters: nothing was changed.
    pub fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), InvalidField> {
        let same = |field: Field<'_>| field.name.eq_ignore_ascii_case(name);
        let Some(place) = self.iter().position(same) else {
            return self.push(name, value);
        };
        self.push(name, value)?;
        let new = self.list.pop().ok_or(InvalidField)?;
        let text = &self.text;
        let mut index = 0;
        self.list.retain(|entry| {
            index += 1;
            index <= place + 1 || !entry.name.of(text).eq_ignore_ascii_case(name)
        });
        self.list[place] = new;
        Ok(())
    }

    /// Removes all fields of this name; says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let known = KnownName::of(name.as_bytes());
        if known.is_some_and(|known| !self.has(known)) {
            return false;
        }
        let before = self.list.len();
        self.retain(|field| !field.name.eq_ignore_ascii_case(name.as_bytes()));
        before != self.list.len()
    }

    /// Keeps only the fields that `keep` wants.
    pub fn retain(&mut self, mut keep: impl FnMut(Field<'_>) -> bool) {
        let (text, present) = (&self.text, &mut self.present);
        *present = KnownSet::default();
        self.list.retain(|entry| {
            let kept = keep(entry.field(text));
            if let Some(known) = entry.known.filter(|_| kept) {
                present.insert(known);
            }
            kept
        });
    }

    /// The text is copied as a whole; spans into it are added by [`Self::add`].
    fn load(&mut self, text: &[u8]) {
        self.clear();
        self.text.extend_from_slice(text);
    }

    /// Appends the lines of all fields but some. Lines that stand in the text one after the other are copied at once.
    pub(crate) fn write(&self, without: KnownSet, out: &mut Vec<u8>) {
        let mut run = Span::new(0, 0);
        for entry in &self.list {
            if entry.known.is_some_and(|known| without.has(known)) {
                continue;
            }
            if entry.whole && entry.name.at == run.at + run.len {
                run.len += entry.line().len;
                continue;
            }
            out.extend_from_slice(run.of(&self.text));
            run = entry.line();
            if !entry.whole {
                write_line(entry.field(&self.text), out);
                run.len = 0;
            }
        }
        out.extend_from_slice(run.of(&self.text));
    }

    /// Adds a field whose name and value stand in the text already, and are checked.
    fn add(&mut self, entry: Entry) {
        if let Some(known) = entry.known {
            self.present.insert(known);
        }
        self.list.push(entry);
    }

    fn push_checked(
        &mut self,
        name: &[u8],
        known: Option<KnownName>,
        value: &[u8],
    ) -> Result<(), InvalidField> {
        let value = chars::trim(value);
        let start = self.text.len();
        let name_end = start + name.len();
        let value_end = name_end + 2 + value.len();
        if !chars::is_field_content(value) || u32::try_from(value_end + 2).is_err() {
            return Err(InvalidField);
        }
        let field = Field { name, value, known };
        write_line(field, &mut self.text);
        self.add(Entry {
            name: Span::new(start, name_end),
            value: Span::new(name_end + 2, value_end),
            known,
            whole: true,
        });
        Ok(())
    }

    fn field(&self, entry: Entry) -> Field<'_> {
        entry.field(&self.text)
    }
}

pub(crate) fn write_line(field: Field<'_>, out: &mut Vec<u8>) {
    out.reserve(field.name.len() + field.value.len() + 4);
    out.extend_from_slice(field.name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(field.value);
    out.extend_from_slice(b"\r\n");
}

impl Entry {
    /// Where its line is in the text, if it is whole.
    fn line(self) -> Span {
        let end = self.value.at + self.value.len + 2;
        Span {
            at: self.name.at,
            len: end - self.name.at,
        }
    }

    fn field(self, text: &[u8]) -> Field<'_> {
        Field {
            name: self.name.of(text),
            value: self.value.of(text),
            known: self.known,
        }
    }
}

/// Same names, but for case, and same values in the same order.
impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().zip(other.iter()).all(|(own, other)| {
                own.name.eq_ignore_ascii_case(other.name) && own.value == other.value
            })
    }
}

impl Eq for Fields {}
