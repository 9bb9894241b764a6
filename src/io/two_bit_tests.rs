use super::*;
use proptest::prelude::*;

/// A 2bit file of chromosomes by name and sequence, in lower case where it is soft-masked.
fn two_bit(chromosomes: &[(&str, &str)], number: fn(u32) -> [u8; 4]) -> Vec<u8> {
    let numbers = |list: &[u32]| list.iter().flat_map(|&n| number(n)).collect::<Vec<u8>>();
    let mut bytes = numbers(&[0x1a41_2743, 0, chromosomes.len() as u32, 0]);
    let index: usize = chromosomes.iter().map(|(name, _)| name.len() + 5).sum();
    let mut records = Vec::new();
    for (name, sequence) in chromosomes {
        bytes.push(name.len() as u8);
        bytes.extend(name.bytes());
        bytes.extend(number((16 + index + records.len()) as u32));
        records.extend(numbers(&[sequence.len() as u32]));
        for holds in [
            |b: u8| b.eq_ignore_ascii_case(&b'N'),
            |b: u8| b.is_ascii_lowercase(),
        ] {
            let (starts, lengths) = stretches(sequence.as_bytes(), holds);
            records.extend(numbers(&[starts.len() as u32]));
            records.extend(numbers(&starts));
            records.extend(numbers(&lengths));
        }
        records.extend(numbers(&[0]));
        records.extend(sequence.as_bytes().chunks(4).map(|four| {
            let bits = four.iter().zip([6, 4, 2, 0]);
            bits.fold(0, |byte, (base, shift)| {
                let code = b"TCAG".iter().position(|b| b.eq_ignore_ascii_case(base));
                byte | (code.unwrap_or(0) as u8) << shift
            })
        }));
    }
    bytes.extend(records);
    bytes
}

fn stretches(sequence: &[u8], holds: fn(u8) -> bool) -> (Vec<u32>, Vec<u32>) {
    let (mut starts, mut lengths) = (Vec::new(), Vec::<u32>::new());
    for (i, &base) in sequence.iter().enumerate() {
        match (holds(base), i > 0 && holds(sequence[i - 1])) {
            (true, true) => *lengths.last_mut().unwrap() += 1,
            (true, false) => {
                starts.push(i as u32);
                lengths.push(1);
            }
            (false, _) => {}
        }
    }
    (starts, lengths)
}

fn open(bytes: &[u8]) -> Result<Option<TwoBit>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.2bit");
    std::fs::write(&path, bytes).unwrap();
    TwoBit::open(&path)
}

fn message(bytes: &[u8]) -> String {
    open(bytes).err().unwrap().to_string()
}

fn encoded(sequence: &str) -> Vec<u8> {
    let mut codes = Vec::new();
    bases::encode(sequence, &mut codes).unwrap();
    codes
}

const TWO: [(&str, &str); 2] = [("chr1", "NNACGTacgtnnTTGCANN"), ("b", "acg")];

#[test]
fn both_byte_orders_give_the_bases_without_the_soft_mask() {
    for number in [u32::to_le_bytes, u32::to_be_bytes] {
        let mut genome = open(&two_bit(&TWO, number)).unwrap().unwrap();
        let chromosomes = [("chr1".to_string(), 19), ("b".to_string(), 3)];
        assert_eq!(genome.chromosomes(), chromosomes);
        for (name, sequence) in TWO {
            let all = encoded(sequence);
            assert_eq!(genome.codes(name, 0..all.len() as u64).unwrap(), all);
            for start in 0..all.len() {
                for end in start..=all.len() {
                    let part = genome.codes(name, start as u64..end as u64).unwrap();
                    assert_eq!(part, all[start..end], "{name}:{start}-{end}");
                }
            }
        }
        assert!(genome.codes("c", 0..1).is_err());
    }
    assert!(open(b">chr1\nACGT\n").unwrap().is_none() && open(b"").unwrap().is_none());
}

#[test]
fn a_damaged_file_says_what_is_wrong() {
    let whole = two_bit(&TWO, u32::to_le_bytes);
    for length in 4..whole.len() {
        let found = message(&whole[..length]);
        assert!(found.contains("truncated 2bit file"), "{length}: {found}");
    }
    let with = |place: usize, value: u32| {
        let mut bytes = whole.clone();
        bytes[place..place + 4].copy_from_slice(&value.to_le_bytes());
        message(&bytes)
    };
    // The header, the index, and the first record after them: length, count of N, their starts and lengths.
    let record = 16 + (4 + 5) + (1 + 5);
    for (place, value, expected) in [
        (4, 1, "2bit of version 1; expected version 0"),
        (8, 0, "it lists no chromosome"),
        (8, u32::MAX, "2bit file"),
        (21, u32::MAX, "truncated 2bit file"),
        (record, u32::MAX, "truncated 2bit file"),
        (
            record,
            15,
            "a stretch of N from base 17 of 'chr1' on, which has 15, lies past its end",
        ),
        (record + 4, u32::MAX, "truncated 2bit file"),
        (record + 12, 0, "lies past its end or over another"),
        (record + 20, u32::MAX, "lies past its end or over another"),
    ] {
        let found = with(place, value);
        assert!(found.contains(expected), "{found}\n  expected: {expected}");
    }
    let same = two_bit(&[("a", "ACGT"), ("a", "ACGT")], u32::to_le_bytes);
    assert!(message(&same).contains("chromosome 'a' comes twice"));
    // Many chromosomes in one place.
    let mut shared = two_bit(&[("a", "N"), ("b", &"NA".repeat(50))], u32::to_le_bytes);
    let place = shared[24..28].to_vec();
    shared[18..22].copy_from_slice(&place);
    assert!(message(&shared).contains("overlap"));
}

proptest! {
    #[test]
    fn no_damage_makes_the_reader_panic(place in 4_usize..120, value in any::<u8>(), other in 4_usize..120, byte in any::<u8>()) {
        let mut bytes = two_bit(&TWO, u32::to_be_bytes);
        for (place, value) in [(place, value), (other, byte)] {
            if let Some(at) = bytes.get_mut(place) {
                *at = value;
            }
        }
        if let Ok(Some(mut genome)) = open(&bytes) {
            for (name, length) in genome.chromosomes().to_vec() {
                prop_assert_eq!(genome.codes(&name, 0..length.into()).unwrap().len(), length as usize);
            }
        }
    }
}
