//! A chromosome's values in blocks, each packed by itself in the shortest of eight ways.

use half::f16;

use super::Storage;

/// Bases a block.
pub const BLOCK: u32 = 1 << 13;
/// A run of this many bases or more is written as this byte and two more.
const LONG: u8 = u8::MAX;

/// How a block's values are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    /// One byte each, into a table of at most 256.
    Byte,
    /// Two bytes each, into a table.
    Pair,
    /// Two bytes each: the values themselves, where f16 has them all.
    Half,
    /// Four bytes each: the values themselves.
    Whole,
}

const KINDS: [Values; 4] = [Values::Byte, Values::Pair, Values::Half, Values::Whole];

impl Values {
    /// Bytes of a value.
    fn width(self) -> usize {
        match self {
            Values::Byte => 1,
            Values::Pair | Values::Half => 2,
            Values::Whole => 4,
        }
    }

    /// Whether values are places in a table.
    fn table(self) -> bool {
        matches!(self, Values::Byte | Values::Pair)
    }
}

/// Blocks one after another, [`BLOCK`] bases each, the last one maybe fewer.
///
/// A block without data is empty. Else its first byte says how it is written: 2 x kind + 1 when
/// each value has a length before it (a run), 2 x kind when each is one base. Then come the number
/// of values and, where there is a table, that of the table's (2 bytes each), the table, the lengths,
/// the values.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    bytes: Vec<u8>,
    /// Where each block ends.
    ends: Vec<u64>,
    /// Bases in all.
    length: u32,
}

impl Blocks {
    /// Puts more bases behind those that there are: a whole number of blocks.
    pub fn append(&mut self, other: Blocks) {
        let before = self.bytes.len() as u64;
        if self.bytes.is_empty() {
            self.bytes = other.bytes;
        } else {
            self.bytes.reserve_exact(other.bytes.len());
            self.bytes.extend_from_slice(&other.bytes);
        }
        self.ends.extend(other.ends.iter().map(|end| end + before));
        self.length += other.length;
    }

    /// In memory.
    pub fn bytes(&self) -> usize {
        self.bytes.capacity() + size_of::<u64>() * self.ends.capacity()
    }

    /// The values from base `start` on; 0 where there are none.
    pub fn values(&self, start: i64, out: &mut [f32]) {
        out.fill(0.0);
        let end = start.saturating_add(out.len() as i64);
        let (from, to) = (start.max(0), end.min(i64::from(self.length)));
        if from >= to {
            return;
        }
        let size = i64::from(BLOCK);
        for block in from / size..=(to - 1) / size {
            let first = block * size;
            let inside = from.max(first)..to.min(first + size);
            let part = &mut out[(inside.start - start) as usize..(inside.end - start) as usize];
            let begin = (block as usize)
                .checked_sub(1)
                .map_or(0, |before| self.ends[before]);
            let bytes = &self.bytes[begin as usize..self.ends[block as usize] as usize];
            read_block(bytes, (inside.start - first) as usize, part);
        }
    }
}

/// The values from base `skip` of a block on. The bytes are those that [`Writer`] made.
fn read_block(bytes: &[u8], skip: usize, out: &mut [f32]) {
    let Some((&head, bytes)) = bytes.split_first() else {
        return;
    };
    let (kind, runs) = (KINDS[usize::from(head / 2)], head % 2 == 1);
    let short = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let whole =
        |at: usize| f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let count = short(0);
    let (table, mut lengths) = match kind.table() {
        false => (0, 2),
        true => (4, 4 + 4 * short(2)),
    };
    let values = bytes.len() - count * kind.width();
    let value = |i: usize| match kind {
        Values::Byte => whole(table + 4 * usize::from(bytes[values + i])),
        Values::Pair => whole(table + 4 * short(values + 2 * i)),
        Values::Half => {
            let at = values + 2 * i;
            f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
        }
        Values::Whole => whole(values + 4 * i),
    };
    if !runs {
        for (i, slot) in (skip..count).zip(out) {
            *slot = value(i);
        }
        return;
    }
    let (mut at, end) = (0, skip + out.len());
    for i in 0..count {
        let length = match bytes[lengths] {
            LONG => {
                lengths += 3;
                short(lengths - 2)
            }
            length => {
                lengths += 1;
                usize::from(length)
            }
        };
        let (from, to) = (at.max(skip), (at + length).min(end));
        if from < to {
            let value = value(i);
            if value != 0.0 {
                out[from - skip..to - skip].fill(value);
            }
        }
        at += length;
        if at >= end {
            break;
        }
    }
}

