//! Bytes that were seen once, so that they are known again.

use serde::{Deserialize, Serialize};
use std::io::{self, Read};

const BUFFER: usize = 1 << 16;

/// How many bytes there were, and their CRC-32C (Castagnoli): other bytes are told by chance once in 2^32.
#[derive(Serialize, Deserialize, Clone, Copy, Default, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    pub bytes: u64,
    pub crc32c: u32,
}

impl Seen {
    pub fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.crc32c = crc32c::crc32c_append(self.crc32c, bytes);
    }

    /// The first bytes of a file, as many as there are.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn of(file: &mut impl Read, bytes: u64) -> io::Result<Seen> {
        let mut found = Seen::default();
        let mut from = file.take(bytes);
        let mut buffer = vec![0; BUFFER];
        loop {
            match from.read(&mut buffer)? {
                0 => return Ok(found),
                read => found.add(&buffer[..read]),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_known_however_they_come() {
        let mut found = Seen::default();
        found.add(b"1234");
        found.add(b"56789");
        // The check value of the catalogue of CRCs (reveng.sourceforge.io) for CRC-32/ISCSI.
        assert_eq!((found.bytes, found.crc32c), (9, 0xe306_9283));
        let text = b"123456789 and more";
        assert_eq!(Seen::of(&mut text.as_slice(), 9).unwrap(), found);
        assert_eq!(Seen::of(&mut text.as_slice(), 99).unwrap().bytes, 18);
    }
}
