//! What bigtools reads of a bigWig, looked at first: it panics on blocks that do not hold what they
//! promise, and takes every length on trust.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use bigtools::{BBIFileInfo, BBIFileRead, Block};
use byteordered::Endianness;
use libdeflater::Decompressor;
use smallvec::SmallVec;

use crate::io::foreign::describe;

const BIGWIG: [u8; 4] = [0x26, 0xfc, 0x8f, 0x88];
/// Bytes that are looked at first: the file's header (64 bytes), and what tells another format.
pub const START: u64 = 4096;
/// Where the header has the size of an unpacked block.
const UNPACKED: usize = 52;
/// Where the index of the values is, 8 bytes; 0 where there is none.
const INDEX: usize = 24;
/// A section's header: chromosome, start, end, step, span (4 bytes each), kind, reserved, count (2).
const SECTION: usize = 24;
/// More than any chromosome's name has.
const LONGEST_NAME: u64 = 4096;
/// More than any writer puts into a block.
const LARGEST_BLOCK: usize = 1 << 28;

/// Checks the first bytes of a file; the size of an unpacked block, 0 where none is packed.
pub fn header(start: &[u8]) -> Result<usize, String> {
    let magic = start.get(..4).unwrap_or(start);
    let swapped: Vec<u8> = magic.iter().rev().copied().collect();
    if magic != BIGWIG && swapped != BIGWIG {
        return Err(format!("{}; expected a bigWig", describe(start)));
    }
    let Some(&[a, b, c, d]) = start.get(UNPACKED..UNPACKED + 4) else {
        return Err("truncated bigWig file: it ends in its header".to_string());
    };
    let little = magic == BIGWIG;
    let size = if little {
        u32::from_le_bytes([a, b, c, d])
    } else {
        u32::from_be_bytes([a, b, c, d])
    };
    if start[INDEX..INDEX + 8] == [0; 8] {
        return Err(
            "a bigWig header without any values: its writer listed chromosomes and ended; make the track again"
                .to_string(),
        );
    }
    match size as usize {
        size if size <= LARGEST_BLOCK => Ok(size),
        size => Err(format!("corrupt bigWig file: blocks of {size} bytes")),
    }
}

/// Walks the list of chromosomes, a tree of nodes: its lengths must be sound.
pub fn chromosome_tree(path: &Path, start: &[u8]) -> io::Result<()> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Bytes {
        file: BufReader::new(file),
        little: start.starts_with(&BIGWIG),
    };
    let mut head = start.get(8..16).unwrap_or_default();
    let root = bytes.number(&mut head, 8)?;
    bytes.file.seek(SeekFrom::Start(root))?;
    let mut head = [0; 32];
    bytes.file.read_exact(&mut head)?;
    let (mut key, mut value, mut count) = (&head[8..12], &head[12..16], &head[16..24]);
    let key = bytes.number(&mut key, 4)?;
    let value = bytes.number(&mut value, 4)?;
    let count = bytes.number(&mut count, 8)?;
    if key == 0 || key > LONGEST_NAME || value != 8 || count > length / 9 {
        return Err(corrupt("its list of chromosomes is broken".to_string()));
    }
    // As deep as it is with two children a node.
    bytes.node(root + 32, key + 8, &mut (2 * count + 1), 32)
}

struct Bytes {
    file: BufReader<File>,
    little: bool,
}

impl Bytes {
    /// A number of so many bytes, 8 at most, from the front of `bytes`.
    fn number(&self, bytes: &mut &[u8], width: usize) -> io::Result<u64> {
        let mut number = [0; 8];
        let place = if self.little { 0 } else { 8 - width };
        bytes.read_exact(&mut number[place..place + width])?;
        Ok(if self.little {
            u64::from_le_bytes(number)
        } else {
            u64::from_be_bytes(number)
        })
    }

    fn node(&mut self, place: u64, item: u64, left: &mut u64, depth: u32) -> io::Result<()> {
        let broken = || corrupt("its list of chromosomes is broken".to_string());
        *left = left
            .checked_sub(1)
            .filter(|_| depth > 0)
            .ok_or_else(broken)?;
        self.file.seek(SeekFrom::Start(place))?;
        let mut head = [0; 4];
        self.file.read_exact(&mut head)?;
        if head[0] == 1 {
            return Ok(());
        }
        let count = self.number(&mut &head[2..], 2)?;
        let mut items = vec![0; (count * item) as usize];
        self.file.read_exact(&mut items)?;
        for mut item in items
            .chunks(item as usize)
            .map(|item| &item[item.len() - 8..])
        {
            let child = self.number(&mut item, 8)?;
            self.node(child, items.len() as u64 / count, left, depth - 1)?;
        }
        Ok(())
    }
}

/// A file that tells bigtools that its blocks are not packed, and unpacks them itself.
pub struct Checked {
    file: Masked,
    unpacked: usize,
    decompressor: Decompressor,
    nodes: Budget,
    /// The last block that was unpacked, by its end in the file and its size: questions about one stretch after the other often end and begin in
    /// the same one.
    last: Option<(u64, u64, Vec<u8>)>,
}

/// How many nodes of the index a search may still visit: a sound one has fewer.
#[derive(Clone, Debug)]
pub struct Budget {
    whole: u64,
    left: Rc<Cell<u64>>,
}

