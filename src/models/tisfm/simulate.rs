//! Simulated peaks with a planted grammar: known motifs drive known outputs.

use crate::dna::motif::Motif;
use crate::engine::Philox;
use crate::engine::params::STREAM_SIMULATE;

/// Factors and their binding sites as IUPAC consensus sequences.
const CONSENSUS: [(&str, &str); 24] = [
    ("EBF1", "ATTCCCNNGGGAAT"),
    ("SPI1", "AAAGAGGAAGTG"),
    ("RUNX1", "TTTGTGGTTT"),
    ("CEBPB", "ATTGCGCAAT"),
    ("TBX21", "AGGTGTGAAA"),
    ("GATA1", "AGATAAGA"),
    ("CTCF", "TGGCCACCAGGGGGCGCTA"),
    ("IRF4", "CGAAACCGAAACT"),
    ("JUN", "ATGACTCATC"),
    ("NRF1", "TGCGCATGCGCA"),
    ("SP1", "GGGGGCGGGGC"),
    ("HNF4A", "GGGTCAAAGGTCA"),
    ("TEAD4", "ACATTCCAGC"),
    ("MYC", "CCACGTGG"),
    ("CREB1", "TGACGTCA"),
    ("STAT3", "TTCCCGGAAG"),
    ("NFKB1", "GGGACTTTCC"),
    ("FOXA1", "TGTTTACTTT"),
    ("SOX2", "CCATTGTTC"),
    ("POU5F1", "ATGCAAAT"),
    ("E2F1", "TTTGGCGCC"),
    ("YY1", "CAAGATGGCGGC"),
    ("MEF2A", "CTAAAAATAG"),
    ("SRF", "CCATATTAGG"),
];

/// What the simulation plants: motif and its effect on each output.
pub const GRAMMAR: [(&str, [f64; 3]); 5] = [
    ("EBF1", [2.0, 0.0, 0.0]),
    ("SPI1", [1.0, 0.0, 1.5]),
    ("RUNX1", [0.0, 1.5, 0.0]),
    ("TBX21", [0.0, 1.5, 0.0]),
    ("CEBPB", [0.0, 0.0, 2.0]),
];
pub const OUTPUTS: [&str; 3] = ["B_cell", "T_cell", "monocyte"];

/// Share of each planted motif among the sequences, and of each motif without an effect.
const PLANTED: f64 = 0.25;
const NOISE: f64 = 0.3;
/// Probability of the consensus base.
const CORE: f64 = 0.94;

/// The motif collection that the simulation draws from.
pub fn motifs() -> Vec<Motif> {
    CONSENSUS
        .iter()
        .map(|(id, consensus)| Motif {
            id: (*id).to_string(),
            label: None,
            nsites: None,
            rows: consensus.chars().map(row).collect(),
        })
        .collect()
}

fn row(letter: char) -> [f64; 4] {
    match "ACGT".find(letter) {
        Some(base) => {
            let mut row = [(1.0 - CORE) / 3.0; 4];
            row[base] = CORE;
            row
        }
        None => [0.25; 4],
    }
}

/// Sequences and signals.
pub struct Simulation {
    pub names: Vec<String>,
    pub sequences: Vec<String>,
    /// rows x [`OUTPUTS`].
    pub signals: Vec<[f64; 3]>,
}

/// Draws `count` sequences of `length` bases: uniform bases, each motif in a quarter of them on
/// either strand at a place of its own, signals the sum of the planted effects plus normal noise.
pub fn simulate(count: usize, length: usize, seed: u64) -> Simulation {
    let philox = Philox::new(seed);
    let motifs = motifs();
    let widest = motifs.iter().map(|m| m.rows.len()).max().unwrap_or(1);
    let slots = (length / widest).max(1);
    let mut out = Simulation {
        names: Vec::new(),
        sequences: Vec::new(),
        signals: Vec::new(),
    };
    for index in 0..count {
        let stream = STREAM_SIMULATE + index as u64;
        let mut draw = 0;
        let mut uniform = || {
            draw += 1;
            philox.uniform(stream, draw)
        };
        let mut bases: Vec<u8> = (0..length).map(|_| (uniform() * 4.0) as u8).collect();
        let mut free: Vec<usize> = (0..slots).collect();
        let mut signal = [0.0; 3];
        for motif in &motifs {
            let effect = GRAMMAR
                .iter()
                .find(|(id, _)| *id == motif.id)
                .map(|(_, e)| e);
            // Motifs without an effect are planted as often: presence alone tells nothing.
            if uniform() >= PLANTED || free.is_empty() {
                continue;
            }
            let slot = free.swap_remove((uniform() * free.len() as f64) as usize);
            let slot = &mut bases[slot * widest..length.min((slot + 1) * widest)];
            // Anywhere in it: sites that begin where slots do would be found by their place alone.
            let room = slot.len() - motif.rows.len().min(slot.len()) + 1;
            let offset = (uniform() * room as f64) as usize;
            plant(&mut slot[offset..], motif, &mut uniform);
            for (s, e) in signal.iter_mut().zip(effect.into_iter().flatten()) {
                *s += e;
            }
        }
        for (o, s) in signal.iter_mut().enumerate() {
            *s += NOISE * philox.normal(stream, (1 << 32) + o as u64);
        }
        out.names.push(format!("peak_{}", index + 1));
        out.sequences.push(
            bases
                .iter()
                .map(|&b| char::from(b"ACGT"[usize::from(b.min(3))]))
                .collect(),
        );
        out.signals.push(signal);
    }
    out
}

/// Draws a site from the motif's matrix and writes it on a random strand.
fn plant(bases: &mut [u8], motif: &Motif, uniform: &mut impl FnMut() -> f64) {
    let reverse = uniform() < 0.5;
    let width = motif.rows.len().min(bases.len());
    for (i, row) in motif.rows.iter().take(width).enumerate() {
        let (mut at, mut base) = (uniform(), 0u8);
        while base < 3 && at >= row[usize::from(base)] {
            at -= row[usize::from(base)];
            base += 1;
        }
        let (place, base) = if reverse {
            (width - 1 - i, 3 - base)
        } else {
            (i, base)
        };
        bases[place] = base;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_peaks_and_the_grammar_names_known_motifs() {
        let (a, b) = (simulate(20, 150, 7), simulate(20, 150, 7));
        assert_eq!((a.sequences, a.signals), (b.sequences.clone(), b.signals));
        assert_ne!(simulate(20, 150, 8).sequences, b.sequences);
        assert!(b.sequences.iter().all(|s| s.len() == 150));
        let motifs = motifs();
        assert!(
            GRAMMAR
                .iter()
                .all(|(id, _)| motifs.iter().any(|m| m.id == *id))
        );
    }

    #[test]
    fn planted_motifs_raise_their_outputs() {
        let sim = simulate(4000, 150, 1);
        let site = "ATTGCGCAAT"; // CEBPB, its own reverse complement
        let mean = |with: bool| {
            let chosen: Vec<f64> = sim
                .sequences
                .iter()
                .zip(&sim.signals)
                .filter(|(s, _)| s.contains(site) == with)
                .map(|(_, v)| v[2])
                .collect();
            chosen.iter().sum::<f64>() / chosen.len() as f64
        };
        assert!(
            mean(true) - mean(false) > 1.2,
            "{} {}",
            mean(true),
            mean(false)
        );
    }
}
