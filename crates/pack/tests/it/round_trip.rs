//! What goes in comes out: generated objects of each kind, and arbitrary bytes.

use proptest::{collection::vec, prelude::any, prop_assert_eq, proptest, sample::Index};
use tidegate_pack::{Mode, PackOptions, Packed, Packer};

use crate::corpus::{self, Object};

/// Packs all, then reads all: readers see many versions of homes and dictionaries.
fn check(objects: &[Object]) -> usize {
    let mut packer = Packer::new(Mode::Compressed, PackOptions::default());
    let packed: Vec<Packed> = objects
        .iter()
        .map(|object| packer.pack(&object.json, object.sibling))
        .collect();
    let mut buffer = vec![7; 100];
    for (value, object) in packed.iter().zip(objects) {
        assert_eq!(value.raw_len(), object.json.len());
        assert!(value.unpack().expect("readable") == object.json);
        value.unpack_into(&mut buffer).expect("readable");
        assert!(buffer == object.json);
    }
    packed.iter().map(Packed::stored_len).sum::<usize>() / objects.len()
}

#[test]
fn pods() {
    assert!(check(&corpus::pods(1, 3000)) < 450);
}

#[test]
fn deployments() {
    check(&corpus::deployments(2, 1500));
}

#[test]
fn endpoint_slices() {
    check(&corpus::endpoint_slices(3, 1500));
}

#[test]
fn secrets() {
    check(&corpus::secrets(4, 1500));
}

#[test]
fn bodies_of_every_length() {
    let mut packer = Packer::new(Mode::Compressed, PackOptions::default());
    let huge: Vec<u8> = (0..10_000_000_u32)
        .map(|i| (i / 7 % 251).to_le_bytes()[0])
        .collect();
    for len in (0..300).chain([4_096, 131_072, 131_073, 10_000_000]) {
        for sibling in [None, Some(1), Some(1)] {
            let packed = packer.pack(&huge[..len], sibling);
            assert!(packed.unpack().expect("readable") == huge[..len]);
            assert_eq!(packed.raw_len(), len);
        }
    }
}

#[test]
fn plain_mode_keeps_the_exact_bytes() {
    let mut packer = Packer::new(Mode::Plain, PackOptions::default());
    let packed = packer.pack(&[b'a'; 1000], Some(1));
    assert_eq!(packed.stored_len(), 1000);
    assert_eq!(packed.unpack().expect("readable"), vec![b'a'; 1000]);
}

proptest! {
    #[test]
    fn arbitrary_bytes(bodies in vec(vec(any::<u8>(), 0..400), 1..8)) {
        let mut packer = Packer::new(Mode::Compressed, PackOptions::default());
        for body in bodies {
            prop_assert_eq!(packer.pack(&body, Some(1)).unpack().expect("readable"), body);
        }
    }

    /// Texts that share most of a base and differ in what the alphabet makes tokens or structure.
    #[test]
    fn edited_texts(
        base in "([a-f0-9]{1,9}[\":,{}T.-]{1,3}|2026-01-02T03:04:05Z|\"name\":\"x\"){20,60}",
        edits in vec((any::<Index>(), 0..30_usize, "[\"a-f0-9A-Z:,é{}-]{0,20}"), 0..40),
    ) {
        let mut options = PackOptions::default();
        options.min_body_bytes = 0;
        let mut packer = Packer::new(Mode::Compressed, options);
        let mut kept = vec![(packer.pack(base.as_bytes(), Some(1)), base.clone().into_bytes())];
        let mut text = base.into_bytes();
        for (at, removed, inserted) in edits {
            let at = at.index(text.len() + 1);
            text.splice(at..(at + removed).min(text.len()), inserted.bytes());
            kept.push((packer.pack(&text, Some(1)), text.clone()));
        }
        for (packed, text) in kept {
            prop_assert_eq!(packed.unpack().expect("readable"), text);
        }
    }
}