impl Budget {
    fn of(bytes: u64) -> Budget {
        let whole = bytes / 4;
        Budget {
            whole,
            left: Rc::new(Cell::new(whole)),
        }
    }

    /// For the next search.
    pub fn renew(&self) {
        self.left.set(self.whole);
    }

    /// Takes one; false where none is left.
    fn take(&self) -> bool {
        let left = self.left.get().checked_sub(1);
        left.inspect(|&left| self.left.set(left)).is_some()
    }
}

impl Checked {
    pub fn open(path: &Path, unpacked: usize) -> io::Result<Checked> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Checked {
            file: Masked {
                file: BufReader::new(file),
                place: 0,
                length,
            },
            unpacked,
            decompressor: Decompressor::new(),
            nodes: Budget::of(length),
            last: None,
        })
    }

    /// Shared with it.
    pub fn budget(&self) -> Budget {
        self.nodes.clone()
    }
}

impl BBIFileRead for Checked {
    type Reader = Masked;

    fn get_block_data(&mut self, info: &BBIFileInfo, block: &Block) -> io::Result<Vec<u8>> {
        if block.size() > self.file.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let packed = self.file.get_block_data(info, block)?;
        let end = self.file.place;
        if let Some((last, size, data)) = &self.last
            && (*last, *size) == (end, block.size())
        {
            return Ok(data.clone());
        }
        let data = if self.unpacked == 0 {
            packed
        } else {
            let mut data = vec![0; self.unpacked];
            let length = self.decompressor.zlib_decompress(&packed, &mut data);
            let length = length.map_err(|e| corrupt(format!("a block does not unpack ({e})")))?;
            data.truncate(length);
            data
        };
        section(&data, info.header.endianness)?;
        self.last = Some((end, block.size(), data.clone()));
        Ok(data)
    }

    fn blocks_for_cir_tree_node(
        &mut self,
        endianness: Endianness,
        node: u64,
        chromosome: u32,
        start: u32,
        end: u32,
    ) -> io::Result<(SmallVec<[u64; 4]>, SmallVec<[Block; 4]>)> {
        let mut leaf = [0];
        self.file.seek(SeekFrom::Start(node))?;
        self.file.read_exact(&mut leaf)?;
        if leaf[0] > 1 || !self.nodes.take() {
            return Err(corrupt("its index is broken".to_string()));
        }
        self.file
            .blocks_for_cir_tree_node(endianness, node, chromosome, start, end)
    }

    fn raw_reader(&mut self) -> &mut Masked {
        &mut self.file
    }
}

fn corrupt(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// A block must hold as many items as its header says, none past base 2^32 − 1.
fn section(data: &[u8], endianness: Endianness) -> io::Result<()> {
    let word = |at: usize| -> u32 {
        let bytes = data.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        let bytes: [u8; 4] = bytes.unwrap_or_default();
        match endianness {
            Endianness::Little => u32::from_le_bytes(bytes),
            Endianness::Big => u32::from_be_bytes(bytes),
        }
    };
    if data.len() < SECTION {
        return Err(corrupt(format!("a block of {} bytes", data.len())));
    }
    let (start, step, span, kind) = (word(4), word(12), word(16), data[20]);
    let count = match endianness {
        Endianness::Little => u16::from_le_bytes([data[22], data[23]]),
        Endianness::Big => u16::from_be_bytes([data[22], data[23]]),
    };
    let count = usize::from(count);
    let (size, last) = match kind {
        1 => (12, 0),
        2 => {
            let starts = (0..count).map(|i| word(SECTION + 8 * i));
            (8, u64::from(starts.max().unwrap_or(0)) + u64::from(span))
        }
        // bigtools adds the step once more after the last item.
        3 => (
            4,
            u64::from(start) + count as u64 * u64::from(step) + u64::from(span),
        ),
        kind => return Err(corrupt(format!("a block of unknown kind {kind}"))),
    };
    if (data.len() - SECTION) / size < count {
        let bytes = data.len();
        return Err(corrupt(format!(
            "a block of {count} values in {bytes} bytes"
        )));
    }
    if last > u64::from(u32::MAX) {
        return Err(corrupt("a value past base 2^32 - 1".to_string()));
    }
    Ok(())
}

/// The file's bytes, but for 0 as the size of an unpacked block.
pub struct Masked {
    file: BufReader<File>,
    place: u64,
    length: u64,
}

impl Read for Masked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let masked = UNPACKED as u64..UNPACKED as u64 + 4;
        if self.place < masked.end {
            for (byte, place) in buffer[..count].iter_mut().zip(self.place..) {
                if masked.contains(&place) {
                    *byte = 0;
                }
            }
        }
        self.place += count as u64;
        Ok(count)
    }
}

impl Seek for Masked {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // Within what is buffered already where it can.
        self.place = match to {
            SeekFrom::Start(to) => match i64::try_from(to).ok().zip(i64::try_from(self.place).ok())
            {
                Some((to, place)) => {
                    self.file.seek_relative(to - place)?;
                    to as u64
                }
                None => self.file.seek(SeekFrom::Start(to))?,
            },
            other => self.file.seek(other)?,
        };
        Ok(self.place)
    }
}
