//! Whether a file ends where its last section ends: a file that is still being written does not.

use std::io;

/// The preamble: magic, version, layer.
const PREAMBLE: usize = 8;

/// The first bytes of every module and component.
const MAGIC: [u8; 4] = *b"\0asm";

/// A length takes at most this many bytes.
const LONGEST_LENGTH: u8 = 5;

/// More sections than this are not counted: what is read is taken as whole, and judged by who loads it.
const MOST_SECTIONS: usize = 100_000;

/// Whether a file of this size, read with `read_at`, lacks an end. Only headers are read.
///
/// What is not WebAssembly at all is not truncated either: it will not become right by waiting. Zeros are what a file
/// has where space was reserved and nothing written yet.
pub(super) fn truncated(
    size: u64,
    mut read_at: impl FnMut(u64, &mut [u8]) -> io::Result<usize>,
) -> io::Result<bool> {
    let mut preamble = [0; PREAMBLE];
    let read = read_at(0, &mut preamble)?;
    let preamble = &preamble[..read];
    if preamble.iter().all(|byte| *byte == 0) {
        return Ok(true);
    }
    if preamble.iter().zip(MAGIC).any(|(byte, expected)| *byte != expected) {
        return Ok(false);
    }
    // Without any section it would be whole, and of no use: its writer has not come further yet.
    if size <= PREAMBLE as u64 || read < PREAMBLE {
        return Ok(true);
    }
    let mut at = PREAMBLE as u64;
    for _ in 0..MOST_SECTIONS {
        if at == size {
            return Ok(false);
        }
        let mut header = [0; 1 + LONGEST_LENGTH as usize];
        let read = read_at(at, &mut header)?;
        match length(&header[..read]) {
            Length::Is { bytes, .. } if header[0] == 0 && bytes == 0 => return Ok(true),
            Length::Is { bytes, header } => at += header + bytes,
            Length::Cut => return Ok(true),
            Length::Malformed => return Ok(false),
        }
        if at > size {
            return Ok(true);
        }
    }
    Ok(false)
}

enum Length {
    Is { bytes: u64, header: u64 },
    Cut,
    Malformed,
}

/// The length in a section's header: after its kind, seven bits a byte, the least significant first.
fn length(header: &[u8]) -> Length {
    let mut bytes = 0_u64;
    for (index, byte) in (0_u8..).zip(header.iter().skip(1)) {
        bytes |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Length::Is { bytes, header: u64::from(index) + 2 };
        }
        if index + 1 == LONGEST_LENGTH {
            return Length::Malformed;
        }
    }
    Length::Cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_truncated(bytes: &[u8]) -> bool {
        let size = bytes.len() as u64;
        let read_at = |at: u64, into: &mut [u8]| {
            let at = usize::try_from(at).expect("small").min(bytes.len());
            let read = into.len().min(bytes.len() - at);
            into[..read].copy_from_slice(&bytes[at..at + read]);
            Ok(read)
        };
        truncated(size, read_at).expect("read")
    }

    /// A component with a custom section of 300 bytes and one of 3.
    fn whole() -> Vec<u8> {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        bytes.extend([0, 0xac, 0x02]);
        bytes.extend([1; 300]);
        bytes.extend([0, 3, 2, b'a', b'b']);
        bytes
    }

    #[test]
    fn only_a_file_that_ends_with_a_section_is_whole() {
        let whole = whole();
        let ends = [311, 316];
        assert_eq!(whole.len(), 316);
        for size in 0..=whole.len() {
            assert_eq!(is_truncated(&whole[..size]), !ends.contains(&size), "{size} bytes");
        }
    }

    #[test]
    fn a_file_that_only_has_room_is_not_whole() {
        let mut reserved = whole();
        reserved.extend([0; 64]);
        assert!(is_truncated(&reserved));
        assert!(is_truncated(&[0; 4096]));
    }

    #[test]
    fn what_is_no_webassembly_is_not_waited_for() {
        for bytes in [b"hello, world".as_slice(), b"#!/bin/sh", b"\0elf"] {
            assert!(!is_truncated(bytes), "{bytes:?}");
        }
        let mut malformed = whole();
        malformed.extend([11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        assert!(!is_truncated(&malformed));
    }

    #[test]
    fn a_file_of_very_many_sections_is_not_counted_to_its_end() {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        bytes.extend([0, 1, 0].repeat(MOST_SECTIONS));
        bytes.extend([0, 9]);
        assert!(!is_truncated(&bytes));
        bytes.drain(8..11);
        assert!(is_truncated(&bytes));
    }
}
