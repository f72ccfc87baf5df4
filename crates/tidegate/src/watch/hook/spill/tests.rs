//! The spill file through everything that can happen to it: kills at any byte, flipped bits, full
//! disks' worth of events, two processes.

use super::{Record, Recovery, Spill, SpillError, frame};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A folder of this test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("tidegate-spill-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("events.spill")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn record(number: u64) -> Record {
    let padding = "x".repeat(usize::try_from(number % 7).expect("small") * 11);
    Record {
        key: format!("key-{}", number % 3),
        id: format!("id-{number}"),
        body: format!("{{\"n\":{number},\"p\":\"{padding}\"}}").into_bytes(),
    }
}

fn open(path: &Path) -> (Spill, Recovery) {
    Spill::open(path, 1 << 20).expect("the spill file opens")
}

fn pending(recovery: &Recovery) -> Vec<u64> {
    recovery
        .pending
        .iter()
        .map(|(sequence, _)| *sequence)
        .collect()
}

#[test]
fn what_is_not_acknowledged_comes_back_in_order() {
    let folder = Folder::new("order");
    let (mut spill, recovery) = open(&folder.file());
    assert_eq!(recovery, Recovery::default());
    for number in 1..=6 {
        assert_eq!(spill.append(&record(number)).expect("appended"), number);
    }
    for done in [2, 5, 1] {
        spill.acknowledge(done).expect("acknowledged");
    }
    spill.acknowledge(99).expect("an unknown number is nothing");
    assert_eq!(spill.read(2).expect("read"), None);
    drop(spill); // as kill -9 would: no sync, no goodbye
    let (mut spill, recovery) = open(&folder.file());
    assert_eq!(pending(&recovery), [3, 4, 6]);
    assert_eq!(recovery.pending[0].1, "key-0");
    assert_eq!(spill.read(4).expect("read"), Some(record(4)));
    assert_eq!(
        spill.append(&record(7)).expect("appended"),
        7,
        "numbers go on"
    );
    for done in [3, 4, 6, 7] {
        spill.acknowledge(done).expect("acknowledged");
    }
    assert_eq!(
        fs::metadata(folder.file()).expect("there").len(),
        8,
        "an empty log is only its header"
    );
}

#[test]
fn a_kill_at_any_byte_loses_only_the_frame_being_written() {
    let folder = Folder::new("torn");
    let (mut spill, _) = open(&folder.file());
    let mut ends = vec![8];
    for number in 1..=5 {
        spill.append(&record(number)).expect("appended");
        ends.push(usize::try_from(spill.size).expect("small"));
    }
    drop(spill);
    let whole = fs::read(folder.file()).expect("read");
    for cut in 0..=whole.len() {
        fs::write(folder.file(), &whole[..cut]).expect("written");
        let (mut spill, recovery) = open(&folder.file());
        let complete = ends
            .iter()
            .filter(|end| **end <= cut)
            .count()
            .saturating_sub(1);
        assert_eq!(
            pending(&recovery),
            (1..=complete as u64).collect::<Vec<_>>(),
            "cut at {cut}"
        );
        assert_eq!(recovery.damaged_bytes, 0, "cut at {cut}");
        let next = spill.append(&record(9)).expect("appended");
        drop(spill);
        let (mut spill, recovery) = open(&folder.file());
        assert_eq!(
            recovery.torn_bytes, 0,
            "the end is clean again after a cut at {cut}"
        );
        assert_eq!(
            spill.read(next).expect("read"),
            Some(record(9)),
            "cut at {cut}"
        );
    }
}

#[test]
fn a_flipped_bit_costs_one_frame_and_is_kept_as_evidence() {
    let folder = Folder::new("flip");
    let (mut spill, _) = open(&folder.file());
    for number in 1..=4 {
        spill.append(&record(number)).expect("appended");
    }
    drop(spill);
    let whole = fs::read(folder.file()).expect("read");
    for at in 8..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(folder.file(), &bytes).expect("written");
        let (mut spill, recovery) = open(&folder.file());
        let found = pending(&recovery);
        assert_eq!(found.len(), 3, "flip at {at}: {found:?}");
        for sequence in found {
            assert_eq!(
                spill.read(sequence).expect("read"),
                Some(record(sequence)),
                "flip at {at}"
            );
        }
        assert!(
            recovery.damaged_bytes > 0 || recovery.torn_bytes > 0,
            "flip at {at} is told"
        );
        drop(spill);
        assert_eq!(
            open(&folder.file()).1.damaged_bytes,
            0,
            "the file is clean again"
        );
    }
    assert!(folder.0.join("events.spill.damaged").exists());
}

#[test]
fn any_bytes_can_be_scanned() {
    let mut state = 0x2545_f491_u32;
    for len in 0..300 {
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[0]
        })
        .take(len)
        .collect();
        let mut file = b"TGSPILL1".to_vec();
        file.extend_from_slice(&bytes);
        assert!(frame::scan(&file).events.is_empty());
    }
}

#[test]
fn the_limit_holds_but_one_event_always_fits() {
    let folder = Folder::new("limit");
    let (mut spill, _) = Spill::open(&folder.file(), 300).expect("opens");
    let big = Record {
        body: vec![b'x'; 1_000],
        ..record(1)
    };
    let first = spill.append(&big).expect("the first always fits");
    assert!(matches!(spill.append(&record(2)), Err(SpillError::Full)));
    spill.acknowledge(first).expect("acknowledged");
    let mut taken = 0;
    while spill.append(&record(0)).is_ok() {
        taken += 1;
    }
    assert!((2..20).contains(&taken), "{taken}");
    assert!(spill.live_bytes() <= 300);
    assert_eq!(spill.pending(), taken);
}

#[test]
fn acknowledged_bytes_are_reclaimed() {
    let folder = Folder::new("compact");
    let (mut spill, _) = Spill::open(&folder.file(), 64 << 20).expect("opens");
    let keep = spill.append(&record(1)).expect("appended");
    let big = Record {
        body: vec![b'y'; 100_000],
        ..record(2)
    };
    for _ in 0..100 {
        let sequence = spill.append(&big).expect("appended");
        spill.acknowledge(sequence).expect("acknowledged");
    }
    assert!(fs::metadata(folder.file()).expect("there").len() < 3 << 20);
    assert_eq!(spill.read(keep).expect("read"), Some(record(1)));
    drop(spill);
    assert_eq!(pending(&open(&folder.file()).1), [keep]);
}

#[test]
fn foreign_and_busy_files_are_left_alone() {
    let folder = Folder::new("foreign");
    fs::create_dir_all(&folder.0).expect("made");
    fs::write(folder.file(), "my thesis").expect("written");
    assert!(matches!(
        Spill::open(&folder.file(), 1),
        Err(SpillError::Foreign(_))
    ));
    assert_eq!(
        fs::read_to_string(folder.file()).expect("read"),
        "my thesis"
    );
    fs::remove_file(folder.file()).expect("removed");
    let (_spill, _) = open(&folder.file());
    assert!(matches!(
        Spill::open(&folder.file(), 1),
        Err(SpillError::InUse(_))
    ));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("mode");
    let (_spill, _) = open(&folder.file());
    assert_eq!(
        fs::metadata(folder.file())
            .expect("there")
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
}
