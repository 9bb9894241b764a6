//! One arena a thread: places planned from liveness, lent out as disjoint slices.

use smallvec::SmallVec;
use std::ops::Range;

/// A buffer that must exist from time `start` to `end` (both included).
#[derive(Clone, Copy, Debug)]
pub struct Block {
    pub start: usize,
    pub end: usize,
    pub len: usize,
}

/// Offsets are multiples of this many elements: a cache line of f32.
const ALIGN: usize = 16;

/// First fit: every block gets the lowest offset that no block alive at the same time holds.
/// Returns the offsets and the arena's length.
pub fn plan(blocks: &[Block]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|&i| (blocks[i].start, std::cmp::Reverse(blocks[i].len), i));
    let mut offsets = vec![0; blocks.len()];
    let mut alive: Vec<usize> = Vec::new();
    let mut total = 0;
    for i in order {
        let block = blocks[i];
        if block.len == 0 {
            continue;
        }
        alive.retain(|&j| blocks[j].end >= block.start);
        alive.sort_by_key(|&j| offsets[j]);
        let mut at = 0;
        for &j in &alive {
            if at + block.len <= offsets[j] {
                break;
            }
            at = at.max((offsets[j] + blocks[j].len).next_multiple_of(ALIGN));
        }
        offsets[i] = at;
        total = total.max(at + block.len);
        alive.push(i);
    }
    (offsets, total)
}

type Slices<'a, T> = SmallVec<[&'a [T]; 12]>;
type SlicesMut<'a, T> = SmallVec<[&'a mut [T]; 12]>;

/// Lends disjoint parts of one arena: `reads` (which may repeat one another) and `writes` (which
/// overlap nothing). Overlap is a planner's mistake and panics.
pub fn lend<'a, T>(
    arena: &'a mut [T],
    reads: &[Range<usize>],
    writes: &[Range<usize>],
) -> (Slices<'a, T>, SlicesMut<'a, T>) {
    let mut wanted: SmallVec<[(usize, usize, bool, usize); 24]> = SmallVec::new();
    wanted.extend(
        reads
            .iter()
            .enumerate()
            .map(|(i, r)| (r.start, r.end, false, i)),
    );
    wanted.extend(
        writes
            .iter()
            .enumerate()
            .map(|(i, r)| (r.start, r.end, true, i)),
    );
    wanted.retain(|w| w.0 < w.1);
    wanted.sort_unstable();
    let mut out_reads: Slices<'a, T> = smallvec::smallvec![&[] as &[T]; reads.len()];
    let mut out_writes: SlicesMut<'a, T> = writes.iter().map(|_| &mut [] as &mut [T]).collect();
    let (mut rest, mut taken) = (arena, 0);
    let mut last: Option<(usize, usize, &'a [T])> = None;
    for (start, end, write, index) in wanted {
        if let Some((s, e, slice)) = last
            && !write
            && (s, e) == (start, end)
        {
            out_reads[index] = slice;
            continue;
        }
        assert!(start >= taken, "arena: {start}..{end} overlaps a lent part");
        let (piece, after) = rest.split_at_mut(end - taken);
        let piece = &mut piece[start - taken..];
        (rest, taken) = (after, end);
        if write {
            out_writes[index] = piece;
            last = None;
        } else {
            let piece: &'a [T] = piece;
            out_reads[index] = piece;
            last = Some((start, end, piece));
        }
    }
    (out_reads, out_writes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_alive_together_never_overlap(
            spec in prop::collection::vec((0usize..20, 0usize..20, 0usize..100), 0..40)
        ) {
            let blocks: Vec<Block> = spec
                .into_iter()
                .map(|(a, b, len)| Block { start: a.min(b), end: a.max(b), len })
                .collect();
            let (offsets, total) = plan(&blocks);
            for (i, a) in blocks.iter().enumerate() {
                prop_assert!(a.len == 0 || offsets[i] + a.len <= total);
                for (j, b) in blocks.iter().enumerate().skip(i + 1) {
                    let together = a.start <= b.end && b.start <= a.end;
                    let apart = offsets[i] + a.len <= offsets[j]
                        || offsets[j] + b.len <= offsets[i];
                    prop_assert!(!together || apart || a.len == 0 || b.len == 0);
                }
            }
        }
    }

    #[test]
    fn lends_repeated_reads_and_separate_writes() {
        let mut arena: Vec<i32> = (0..10).collect();
        let (reads, mut writes) = lend(&mut arena, &[2..4, 6..8, 2..4], &[0..2, 8..10, 0..0]);
        assert_eq!(
            (reads[0], reads[1], reads[2]),
            (&[2, 3][..], &[6, 7][..], &[2, 3][..])
        );
        writes[1][0] = 80;
        writes[0][1] = 10;
        assert!(writes[2].is_empty());
        drop((reads, writes));
        assert_eq!((arena[1], arena[8]), (10, 80));
    }

    #[test]
    #[should_panic(expected = "overlaps")]
    #[allow(clippy::single_range_in_vec_init)] // lists of places, each of one
    fn a_read_under_a_write_is_refused() {
        lend(&mut [0; 4], &[0..2], &[1..3]);
    }
}