/// Makes blocks of runs that come in order.
pub struct Writer {
    blocks: Blocks,
    storage: Storage,
    /// The first base of the block at work and one past the last of all.
    block: u32,
    end: u32,
    /// The block's values so far: number of bases, value.
    runs: Vec<(u32, f32)>,
    /// One past the last base in `runs`.
    at: u32,
    table: Vec<f32>,
}

impl Writer {
    /// For the bases `start..end`; `start` is where a block begins.
    pub fn new(start: u32, end: u32, storage: Storage) -> Writer {
        let blocks = Blocks {
            length: end - start,
            ..Blocks::default()
        };
        Writer {
            blocks,
            storage,
            block: start,
            end,
            runs: Vec::new(),
            at: start,
            table: Vec::new(),
        }
    }

    /// Takes a run, within the bases it was made for and after those before it; the value that is
    /// kept of it.
    pub fn run(&mut self, start: u32, end: u32, value: f32) -> f64 {
        let value = match self.storage {
            Storage::F32 => value,
            // The largest finite number in place of infinity.
            Storage::F16 => f16::from_f32(value).clamp(f16::MIN, f16::MAX).to_f32(),
        };
        if self.at < start {
            self.push(start, 0.0);
        }
        self.push(end, value);
        f64::from(value)
    }

    /// The value up to `end`, cut at the ends of blocks.
    fn push(&mut self, end: u32, value: f32) {
        while self.at < end {
            let stop = u64::from(self.block) + u64::from(BLOCK);
            let to = u64::from(end).min(stop) as u32;
            match self.runs.last_mut() {
                Some((length, last)) if *last == value => *length += to - self.at,
                _ => self.runs.push((to - self.at, value)),
            }
            self.at = to;
            if u64::from(to) == stop {
                self.close();
            }
        }
    }

    /// All blocks, up to the last base.
    pub fn finish(mut self) -> Blocks {
        self.push(self.end, 0.0);
        if !self.runs.is_empty() {
            self.close();
        }
        self.blocks.bytes.shrink_to_fit();
        self.blocks.ends.shrink_to_fit();
        self.blocks
    }

    fn close(&mut self) {
        if self.runs.iter().any(|(_, value)| *value != 0.0) {
            self.write();
        }
        self.blocks.ends.push(self.blocks.bytes.len() as u64);
        self.block = self.at;
        self.runs.clear();
    }

    fn write(&mut self) {
        self.table.clear();
        self.table.extend(self.runs.iter().map(|(_, value)| *value));
        self.table.sort_unstable_by(f32::total_cmp);
        self.table.dedup();
        let bases: usize = self.runs.iter().map(|(length, _)| *length as usize).sum();
        let lengths: usize = self
            .runs
            .iter()
            .map(|(length, _)| length_bytes(*length))
            .sum();
        let size = |kind: Values, runs: bool| {
            let table = if kind.table() {
                4 * self.table.len()
            } else {
                0
            };
            let count = if runs { self.runs.len() } else { bases };
            table + count * kind.width() + if runs { lengths } else { 0 }
        };
        let halves = self
            .table
            .iter()
            .all(|&value| f16::from_f32(value).to_f32() == value);
        let fits = |kind: Values| match kind {
            Values::Byte => self.table.len() <= 256,
            Values::Half => halves,
            Values::Pair | Values::Whole => true,
        };
        let ways = (0..8).map(|head: u8| (head, KINDS[usize::from(head / 2)], head % 2 == 1));
        let best = ways
            .filter(|(_, kind, _)| fits(*kind))
            .min_by_key(|(_, kind, runs)| size(*kind, *runs));
        let Some((head, kind, runs)) = best else {
            return;
        };
        let out = &mut self.blocks.bytes;
        out.push(head);
        let count = if runs { self.runs.len() } else { bases };
        out.extend((count as u16).to_le_bytes());
        if kind.table() {
            out.extend((self.table.len() as u16).to_le_bytes());
            out.extend(self.table.iter().flat_map(|value| value.to_le_bytes()));
        }
        if runs {
            for (length, _) in &self.runs {
                match u8::try_from(*length) {
                    Ok(short) if short < LONG => out.push(short),
                    _ => {
                        out.push(LONG);
                        out.extend((*length as u16).to_le_bytes());
                    }
                }
            }
        }
        for (length, value) in &self.runs {
            let place = self
                .table
                .partition_point(|known| known.total_cmp(value).is_lt());
            for _ in 0..if runs { 1 } else { *length } {
                match kind {
                    Values::Byte => out.push(place as u8),
                    Values::Pair => out.extend((place as u16).to_le_bytes()),
                    Values::Half => out.extend(f16::from_f32(*value).to_le_bytes()),
                    Values::Whole => out.extend(value.to_le_bytes()),
                }
            }
        }
    }
}

fn length_bytes(length: u32) -> usize {
    if length < u32::from(LONG) { 1 } else { 3 }
}
