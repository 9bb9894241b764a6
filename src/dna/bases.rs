//! DNA as small codes.

use std::fmt;

/// The code of N and of every other ambiguity letter: no base, all four channels zero.
pub const N: u8 = 4;

const INVALID: u8 = 0xff;

const CODES: [u8; 256] = {
    let mut table = [INVALID; 256];
    let mut set = 0;
    let sets: [&[u8]; 5] = [b"Aa", b"Cc", b"Gg", b"Tt", b"NnRrYySsWwKkMmBbDdHhVv"];
    while set < sets.len() {
        let mut i = 0;
        while i < sets[set].len() {
            table[sets[set][i] as usize] = set as u8;
            i += 1;
        }
        set += 1;
    }
    table
};

/// The share of G and C among the known bases of codes; `None` where none is known.
pub fn gc_share(codes: &[u8]) -> Option<f64> {
    let known = codes.iter().filter(|&&code| code < N).count();
    let gc = codes.iter().filter(|&&code| code == 1 || code == 2).count();
    (known > 0).then(|| gc as f64 / known as f64)
}

/// Which strand of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strand {
    Forward,
    Reverse,
}

impl fmt::Display for Strand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Strand::Forward => "+",
            Strand::Reverse => "-",
        })
    }
}

/// A character that is no base and no ambiguity code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotDna {
    pub letter: char,
    /// Its place in the text, counted from 0.
    pub position: usize,
}

impl fmt::Display for NotDna {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rna = match self.letter {
            'U' | 'u' => " (RNA? write T)",
            _ => "",
        };
        write!(
            f,
            "{:?} at base {} is not DNA{rna}; expected A, C, G, T, N or another IUPAC letter",
            self.letter,
            self.position + 1
        )
    }
}

/// The code of a letter: 0 to 3 for A, C, G, T, [`N`] for the other IUPAC letters of DNA, either
/// case; `None` for anything else.
pub fn code(letter: u8) -> Option<u8> {
    Some(CODES[letter as usize]).filter(|&code| code != INVALID)
}

/// The upper-case letter of a code; anything above 3 is N.
pub fn letter(code: u8) -> u8 {
    b"ACGTN"[code.min(N) as usize]
}

/// Appends the codes of `text` to `codes`; on an error `codes` is as before.
pub fn encode(text: impl AsRef<[u8]>, codes: &mut Vec<u8>) -> Result<(), NotDna> {
    let text = text.as_ref();
    let start = codes.len();
    codes.extend(text.iter().map(|&b| CODES[b as usize]));
    match codes[start..].iter().position(|&code| code == INVALID) {
        None => Ok(()),
        Some(position) => {
            codes.truncate(start);
            // Bytes before it are all DNA letters, so it begins a character, of 4 bytes at most.
            let rest = &text[position..text.len().min(position + 4)];
            let letter = String::from_utf8_lossy(rest).chars().next();
            Err(NotDna {
                letter: letter.unwrap_or(char::REPLACEMENT_CHARACTER),
                position,
            })
        }
    }
}

/// The code of the opposite base; N stays N.
pub fn complement(code: u8) -> u8 {
    if code < N { 3 - code } else { N }
}

/// Turns codes into those of the opposite strand, in place.
pub fn reverse_complement(codes: &mut [u8]) {
    codes.reverse();
    for code in codes {
        *code = complement(*code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn codes(text: &str) -> Result<Vec<u8>, NotDna> {
        let mut codes = Vec::new();
        encode(text, &mut codes).map(|()| codes)
    }

    #[test]
    fn the_order_is_acgt_and_lower_case_is_sequence() {
        assert_eq!(codes("ACGTacgt").unwrap(), [0, 1, 2, 3, 0, 1, 2, 3]);
    }

    #[test]
    fn every_ambiguity_letter_is_n() {
        assert_eq!(codes("NRYSWKMBDHVnryswkmbdhv").unwrap(), [N; 22]);
    }

    #[test]
    fn any_other_character_is_an_error_with_its_place() {
        for (text, letter, position) in [
            ("ACX", 'X', 2),
            ("A-", '-', 1),
            ("é", 'é', 0),
            ("AC G", ' ', 2),
        ] {
            assert_eq!(codes(text), Err(NotDna { letter, position }));
        }
        let message = codes("ACGU").unwrap_err().to_string();
        assert!(
            message.starts_with("'U' at base 4 is not DNA (RNA? write T)"),
            "{message}"
        );
    }

    #[test]
    fn a_failed_encode_adds_nothing() {
        let mut codes = vec![1, 2];
        assert!(encode("AC!", &mut codes).is_err());
        assert_eq!(codes, [1, 2]);
    }

    #[test]
    fn the_reverse_complement_is_the_other_strand_read_backwards() {
        let mut sequence = codes("AACGTN").unwrap();
        reverse_complement(&mut sequence);
        let text: Vec<u8> = sequence.iter().map(|&c| letter(c)).collect();
        assert_eq!(text, b"NACGTT");
    }

    proptest! {
        #[test]
        fn twice_reversed_is_the_same(mut sequence in prop::collection::vec(0_u8..5, 0..50)) {
            let before = sequence.clone();
            reverse_complement(&mut sequence);
            reverse_complement(&mut sequence);
            prop_assert_eq!(sequence, before);
        }

        #[test]
        fn any_text_is_encoded_or_refused(text in any::<String>()) {
            match codes(&text) {
                Ok(codes) => prop_assert_eq!(codes.len(), text.len()),
                Err(e) => prop_assert!(text[e.position..].starts_with(e.letter)),
            }
        }
    }
}
